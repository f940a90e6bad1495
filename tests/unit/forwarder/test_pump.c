/* SPDX-License-Identifier: Apache-2.0 */
/* A pump between a keeper that is played and a target that is scripted. */
#include <string.h>
#include <sys/socket.h>

#include "lib/base/log.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/unit/forwarder/pump_rig.h"

static void
nothing_happens_before_the_keeper_has_told_the_state(void **state)
{
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	for (int i = 0; i < 5; i++)
		peer_turn(&f.peer, 5);
	assert_string_equal(f.t->calls, "");
	pump_rig_greet(&f);
	pump_rig_until(&f, "reset state start ");
	pump_rig_end(&f);
}

static void
batches_go_once_in_order_and_idle_is_told(void **state)
{
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	pump_rig_greet(&f);
	f.t->settles = true;
	pump_rig_send(&f, 0, 3);
	peer_until_settled(&f.peer, 1, 1 + 3 * PUMP_RIG_BATCH);
	pump_rig_until(&f, "send:1 idle send:11 idle send:21 idle ");
	assert_string_equal(f.t->calls,
	    "reset state start send:1 idle send:11 idle send:21 idle ");
	pump_rig_end(&f);
}

static void
a_target_that_has_no_room_is_asked_again_when_it_says_more(void **state)
{
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	pump_rig_greet(&f);
	f.t->room = 1;
	pump_rig_send(&f, 0, 3);
	pump_rig_until(&f, "send:1 idle again:11 ");
	f.t->room = 5;
	f.t->calls[0] = '\0';
	for (int i = 0; i < 5; i++)
		peer_turn(&f.peer, 5);
	assert_string_equal(f.t->calls, "");
	target_host_more(f.t->host);
	assert_string_equal(f.t->calls, "send:11 send:21 idle ");
	pump_rig_end(&f);
}

static void
after_a_failure_what_is_not_settled_is_sent_again(void **state)
{
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	pump_rig_greet(&f);
	pump_rig_send(&f, 0, 3);
	pump_rig_until(&f, "send:21 ");
	pump_rig_settle(&f, 11, 21);
	pump_rig_settle(&f, 1, 4);
	f.t->calls[0] = '\0';
	pump_rig_fail(&f, TARGET_RETRY, "BROKEN");
	pump_rig_until(&f, "send:21 idle ");
	assert_string_equal(f.t->calls, "reset start send:1 send:21 idle ");
	assert_true(target_host_is_settled(f.t->host, 3));
	assert_false(target_host_is_settled(f.t->host, 4));
	pump_rig_settle(&f, 4, 11);
	pump_rig_settle(&f, 21, 31);
	peer_until_settled(&f.peer, 1, 1 + 3 * PUMP_RIG_BATCH);
	pump_rig_end(&f);
}

static void
a_position_goes_in_one_message_with_what_it_settles(void **state)
{
	uint8_t opaque[ENTRY_OPAQUE_SIZE] = {42};
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	pump_rig_greet(&f);
	pump_rig_send(&f, 0, 2);
	pump_rig_until(&f, "send:11 ");
	pump_rig_settle(&f, 1, 6);
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
	pump_rig_until(&f, "durable:43 ");
	pump_rig_end(&f);
}

static void
what_the_keeper_had_as_settled_is_not_sent(void **state)
{
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	assert_int_equal(ivset_add(&f.peer.settled, 1, 11, NULL), 0);
	assert_int_equal(ivset_add(&f.peer.settled, 15, 18, NULL), 0);
	pump_rig_greet(&f);
	pump_rig_send(&f, 0, 2);
	pump_rig_until(&f, "send:11 ");
	assert_null(strstr(f.t->calls, "send:1 "));
	assert_true(target_host_is_settled(f.t->host, 15));
	assert_false(target_host_is_settled(f.t->host, 18));
	pump_rig_settle(&f, 11, 15);
	pump_rig_settle(&f, 18, 21);
	/* The peer fails the test if a record is settled twice. */
	peer_until_settled(&f.peer, 1, 21);
	pump_rig_end(&f);
}

