/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keeper answers a forwarder whose target is a parent spool, and a
 * person at the control socket.
 */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/codec/ctl.h"
#include "tests/component/keeper_rig.h"
#include "tests/helpers/cmocka_all.h"

#define BATCHES 3 /* of ten records each */

static int
setup(void **state)
{
	struct keeper_rig *r;

	keeper_rig_setup(state);
	r = *state;
	r->targets[0] = "parent";
	return 0;
}

static void
await_state(struct keeper_peer *p)
{
	do
		assert_true(keeper_peer_next(p));
	while (p->msg.type != IPC_TARGET_STATE);
}

static void
the_digest_of_the_batch_that_ends_at_a_record_is_told(void **state)
{
	struct keeper_rig *r = *state;
	struct ipc_msg m = {.type = IPC_DIGEST_QUERY};
	struct keeper_peer out;

	keeper_rig_start_with(r, BATCHES);
	keeper_rig_forwarder(r, "parent", &out);
	keeper_peer_target(&out, "parent");
	m.u.digest.last_rec = 20;
	keeper_peer_send(&out, &m);
	keeper_peer_expect(&out, IPC_DIGEST);
	assert_true(out.msg.u.digest.found);
	assert_int_equal(out.msg.u.digest.first_rec, 11);
	m.u.digest.last_rec = 15; /* no batch ends there */
	keeper_peer_send(&out, &m);
	keeper_peer_expect(&out, IPC_DIGEST);
	assert_false(out.msg.u.digest.found);
	m.u.digest.last_rec = 999;
	keeper_peer_send(&out, &m);
	keeper_peer_expect(&out, IPC_DIGEST);
	assert_false(out.msg.u.digest.found);
	keeper_peer_close(&out);
}

static void
a_new_incarnation_is_durable_before_it_is_told(void **state)
{
	struct keeper_rig *r = *state;
	struct ipc_msg m = {.type = IPC_NEW_INCARNATION};
	struct uuid first, second;
	struct keeper_peer out;

	keeper_rig_start_with(r, BATCHES);
	keeper_rig_forwarder(r, "parent", &out);
	keeper_peer_target(&out, "parent");
	first = out.msg.u.target_state.incarnation;
	m.u.incarnation.why = bytes_of_str("a digest differs");
	keeper_peer_send(&out, &m);
	await_state(&out);
	second = out.msg.u.target_state.incarnation;
	assert_false(uuid_equal(&first, &second));
	keeper_rig_kill(r);
	keeper_peer_close(&out);
	keeper_rig_start(r, 0);
	keeper_rig_forwarder(r, "parent", &out);
	keeper_peer_target(&out, "parent");
	assert_true(uuid_equal(&out.msg.u.target_state.incarnation, &second));
	keeper_peer_close(&out);
}

static void
what_a_parent_lost_is_owed_again_and_alarms(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer out;

	keeper_rig_start_with(r, BATCHES);
	keeper_rig_take(r, "parent", &out, BATCHES);
	keeper_peer_settle(&out, 1, 31, ENTRY_TERM_DELIVERED);
	keeper_rig_wait_target(r, "parent", "pending", 0);
	keeper_peer_lost(&out, (struct iv){11, 21}, (struct iv){11, 21});
	await_state(&out);
	keeper_peer_stored(&out);
	assert_int_equal(out.msg.u.stored.first_rec, 11);
	assert_int_equal(keeper_rig_target(r, "parent", "pending"), 10);
	assert_int_equal(keeper_rig_target(r, "parent", "delivered"), 20);
	keeper_rig_prove(r);
	keeper_rig_kill(r);
	keeper_peer_close(&out);
	keeper_rig_start(r, 0);
	assert_int_equal(keeper_rig_target(r, "parent", "pending"), 10);
	keeper_rig_prove(r);
}

static void
a_forwarder_that_says_what_cannot_be_is_cut_off(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer out;

	keeper_rig_start_with(r, BATCHES);
	keeper_rig_forwarder(r, "parent", &out);
	keeper_peer_target(&out, "parent");
	keeper_peer_settle(&out, 1, 99, ENTRY_TERM_DELIVERED);
	assert_false(keeper_peer_next(&out));
	keeper_peer_close(&out);
	assert_int_equal(keeper_rig_target(r, "parent", "pending"), 30);
	keeper_rig_forwarder(r, "parent", &out);
	keeper_peer_target(&out, "parent");
	keeper_peer_settle(&out, 1, 11, ENTRY_TERM_SHED); /* not its to give */
	assert_false(keeper_peer_next(&out));
	keeper_peer_close(&out);
	assert_int_equal(keeper_rig_target(r, "parent", "pending"), 30);
}

