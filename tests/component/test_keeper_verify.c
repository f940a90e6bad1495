/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real keeper verifies with a worker that is played by the test: what it
 * says is told, what it dies of is found, and only one has it at a time.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/component/keeper_rig.h"
#include "tests/helpers/cmocka_all.h"

#define BATCHES 3

/* A verify under way: another process asks, and hands its answer back. */
struct asked {
	pid_t pid;
	FILE *answer;
};

static int
setup(void **state)
{
	struct keeper_rig *r;

	keeper_rig_setup(state);
	r = *state;
	r->targets[1] = "other";
	keeper_rig_start_with(r, BATCHES);
	return 0;
}

static struct asked
ask(struct keeper_rig *r)
{
	struct asked a;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	a.pid = fork();
	assert_true(a.pid >= 0);
	if (!a.pid) {
		json_t *whole = keeper_rig_ask(r, "verify", NULL);

		_exit(json_dumpfd(whole, fds[1], 0) ? 1 : 0);
	}
	close(fds[1]);
	a.answer = fdopen(fds[0], "r");
	assert_non_null(a.answer);
	return a;
}

/* "result" or "error" of what came back; the caller owns it. */
static json_t *
answer(struct asked *a, const char *part)
{
	json_t *whole = json_loadf(a->answer, 0, NULL);
	json_t *result = json_incref(json_object_get(whole, part));
	int status;

	assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
	assert_int_equal(status, 0);
	assert_non_null(result);
	json_decref(whole);
	fclose(a->answer);
	return result;
}

static json_int_t
number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* Wait for the question about these ten records; returns its id. */
static uint64_t
question(struct keeper_peer *p)
{
	keeper_peer_expect(p, IPC_INSPECT);
	assert_int_equal(p->msg.u.inspect.records, 10);
	assert_true(p->msg.u.inspect.ranges.len);
	assert_true(p->msg.u.inspect.payload.len);
	return p->msg.u.inspect.id;
}

static void
say(struct keeper_peer *p, uint64_t id, enum ipc_inspect_code code,
    const char *text)
{
	struct ipc_msg m = {.type = IPC_INSPECTED};

	m.u.inspected.id = id;
	m.u.inspected.code = (uint8_t)code;
	m.u.inspected.text = bytes_of_str(text);
	keeper_peer_send(p, &m);
}

static void
what_the_worker_says_of_each_batch_is_told(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer w;
	struct asked a = ask(r);
	uint64_t id[BATCHES];
	json_t *o, *bad;

	keeper_rig_worker(r, &w); /* it waits for one */
	for (size_t i = 0; i < BATCHES; i++)
		id[i] = question(&w);
	keeper_rig_refused(r, "verify", NULL, "VERIFY_RUNNING");
	say(&w, id[0], IPC_INSPECT_HOLDS, "");
	say(&w, id[1], IPC_INSPECT_BROKEN, "content digest");
	say(&w, id[2], IPC_INSPECT_CANNOT_TELL, "no memory");
	o = answer(&a, "result");
	assert_true(json_is_false(json_object_get(o, "ok")));
	assert_int_equal(number(o, "records"), 30);
	assert_int_equal(number(o, "inspected"), 2);
	assert_int_equal(number(o, "unchecked"), 1);
	assert_int_equal(json_array_size(json_object_get(o, "bad")), 1);
	bad = json_array_get(json_object_get(o, "bad"), 0);
	assert_int_equal(number(bad, "batch"), id[1]);
	assert_int_equal(number(bad, "rec"), 11);
	assert_int_equal(number(bad, "records"), 10);
	assert_string_equal(
	    json_string_value(json_object_get(bad, "text")), "content digest");
	json_decref(o);
	/* The same worker serves the next one, and what holds is said so. */
	a = ask(r);
	for (size_t i = 0; i < BATCHES; i++)
		say(&w, question(&w), IPC_INSPECT_HOLDS, "");
	o = answer(&a, "result");
	assert_true(json_is_true(json_object_get(o, "ok")));
	assert_int_equal(number(o, "inspected"), BATCHES);
	json_decref(o);
	keeper_peer_close(&w);
}

static void
a_worker_that_dies_once_is_asked_again(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer w;
	struct asked a;
	uint64_t second;
	json_t *o;

	keeper_rig_worker(r, &w);
	keeper_peer_close(&w); /* while nobody asks */
	a = ask(r);
	keeper_rig_worker(r, &w);
	say(&w, question(&w), IPC_INSPECT_HOLDS, "");
	second = question(&w);
	keeper_peer_close(&w);
	keeper_rig_worker(r, &w);
	assert_int_equal(question(&w), second);
	say(&w, second, IPC_INSPECT_HOLDS, "");
	say(&w, question(&w), IPC_INSPECT_HOLDS, "");
	o = answer(&a, "result");
	assert_true(json_is_true(json_object_get(o, "ok")));
	assert_int_equal(number(o, "inspected"), BATCHES);
	json_decref(o);
	keeper_peer_close(&w);
}