static void
runs_beyond_one_message_go_in_several(void **state)
{
	struct pump_rig f;
	const uint32_t n = 30000;

	(void)state;
	pump_rig_begin(&f);
	pump_rig_greet(&f);
	for (uint64_t i = 0; i < 6; i++)
		peer_batch(&f.peer, (UINT64_C(1) << 60) + i * n, n, false);
	pump_rig_until(&f, "send:1152921504606966976 ");
	for (uint64_t i = 0; i < 6 * n; i++)
		target_host_settle(f.t->host,
		    i % 2 ? ENTRY_TERM_FILTERED : ENTRY_TERM_DELIVERED,
		    (UINT64_C(1) << 60) + i, (UINT64_C(1) << 60) + i + 1, NULL);
	peer_until_settled(
	    &f.peer, UINT64_C(1) << 60, (UINT64_C(1) << 60) + 6 * n);
	assert_int_equal(f.peer.by_term[ENTRY_TERM_FILTERED], 6 * n / 2);
	pump_rig_end(&f);
}

static void
a_target_that_refuses_is_tried_for_ever(void **state)
{
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	f.t->refuses = true;
	pump_rig_greet(&f);
	pump_rig_send(&f, 0, 1);
	peer_until_error(&f.peer, "REFUSED");
	assert_string_equal(f.peer.state, "retry");
	while (f.t->starts < 10)
		peer_turn(&f.peer, 20);
	f.t->refuses = false;
	f.t->settles = true;
	peer_until_settled(&f.peer, 1, 11);
	pump_rig_end(&f);
}

static void
hold_waits_long_but_an_operator_can_hurry_it(void **state)
{
	struct pump_rig f;
	unsigned starts;

	(void)state;
	pump_rig_begin(&f);
	pump_rig_greet(&f);
	pump_rig_until(&f, "start ");
	pump_rig_fail(&f, TARGET_HOLD, "DISK");
	peer_until_error(&f.peer, "DISK");
	assert_string_equal(f.peer.state, "hold");
	starts = f.t->starts;
	for (int i = 0; i < 20; i++)
		peer_turn(&f.peer, 20);
	assert_int_equal(f.t->starts, starts);
	peer_control(&f.peer, IPC_CONTROL_RETRY);
	while (f.t->starts == starts)
		peer_turn(&f.peer, 20);
	pump_rig_end(&f);
}

/* Else it would compare with a state that is about to change. */
static void
what_is_owed_again_is_waited_for(void **state)
{
	struct pump_rig f;
	struct ivset lost;

	(void)state;
	pump_rig_begin(&f);
	pump_rig_greet(&f);
	pump_rig_until(&f, "start ");
	ivset_init(&lost, 2);
	assert_int_equal(ivset_add(&lost, 1, 11, NULL), 0);
	target_host_pending_again(f.t->host, &lost);
	pump_rig_fail(&f, TARGET_RETRY, "CUSTODY_LOST");
	peer_control(&f.peer, IPC_CONTROL_RETRY);
	for (int i = 0; i < 20; i++)
		peer_turn(&f.peer, 10);
	assert_int_equal(f.t->starts, 1);
	f.t->calls[0] = '\0';
	peer_state(&f.peer);
	pump_rig_until(&f, "state start ");
	ivset_fini(&lost);
	pump_rig_end(&f);
}

static bool
is_the_workers_word(void *arg)
{
	struct pump_rig *f = arg;

	return strstr(f->peer.error_text, "but the worker can");
}

static void
what_cannot_be_unpacked_is_told_and_stays_on_hold(void **state)
{
	struct ipc_msg m = {.type = IPC_JUDGED,
	    .u.judged = {1, 1 + PUMP_RIG_BATCH, IPC_INSPECT_HOLDS}};
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	pump_rig_greet(&f);
	pump_rig_send(&f, 0, 1);
	pump_rig_until(&f, "send:1 ");
	target_host_unreadable(f.t->host, 1, "no frame");
	while (peer_turn(&f.peer, PEER_WAIT_MS) != IPC_UNREADABLE)
		;
	peer_until_error(&f.peer, "BATCH_DAMAGED");
	assert_string_equal(f.peer.state, "hold");
	peer_send(&f.peer, &m);
	peer_until(&f.peer, is_the_workers_word, &f);
	assert_string_equal(f.peer.state, "hold");
	pump_rig_end(&f);
}

