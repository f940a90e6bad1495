/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of the engine: what a spool may say, silence, servers. */
#include "tests/helpers/cmocka_all.h"

#include <stdlib.h>

#include "agentlink/agentlink_state.h"
#include "lib/base/err.h"
#include "tests/unit/agentlink/engine_rig.h"

static void
say(struct agentlink_msg *m)
{
	agentlink_msg_encode(&engine_rig.conn.out, m);
}

static void
ready(void)
{
	rig_batch(&engine_rig, 1);
	rig_settle(&engine_rig);
}

static void
unknown_types_are_ignored_unless_critical(void **state)
{
	(void)state;
	ready();
	struct bytes none = bytes_of(NULL, 0);
	agentlink_frame_encode(
	    &engine_rig.conn.out, 0xfa, 0, 0, bytes_of("grease", 6), none);
	rig_batch(&engine_rig, 1);
	engine_rig_expect_all_once();
	assert_int_equal(engine_rig.failures, 0);
	agentlink_frame_encode(
	    &engine_rig.conn.out, 0xfa, AGENTLINK_CRITICAL, 0, none, none);
	rig_carry(&engine_rig, SIZE_MAX, false);
	assert_int_equal(engine_rig.failures, 1);
	assert_false(engine_rig.is_connected);
	rig_batch(&engine_rig, 1);
	engine_rig_expect_all_once();
}

static void
pings_are_answered_and_sent_and_the_clock_is_known(void **state)
{
	(void)state;
	ready();
	assert_true(engine_rig_counts().has_clock);
	int64_t off = engine_rig_counts().clock_offset_ns - 5000000;
	assert_true(llabs(off) <= engine_rig_counts().clock_error_ns);
	uint64_t pings = engine_rig.conn.pings;
	for (int i = 0; i < 5; i++) {
		engine_rig.now_ms += 30000;
		agentlink_engine_on_timer(
		    engine_rig.engine, rig_now(&engine_rig));
		rig_carry(&engine_rig, SIZE_MAX, true);
	}
	assert_true(engine_rig.conn.pings >= pings + 4);
	assert_int_equal(engine_rig.failures, 0);
	/* A spool that says nothing at all is left. */
	engine_rig.now_ms += 30000;
	agentlink_engine_on_timer(engine_rig.engine, rig_now(&engine_rig));
	engine_rig.now_ms += 60001;
	agentlink_engine_on_timer(engine_rig.engine, rig_now(&engine_rig));
	rig_events(&engine_rig);
	assert_int_equal(engine_rig.last_code, ERR_TIMEOUT);
}

static void
a_drain_is_obeyed_and_the_time_to_come_back_is_kept(void **state)
{
	(void)state;
	ready();
	struct agentlink_msg m = {.type = AGENTLINK_DRAIN};
	m.u.drain.deadline_ms = 5000;
	m.u.drain.retry_after_ms = 60000;
	say(&m);
	rig_carry(&engine_rig, SIZE_MAX, false);
	rig_batch(&engine_rig, 1);
	rig_carry(&engine_rig, SIZE_MAX, false);
	uint64_t began = engine_rig.now_ms, datas = engine_rig.conn.datas;
	assert_int_equal(datas, 1);
	agentlink_engine_on_timer(engine_rig.engine, rig_now(&engine_rig));
	rig_events(&engine_rig);
	assert_false(engine_rig.is_connected);
	assert_int_equal(engine_rig.last_retry_ms, 60000);
	engine_rig_expect_all_once();
	assert_true(engine_rig.now_ms >= began + 60000);
}

static void
a_goodbye_with_a_time_is_kept_to(void **state)
{
	(void)state;
	ready();
	struct agentlink_msg m = {.type = AGENTLINK_GOODBYE};
	m.u.goodbye.retry_after_ms = 20000;
	say(&m);
	uint64_t began = engine_rig.now_ms;
	rig_carry(&engine_rig, SIZE_MAX, false);
	rig_batch(&engine_rig, 1);
	engine_rig_expect_all_once();
	assert_true(engine_rig.now_ms >= began + 20000);
}

static void
a_refused_identity_is_told_as_such(void **state)
{
	(void)state;
	ready();
	struct agentlink_msg m = {.type = AGENTLINK_ERROR};
	m.u.error.code = AGENTLINK_CODE_DENIED;
	m.u.error.fatal = true;
	m.u.error.text = bytes_of_str("revoked");
	say(&m);
	rig_carry(&engine_rig, SIZE_MAX, false);
	assert_int_equal(engine_rig.last_code, ERR_AUTH);
	assert_non_null(strstr(engine_rig.last_text, ": revoked"));
}

static void
broken_frames_end_the_connection_only(void **state)
{
	(void)state;
	ready();
	buf_add(&engine_rig.conn.out, "this is not a frame of agentlink", 32);
	rig_carry(&engine_rig, SIZE_MAX, false);
	assert_int_equal(engine_rig.failures, 1);
	rig_batch(&engine_rig, 1);
	engine_rig_expect_all_once();
}

