/* SPDX-License-Identifier: Apache-2.0 */
/* What a target has settled and is owed, RULES.md 4 and 7. */
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/cursors.h"
#include "spoold/keeper/ledger.h"
#include "spoold/keeper/retention.h"
#include "tests/helpers/cmocka_all.h"

static struct cursors_target *
add(struct cursors *c, const char *name, uint64_t start)
{
	struct cursors_target *t;

	assert_int_equal(
	    cursors_add(c, bytes_of_str(name), bytes_of_str("file"), start, &t),
	    0);
	return t;
}

static uint64_t
sum(const struct cursors_target *t)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < ENTRY_TERMS; i++)
		n += t->term[i];
	return n;
}

static void
a_record_is_settled_once_in_the_first_term(void **state)
{
	struct cursors c = {0};
	struct cursors_target *t = add(&c, "a", 1);
	uint64_t added;

	(void)state;
	assert_int_equal(
	    cursors_settle(t, ENTRY_TERM_DELIVERED, 1, 11, &added), 0);
	assert_int_equal(added, 10);
	assert_int_equal(
	    cursors_settle(t, ENTRY_TERM_FILTERED, 6, 16, &added), 0);
	assert_int_equal(added, 5);
	assert_int_equal(t->term[ENTRY_TERM_DELIVERED], 10);
	assert_int_equal(t->term[ENTRY_TERM_FILTERED], 5);
	assert_int_equal(cursors_pending_in(t, 1, 21), 5);
	assert_int_equal(cursors_first_pending(t, 1), 16);
	cursors_fini(&c);
}

static void
nothing_before_its_start_is_owed_or_counted(void **state)
{
	struct cursors c = {0};
	struct cursors_target *t = add(&c, "a", 100);

	(void)state;
	assert_int_equal(cursors_pending_in(t, 1, 100), 0);
	assert_int_equal(cursors_pending_in(t, 1, 110), 10);
	assert_int_equal(
	    cursors_settle(t, ENTRY_TERM_DELIVERED, 50, 105, NULL), 0);
	assert_int_equal(t->term[ENTRY_TERM_DELIVERED], 5);
	cursors_fini(&c);
}

static void
each_target_settles_a_record_with_its_own_term(void **state)
{
	struct cursors c = {0};
	struct cursors_target *a = add(&c, "a", 1), *b = add(&c, "b", 1);

	(void)state;
	cursors_settle(a, ENTRY_TERM_DELIVERED, 1, 2, NULL);
	cursors_settle(b, ENTRY_TERM_UNCONFIRMED, 1, 2, NULL);
	assert_int_equal(a->term[ENTRY_TERM_DELIVERED], 1);
	assert_int_equal(b->term[ENTRY_TERM_UNCONFIRMED], 1);
	cursors_fini(&c);
}

static void
a_set_has_256_intervals_at_most(void **state)
{
	struct cursors c = {0};
	struct cursors_target *t = add(&c, "a", 1);
	uint64_t i;

	(void)state;
	for (i = 1; i <= CURSORS_INTERVALS_MAX; i++)
		assert_int_equal(cursors_settle(t, ENTRY_TERM_DELIVERED, i * 10,
				     i * 10 + 1, NULL),
		    0);
	assert_int_equal(
	    cursors_settle(t, ENTRY_TERM_DELIVERED, i * 10, i * 10 + 1, NULL),
	    ERR_LIMIT);
	assert_int_equal(sum(t), CURSORS_INTERVALS_MAX);
	assert_int_equal(
	    cursors_settle(t, ENTRY_TERM_DELIVERED, 11, 20, NULL), 0);
	cursors_fini(&c);
}

static void
a_hole_is_settled_for_every_target_and_counted_for_none(void **state)
{
	struct cursors c = {0};
	struct cursors_target *a = add(&c, "a", 1), *b = add(&c, "b", 1);
	struct entry e = {.type = ENTRY_QUARANTINE};

	(void)state;
	cursors_settle(a, ENTRY_TERM_DELIVERED, 1, 6, NULL);
	e.u.quarantine =
	    (struct entry_quarantine){.from = 6, .to = 1000, .count = 0};
	assert_int_equal(cursors_apply(&c, &e), 0);
	assert_int_equal(sum(a), 5);
	assert_int_equal(sum(b), 0);
	assert_int_equal(cursors_pending_in(a, 1, 1000), 0);
	assert_int_equal(cursors_pending_in(b, 1, 1000), 5);
	assert_int_equal(a->settled.n, 1);
	cursors_fini(&c);
}