static bool
is_paused(void *arg)
{
	struct pump_rig *f = arg;

	/* Messages are in order: the batch after the pause was not sent. */
	return strstr(f->t->calls, "hole:99 ");
}

static void
paused_sends_nothing_until_resumed(void **state)
{
	struct ipc_msg hole = {.type = IPC_HOLE};
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	pump_rig_greet(&f);
	pump_rig_send(&f, 0, 1);
	pump_rig_until(&f, "send:1 ");
	peer_control(&f.peer, IPC_CONTROL_PAUSE);
	pump_rig_send(&f, 1, 1);
	hole.u.interval.from = 99;
	hole.u.interval.to = 100;
	hole.u.interval.count = 1;
	peer_send(&f.peer, &hole);
	peer_until(&f.peer, is_paused, &f);
	assert_null(strstr(f.t->calls, "send:11 "));
	/* It fails, and is not started while it is paused. */
	pump_rig_fail(&f, TARGET_RETRY, "BROKEN");
	for (int i = 0; i < 20; i++)
		peer_turn(&f.peer, 10);
	assert_int_equal(f.t->starts, 1);
	peer_control(&f.peer, IPC_CONTROL_RESUME);
	pump_rig_until(&f, "start send:1 send:11 ");
	pump_rig_end(&f);
}

static void
a_keeper_that_dies_takes_everything_with_it(void **state)
{
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	pump_rig_greet(&f);
	pump_rig_send(&f, 0, 2);
	pump_rig_until(&f, "send:11 ");
	pump_rig_settle(&f, 1, 11);
	peer_until_settled(&f.peer, 1, 11);
	f.t->calls[0] = '\0';
	pump_rig_connect(&f);
	pump_rig_until(&f, "reset ");
	pump_rig_greet(&f);
	f.t->settles = true;
	pump_rig_send(&f, 1, 1);
	peer_until_settled(&f.peer, 1, 21);
	pump_rig_until(&f, "state start send:11 idle ");
	assert_null(strstr(f.t->calls, "send:1 "));
	pump_rig_end(&f);
}

static bool
is_closed(void *arg)
{
	struct pump_rig *f = arg;
	uint8_t byte;

	return recv(f->peer.sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void
a_keeper_that_keeps_no_window_is_left(void **state)
{
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	f.t->stays_down = true;
	pump_rig_greet(&f);
	for (uint64_t i = 0; i < 4 * PUMP_WINDOW_BATCHES + 1; i++) {
		pump_rig_send(&f, i, 1);
		loop_run_once(f.loop, 0);
	}
	peer_until(&f.peer, is_closed, &f);
	pump_rig_end(&f);
}

static bool
has_whole_window(void *arg)
{
	const struct pump_rig *f = arg;

	return f->peer.work.batches == PUMP_WINDOW_BATCHES;
}

static void
one_batch_is_asked_for_until_the_target_is_up(void **state)
{
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	f.t->stays_down = true;
	pump_rig_greet(&f);
	assert_int_equal(f.peer.work.batches, 1);
	pump_rig_send(&f, 0, 1);
	loop_run_once(f.loop, 0);
	target_host_up(f.t->host);
	peer_until(&f.peer, has_whole_window, &f);
	pump_rig_until(&f, "send:1 ");
	/* A new state begins anew. */
	pump_rig_greet(&f);
	assert_int_equal(f.peer.work.batches, 1);
	pump_rig_end(&f);
}

static void
nonsense_ends_the_link(void **state)
{
	struct ipc_msg m = {.type = IPC_WORK};
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	pump_rig_greet(&f);
	peer_send(&f.peer, &m);
	peer_until(&f.peer, is_closed, &f);
	pump_rig_end(&f);
}

static void
a_new_configuration_reaches_the_target_and_its_streams(void **state)
{
	struct pump_rig f;
	struct kv *kv;

	(void)state;
	pump_rig_begin(&f);
	pump_rig_greet(&f);
	pump_rig_send(&f, 0, 1);
	pump_rig_until(&f, "send:1 ");
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
	pump_rig_end(&f);
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
	};

	log_setup("test", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
