/* SPDX-License-Identifier: Apache-2.0 */
/* A pump between a keeper that is played and a target that is scripted. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "forwarder/pump.h"
#include "lib/base/log.h"
#include "lib/link/chan.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/unit/forwarder/peer.h"
#include "tests/unit/forwarder/scripted_target.h"

#define BATCH 10u
struct fixture {
	struct loop *loop;
	struct pump *pump;
	struct peer peer;
	struct target *t;
};

static void
connect_keeper(struct fixture *f)
{
	int fd;

	peer_again(&f->peer, &fd);
	pump_connect(f->pump, fd);
	while (peer_turn(&f->peer, PEER_WAIT_MS) != IPC_TARGET)
		;
}

static void
begin(struct fixture *f)
{
	struct kv *kv;
	int fd;

	memset(f, 0, sizeof(*f));
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(kv_new(&kv), 0);
	kv_add_u64(kv, "retry_max", 100);
	assert_int_equal(pump_new_of(&scripted_target_class, f->loop, "far", kv,
			     -1, &f->pump),
	    0);
	kv_free(kv);
	f->t = scripted_target_last();
	peer_init(&f->peer, f->loop, &fd);
	close(fd);
	connect_keeper(f);
}

static void
greet(struct fixture *f)
{
	peer_state(&f->peer);
	peer_stream(&f->peer, 1, "one");
	peer_stream(&f->peer, 2, "two");
	while (peer_turn(&f->peer, PEER_WAIT_MS) != IPC_WORK)
		;
}

static void
end(struct fixture *f)
{
	pump_free(f->pump);
	loop_free(f->loop);
	peer_fini(&f->peer);
}

/* Turn until the target's calls have this in them. */
struct wish {
	struct target *t;
	const char *calls;
};

static bool
has_calls(void *arg)
{
	struct wish *w = arg;

	return strstr(w->t->calls, w->calls);
}

static void
until_calls(struct fixture *f, const char *calls)
{
	struct wish w = {f->t, calls};

	peer_until(&f->peer, has_calls, &w);
}

static void
send_batches(struct fixture *f, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++)
		peer_batch(&f->peer, 1 + i * BATCH, BATCH, false);
}

static void
settle(struct fixture *f, uint64_t from, uint64_t to)
{
	target_host_settle(f->t->host, ENTRY_TERM_DELIVERED, from, to, NULL);
}

static void
fail_it(struct fixture *f, enum target_verdict verdict, const char *code)
{
	target_host_fail(f->t->host, verdict, code, "a sentence", 0);
}

/* ---- tests -------------------------------------------------------------- */

static void
nothing_happens_before_the_keeper_has_told_the_state(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (int i = 0; i < 5; i++)
		peer_turn(&f.peer, 5);
	assert_string_equal(f.t->calls, "");
	greet(&f);
	until_calls(&f, "reset state start ");
	end(&f);
}

static void
batches_go_once_in_order_and_idle_is_told(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	greet(&f);
	f.t->settles = true;
	send_batches(&f, 0, 3);
	peer_until_settled(&f.peer, 1, 1 + 3 * BATCH);
	until_calls(&f, "send:1 idle send:11 idle send:21 idle ");
	assert_string_equal(f.t->calls,
	    "reset state start send:1 idle send:11 idle send:21 idle ");
	end(&f);
}

static void
a_target_that_has_no_room_is_asked_again_when_it_says_more(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	greet(&f);
	f.t->room = 1;
	send_batches(&f, 0, 3);
	until_calls(&f, "send:1 idle again:11 ");
	f.t->room = 5;
	f.t->calls[0] = '\0';
	for (int i = 0; i < 5; i++)
		peer_turn(&f.peer, 5);
	assert_string_equal(f.t->calls, "");
	target_host_more(f.t->host);
	assert_string_equal(f.t->calls, "send:11 send:21 idle ");
	end(&f);
}

