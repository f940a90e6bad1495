/* SPDX-License-Identifier: Apache-2.0 */
/* streams, children, counters: their limits and what they forget. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/children.h"
#include "spoold/keeper/counters.h"
#include "spoold/keeper/streams.h"
#include "tests/helpers/cmocka_all.h"

static struct entry_stream_key
key_of(uint8_t origin, uint8_t epoch, const char *name)
{
	struct entry_stream_key k = {.name = bytes_of_str(name)};

	memset(&k.origin, origin, UUID_SIZE);
	memset(&k.epoch, epoch, UUID_SIZE);
	return k;
}

static void
eight_epochs_of_a_name_are_kept_the_longest_silent_goes(void **state)
{
	struct entry_stream_key k;
	struct streams s;
	struct stream *st;
	uint8_t i;

	(void)state;
	streams_init(&s, STREAMS_MEMORY_MAX, 1);
	for (i = 1; i <= STREAMS_EPOCHS_MAX; i++) {
		k = key_of(1, i, "log");
		assert_int_equal(
		    streams_add(&s, &k, bytes_of_str("agents"), 100 - i, &st),
		    0);
	}
	k = key_of(1, 99, "log");
	assert_int_equal(
	    streams_add(&s, &k, bytes_of_str("agents"), 200, &st), 0);
	assert_int_equal(streams_count(&s), STREAMS_EPOCHS_MAX);
	k = key_of(1, STREAMS_EPOCHS_MAX, "log");
	assert_null(streams_find(&s, &k)); /* seen at 92 */
	k = key_of(1, 1, "log");
	assert_non_null(streams_find(&s, &k));
	streams_fini(&s);
}

/* A replay sees many epochs at one time: the newest must not go. */
static void
of_epochs_seen_at_one_time_the_first_goes(void **state)
{
	struct entry_stream_key k;
	struct streams s;
	struct stream *st;
	uint8_t i;

	(void)state;
	streams_init(&s, STREAMS_MEMORY_MAX, 1);
	for (i = 1; i <= 2 * STREAMS_EPOCHS_MAX; i++) {
		k = key_of(1, i, "log");
		assert_int_equal(
		    streams_add(&s, &k, bytes_of_str("agents"), 5, &st), 0);
	}
	for (i = 1; i <= 2 * STREAMS_EPOCHS_MAX; i++) {
		k = key_of(1, i, "log");
		assert_int_equal(
		    streams_find(&s, &k) != NULL, i > STREAMS_EPOCHS_MAX);
	}
	streams_fini(&s);
}

static void
an_epoch_that_is_in_use_does_not_go(void **state)
{
	struct entry_stream_key k;
	struct streams s;
	struct stream *st;
	uint8_t i;

	(void)state;
	streams_init(&s, STREAMS_MEMORY_MAX, 1);
	for (i = 1; i <= STREAMS_EPOCHS_MAX; i++) {
		k = key_of(1, i, "log");
		streams_add(&s, &k, bytes_of_str("agents"), i, &st);
		assert_int_equal(streams_open(&s, st), 0);
	}
	k = key_of(1, 99, "log");
	assert_int_equal(
	    streams_add(&s, &k, bytes_of_str("agents"), 200, &st), ERR_LIMIT);
	/* Another name of the same agent has its own eight. */
	k = key_of(1, 99, "other");
	assert_int_equal(
	    streams_add(&s, &k, bytes_of_str("agents"), 200, &st), 0);
	streams_fini(&s);
}

static void
the_tables_memory_has_a_limit(void **state)
{
	struct entry_stream_key k;
	struct streams s;
	struct stream *st;
	char name[16];
	int i, rc = 0;

	(void)state;
	streams_init(&s, 64 << 10, 1);
	for (i = 0; i < 10000 && !rc; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		k = key_of(1, 1, name);
		rc = streams_add(&s, &k, bytes_of_str("agents"), 1, &st);
	}
	assert_int_equal(rc, ERR_LIMIT);
	assert_true(s.memory <= 64 << 10);
	assert_true(streams_count(&s) > 50);
	streams_remove(&s, streams_next(&s, NULL));
	assert_int_equal(
	    streams_add(&s, &k, bytes_of_str("agents"), 1, &st), 0);
	streams_fini(&s);
}