static void
damage_counts_only_what_a_target_had_not_settled(void **state)
{
	struct cursors c = {0};
	struct cursors_target *a = add(&c, "a", 1), *b = add(&c, "b", 1);
	struct entry e = {.type = ENTRY_QUARANTINE};

	(void)state;
	cursors_settle(a, ENTRY_TERM_DELIVERED, 1, 6, NULL);
	e.u.quarantine =
	    (struct entry_quarantine){.from = 1, .to = 11, .count = 10};
	cursors_apply(&c, &e);
	assert_int_equal(a->term[ENTRY_TERM_QUARANTINED], 5);
	assert_int_equal(b->term[ENTRY_TERM_QUARANTINED], 10);
	cursors_fini(&c);
}

/* Feed what `from` has to say to the log to another table. */
static void
tell(struct cursors_target *from, struct cursors *to)
{
	struct buf b;
	struct cursor c;
	struct entry e;

	buf_init(&b, 1 << 20);
	cursors_take_delivered(from, &b);
	cursor_init(&c, buf_bytes(&b));
	assert_int_equal(entry_next(&c, &e), 1);
	assert_int_equal(cursors_apply(to, &e), 0);
	entry_fini(&e);
	buf_fini(&b);
}

static void
settle_live(
    struct cursors_target *t, enum entry_term term, uint64_t from, uint64_t to)
{
	cursors_settle(t, term, from, to, NULL);
	cursors_note(t, term, from, to);
}

static void
a_delivered_entry_is_the_cursor_move(void **state)
{
	struct cursors live = {0}, log = {0};
	struct cursors_target *t = add(&live, "a", 1), *l = add(&log, "a", 1);

	(void)state;
	assert_false(cursors_has_unlogged(t));
	settle_live(t, ENTRY_TERM_DELIVERED, 1, 5);
	settle_live(t, ENTRY_TERM_DELIVERED, 5, 9);
	settle_live(t, ENTRY_TERM_FILTERED, 9, 12);
	assert_int_equal(t->unlogged_n, 2);
	t->opaque[0] = 7;
	assert_true(cursors_has_unlogged(t));
	tell(t, &log);
	assert_false(cursors_has_unlogged(t));
	assert_true(ivset_equal(&t->settled, &l->settled));
	assert_memory_equal(t->term, l->term, sizeof(t->term));
	assert_int_equal(l->opaque[0], 7);
	cursors_fini(&live);
	cursors_fini(&log);
}

/* Below the reserve moves are not kept one by one (RULES.md 5). */
static void
moves_that_were_summed_up_go_to_the_log_as_a_whole(void **state)
{
	struct cursors live = {0}, log = {0};
	struct cursors_target *t = add(&live, "a", 1), *l = add(&log, "a", 1);

	(void)state;
	settle_live(t, ENTRY_TERM_DELIVERED, 1, 5);
	settle_live(t, ENTRY_TERM_FILTERED, 7, 9);
	cursors_sum_up(t);
	assert_int_equal(t->unlogged_n, 0);
	settle_live(t, ENTRY_TERM_DELIVERED, 20, 22);
	assert_true(cursors_has_unlogged(t));
	tell(t, &log);
	assert_false(cursors_has_unlogged(t));
	assert_true(ivset_equal(&t->settled, &l->settled));
	assert_memory_equal(t->term, l->term, sizeof(t->term));
	cursors_fini(&live);
	cursors_fini(&log);
}

static void
meta_is_adopted_only_where_it_knows_more(void **state)
{
	struct cursors live = {0}, log = {0};
	struct cursors_target *t = add(&live, "a", 1), *l = add(&log, "a", 1);
	struct entry saved;

	(void)state;
	cursors_settle(t, ENTRY_TERM_DELIVERED, 1, 50, NULL);
	t->opaque[0] = 9;
	cursors_settle(l, ENTRY_TERM_DELIVERED, 1, 20, NULL);
	saved = cursors_entry(t);
	/* It speaks of records that the log does not have. */
	assert_false(cursors_adopt(l, &saved.u.target_state, 40, true));
	assert_true(cursors_adopt(l, &saved.u.target_state, 50, false));
	assert_int_equal(l->term[ENTRY_TERM_DELIVERED], 49);
	assert_int_equal(l->opaque[0], 9);
	/* Only the position has moved: the later one counts. */
	saved.u.target_state.opaque[0] = 10;
	assert_false(cursors_adopt(l, &saved.u.target_state, 50, false));
	assert_int_equal(l->opaque[0], 9);
	assert_true(cursors_adopt(l, &saved.u.target_state, 50, true));
	assert_int_equal(l->opaque[0], 10);
	/* The log knows more, or other things. */
	cursors_settle(l, ENTRY_TERM_DELIVERED, 60, 70, NULL);
	assert_false(cursors_adopt(l, &saved.u.target_state, 100, false));
	/* It is about another life of that name. */
	saved.u.target_state.start_rec = 2;
	assert_false(cursors_adopt(l, &saved.u.target_state, 100, false));
	cursors_fini(&live);
	cursors_fini(&log);
}