static void
an_ack_past_what_was_sent_is_not_believed(void **state)
{
	(void)state;
	ready();
	rig_batch(&engine_rig, 2);
	struct agentlink_msg m = {.type = AGENTLINK_ACK, .stream = 1};
	m.u.ack.seq = 9;
	engine_rig.spool[0]->credit_batches = 0;
	struct agentlink_msg c = {.type = AGENTLINK_CREDIT};
	say(&c);
	rig_carry(&engine_rig, SIZE_MAX, false);
	say(&m);
	rig_carry(&engine_rig, SIZE_MAX, false);
	assert_int_equal(engine_rig.failures, 1);
	assert_int_equal(engine_rig.acked, 1);
	engine_rig.spool[0]->credit_batches = 10;
	engine_rig_expect_all_once();
}

static void
the_held_limit_pushes_back(void **state)
{
	(void)state;
	rig_kill(&engine_rig);
	engine_rig.settings.held_batches_max = 3;
	engine_rig.spool[0]->credit_batches = 0;
	rig_open(&engine_rig);
	struct bytes none = bytes_of(NULL, 0);
	for (int i = 0; i < 3; i++)
		rig_batch(&engine_rig, 1);
	rig_add(&engine_rig, 1);
	assert_int_equal(
	    agentlink_sender_seal(engine_rig.sender, NULL, 0, none, none),
	    ERR_FULL);
	assert_int_equal(agentlink_sender_add(
			     engine_rig.sender, engine_rig.stream, "x#1", 3),
	    ERR_FULL);
	engine_rig.spool[0]->credit_batches = 10;
	rig_settle(&engine_rig);
	assert_int_equal(
	    agentlink_sender_seal(engine_rig.sender, NULL, 0, none, none), 0);
	assert_int_equal(agentlink_sender_commit(engine_rig.sender), 0);
	engine_rig_expect_all_once();
}

static void
servers_are_tried_in_order_and_the_wait_is_bounded(void **state)
{
	(void)state;
	rig_disconnect(&engine_rig);
	rig_kill(&engine_rig);
	engine_rig.settings.backoff_max_ms = 10000;
	struct agentlink_engine *e;
	assert_int_equal(agentlink_engine_new(&engine_rig.settings, &e), 0);
	uint64_t now = 5000;
	agentlink_engine_start(e, (struct agentlink_time){now, 0});
	for (int round = 0; round < 20; round++) {
		struct agentlink_event ev;
		for (unsigned i = 0; i < 2; i++) {
			do
				assert_true(agentlink_engine_next(e, &ev));
			while (ev.type != AGENTLINK_EVENT_CONNECT);
			assert_int_equal(ev.server, i);
			agentlink_engine_on_disconnected(e, ERR_CLOSED,
			    "refused", (struct agentlink_time){now, 0});
		}
		while (agentlink_engine_next(e, &ev))
			assert_int_equal(ev.type, AGENTLINK_EVENT_FAILED);
		assert_true(ev.retry_ms >= 500 && ev.retry_ms <= 10000);
		now = agentlink_engine_deadline(e);
		agentlink_engine_on_timer(e, (struct agentlink_time){now, 0});
	}
	agentlink_engine_free(e);
	rig_open(&engine_rig);
}

static void
stopping_says_goodbye_and_connects_no_more(void **state)
{
	(void)state;
	ready();
	agentlink_engine_stop(engine_rig.engine, rig_now(&engine_rig));
	const void *ptr;
	size_t len;
	agentlink_engine_drain(
	    engine_rig.engine, rig_now(&engine_rig), &ptr, &len);
	spoolsim_conn_feed(&engine_rig.conn, bytes_of(ptr, len));
	assert_int_equal(engine_rig.conn.goodbyes, 1);
	uint64_t connects = engine_rig.connects;
	rig_events(&engine_rig);
	assert_false(engine_rig.is_connected);
	engine_rig.now_ms += 3600000;
	agentlink_engine_on_timer(engine_rig.engine, rig_now(&engine_rig));
	rig_events(&engine_rig);
	assert_int_equal(engine_rig.connects, connects);
}

#define ONE(f)                           \
	cmocka_unit_test_setup_teardown( \
	    f, engine_rig_setup, engine_rig_teardown)
#define TWO(f)                           \
	cmocka_unit_test_setup_teardown( \
	    f, engine_rig_setup_two, engine_rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ONE(unknown_types_are_ignored_unless_critical),
	    ONE(pings_are_answered_and_sent_and_the_clock_is_known),
	    ONE(a_drain_is_obeyed_and_the_time_to_come_back_is_kept),
	    ONE(a_goodbye_with_a_time_is_kept_to),
	    ONE(a_refused_identity_is_told_as_such),
	    ONE(broken_frames_end_the_connection_only),
	    ONE(an_ack_past_what_was_sent_is_not_believed),
	    ONE(the_held_limit_pushes_back),
	    TWO(servers_are_tried_in_order_and_the_wait_is_bounded),
	    ONE(stopping_says_goodbye_and_connects_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
