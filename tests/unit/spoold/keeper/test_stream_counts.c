/* SPDX-License-Identifier: Apache-2.0 */
/* What each stream received, saved and taken back (DESIGN.md 2, RULES.md 4). */
#include <string.h>

#include "spoold/keeper/stream_counts.h"
#include "tests/helpers/cmocka_all.h"

/* A stream of which 100 records are durable, numbered from 1000 on. */
static struct stream *
add(struct streams *s, uint8_t epoch)
{
	struct entry_stream_key k = {.name = bytes_of_str("log")};
	struct stream *st;

	k.origin.byte[0] = (uint8_t)(epoch + 1);
	k.epoch.byte[0] = epoch;
	assert_int_equal(streams_add(s, &k, bytes_of_str("agents"), 1, &st), 0);
	st->start_seq = 1;
	st->durable.seq = 100;
	st->stored = true;
	stream_counts_stored(st, 1000, 60);
	stream_counts_stored(st, 2000, 40);
	return st;
}

static size_t
entries(struct streams *s, bool to_log)
{
	struct cursor c;
	struct entry e;
	struct buf b;
	size_t n = 0;

	buf_init(&b, SIZE_MAX);
	stream_counts_encode(s, to_log, &b);
	cursor_init(&c, buf_bytes(&b));
	while (entry_next(&c, &e) == 1) {
		assert_int_equal(e.type, ENTRY_STREAM_COUNTERS);
		n++;
	}
	buf_fini(&b);
	return n;
}

static void
counts_begin_with_the_first_record_stored(void **state)
{
	struct streams s;
	struct stream *st;

	(void)state;
	streams_init(&s, SIZE_MAX, 1);
	st = add(&s, 1);
	assert_int_equal(st->counts.since_rec, 1000);
	assert_int_equal(st->counts.stored, 100);
	assert_int_equal(st->counts.received, 100);
	assert_int_equal(entries(&s, false), 0); /* the batches tell it */
	stream_counts_unstored(&s, st, 7, 3);
	assert_int_equal(st->counts.received, 110);
	assert_int_equal(entries(&s, false), 1);
	streams_fini(&s);
}

static void
all_counts_of_a_stream_roll_back_together(void **state)
{
	const struct entry_stream_counts newer = {1000, 130, 90, 35, 5};
	const struct entry_stream_counts older = {1000, 105, 100, 5, 0};
	const struct entry_stream_counts other = {500, 900, 100, 800, 0};
	struct entry_stream_counts *c;
	struct streams s;
	struct stream *st;

	(void)state;
	streams_init(&s, SIZE_MAX, 1);
	st = add(&s, 1);
	c = &st->counts;
	stream_counts_unstored(&s, st, 7, 3);
	assert_false(stream_counts_apply(&s, st, &older, false));
	/* From another time that it was known. */
	assert_false(stream_counts_apply(&s, st, &other, false));
	assert_int_equal(c->received, 110);
	/* What was stored since the save is in the batches, and stays. */
	assert_true(stream_counts_apply(&s, st, &newer, false));
	assert_int_equal(c->stored, 100);
	assert_int_equal(c->received, 140);
	assert_int_equal(c->duplicate, 35);
	assert_int_equal(c->refused, 5);
	assert_true(stream_counts_apply(&s, st, &older, true));
	assert_memory_equal(c, &older, sizeof(older));
	streams_fini(&s);
}

static void
what_changes_while_a_delta_is_under_way_is_logged_again(void **state)
{
	struct streams s;
	struct stream *a, *b;

	(void)state;
	streams_init(&s, SIZE_MAX, 1);
	a = add(&s, 1);
	b = add(&s, 2);
	stream_counts_unstored(&s, a, 1, 0);
	stream_counts_unstored(&s, b, 1, 0);
	assert_int_equal(entries(&s, true), 2);
	stream_counts_unstored(&s, b, 1, 0);
	/* Meta has both until the delta is durable. */
	assert_int_equal(entries(&s, false), 2);
	stream_counts_logged(&s);
	assert_int_equal(s.changed_n, 1);
	assert_ptr_equal(s.changed, b);
	assert_int_equal(entries(&s, true), 1);
	stream_counts_logged(&s);
	assert_int_equal(s.changed_n, 0);
	streams_fini(&s);
}

static void
what_the_log_does_not_know_is_not_told_to_it(void **state)
{
	struct entry_stream_key k = {.name = bytes_of_str("new")};
	struct streams s;
	struct stream *st;

	(void)state;
	streams_init(&s, SIZE_MAX, 1);
	assert_int_equal(
	    streams_add(&s, &k, bytes_of_str("agents"), 1, &st), 0);
	st->start_seq = 1;
	stream_counts_unstored(&s, st, 0, 9);
	assert_int_equal(entries(&s, false), 0);
	/* Its first batch: now the log can have it. */
	st->durable.seq = 10;
	stream_counts_stored(st, 1, 10);
	stream_counts_durable(&s, st, 0);
	assert_int_equal(entries(&s, false), 1);
	assert_int_equal(st->counts.received, 19);
	streams_fini(&s);
}

static void
a_stream_that_goes_leaves_the_list(void **state)
{
	struct streams s;
	struct stream *st[3];
	uint8_t i;

	(void)state;
	streams_init(&s, SIZE_MAX, 1);
	for (i = 0; i < 3; i++) {
		st[i] = add(&s, i);
		stream_counts_unstored(&s, st[i], 1, 0);
	}
	streams_remove(&s, st[1]);
	assert_int_equal(s.changed_n, 2);
	assert_int_equal(entries(&s, false), 2);
	streams_remove(&s, st[2]);
	streams_remove(&s, st[0]);
	assert_int_equal(s.changed_n, 0);
	assert_null(s.changed);
	streams_fini(&s);
}

static void
a_save_has_at_most_1024_streams(void **state)
{
	struct entry_stream_key k = {.name = bytes_of_str("log")};
	struct streams s;
	struct stream *st;
	size_t i;

	(void)state;
	streams_init(&s, SIZE_MAX, 1);
	for (i = 0; i < STREAM_COUNTS_MAX + 5; i++) {
		memcpy(k.origin.byte, &i, sizeof(i));
		assert_int_equal(
		    streams_add(&s, &k, bytes_of_str("agents"), 1, &st), 0);
		stream_counts_unstored(&s, st, 1, 0);
	}
	assert_int_equal(entries(&s, true), STREAM_COUNTS_MAX);
	stream_counts_logged(&s);
	assert_int_equal(entries(&s, true), 5);
	streams_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_begin_with_the_first_record_stored),
	    cmocka_unit_test(all_counts_of_a_stream_roll_back_together),
	    cmocka_unit_test(
		what_changes_while_a_delta_is_under_way_is_logged_again),
	    cmocka_unit_test(what_the_log_does_not_know_is_not_told_to_it),
	    cmocka_unit_test(a_stream_that_goes_leaves_the_list),
	    cmocka_unit_test(a_save_has_at_most_1024_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