static void
a_target_that_takes_nothing_gets_its_window_and_no_more(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer out;

	keeper_rig_start_with(r, BATCHES);
	keeper_rig_forwarder(r, "parent", &out);
	keeper_peer_target(&out, "parent");
	keeper_peer_work(&out, 1 << 20, 2);
	keeper_peer_stored(&out);
	keeper_peer_stored(&out);
	keeper_peer_silent(&out, 100);
	keeper_peer_settle(&out, 1, 11, ENTRY_TERM_DELIVERED);
	keeper_peer_stored(&out);
	assert_int_equal(out.msg.u.stored.first_rec, 21);
	keeper_peer_close(&out);
}

/* What prove counts for the first target; it is the only one. */
static int64_t
counted_backlog(struct keeper_rig *r)
{
	json_t *result = keeper_rig_result(r, "prove", NULL), *row;
	int64_t bytes = -1;
	size_t i;

	json_array_foreach(json_object_get(result, "equations"), i, row)
	{
		json_t *terms = json_object_get(row, "terms");

		if (json_object_get(terms, "backlog_bytes"))
			bytes = json_integer_value(
			    json_object_get(terms, "backlog_bytes"));
	}
	json_decref(result);
	return bytes;
}

/* Three batches of ten records; each is owed whole until all of it is taken. */
static void
a_backlog_has_the_bytes_of_each_batch_that_is_owed_something(void **state)
{
	static const struct {
		uint64_t from, to;
		unsigned thirds;
	} row[] = {{12, 15, 3}, {1, 3, 3}, {17, 23, 3}, {3, 12, 2}, {26, 28, 2},
	    {15, 17, 1}, {23, 26, 1}, {28, 31, 0}};
	struct keeper_rig *r = *state;
	struct keeper_peer out;
	int64_t all;
	size_t i;

	keeper_rig_start_with(r, BATCHES);
	all = counted_backlog(r);
	assert_true(all > 0 && all % 3 == 0);
	keeper_rig_wait_target(r, "parent", "backlog_bytes", all);
	keeper_rig_take(r, "parent", &out, BATCHES);
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		keeper_peer_settle(
		    &out, row[i].from, row[i].to, ENTRY_TERM_DELIVERED);
		keeper_rig_wait_target(r, "parent", "backlog_bytes",
		    all / 3 * (int64_t)row[i].thirds);
	}
	keeper_rig_wait_target(r, "parent", "pending", 0);
	assert_int_equal(counted_backlog(r), 0);
	keeper_peer_close(&out);
}

/* ---- the control socket ---- */

/* What is said until the end of the connection, or of one answer. */
static json_t *
hear(int fd, unsigned *streams, unsigned *batches)
{
	struct ctl_frame f;
	json_t *answer = NULL;
	struct buf in;
	uint8_t *to;
	size_t used;
	ssize_t n;

	buf_init(&in, CTL_ANSWER_MAX * 2);
	*streams = *batches = 0;
	while (!answer) {
		to = buf_reserve(&in, 4096);
		n = recv(fd, to, 4096, 0);
		if (n <= 0)
			break;
		buf_claim(&in, (size_t)n);
		while (!answer &&
		    !ctl_next(buf_bytes(&in), CTL_ANSWER_MAX, &f, &used)) {
			*streams += f.kind == CTL_STREAM;
			*batches += f.kind == CTL_BATCH;
			if (f.kind == CTL_JSON)
				answer = json_loadb((const char *)f.payload.ptr,
				    f.payload.len, 0, NULL);
			buf_consume(&in, used);
		}
	}
	buf_fini(&in);
	return answer;
}

static void
say(int fd, const char *json)
{
	struct buf out;

	buf_init(&out, CTL_ANSWER_MAX);
	ctl_put(&out, CTL_JSON, bytes_of_str(json));
	assert_int_equal(send(fd, buf_ptr(&out), out.len, 0), out.len);
	buf_fini(&out);
}

static void
expect_error(int fd, const char *json, const char *code)
{
	unsigned streams, batches;
	json_t *answer, *error;

	say(fd, json);
	answer = hear(fd, &streams, &batches);
	error = json_object_get(answer, "error");
	assert_string_equal(
	    json_string_value(json_object_get(error, "code")), code);
	assert_true(json_is_integer(json_object_get(error, "exit")));
	json_decref(answer);
}

static void
a_request_that_is_none_is_answered_so_and_ends_the_connection(void **state)
{
	static const char *const bad[] = {"nothing", "[1]", "{}",
	    "{\"v\":2,\"verb\":\"status\"}",
	    "{\"v\":1,\"v\":1,\"verb\":\"status\"}"};
	struct keeper_rig *r = *state;
	uint8_t huge[CTL_HEADER_SIZE] = {0x7f, 0, 0, 0, CTL_JSON};
	unsigned streams, batches;
	json_t *answer;
	size_t i;
	int fd;

	keeper_rig_start(r, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fd = keeper_rig_call(r);
		expect_error(fd, bad[i], "REQUEST_MALFORMED");
		assert_null(hear(fd, &streams, &batches));
		close(fd);
	}
	fd = keeper_rig_call(r);
	assert_int_equal(send(fd, huge, sizeof(huge), 0), sizeof(huge));
	answer = hear(fd, &streams, &batches);
	assert_non_null(answer);
	json_decref(answer);
	close(fd);
	/* An unknown verb is an answer, and the connection goes on. */
	fd = keeper_rig_call(r);
	expect_error(fd, "{\"v\":1,\"verb\":\"dance\"}", "VERB_UNKNOWN");
	expect_error(fd, "{\"v\":1,\"verb\":\"target\",\"args\":{}}",
	    "ARGUMENT_MISSING");
	expect_error(fd,
	    "{\"v\":1,\"verb\":\"target\",\"args\":{\"name\":\"x\"}}",
	    "TARGET_UNKNOWN");
	close(fd);
}