static void
after_a_failure_what_is_not_settled_is_sent_again(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	greet(&f);
	send_batches(&f, 0, 3);
	until_calls(&f, "send:21 ");
	settle(&f, 11, 21);
	settle(&f, 1, 4);
	f.t->calls[0] = '\0';
	fail_it(&f, TARGET_RETRY, "BROKEN");
	until_calls(&f, "send:21 idle ");
	assert_string_equal(f.t->calls, "reset start send:1 send:21 idle ");
	assert_true(target_host_is_settled(f.t->host, 3));
	assert_false(target_host_is_settled(f.t->host, 4));
	settle(&f, 4, 11);
	settle(&f, 21, 31);
	peer_until_settled(&f.peer, 1, 1 + 3 * BATCH);
	end(&f);
}

static void
a_position_goes_in_one_message_with_what_it_settles(void **state)
{
	uint8_t opaque[ENTRY_OPAQUE_SIZE] = {42};
	struct fixture f;

	(void)state;
	begin(&f);
	greet(&f);
	send_batches(&f, 0, 2);
	until_calls(&f, "send:11 ");
	settle(&f, 1, 6);
	target_host_settle(f.t->host, ENTRY_TERM_FILTERED, 6, 9, NULL);
	target_host_settle(f.t->host, ENTRY_TERM_DELIVERED, 9, 21, opaque);
	f.peer.mute = true;
	while (peer_turn(&f.peer, PEER_WAIT_MS) != IPC_VERDICTS)
		;
	assert_int_equal(ivset_count_in(&f.peer.settled, 1, 21), 20);
	assert_int_equal(f.peer.by_term[ENTRY_TERM_FILTERED], 3);
	assert_memory_equal(f.peer.opaque, opaque, sizeof(opaque));
	/* A position alone goes as well, and comes back as durable. */
	f.peer.mute = false;
	opaque[0] = 43;
	target_host_settle(f.t->host, ENTRY_TERM_DELIVERED, 0, 0, opaque);
	until_calls(&f, "durable:43 ");
	end(&f);
}

static void
what_the_keeper_had_as_settled_is_not_sent(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	assert_int_equal(ivset_add(&f.peer.settled, 1, 11, NULL), 0);
	assert_int_equal(ivset_add(&f.peer.settled, 15, 18, NULL), 0);
	greet(&f);
	send_batches(&f, 0, 2);
	until_calls(&f, "send:11 ");
	assert_null(strstr(f.t->calls, "send:1 "));
	assert_true(target_host_is_settled(f.t->host, 15));
	assert_false(target_host_is_settled(f.t->host, 18));
	settle(&f, 11, 15);
	settle(&f, 18, 21);
	/* The peer fails the test if a record is settled twice. */
	peer_until_settled(&f.peer, 1, 21);
	end(&f);
}

static void
runs_beyond_one_message_go_in_several(void **state)
{
	struct fixture f;
	const uint32_t n = 30000;

	(void)state;
	begin(&f);
	greet(&f);
	for (uint64_t i = 0; i < 6; i++)
		peer_batch(&f.peer, (UINT64_C(1) << 60) + i * n, n, false);
	until_calls(&f, "send:1152921504606966976 ");
	for (uint64_t i = 0; i < 6 * n; i++)
		target_host_settle(f.t->host,
		    i % 2 ? ENTRY_TERM_FILTERED : ENTRY_TERM_DELIVERED,
		    (UINT64_C(1) << 60) + i, (UINT64_C(1) << 60) + i + 1, NULL);
	peer_until_settled(
	    &f.peer, UINT64_C(1) << 60, (UINT64_C(1) << 60) + 6 * n);
	assert_int_equal(f.peer.by_term[ENTRY_TERM_FILTERED], 6 * n / 2);
	end(&f);
}

static void
a_target_that_refuses_is_tried_for_ever(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.t->refuses = true;
	greet(&f);
	send_batches(&f, 0, 1);
	peer_until_error(&f.peer, "REFUSED");
	assert_string_equal(f.peer.state, "retry");
	while (f.t->starts < 10)
		peer_turn(&f.peer, 20);
	f.t->refuses = false;
	f.t->settles = true;
	peer_until_settled(&f.peer, 1, 11);
	end(&f);
}

