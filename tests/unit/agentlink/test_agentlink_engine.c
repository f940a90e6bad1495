/* SPDX-License-Identifier: Apache-2.0 */
/* The engine against a scripted spool, in memory, with a number for time. */
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
records_are_acknowledged_and_counted(void **state)
{
	(void)state;
	rig_batch(&rig, 10);
	rig_batch(&rig, 5);
	all_is_stored_once();
	struct agentlink_counts c = counts();
	assert_int_equal(c.records, 15);
	assert_int_equal(c.batches, 2);
	assert_int_equal(c.repeats, 0);
	assert_int_equal(rig.acked, 15);
	assert_int_equal(c.held_batches, 0);
	assert_int_equal(c.held_bytes, 0);
	assert_string_equal(rig.spool[0]->last_path, "/var/log/x");
}

static void
nothing_is_acknowledged_before_an_ack(void **state)
{
	(void)state;
	rig_batch(&rig, 3);
	for (int i = 0; i < 20; i++)
		rig_carry(&rig, SIZE_MAX, false);
	assert_int_equal(rig.acked, 0);
	assert_int_equal(counts().held_records, 3);
	rig_carry(&rig, SIZE_MAX, true);
	assert_int_equal(rig.acked, 3);
}

static void
a_lost_ack_is_made_up_by_stream_state(void **state)
{
	(void)state;
	rig_batch(&rig, 3);
	for (int i = 0; i < 20; i++)
		rig_carry(&rig, SIZE_MAX, false);
	rig_disconnect(&rig);
	all_is_stored_once();
	assert_int_equal(counts().repeats, 0);
	assert_int_equal(rig.acked, 3);
}

static void
what_was_not_stored_is_sent_again_unchanged(void **state)
{
	(void)state;
	rig_batch(&rig, 300);
	rig_batch(&rig, 300);
	rig_carry(&rig, SIZE_MAX, false);
	rig_carry(&rig, SIZE_MAX, false);
	/* Only part of the bytes arrive. */
	rig_carry(&rig, 90, false);
	rig_disconnect(&rig);
	all_is_stored_once();
	assert_int_equal(rig.spool[0]->streams, 1);
	assert_true(counts().repeats > 0);
	assert_int_equal(rig.epochs, 0);
}

static void
credits_of_batches_and_bytes_are_kept(void **state)
{
	(void)state;
	rig.spool[0]->credit_batches = 2;
	for (int i = 0; i < 10; i++)
		rig_batch(&rig, 2);
	for (int i = 0; i < 20; i++)
		rig_carry(&rig, SIZE_MAX, false);
	assert_int_equal(rig.conn.datas, 2);
	rig.spool[0]->credit_batches = 0;
	rig_carry(&rig, SIZE_MAX, true);
	for (int i = 0; i < 20; i++)
		rig_carry(&rig, SIZE_MAX, true);
	assert_int_equal(rig.conn.datas, 2);
	rig.spool[0]->credit_batches = 100;
	rig.spool[0]->credit_bytes = 1; /* one at a time */
	rig_carry(&rig, SIZE_MAX, true);
	rig_carry(&rig, SIZE_MAX, false);
	rig_carry(&rig, SIZE_MAX, false);
	assert_int_equal(rig.conn.datas, 3);
	all_is_stored_once();
}

static void
a_spool_with_another_head_makes_a_new_epoch(void **state)
{
	(void)state;
	rig_batch(&rig, 3);
	rig_settle(&rig);
	struct spoolsim_stream *t = spoolsim_find(rig.spool[0], "s");
	rig_disconnect(&rig);
	t->head[0] ^= 1;
	rig_batch(&rig, 4);
	all_is_stored_once();
	assert_int_equal(rig.epochs, 1);
	assert_int_equal(rig.spool[0]->streams, 2);
	assert_int_equal(rig.spool[0]->stream[1].last, 4);
}

static void
a_spool_that_is_past_what_we_gave_makes_a_new_epoch(void **state)
{
	(void)state;
	rig_batch(&rig, 3);
	rig_settle(&rig);
	rig_disconnect(&rig);
	spoolsim_find(rig.spool[0], "s")->last = 77;
	rig_batch(&rig, 4);
	all_is_stored_once();
	assert_int_equal(rig.epochs, 1);
}