static void
a_batch_that_two_workers_die_of_is_damage_and_the_rest_goes_on(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer w;
	struct asked a = ask(r);
	json_t *o, *bad;

	keeper_rig_worker(r, &w);
	say(&w, question(&w), IPC_INSPECT_HOLDS, "");
	question(&w);
	keeper_peer_close(&w);
	keeper_rig_worker(r, &w);
	/* An answer to what was not asked is no better than a death. */
	say(&w, question(&w) + 1, IPC_INSPECT_HOLDS, "");
	while (keeper_peer_next(&w))
		;
	keeper_peer_close(&w);
	keeper_rig_worker(r, &w);
	say(&w, question(&w), IPC_INSPECT_HOLDS, "");
	o = answer(&a, "result");
	assert_true(json_is_false(json_object_get(o, "ok")));
	assert_int_equal(number(o, "inspected"), BATCHES);
	assert_int_equal(json_array_size(json_object_get(o, "bad")), 1);
	bad = json_array_get(json_object_get(o, "bad"), 0);
	assert_int_equal(number(bad, "rec"), 11);
	assert_string_equal(json_string_value(json_object_get(bad, "text")),
	    "the worker does not survive it");
	json_decref(o);
	keeper_peer_close(&w);
}

static void
report(struct keeper_peer *p, uint64_t from, uint64_t to)
{
	struct ipc_msg m = {.type = IPC_UNREADABLE};

	m.u.unreadable.from = from;
	m.u.unreadable.to = to;
	m.u.unreadable.why = bytes_of_str("no frame");
	keeper_peer_send(p, &m);
}

static void
expect_hole(struct keeper_peer *p, uint64_t from, uint64_t to)
{
	keeper_peer_expect(p, IPC_HOLE);
	assert_int_equal(p->msg.u.interval.from, from);
	assert_int_equal(p->msg.u.interval.to, to);
	assert_int_equal(p->msg.u.interval.reason, ENTRY_SKIP_QUARANTINED);
}

static void
expect_judged(struct keeper_peer *p, enum ipc_inspect_code code)
{
	keeper_peer_expect(p, IPC_JUDGED);
	assert_int_equal(p->msg.u.judged.from, 21);
	assert_int_equal(p->msg.u.judged.to, 31);
	assert_int_equal(p->msg.u.judged.code, code);
}

static void
what_a_forwarder_cannot_unpack_is_judged_by_the_worker(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer w, out, other;

	keeper_rig_worker(r, &w);
	keeper_rig_take(r, "archive", &out, BATCHES);
	keeper_rig_take(r, "other", &other, BATCHES);
	report(&out, 11, 21);
	say(&w, question(&w), IPC_INSPECT_BROKEN, "content digest");
	/* It is settled for both, and the rest comes anew. */
	expect_hole(&out, 11, 21);
	expect_hole(&other, 11, 21);
	keeper_peer_expect(&out, IPC_TARGET_STATE);
	keeper_peer_expect(&out, IPC_CONTROL);
	assert_int_equal(out.msg.u.control.what, IPC_CONTROL_RETRY);
	keeper_peer_stored(&out);
	assert_int_equal(out.msg.u.stored.first_rec, 1);
	keeper_peer_stored(&out);
	assert_int_equal(out.msg.u.stored.first_rec, 21);
	assert_int_equal(keeper_rig_target(r, "archive", "quarantined"), 10);
	assert_int_equal(keeper_rig_target(r, "other", "quarantined"), 10);
	/* What the other says of it needs no worker. */
	report(&other, 11, 21);
	keeper_peer_expect(&other, IPC_TARGET_STATE);
	/* It is not believed: here the worker knows better. */
	report(&out, 21, 31);
	say(&w, question(&w), IPC_INSPECT_HOLDS, "");
	expect_judged(&out, IPC_INSPECT_HOLDS);
	report(&out, 21, 31);
	say(&w, question(&w), IPC_INSPECT_CANNOT_TELL, "no memory");
	expect_judged(&out, IPC_INSPECT_CANNOT_TELL);
	assert_int_equal(keeper_rig_target(r, "archive", "pending"), 20);
	keeper_rig_prove(r);
	keeper_peer_close(&out);
	keeper_peer_close(&other);
	keeper_peer_close(&w);
}

static void
a_stop_does_not_wait_for_the_worker(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer w;
	struct asked a = ask(r);
	json_t *error;

	keeper_rig_worker(r, &w);
	question(&w);
	assert_int_equal(keeper_rig_stop(r), 0);
	error = answer(&a, "error");
	assert_string_equal(json_string_value(json_object_get(error, "code")),
	    "DAEMON_STOPPING");
	json_decref(error);
	keeper_peer_close(&w);
	keeper_rig_start(r, 1);
	keeper_rig_prove(r);
}

int
main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, keeper_rig_teardown)
	static const struct CMUnitTest tests[] = {
	    TEST(what_the_worker_says_of_each_batch_is_told),
	    TEST(a_worker_that_dies_once_is_asked_again),
	    TEST(
		a_batch_that_two_workers_die_of_is_damage_and_the_rest_goes_on),
	    TEST(what_a_forwarder_cannot_unpack_is_judged_by_the_worker),
	    TEST(a_stop_does_not_wait_for_the_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
