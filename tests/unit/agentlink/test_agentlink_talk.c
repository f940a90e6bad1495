/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of the engine: what a spool may say, silence, servers. */
#include "tests/helpers/cmocka_all.h"

#include <stdlib.h>

#include "agentlink/agentlink_state.h"
#include "lib/base/err.h"
#include "tests/unit/agentlink/rig.h"

static struct rig rig;

static int
setup(void **state)
{
	(void)state;
	rig_init(&rig, NULL, 1);
	return 0;
}

static int
setup_two(void **state)
{
	(void)state;
	rig_init(&rig, NULL, 2);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

static struct agentlink_counts
counts(void)
{
	struct agentlink_counts c;
	agentlink_engine_counts(rig.engine, &c);
	return c;
}

static void
all_is_stored_once(void)
{
	rig_settle(&rig);
	assert_true(agentlink_engine_is_drained(rig.engine));
	assert_int_equal(rig_wrong(&rig, rig.next_record), 0);
}

static void
say(struct agentlink_msg *m)
{
	agentlink_msg_encode(&rig.conn.out, m);
}

static void
ready(void)
{
	rig_batch(&rig, 1);
	rig_settle(&rig);
}

static void
unknown_types_are_ignored_unless_critical(void **state)
{
	(void)state;
	ready();
	struct bytes none = bytes_of(NULL, 0);
	agentlink_frame_encode(
	    &rig.conn.out, 0xfa, 0, 0, bytes_of("grease", 6), none);
	rig_batch(&rig, 1);
	all_is_stored_once();
	assert_int_equal(rig.failures, 0);
	agentlink_frame_encode(
	    &rig.conn.out, 0xfa, AGENTLINK_CRITICAL, 0, none, none);
	rig_carry(&rig, SIZE_MAX, false);
	assert_int_equal(rig.failures, 1);
	assert_false(rig.is_connected);
	rig_batch(&rig, 1);
	all_is_stored_once();
}

static void
pings_are_answered_and_sent_and_the_clock_is_known(void **state)
{
	(void)state;
	ready();
	assert_true(counts().has_clock);
	int64_t off = counts().clock_offset_ns - 5000000;
	assert_true(llabs(off) <= counts().clock_error_ns);
	uint64_t pings = rig.conn.pings;
	for (int i = 0; i < 5; i++) {
		rig.now_ms += 30000;
		agentlink_engine_on_timer(rig.engine, rig_now(&rig));
		rig_carry(&rig, SIZE_MAX, true);
	}
	assert_true(rig.conn.pings >= pings + 4);
	assert_int_equal(rig.failures, 0);
	/* A spool that says nothing at all is left. */
	rig.now_ms += 30000;
	agentlink_engine_on_timer(rig.engine, rig_now(&rig));
	rig.now_ms += 60001;
	agentlink_engine_on_timer(rig.engine, rig_now(&rig));
	rig_events(&rig);
	assert_int_equal(rig.last_code, ERR_TIMEOUT);
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
	rig_carry(&rig, SIZE_MAX, false);
	rig_batch(&rig, 1);
	rig_carry(&rig, SIZE_MAX, false);
	uint64_t began = rig.now_ms, datas = rig.conn.datas;
	assert_int_equal(datas, 1);
	agentlink_engine_on_timer(rig.engine, rig_now(&rig));
	rig_events(&rig);
	assert_false(rig.is_connected);
	assert_int_equal(rig.last_retry_ms, 60000);
	all_is_stored_once();
	assert_true(rig.now_ms >= began + 60000);
}

static void
a_goodbye_with_a_time_is_kept_to(void **state)
{
	(void)state;
	ready();
	struct agentlink_msg m = {.type = AGENTLINK_GOODBYE};
	m.u.goodbye.retry_after_ms = 20000;
	say(&m);
	uint64_t began = rig.now_ms;
	rig_carry(&rig, SIZE_MAX, false);
	rig_batch(&rig, 1);
	all_is_stored_once();
	assert_true(rig.now_ms >= began + 20000);
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
	rig_carry(&rig, SIZE_MAX, false);
	assert_int_equal(rig.last_code, ERR_AUTH);
	assert_non_null(strstr(rig.last_text, ": revoked"));
}

static void
broken_frames_end_the_connection_only(void **state)
{
	(void)state;
	ready();
	buf_add(&rig.conn.out, "this is not a frame of agentlink", 32);
	rig_carry(&rig, SIZE_MAX, false);
	assert_int_equal(rig.failures, 1);
	rig_batch(&rig, 1);
	all_is_stored_once();
}

static void
an_ack_past_what_was_sent_is_not_believed(void **state)
{
	(void)state;
	ready();
	rig_batch(&rig, 2);
	struct agentlink_msg m = {.type = AGENTLINK_ACK, .stream = 1};
	m.u.ack.seq = 9;
	rig.spool[0]->credit_batches = 0;
	struct agentlink_msg c = {.type = AGENTLINK_CREDIT};
	say(&c);
	rig_carry(&rig, SIZE_MAX, false);
	say(&m);
	rig_carry(&rig, SIZE_MAX, false);
	assert_int_equal(rig.failures, 1);
	assert_int_equal(rig.acked, 1);
	rig.spool[0]->credit_batches = 10;
	all_is_stored_once();
}

static void
the_held_limit_pushes_back(void **state)
{
	(void)state;
	rig_kill(&rig);
	rig.settings.held_batches_max = 3;
	rig.spool[0]->credit_batches = 0;
	rig_open(&rig);
	struct bytes none = bytes_of(NULL, 0);
	for (int i = 0; i < 3; i++)
		rig_batch(&rig, 1);
	rig_add(&rig, 1);
	assert_int_equal(
	    agentlink_sender_seal(rig.sender, NULL, 0, none, none), ERR_FULL);
	assert_int_equal(
	    agentlink_sender_add(rig.sender, rig.stream, "x#1", 3), ERR_FULL);
	rig.spool[0]->credit_batches = 10;
	rig_settle(&rig);
	assert_int_equal(
	    agentlink_sender_seal(rig.sender, NULL, 0, none, none), 0);
	assert_int_equal(agentlink_sender_commit(rig.sender), 0);
	all_is_stored_once();
}

static void
servers_are_tried_in_order_and_the_wait_is_bounded(void **state)
{
	(void)state;
	rig_disconnect(&rig);
	rig_kill(&rig);
	rig.settings.backoff_max_ms = 10000;
	struct agentlink_engine *e;
	assert_int_equal(agentlink_engine_new(&rig.settings, &e), 0);
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
	rig_open(&rig);
}

static void
stopping_says_goodbye_and_connects_no_more(void **state)
{
	(void)state;
	ready();
	agentlink_engine_stop(rig.engine, rig_now(&rig));
	const void *ptr;
	size_t len;
	agentlink_engine_drain(rig.engine, rig_now(&rig), &ptr, &len);
	spoolsim_conn_feed(&rig.conn, bytes_of(ptr, len));
	assert_int_equal(rig.conn.goodbyes, 1);
	uint64_t connects = rig.connects;
	rig_events(&rig);
	assert_false(rig.is_connected);
	rig.now_ms += 3600000;
	agentlink_engine_on_timer(rig.engine, rig_now(&rig));
	rig_events(&rig);
	assert_int_equal(rig.connects, connects);
}

#define ONE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TWO(f) cmocka_unit_test_setup_teardown(f, setup_two, teardown)

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