static void
hold_waits_long_but_an_operator_can_hurry_it(void **state)
{
	struct fixture f;
	unsigned starts;

	(void)state;
	begin(&f);
	greet(&f);
	until_calls(&f, "start ");
	fail_it(&f, TARGET_HOLD, "DISK");
	peer_until_error(&f.peer, "DISK");
	assert_string_equal(f.peer.state, "hold");
	starts = f.t->starts;
	for (int i = 0; i < 20; i++)
		peer_turn(&f.peer, 20);
	assert_int_equal(f.t->starts, starts);
	peer_control(&f.peer, IPC_CONTROL_RETRY);
	while (f.t->starts == starts)
		peer_turn(&f.peer, 20);
	end(&f);
}

/* Else it would compare with a state that is about to change. */
static void
what_is_owed_again_is_waited_for(void **state)
{
	struct fixture f;
	struct ivset lost;

	(void)state;
	begin(&f);
	greet(&f);
	until_calls(&f, "start ");
	ivset_init(&lost, 2);
	assert_int_equal(ivset_add(&lost, 1, 11, NULL), 0);
	target_host_pending_again(f.t->host, &lost);
	fail_it(&f, TARGET_RETRY, "CUSTODY_LOST");
	peer_control(&f.peer, IPC_CONTROL_RETRY);
	for (int i = 0; i < 20; i++)
		peer_turn(&f.peer, 10);
	assert_int_equal(f.t->starts, 1);
	f.t->calls[0] = '\0';
	peer_state(&f.peer);
	until_calls(&f, "state start ");
	ivset_fini(&lost);
	end(&f);
}

static bool
is_the_workers_word(void *arg)
{
	struct fixture *f = arg;

	return strstr(f->peer.error_text, "but the worker can");
}

static void
what_cannot_be_unpacked_is_told_and_stays_on_hold(void **state)
{
	struct ipc_msg m = {
	    .type = IPC_JUDGED, .u.judged = {1, 1 + BATCH, IPC_INSPECT_HOLDS}};
	struct fixture f;

	(void)state;
	begin(&f);
	greet(&f);
	send_batches(&f, 0, 1);
	until_calls(&f, "send:1 ");
	target_host_unreadable(f.t->host, 1, "no frame");
	while (peer_turn(&f.peer, PEER_WAIT_MS) != IPC_UNREADABLE)
		;
	peer_until_error(&f.peer, "BATCH_DAMAGED");
	assert_string_equal(f.peer.state, "hold");
	peer_send(&f.peer, &m);
	peer_until(&f.peer, is_the_workers_word, &f);
	assert_string_equal(f.peer.state, "hold");
	end(&f);
}

static bool
is_paused(void *arg)
{
	struct fixture *f = arg;

	/* Messages are in order: the batch after the pause was not sent. */
	return strstr(f->t->calls, "hole:99 ");
}

static void
paused_sends_nothing_until_resumed(void **state)
{
	struct ipc_msg hole = {.type = IPC_HOLE};
	struct fixture f;

	(void)state;
	begin(&f);
	greet(&f);
	send_batches(&f, 0, 1);
	until_calls(&f, "send:1 ");
	peer_control(&f.peer, IPC_CONTROL_PAUSE);
	send_batches(&f, 1, 1);
	hole.u.interval.from = 99;
	hole.u.interval.to = 100;
	hole.u.interval.count = 1;
	peer_send(&f.peer, &hole);
	peer_until(&f.peer, is_paused, &f);
	assert_null(strstr(f.t->calls, "send:11 "));
	/* It fails, and is not started while it is paused. */
	fail_it(&f, TARGET_RETRY, "BROKEN");
	for (int i = 0; i < 20; i++)
		peer_turn(&f.peer, 10);
	assert_int_equal(f.t->starts, 1);
	peer_control(&f.peer, IPC_CONTROL_RESUME);
	until_calls(&f, "start send:1 send:11 ");
	end(&f);
}

