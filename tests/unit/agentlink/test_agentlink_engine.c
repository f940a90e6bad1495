/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of the engine against a scripted spool, in memory (RULES.md 2). */
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
	    agentlink_held_find(rig.engine->stream[0], 11);
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
	struct agentlink_held *h = agentlink_held_at(rig.engine->stream[0], 1);
	h->payload[h->payload_len / 2] ^= 0x40;
	rig_settle(&rig);
	assert_int_equal(
	    rig.spool[0]->advanced_records[ENTRY_ADVANCE_CORRUPT], 200);
	assert_int_equal(rig.lost, 200);
	assert_int_equal(rig_wrong(&rig, 3), 0);
	assert_int_equal(rig_wrong(&rig, 208), 200);
	assert_int_equal(rig.epochs, 0);
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
