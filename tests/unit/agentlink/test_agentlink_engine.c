/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of the engine against a scripted spool, in memory (RULES.md 2). */
#include "tests/helpers/cmocka_all.h"

#include <stdlib.h>

#include "agentlink/agentlink_state.h"
#include "lib/base/err.h"
#include "tests/unit/agentlink/engine_rig.h"

static void
records_are_acknowledged_and_counted(void **state)
{
	(void)state;
	rig_batch(&engine_rig, 10);
	rig_batch(&engine_rig, 5);
	engine_rig_expect_all_once();
	struct agentlink_counts c = engine_rig_counts();
	assert_int_equal(c.records, 15);
	assert_int_equal(c.batches, 2);
	assert_int_equal(c.repeats, 0);
	assert_int_equal(engine_rig.acked, 15);
	assert_int_equal(c.held_batches, 0);
	assert_int_equal(c.held_bytes, 0);
	assert_string_equal(engine_rig.spool[0]->last_path, "/var/log/x");
}

static void
nothing_is_acknowledged_before_an_ack(void **state)
{
	(void)state;
	rig_batch(&engine_rig, 3);
	for (int i = 0; i < 20; i++)
		rig_carry(&engine_rig, SIZE_MAX, false);
	assert_int_equal(engine_rig.acked, 0);
	assert_int_equal(engine_rig_counts().held_records, 3);
	rig_carry(&engine_rig, SIZE_MAX, true);
	assert_int_equal(engine_rig.acked, 3);
}

static void
a_lost_ack_is_made_up_by_stream_state(void **state)
{
	(void)state;
	rig_batch(&engine_rig, 3);
	for (int i = 0; i < 20; i++)
		rig_carry(&engine_rig, SIZE_MAX, false);
	rig_disconnect(&engine_rig);
	engine_rig_expect_all_once();
	assert_int_equal(engine_rig_counts().repeats, 0);
	assert_int_equal(engine_rig.acked, 3);
}

static void
what_was_not_stored_is_sent_again_unchanged(void **state)
{
	(void)state;
	rig_batch(&engine_rig, 300);
	rig_batch(&engine_rig, 300);
	rig_carry(&engine_rig, SIZE_MAX, false);
	rig_carry(&engine_rig, SIZE_MAX, false);
	/* Only part of the bytes arrive. */
	rig_carry(&engine_rig, 90, false);
	rig_disconnect(&engine_rig);
	engine_rig_expect_all_once();
	assert_int_equal(engine_rig.spool[0]->streams, 1);
	assert_true(engine_rig_counts().repeats > 0);
	assert_int_equal(engine_rig.epochs, 0);
}

static void
credits_of_batches_and_bytes_are_kept(void **state)
{
	(void)state;
	engine_rig.spool[0]->credit_batches = 2;
	for (int i = 0; i < 10; i++)
		rig_batch(&engine_rig, 2);
	for (int i = 0; i < 20; i++)
		rig_carry(&engine_rig, SIZE_MAX, false);
	assert_int_equal(engine_rig.conn.datas, 2);
	engine_rig.spool[0]->credit_batches = 0;
	rig_carry(&engine_rig, SIZE_MAX, true);
	for (int i = 0; i < 20; i++)
		rig_carry(&engine_rig, SIZE_MAX, true);
	assert_int_equal(engine_rig.conn.datas, 2);
	engine_rig.spool[0]->credit_batches = 100;
	engine_rig.spool[0]->credit_bytes = 1; /* one at a time */
	rig_carry(&engine_rig, SIZE_MAX, true);
	rig_carry(&engine_rig, SIZE_MAX, false);
	rig_carry(&engine_rig, SIZE_MAX, false);
	assert_int_equal(engine_rig.conn.datas, 3);
	engine_rig_expect_all_once();
}

static void
a_spool_with_another_head_makes_a_new_epoch(void **state)
{
	(void)state;
	rig_batch(&engine_rig, 3);
	rig_settle(&engine_rig);
	struct spoolsim_stream *t = spoolsim_find(engine_rig.spool[0], "s");
	rig_disconnect(&engine_rig);
	t->head[0] ^= 1;
	rig_batch(&engine_rig, 4);
	engine_rig_expect_all_once();
	assert_int_equal(engine_rig.epochs, 1);
	assert_int_equal(engine_rig.spool[0]->streams, 2);
	assert_int_equal(engine_rig.spool[0]->stream[1].last, 4);
}