static void
a_keeper_that_dies_takes_everything_with_it(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	greet(&f);
	send_batches(&f, 0, 2);
	until_calls(&f, "send:11 ");
	settle(&f, 1, 11);
	peer_until_settled(&f.peer, 1, 11);
	f.t->calls[0] = '\0';
	connect_keeper(&f);
	until_calls(&f, "reset ");
	greet(&f);
	f.t->settles = true;
	send_batches(&f, 1, 1);
	peer_until_settled(&f.peer, 1, 21);
	until_calls(&f, "state start send:11 idle ");
	assert_null(strstr(f.t->calls, "send:1 "));
	end(&f);
}

static bool
is_closed(void *arg)
{
	struct fixture *f = arg;
	uint8_t byte;

	return recv(f->peer.sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void
a_keeper_that_keeps_no_window_is_left(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.t->stays_down = true;
	greet(&f);
	for (uint64_t i = 0; i < 4 * PUMP_WINDOW_BATCHES + 1; i++) {
		send_batches(&f, i, 1);
		loop_run_once(f.loop, 0);
	}
	peer_until(&f.peer, is_closed, &f);
	end(&f);
}

static bool
has_whole_window(void *arg)
{
	const struct fixture *f = arg;

	return f->peer.work.batches == PUMP_WINDOW_BATCHES;
}

static void
one_batch_is_asked_for_until_the_target_is_up(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.t->stays_down = true;
	greet(&f);
	assert_int_equal(f.peer.work.batches, 1);
	send_batches(&f, 0, 1);
	loop_run_once(f.loop, 0);
	target_host_up(f.t->host);
	peer_until(&f.peer, has_whole_window, &f);
	until_calls(&f, "send:1 ");
	/* A new state begins anew. */
	greet(&f);
	assert_int_equal(f.peer.work.batches, 1);
	end(&f);
}

static void
nonsense_ends_the_link(void **state)
{
	struct ipc_msg m = {.type = IPC_WORK};
	struct fixture f;

	(void)state;
	begin(&f);
	greet(&f);
	peer_send(&f.peer, &m);
	peer_until(&f.peer, is_closed, &f);
	end(&f);
}

static void
a_new_configuration_reaches_the_target_and_its_streams(void **state)
{
	struct fixture f;
	struct kv *kv;

	(void)state;
	begin(&f);
	greet(&f);
	send_batches(&f, 0, 1);
	until_calls(&f, "send:1 ");
	assert_true(target_host_stream(f.t->host, 2)->wanted);
	assert_null(target_host_stream(f.t->host, 3));
	f.t->calls[0] = '\0';
	assert_int_equal(kv_new(&kv), 0);
	kv_add_u64(kv, "retry_max", 100);
	kv_add_str(kv, "log.level", "debug");
	assert_int_equal(pump_configure(f.pump, kv), 0);
	assert_string_equal(f.t->calls, ""); /* nothing that concerns it */
	kv_add_str(kv, "streams", "o?e");
	assert_int_equal(pump_configure(f.pump, kv), 0);
	assert_string_equal(f.t->calls, "configure reset start send:1 idle ");
	assert_int_equal(pump_configure(f.pump, kv), 0);
	assert_string_equal(f.t->calls, "configure reset start send:1 idle ");
	kv_free(kv);
	assert_true(target_host_stream(f.t->host, 1)->wanted);
	assert_false(target_host_stream(f.t->host, 2)->wanted);
	end(&f);
}

/* ---- names -------------------------------------------------------------- */

struct answer {
	int calls;
	size_t n;
	char why[128], first[ADDRESS_TEXT_SIZE];
};

static void
on_answer(const struct address *a, size_t n, const char *why, void *arg)
{
	struct answer *to = arg;

	to->calls++;
	to->n = n;
	snprintf(to->why, sizeof(to->why), "%s", why ? why : "");
	if (n)
		address_format(
		    (const struct sockaddr *)&a->sa, a->len, to->first);
}

static void
connect_resolver(struct fixture *f, struct peer *resolver)
{
	int fd;

	if (!resolver->loop)
		peer_init(resolver, f->loop, &fd);
	else
		peer_again(resolver, &fd);
	pump_connect_resolver(f->pump, fd);
}

static void
names_are_asked_of_the_resolver(void **state)
{
	static const uint8_t address[] = {4, 2, 2, 192, 0, 2, 9};
	struct ipc_msg m = {.type = IPC_ADDRESSES};
	struct answer a = {0}, b = {0};
	struct peer resolver = {0};
	struct fixture f;

	(void)state;
	begin(&f);
	target_host_resolve(
	    f.t->host, bytes_of_str("192.0.2.1"), 514, on_answer, &a);
	assert_string_equal(a.first, "192.0.2.1:514");
	target_host_resolve(
	    f.t->host, bytes_of_str("siem.example"), 514, on_answer, &a);
	assert_int_equal(a.calls, 2);
	assert_int_equal(a.n, 0);
	assert_true(strlen(a.why) > 0);
	connect_resolver(&f, &resolver);
	target_host_resolve(
	    f.t->host, bytes_of_str("siem.example"), 514, on_answer, &a);
	while (peer_turn(&resolver, PEER_WAIT_MS) != IPC_RESOLVE)
		;
	m.u.addresses.n = 1;
	m.u.addresses.addresses = bytes_of(address, sizeof(address));
	peer_send(&resolver, &m); /* of another question */
	m.u.addresses.id = 1;
	peer_send(&resolver, &m);
	while (a.calls < 3)
		loop_run_once(f.loop, 10);
	assert_string_equal(a.first, "192.0.2.9:514");
	/* A resolver that goes, or is replaced, leaves nobody waiting. */
	target_host_resolve(
	    f.t->host, bytes_of_str("siem.example"), 514, on_answer, &b);
	connect_resolver(&f, &resolver);
	while (b.calls < 1)
		loop_run_once(f.loop, 10);
	assert_int_equal(b.n, 0);
	target_host_resolve(
	    f.t->host, bytes_of_str("siem.example"), 514, on_answer, &b);
	target_host_resolve_cancel(f.t->host);
	peer_fini(&resolver);
	for (int i = 0; i < 5; i++)
		loop_run_once(f.loop, 5);
	assert_int_equal(b.calls, 1);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		nothing_happens_before_the_keeper_has_told_the_state),
	    cmocka_unit_test(batches_go_once_in_order_and_idle_is_told),
	    cmocka_unit_test(
		a_target_that_has_no_room_is_asked_again_when_it_says_more),
	    cmocka_unit_test(after_a_failure_what_is_not_settled_is_sent_again),
	    cmocka_unit_test(
		a_position_goes_in_one_message_with_what_it_settles),
	    cmocka_unit_test(what_the_keeper_had_as_settled_is_not_sent),
	    cmocka_unit_test(runs_beyond_one_message_go_in_several),
	    cmocka_unit_test(a_target_that_refuses_is_tried_for_ever),
	    cmocka_unit_test(hold_waits_long_but_an_operator_can_hurry_it),
	    cmocka_unit_test(what_is_owed_again_is_waited_for),
	    cmocka_unit_test(what_cannot_be_unpacked_is_told_and_stays_on_hold),
	    cmocka_unit_test(paused_sends_nothing_until_resumed),
	    cmocka_unit_test(a_keeper_that_dies_takes_everything_with_it),
	    cmocka_unit_test(a_keeper_that_keeps_no_window_is_left),
	    cmocka_unit_test(one_batch_is_asked_for_until_the_target_is_up),
	    cmocka_unit_test(nonsense_ends_the_link),
	    cmocka_unit_test(
		a_new_configuration_reaches_the_target_and_its_streams),
	    cmocka_unit_test(names_are_asked_of_the_resolver),
	};

	log_setup("test", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