static void
nothing_goes_out_before_a_new_epoch_was_taken(void **state)
{
	(void)state;
	rig_batch(&rig, 3);
	rig_settle(&rig);
	struct spoolsim_stream *t = spoolsim_find(rig.spool[0], "s");
	t->head[0] ^= 1;
	rig_batch(&rig, 4);
	const void *ptr;
	size_t len;
	agentlink_engine_drain(rig.engine, rig_now(&rig), &ptr, &len);
	spoolsim_conn_feed(&rig.conn, bytes_of(ptr, len));
	agentlink_engine_sent(rig.engine, len);
	struct bytes in = buf_bytes(&rig.conn.out);
	agentlink_engine_feed(rig.engine, in.ptr, in.len, rig_now(&rig));
	buf_clear(&rig.conn.out);
	agentlink_engine_drain(rig.engine, rig_now(&rig), &ptr, &len);
	assert_int_equal(len, 0);
	rig_events(&rig);
	assert_int_equal(rig.epochs, 1);
	agentlink_engine_drain(rig.engine, rig_now(&rig), &ptr, &len);
	assert_true(len > 0);
	all_is_stored_once();
}

static void
a_rolled_back_spool_gets_again_what_is_held(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		rig_batch(&rig, 5);
	rig_settle(&rig);
	rig_disconnect(&rig);
	/* It has the head only of its old end: that of seq 10 is ours. */
	struct spoolsim_stream *t = spoolsim_find(rig.spool[0], "s");
	struct agentlink_held *h =
	    agentlink_stream_find(rig.engine->stream[0], 11);
	assert_non_null(h);
	memcpy(t->head, h->prev_head, sizeof(t->head));
	spoolsim_roll_back(rig.spool[0], t, 10);
	rig_batch(&rig, 5);
	all_is_stored_once();
	assert_int_equal(rig.epochs, 0);
	assert_int_equal(rig.spool[0]->advances[ENTRY_ADVANCE_ACKED_HERE], 0);
	assert_true(rig.notes > 0);
}

static void
a_rolled_back_spool_is_told_acked_here_for_the_rest(void **state)
{
	(void)state;
	rig_kill(&rig);
	rig.settings.keep_max = 0;
	rig_open(&rig);
	for (int i = 0; i < 4; i++)
		rig_batch(&rig, 5);
	rig_settle(&rig);
	rig_disconnect(&rig);
	struct spoolsim_stream *t = spoolsim_find(rig.spool[0], "s");
	memset(t->head, 0, sizeof(t->head));
	spoolsim_roll_back(rig.spool[0], t, 0);
	rig_batch(&rig, 5);
	rig_settle(&rig);
	assert_int_equal(rig.epochs, 0);
	assert_int_equal(
	    rig.spool[0]->advanced_records[ENTRY_ADVANCE_ACKED_HERE], 20);
	for (uint32_t i = 20; i < 25; i++)
		assert_int_equal(rig.stored[i], 1);
}

static void
another_spool_is_told_acked_elsewhere(void **state)
{
	(void)state;
	/* The other one knows the stream up to 5. */
	rig_batch(&rig, 5);
	rig_settle(&rig);
	assert_int_equal(rig.server, 0);
	struct spoolsim *first = rig.spool[0];
	rig.spool[0] = NULL;
	agentlink_engine_on_disconnected(
	    rig.engine, ERR_CLOSED, "cut", rig_now(&rig));
	spoolsim_conn_fini(&rig.conn);
	rig.is_connected = false;
	rig_events(&rig);
	rig_batch(&rig, 5);
	/* The first does not answer HELLO; the second does. */
	rig_settle(&rig);
	assert_int_equal(rig.server, 1);
	assert_int_equal(rig.spool[1]->streams, 1);
	assert_int_equal(rig_wrong(&rig, 10), 0);
	/* A stream new to a spool starts where the agent says. */
	assert_int_equal(
	    rig.spool[1]->advances[ENTRY_ADVANCE_ACKED_ELSEWHERE], 0);
	/* Back to the first: it is told that the second has 6..10. */
	rig.spool[0] = first;
	rig_disconnect(&rig);
	rig_batch(&rig, 5);
	rig_settle(&rig);
	assert_int_equal(rig.server, 0);
	assert_int_equal(
	    first->advanced_records[ENTRY_ADVANCE_ACKED_ELSEWHERE], 5);
	assert_int_equal(rig_wrong(&rig, 15), 0);
	assert_int_equal(rig.epochs, 0);
}