/* One batch of entries into the ledger. */
static void
log_batch(struct ledger *l, uint64_t number, const struct entry *e, size_t n)
{
	struct buf b;
	size_t i;

	buf_init(&b, SIZE_MAX);
	for (i = 0; i < n; i++)
		entry_encode(&b, &e[i]);
	assert_int_equal(ledger_on_control(l, number, buf_bytes(&b)), 0);
	buf_fini(&b);
}

static void
a_whole_state_in_the_log_is_as_late_as_its_batch(void **state)
{
	struct cursors live = {0};
	struct cursors_target *t = add(&live, "a", 1), *logged;
	struct entry e[3] = {{.type = ENTRY_CHECKPOINT_BEGIN},
	    {.type = ENTRY_TARGET_STATE}, {.type = ENTRY_CHECKPOINT_END}};
	struct ledger l;

	(void)state;
	ledger_init(&l, 1);
	t->opaque[0] = 1;
	e[1] = cursors_entry(t);
	/* What begins a segment says what was before it. */
	e[0].u.checkpoint.full = true;
	log_batch(&l, 3, e, 3);
	logged = cursors_find(&l.cursors, bytes_of_str("a"));
	assert_non_null(logged);
	assert_int_equal(logged->moved_number, 0);
	/* Alone, and in a delta, it stands for a move. */
	log_batch(&l, 7, &e[1], 1);
	assert_int_equal(logged->moved_number, 7);
	e[0].u.checkpoint.full = false;
	log_batch(&l, 9, e, 3);
	assert_int_equal(logged->moved_number, 9);
	ledger_fini(&l);
	cursors_fini(&live);
}

static void
lost_custody_is_owed_again_and_taken_off_the_terms(void **state)
{
	struct cursors c = {0};
	struct cursors_target *t = add(&c, "a", 1);
	struct entry e = {.type = ENTRY_PENDING_AGAIN}, f = e;
	uint64_t term[ENTRY_TERMS];

	(void)state;
	cursors_settle(t, ENTRY_TERM_DELIVERED, 1, 16, NULL);
	cursors_settle(t, ENTRY_TERM_EXPIRED, 16, 31, NULL);
	memcpy(term, t->term, sizeof(term));
	cursors_plan_again(t, 1, 11, term, &e.u.pending_again);
	cursors_plan_again(t, 21, 31, term, &f.u.pending_again);
	assert_int_equal(e.u.pending_again.count[ENTRY_TERM_DELIVERED], 10);
	/* What is left of the term, and then the next. */
	assert_int_equal(f.u.pending_again.count[ENTRY_TERM_DELIVERED], 5);
	assert_int_equal(f.u.pending_again.count[ENTRY_TERM_EXPIRED], 5);
	assert_int_equal(cursors_apply(&c, &e), 0);
	assert_int_equal(cursors_apply(&c, &f), 0);
	assert_int_equal(cursors_pending_in(t, 1, 31), 20);
	assert_int_equal(sum(t), 10);
	cursors_fini(&c);
}

static void
another_protocol_clears_the_opaque_bytes(void **state)
{
	struct cursors c = {0};
	struct cursors_target *t = add(&c, "a", 1);

	(void)state;
	t->opaque[3] = 1;
	cursors_set_protocol(t, bytes_of_str("file"));
	assert_int_equal(t->opaque[3], 1);
	cursors_settle(t, ENTRY_TERM_DELIVERED, 1, 3, NULL);
	cursors_set_protocol(t, bytes_of_str("chain"));
	assert_int_equal(t->opaque[3], 0);
	assert_int_equal(sum(t), 2); /* the cursor stays */
	cursors_fini(&c);
}

static void
a_rename_moves_the_cursor(void **state)
{
	struct cursors c = {0};
	struct cursors_target *t = add(&c, "old", 1);
	struct entry e = {.type = ENTRY_TARGET};

	(void)state;
	add(&c, "other", 1);
	cursors_settle(t, ENTRY_TERM_DELIVERED, 1, 3, NULL);
	e.u.target = (struct entry_target){.action = ENTRY_TARGET_RENAMED,
	    .name = bytes_of_str("old"),
	    .new_name = bytes_of_str("new")};
	assert_int_equal(cursors_apply(&c, &e), 0);
	assert_null(cursors_find(&c, bytes_of_str("old")));
	t = cursors_find(&c, bytes_of_str("new"));
	assert_int_equal(sum(t), 2);
	assert_int_equal(
	    cursors_rename(&c, t, bytes_of_str("other")), ERR_EXISTS);
	cursors_fini(&c);
}

/* ---- retention ---- */