static void
a_closed_stream_goes_after_thirty_days(void **state)
{
	struct entry_stream_key k = key_of(1, 1, "log");
	struct streams s;
	struct stream *st;

	(void)state;
	streams_init(&s, STREAMS_MEMORY_MAX, 1);
	streams_add(&s, &k, bytes_of_str("agents"), 1000, &st);
	st->stored = true;
	streams_sweep(&s, 1000 + STREAMS_KEEP_US * 2);
	assert_int_equal(streams_count(&s), 1); /* it is not closed */
	st->closed = true;
	streams_sweep(&s, 1000 + STREAMS_KEEP_US - 1);
	assert_int_equal(streams_count(&s), 1);
	streams_sweep(&s, 1000 + STREAMS_KEEP_US);
	assert_int_equal(streams_count(&s), 0);
	streams_fini(&s);
}

static void
intervals_join_and_keep_the_digest_of_what_ends_them(void **state)
{
	uint8_t d[4][BATCH_DIGEST_SIZE];
	struct children_set set = {0};
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		memset(d[i], i + 1, BATCH_DIGEST_SIZE);
	assert_int_equal(children_set_add(&set, 10, 20, d[0]), 0);
	assert_int_equal(children_set_add(&set, 30, 40, d[1]), 0);
	assert_int_equal(set.n, 2);
	assert_int_equal(children_part_of(&set, 10, 20), CHILDREN_ALL);
	assert_int_equal(children_part_of(&set, 15, 25), CHILDREN_SOME);
	assert_int_equal(children_part_of(&set, 5, 11), CHILDREN_SOME);
	assert_int_equal(children_part_of(&set, 20, 30), CHILDREN_NONE);
	assert_int_equal(children_part_of(&set, 1, 10), CHILDREN_NONE);
	assert_int_equal(children_part_of(&set, 10, 40), CHILDREN_SOME);
	assert_int_equal(children_set_add(&set, 20, 25, d[2]), 0);
	assert_int_equal(set.n, 2);
	assert_int_equal(set.iv[0].to, 25);
	assert_int_equal(set.iv[0].digest[0], 3);
	assert_int_equal(children_set_add(&set, 25, 30, d[3]), 0);
	assert_int_equal(set.n, 1);
	assert_int_equal(set.iv[0].from, 10);
	assert_int_equal(set.iv[0].to, 40);
	assert_int_equal(set.iv[0].digest[0], 2);
	assert_int_equal(children_set_end(&set), 40);
	free(set.iv);
}

static void
a_set_of_1024_intervals_takes_no_more_but_joins(void **state)
{
	static const uint8_t d[BATCH_DIGEST_SIZE];
	struct children_set set = {0};
	uint64_t i;

	(void)state;
	for (i = 1; i <= CHILDREN_INTERVALS_MAX; i++)
		assert_int_equal(
		    children_set_add(&set, i * 10, i * 10 + 1, d), 0);
	assert_int_equal(
	    children_set_add(&set, i * 10, i * 10 + 1, d), ERR_LIMIT);
	assert_int_equal(set.n, CHILDREN_INTERVALS_MAX);
	assert_int_equal(children_set_add(&set, 11, 20, d), 0);
	assert_int_equal(set.n, CHILDREN_INTERVALS_MAX - 1);
	free(set.iv);
}

static void
an_encoded_set_comes_back_and_a_bad_one_does_not(void **state)
{
	uint8_t d[BATCH_DIGEST_SIZE] = {9};
	struct children_set set = {0}, back = {0};
	struct buf b;

	(void)state;
	children_set_add(&set, 1, 5, d);
	children_set_add(&set, 9, 12, d);
	buf_init(&b, 4096);
	children_set_encode(&set, &b);
	assert_int_equal(children_set_decode(&back, 2, buf_bytes(&b)), 0);
	assert_int_equal(back.n, 2);
	assert_memory_equal(back.iv, set.iv, 2 * sizeof(*set.iv));
	assert_int_equal(
	    children_set_decode(&back, 3, buf_bytes(&b)), ERR_FORMAT);
	assert_int_equal(
	    children_set_decode(&back, 1, buf_bytes(&b)), ERR_FORMAT);
	buf_fini(&b);
	free(set.iv);
	free(back.iv);
}