static void
each_nack_code_is_answered_and_nothing_is_lost(void **state)
{
	(void)state;
	static const uint16_t codes[] = {
	    AGENTLINK_CODE_GAP,
	    AGENTLINK_CODE_PARTIAL,
	    AGENTLINK_CODE_FORK,
	    AGENTLINK_CODE_DIGEST,
	    AGENTLINK_CODE_MALFORMED,
	    AGENTLINK_CODE_LATER,
	    AGENTLINK_CODE_CREDIT,
	    AGENTLINK_CODE_NOT_OPEN,
	    AGENTLINK_CODE_LIMIT,
	    AGENTLINK_CODE_INTERNAL,
	};
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		rig_batch(&rig, 3);
		rig_batch(&rig, 3);
		while (!rig.is_connected || !rig.conn.is_ready)
			rig_settle(&rig);
		rig.conn.nack_next = codes[i];
		all_is_stored_once();
	}
	assert_int_equal(rig.lost, 0);
}

static void
a_batch_that_is_too_large_is_given_up_and_told(void **state)
{
	(void)state;
	rig_batch(&rig, 3);
	rig_settle(&rig);
	rig_batch(&rig, 4);
	rig_batch(&rig, 5);
	rig.conn.nack_next = AGENTLINK_CODE_TOO_LARGE;
	rig_settle(&rig);
	assert_int_equal(rig.lost, 4);
	assert_int_equal(rig.spool[0]->advanced_records[ENTRY_ADVANCE_LOST], 4);
	assert_int_equal(rig_wrong(&rig, 12), 4);
	assert_int_equal(counts().records, 8);
}

static void
a_good_copy_is_sent_three_times_more_and_then_it_ends(void **state)
{
	(void)state;
	rig_batch(&rig, 1);
	rig_settle(&rig);
	rig_batch(&rig, 3);
	for (int i = 0; i < 4; i++) {
		assert_true(rig.is_connected);
		rig.conn.nack_next = AGENTLINK_CODE_DIGEST;
		rig_carry(&rig, SIZE_MAX, false);
	}
	assert_false(rig.is_connected);
	assert_int_equal(rig.last_code, ERR_DIGEST);
	/* It is never given up: the next connection tries again. */
	all_is_stored_once();
	assert_int_equal(counts().repeats, 12);
	assert_int_equal(rig.lost, 0);
}

static void
a_bad_copy_of_our_own_is_told_as_corrupt(void **state)
{
	(void)state;
	rig_batch(&rig, 3);
	rig_batch(&rig, 200);
	rig_batch(&rig, 5);
	struct agentlink_held *h =
	    agentlink_stream_at(rig.engine->stream[0], 1);
	h->payload[h->payload_len / 2] ^= 0x40;
	rig_settle(&rig);
	assert_int_equal(
	    rig.spool[0]->advanced_records[ENTRY_ADVANCE_CORRUPT], 200);
	assert_int_equal(rig.lost, 200);
	assert_int_equal(rig_wrong(&rig, 3), 0);
	assert_int_equal(rig_wrong(&rig, 208), 200);
	assert_int_equal(rig.epochs, 0);
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
	    ONE(records_are_acknowledged_and_counted),
	    ONE(nothing_is_acknowledged_before_an_ack),
	    ONE(a_lost_ack_is_made_up_by_stream_state),
	    ONE(what_was_not_stored_is_sent_again_unchanged),
	    ONE(credits_of_batches_and_bytes_are_kept),
	    ONE(a_spool_with_another_head_makes_a_new_epoch),
	    ONE(a_spool_that_is_past_what_we_gave_makes_a_new_epoch),
	    ONE(nothing_goes_out_before_a_new_epoch_was_taken),
	    ONE(a_rolled_back_spool_gets_again_what_is_held),
	    ONE(a_rolled_back_spool_is_told_acked_here_for_the_rest),
	    TWO(another_spool_is_told_acked_elsewhere),
	    ONE(each_nack_code_is_answered_and_nothing_is_lost),
	    ONE(a_batch_that_is_too_large_is_given_up_and_told),
	    ONE(a_good_copy_is_sent_three_times_more_and_then_it_ends),
	    ONE(a_bad_copy_of_our_own_is_told_as_corrupt),
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