static void
the_17th_connection_is_told_to_come_again(void **state)
{
	struct keeper_rig *r = *state;
	int fd[17], i;
	unsigned streams, batches;
	json_t *answer, *error;

	keeper_rig_start(r, 0);
	for (i = 0; i < 16; i++) {
		fd[i] = keeper_rig_call(r);
		expect_error(fd[i], "{\"v\":1,\"verb\":\"x\"}", "VERB_UNKNOWN");
	}
	fd[16] = keeper_rig_call(r);
	answer = hear(fd[16], &streams, &batches);
	error = json_object_get(answer, "error");
	assert_string_equal(
	    json_string_value(json_object_get(error, "code")), "CONTROL_BUSY");
	json_decref(answer);
	for (i = 0; i < 17; i++)
		close(fd[i]);
}

static void
a_peek_shows_as_many_records_as_were_asked_for(void **state)
{
	struct keeper_rig *r = *state;
	unsigned streams, batches;
	json_t *answer, *result;
	int fd;

	keeper_rig_start_with(r, BATCHES);
	fd = keeper_rig_call(r);
	say(fd, "{\"v\":1,\"verb\":\"queue.peek\",\"args\":{\"limit\":15}}");
	answer = hear(fd, &streams, &batches);
	result = json_object_get(answer, "result");
	assert_int_equal(streams, 1);
	assert_int_equal(batches, 2);
	assert_int_equal(
	    json_integer_value(json_object_get(result, "records")), 15);
	assert_int_equal(
	    json_integer_value(json_object_get(result, "next_rec")), 16);
	assert_true(json_is_true(json_object_get(result, "more")));
	json_decref(answer);
	say(fd,
	    "{\"v\":1,\"verb\":\"queue.peek\",\"args\":{\"limit\":99,"
	    "\"from_rec\":25,\"target\":\"parent\"}}");
	answer = hear(fd, &streams, &batches);
	result = json_object_get(answer, "result");
	assert_int_equal(
	    json_integer_value(json_object_get(result, "records")), 6);
	assert_false(json_is_true(json_object_get(result, "more")));
	json_decref(answer);
	close(fd);
}

static void
streams_and_segments_are_shown(void **state)
{
	struct keeper_rig *r = *state;
	unsigned streams, batches;
	json_t *answer;
	int fd;

	keeper_rig_start_with(r, BATCHES);
	fd = keeper_rig_call(r);
	say(fd, "{\"v\":1,\"verb\":\"streams\",\"args\":{}}");
	answer = hear(fd, &streams, &batches);
	assert_int_equal(streams, 1);
	json_decref(answer);
	say(fd,
	    "{\"v\":1,\"verb\":\"streams\",\"args\":{\"listener\":\"no\"}}");
	answer = hear(fd, &streams, &batches);
	assert_int_equal(streams, 0);
	json_decref(answer);
	say(fd, "{\"v\":1,\"verb\":\"store\"}");
	answer = hear(fd, &streams, &batches);
	assert_int_equal(json_array_size(json_object_get(
			     json_object_get(answer, "result"), "segments")),
	    1);
	json_decref(answer);
	say(fd, "{\"v\":1,\"verb\":\"queue.ls\"}");
	answer = hear(fd, &streams, &batches);
	assert_int_equal(json_array_size(json_object_get(
			     json_object_get(answer, "result"), "queues")),
	    1);
	json_decref(answer);
	close(fd);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, keeper_rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_digest_of_the_batch_that_ends_at_a_record_is_told),
	    TEST(a_new_incarnation_is_durable_before_it_is_told),
	    TEST(what_a_parent_lost_is_owed_again_and_alarms),
	    TEST(a_forwarder_that_says_what_cannot_be_is_cut_off),
	    TEST(a_target_that_takes_nothing_gets_its_window_and_no_more),
	    TEST(a_backlog_has_the_bytes_of_each_batch_that_is_owed_something),
	    TEST(a_request_that_is_none_is_answered_so_and_ends_the_connection),
	    TEST(the_17th_connection_is_told_to_come_again),
	    TEST(a_peek_shows_as_many_records_as_were_asked_for),
	    TEST(streams_and_segments_are_shown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