static void
a_spool_that_is_past_what_we_gave_makes_a_new_epoch(void **state)
{
	(void)state;
	rig_batch(&engine_rig, 3);
	rig_settle(&engine_rig);
	rig_disconnect(&engine_rig);
	spoolsim_find(engine_rig.spool[0], "s")->last = 77;
	rig_batch(&engine_rig, 4);
	engine_rig_expect_all_once();
	assert_int_equal(engine_rig.epochs, 1);
}

static void
nothing_goes_out_before_a_new_epoch_was_taken(void **state)
{
	(void)state;
	rig_batch(&engine_rig, 3);
	rig_settle(&engine_rig);
	struct spoolsim_stream *t = spoolsim_find(engine_rig.spool[0], "s");
	t->head[0] ^= 1;
	rig_batch(&engine_rig, 4);
	const void *ptr;
	size_t len;
	agentlink_engine_drain(
	    engine_rig.engine, rig_now(&engine_rig), &ptr, &len);
	spoolsim_conn_feed(&engine_rig.conn, bytes_of(ptr, len));
	agentlink_engine_sent(engine_rig.engine, len);
	struct bytes in = buf_bytes(&engine_rig.conn.out);
	agentlink_engine_feed(
	    engine_rig.engine, in.ptr, in.len, rig_now(&engine_rig));
	buf_clear(&engine_rig.conn.out);
	agentlink_engine_drain(
	    engine_rig.engine, rig_now(&engine_rig), &ptr, &len);
	assert_int_equal(len, 0);
	rig_events(&engine_rig);
	assert_int_equal(engine_rig.epochs, 1);
	agentlink_engine_drain(
	    engine_rig.engine, rig_now(&engine_rig), &ptr, &len);
	assert_true(len > 0);
	engine_rig_expect_all_once();
}

static void
a_rolled_back_spool_gets_again_what_is_held(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		rig_batch(&engine_rig, 5);
	rig_settle(&engine_rig);
	rig_disconnect(&engine_rig);
	/* It has the head only of its old end: that of seq 10 is ours. */
	struct spoolsim_stream *t = spoolsim_find(engine_rig.spool[0], "s");
	struct agentlink_held *h =
	    agentlink_held_find(engine_rig.engine->stream[0], 11);
	assert_non_null(h);
	memcpy(t->head, h->prev_head, sizeof(t->head));
	spoolsim_roll_back(engine_rig.spool[0], t, 10);
	rig_batch(&engine_rig, 5);
	engine_rig_expect_all_once();
	assert_int_equal(engine_rig.epochs, 0);
	assert_int_equal(
	    engine_rig.spool[0]->advances[ENTRY_ADVANCE_ACKED_HERE], 0);
	assert_true(engine_rig.notes > 0);
}

static void
a_rolled_back_spool_is_told_acked_here_for_the_rest(void **state)
{
	(void)state;
	rig_kill(&engine_rig);
	engine_rig.settings.keep_max = 0;
	rig_open(&engine_rig);
	for (int i = 0; i < 4; i++)
		rig_batch(&engine_rig, 5);
	rig_settle(&engine_rig);
	rig_disconnect(&engine_rig);
	struct spoolsim_stream *t = spoolsim_find(engine_rig.spool[0], "s");
	memset(t->head, 0, sizeof(t->head));
	spoolsim_roll_back(engine_rig.spool[0], t, 0);
	rig_batch(&engine_rig, 5);
	rig_settle(&engine_rig);
	assert_int_equal(engine_rig.epochs, 0);
	assert_int_equal(
	    engine_rig.spool[0]->advanced_records[ENTRY_ADVANCE_ACKED_HERE],
	    20);
	for (uint32_t i = 20; i < 25; i++)
		assert_int_equal(engine_rig.stored[i], 1);
}