static void
a_segment_goes_when_every_target_has_settled_all_of_it(void **state)
{
	struct cursors c = {0};
	struct cursors_target *a = add(&c, "a", 1), *b = add(&c, "b", 15);
	struct store_segment row[2] = {
	    {.id = 1, .first_rec = 1, .next_rec = 11, .sealed = true},
	    {.id = 2, .first_rec = 11, .next_rec = 21, .sealed = true}};

	(void)state;
	assert_null(retention_next(&c, row, 2));
	cursors_settle(a, ENTRY_TERM_DELIVERED, 2, 11, NULL);
	assert_null(retention_next(&c, row, 2)); /* record 1 is owed */
	cursors_settle(a, ENTRY_TERM_DELIVERED, 1, 2, NULL);
	assert_ptr_equal(retention_next(&c, row, 2), &row[0]);
	row[0].sealed = false;
	assert_null(retention_next(&c, row, 2));
	/* The second one waits for b too. */
	cursors_settle(a, ENTRY_TERM_DELIVERED, 11, 21, NULL);
	assert_null(retention_next(&c, &row[1], 1));
	cursors_settle(b, ENTRY_TERM_FILTERED, 15, 21, NULL);
	assert_ptr_equal(retention_next(&c, &row[1], 1), &row[1]);
	cursors_fini(&c);
}

static void
room_shrinks_from_ninety_percent_and_ends_at_the_reserve(void **state)
{
	const uint64_t quota = 1000ull << 20, reserve = 100ull << 20;
	const uint64_t limit = quota - reserve, memory = 64 << 20;

	(void)state;
	assert_int_equal(retention_room(0, quota, reserve, memory), memory);
	assert_int_equal(
	    retention_room(limit / 10 * 9, quota, reserve, memory), memory);
	assert_in_range(
	    retention_room(limit / 100 * 95, quota, reserve, memory),
	    memory / 3, memory * 2 / 3);
	assert_true(retention_room(limit - 1, quota, reserve, memory) > 0);
	assert_int_equal(retention_room(limit, quota, reserve, memory), 0);
	assert_int_equal(retention_room(quota, quota, reserve, memory), 0);
}

static void
a_delta_comes_each_32_mib_or_30_s_if_anything_changed(void **state)
{
	(void)state;
	assert_false(retention_delta_is_due(0, 3600ull * 1000000, false));
	assert_true(retention_delta_is_due(0, 30ull * 1000000, true));
	assert_false(retention_delta_is_due(0, 29ull * 1000000, true));
	assert_true(retention_delta_is_due(1, 30ull * 1000000, false));
	assert_false(
	    retention_delta_is_due((32u << 20) - 1, 29ull * 1000000, true));
	assert_true(retention_delta_is_due(32u << 20, 0, false));
}

static void
marks_are_fifty_eighty_and_ninety_percent(void **state)
{
	(void)state;
	assert_int_equal(retention_mark(0, 1100, 100), 0);
	assert_int_equal(retention_mark(499, 1100, 100), 0);
	assert_int_equal(retention_mark(500, 1100, 100), 50);
	assert_int_equal(retention_mark(799, 1100, 100), 50);
	assert_int_equal(retention_mark(800, 1100, 100), 80);
	assert_int_equal(retention_mark(950, 1100, 100), 90);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_record_is_settled_once_in_the_first_term),
	    cmocka_unit_test(nothing_before_its_start_is_owed_or_counted),
	    cmocka_unit_test(each_target_settles_a_record_with_its_own_term),
	    cmocka_unit_test(a_set_has_256_intervals_at_most),
	    cmocka_unit_test(
		a_hole_is_settled_for_every_target_and_counted_for_none),
	    cmocka_unit_test(damage_counts_only_what_a_target_had_not_settled),
	    cmocka_unit_test(a_delivered_entry_is_the_cursor_move),
	    cmocka_unit_test(
		moves_that_were_summed_up_go_to_the_log_as_a_whole),
	    cmocka_unit_test(meta_is_adopted_only_where_it_knows_more),
	    cmocka_unit_test(a_whole_state_in_the_log_is_as_late_as_its_batch),
	    cmocka_unit_test(
		lost_custody_is_owed_again_and_taken_off_the_terms),
	    cmocka_unit_test(another_protocol_clears_the_opaque_bytes),
	    cmocka_unit_test(a_rename_moves_the_cursor),
	    cmocka_unit_test(
		a_segment_goes_when_every_target_has_settled_all_of_it),
	    cmocka_unit_test(
		room_shrinks_from_ninety_percent_and_ends_at_the_reserve),
	    cmocka_unit_test(
		a_delta_comes_each_32_mib_or_30_s_if_anything_changed),
	    cmocka_unit_test(marks_are_fifty_eighty_and_ninety_percent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