static void
old_incarnations_of_a_child_make_room_for_new_ones(void **state)
{
	struct children c;
	struct uuid child = {{1}}, other = {{2}}, inc = {{0}};
	struct child *ch;
	uint8_t i;

	(void)state;
	children_init(&c, 1);
	assert_int_equal(children_take(&c, &other, &inc, 1, &ch), 0);
	for (i = 1; i <= CHILDREN_INCARNATIONS_MAX + 3; i++) {
		inc.byte[0] = i;
		assert_int_equal(children_take(&c, &child, &inc, i, &ch), 0);
	}
	inc.byte[0] = 1;
	assert_null(children_find(&c, &child, &inc));
	inc.byte[0] = i - 1;
	assert_non_null(children_find(&c, &child, &inc));
	inc.byte[0] = 0;
	assert_non_null(children_find(&c, &other, &inc));
	children_fini(&c);
}

static struct entry_counters
entry_of(uint64_t received, uint64_t stored, uint64_t dup, uint64_t refused)
{
	return (struct entry_counters){.listener = bytes_of_str("agents"),
	    .received = received,
	    .stored = stored,
	    .duplicate = dup,
	    .refused = refused};
}

static void
saved_counters_do_not_take_back_what_the_log_has(void **state)
{
	struct counters c = {0};
	struct entry_counters e = entry_of(130, 100, 20, 10);
	struct counters_row *r = counters_of(&c, bytes_of_str("agents"));

	(void)state;
	/* The log has 150 records; the save had seen 100 of them. */
	r->received = r->stored = 150;
	counters_apply(&c, &e, false);
	assert_int_equal(r->stored, 150);
	assert_int_equal(r->received, 180);
	assert_int_equal(r->duplicate, 20);
	assert_int_equal(r->refused, 10);
	/* An older save changes nothing. */
	e = entry_of(60, 50, 5, 5);
	counters_apply(&c, &e, false);
	assert_int_equal(r->received, 180);
	assert_int_equal(r->duplicate, 20);
	/* A full checkpoint is the truth. */
	counters_apply(&c, &e, true);
	assert_int_equal(r->received, 60);
	assert_int_equal(r->stored, 50);
	counters_fini(&c);
}

static void
a_broken_equation_stays_broken_in_what_is_saved(void **state)
{
	struct counters c = {0};
	struct entry_counters e = entry_of(131, 100, 20, 10);
	struct counters_row *r = counters_of(&c, bytes_of_str("agents"));

	(void)state;
	r->received = r->stored = 100;
	counters_apply(&c, &e, false);
	assert_int_not_equal(
	    r->received, r->stored + r->duplicate + r->refused);
	counters_fini(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		eight_epochs_of_a_name_are_kept_the_longest_silent_goes),
	    cmocka_unit_test(of_epochs_seen_at_one_time_the_first_goes),
	    cmocka_unit_test(an_epoch_that_is_in_use_does_not_go),
	    cmocka_unit_test(the_tables_memory_has_a_limit),
	    cmocka_unit_test(a_closed_stream_goes_after_thirty_days),
	    cmocka_unit_test(
		intervals_join_and_keep_the_digest_of_what_ends_them),
	    cmocka_unit_test(a_set_of_1024_intervals_takes_no_more_but_joins),
	    cmocka_unit_test(an_encoded_set_comes_back_and_a_bad_one_does_not),
	    cmocka_unit_test(
		old_incarnations_of_a_child_make_room_for_new_ones),
	    cmocka_unit_test(saved_counters_do_not_take_back_what_the_log_has),
	    cmocka_unit_test(a_broken_equation_stays_broken_in_what_is_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