static void
another_spool_is_told_acked_elsewhere(void **state)
{
	(void)state;
	/* The other one knows the stream up to 5. */
	rig_batch(&engine_rig, 5);
	rig_settle(&engine_rig);
	assert_int_equal(engine_rig.server, 0);
	struct spoolsim *first = engine_rig.spool[0];
	engine_rig.spool[0] = NULL;
	agentlink_engine_on_disconnected(
	    engine_rig.engine, ERR_CLOSED, "cut", rig_now(&engine_rig));
	spoolsim_conn_fini(&engine_rig.conn);
	engine_rig.is_connected = false;
	rig_events(&engine_rig);
	rig_batch(&engine_rig, 5);
	/* The first does not answer HELLO; the second does. */
	rig_settle(&engine_rig);
	assert_int_equal(engine_rig.server, 1);
	assert_int_equal(engine_rig.spool[1]->streams, 1);
	assert_int_equal(rig_wrong(&engine_rig, 10), 0);
	/* A stream new to a spool starts where the agent says. */
	assert_int_equal(
	    engine_rig.spool[1]->advances[ENTRY_ADVANCE_ACKED_ELSEWHERE], 0);
	/* Back to the first: it is told that the second has 6..10. */
	engine_rig.spool[0] = first;
	rig_disconnect(&engine_rig);
	rig_batch(&engine_rig, 5);
	rig_settle(&engine_rig);
	assert_int_equal(engine_rig.server, 0);
	assert_int_equal(
	    first->advanced_records[ENTRY_ADVANCE_ACKED_ELSEWHERE], 5);
	assert_int_equal(rig_wrong(&engine_rig, 15), 0);
	assert_int_equal(engine_rig.epochs, 0);
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
		rig_batch(&engine_rig, 3);
		rig_batch(&engine_rig, 3);
		while (!engine_rig.is_connected || !engine_rig.conn.is_ready)
			rig_settle(&engine_rig);
		engine_rig.conn.nack_next = codes[i];
		engine_rig_expect_all_once();
	}
	assert_int_equal(engine_rig.lost, 0);
}

static void
a_batch_that_is_too_large_is_given_up_and_told(void **state)
{
	(void)state;
	rig_batch(&engine_rig, 3);
	rig_settle(&engine_rig);
	rig_batch(&engine_rig, 4);
	rig_batch(&engine_rig, 5);
	engine_rig.conn.nack_next = AGENTLINK_CODE_TOO_LARGE;
	rig_settle(&engine_rig);
	assert_int_equal(engine_rig.lost, 4);
	assert_int_equal(
	    engine_rig.spool[0]->advanced_records[ENTRY_ADVANCE_LOST], 4);
	assert_int_equal(rig_wrong(&engine_rig, 12), 4);
	assert_int_equal(engine_rig_counts().records, 8);
}

static void
a_good_copy_is_sent_three_times_more_and_then_it_ends(void **state)
{
	(void)state;
	rig_batch(&engine_rig, 1);
	rig_settle(&engine_rig);
	rig_batch(&engine_rig, 3);
	for (int i = 0; i < 4; i++) {
		assert_true(engine_rig.is_connected);
		engine_rig.conn.nack_next = AGENTLINK_CODE_DIGEST;
		rig_carry(&engine_rig, SIZE_MAX, false);
	}
	assert_false(engine_rig.is_connected);
	assert_int_equal(engine_rig.last_code, ERR_DIGEST);
	/* It is never given up: the next connection tries again. */
	engine_rig_expect_all_once();
	assert_int_equal(engine_rig_counts().repeats, 12);
	assert_int_equal(engine_rig.lost, 0);
}

static void
a_bad_copy_of_our_own_is_told_as_corrupt(void **state)
{
	(void)state;
	rig_batch(&engine_rig, 3);
	rig_batch(&engine_rig, 200);
	rig_batch(&engine_rig, 5);
	struct agentlink_held *h =
	    agentlink_held_at(engine_rig.engine->stream[0], 1);
	h->payload[h->payload_len / 2] ^= 0x40;
	rig_settle(&engine_rig);
	assert_int_equal(
	    engine_rig.spool[0]->advanced_records[ENTRY_ADVANCE_CORRUPT], 200);
	assert_int_equal(engine_rig.lost, 200);
	assert_int_equal(rig_wrong(&engine_rig, 3), 0);
	assert_int_equal(rig_wrong(&engine_rig, 208), 200);
	assert_int_equal(engine_rig.epochs, 0);
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
