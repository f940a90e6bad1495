/* SPDX-License-Identifier: Apache-2.0 */
/* Acceptance from child spools, RULES.md 8: one test a sentence. */
#include <stdlib.h>
#include <string.h>

#include "tests/helpers/cmocka_all.h"
#include "tests/unit/spoold/keeper/intake_rig.h"

static int
setup(void **state)
{
	struct intake_rig *r = calloc(1, sizeof(*r));
	struct intake_rig_stream s = {
	    .sid = 1 | IPC_SID_CHAINED, .origin = 9, .epoch = 1};

	intake_rig_init(r);
	intake_rig_connect(r, 1, 0);
	intake_rig_open(r, 1, &s); /* defined, never answered */
	intake_rig_silent(r);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	intake_rig_fini(*state);
	free(*state);
	return 0;
}

static struct intake_rig *
one_child(void **state)
{
	struct intake_rig *r = *state;

	intake_rig_chain_open(r, 1, 3, 1, 100000);
	intake_rig_expect(r, IPC_CHAIN_STATE);
	return r;
}

static void
a_chain_batch_is_judged_by_the_childs_numbers_only(void **state)
{
	struct intake_rig *r = one_child(state);

	intake_rig_chained(r, 1, 1, 3, 1, 10);
	intake_rig_chained(r, 1, 2, 3, 21, 10); /* a gap is no matter */
	assert_int_equal(r->items.n, 2);
	intake_rig_commit(r, 0);
	intake_rig_chained(r, 1, 3, 3, 1, 10);
	intake_rig_expect(r, IPC_ALREADY);
	/* The direct agents' table is not touched. */
	assert_int_equal(streams_count(intake_streams(r->in)), 0);
	assert_int_equal(r->counters.row[0].stored, 20);
	assert_int_equal(r->counters.row[0].duplicate, 10);
}

static void
a_partial_overlap_is_answered_with_the_intervals(void **state)
{
	struct intake_rig *r = one_child(state);
	struct entry_child_interval iv;
	const struct ipc_msg *m;
	struct cursor c;

	intake_rig_chained(r, 1, 1, 3, 1, 10);
	intake_rig_commit(r, 0);
	intake_rig_chained(r, 1, 2, 3, 6, 10);
	m = intake_rig_expect(r, IPC_REFUSED);
	assert_int_equal(m->u.refused.n, 1);
	assert_int_equal(intake_rig_verdict(m, 0).code, AGENTLINK_CODE_PARTIAL);
	intake_rig_chain_open(r, 1, 3, 1, 100000);
	m = intake_rig_expect(r, IPC_CHAIN_STATE);
	assert_int_equal(m->u.chain_state.n, 1);
	cursor_init(&c, m->u.chain_state.intervals);
	assert_int_equal(entry_child_interval_next(&c, &iv), 1);
	assert_int_equal(iv.from, 1);
	assert_int_equal(iv.to, 11);
	assert_int_equal(iv.digest[0], 11); /* of the batch that ends it */
	intake_rig_chained(r, 1, 2, 3, 11, 5); /* rebuilt */
	assert_int_equal(r->items.n, 1);
}

static void
a_chain_state_waits_for_its_queue(void **state)
{
	struct intake_rig *r = one_child(state);

	intake_rig_chained(r, 1, 1, 3, 1, 10);
	intake_rig_chain_open(r, 1, 4, 1, 100000);
	intake_rig_silent(r);
	intake_rig_commit(r, 0);
	assert_int_equal(
	    intake_rig_expect(r, IPC_CHAIN_STATE)->u.chain_state.n, 1);
}

static void
a_child_whose_numbers_went_back_needs_a_new_incarnation(void **state)
{
	struct intake_rig *r = one_child(state);

	intake_rig_chained(r, 1, 1, 3, 1, 10);
	intake_rig_commit(r, 0);
	intake_rig_chain_open(r, 1, 4, 1, 10); /* we have 10 of it */
	assert_int_equal(
	    intake_rig_expect(r, IPC_CHAIN_STATE)->u.chain_state.code,
	    AGENTLINK_CODE_INCARNATION);
	intake_rig_chain_open(r, 1, 5, 1, 11);
	assert_int_equal(
	    intake_rig_expect(r, IPC_CHAIN_STATE)->u.chain_state.code, 0);
}

static void
another_incarnation_is_another_child(void **state)
{
	struct intake_rig *r = one_child(state);

	intake_rig_chained(r, 1, 1, 3, 1, 10);
	intake_rig_commit(r, 0);
	intake_rig_chain_open(r, 1, 4, 2, 100000);
	assert_int_equal(
	    intake_rig_expect(r, IPC_CHAIN_STATE)->u.chain_state.n, 0);
	/* Never told ALREADY for what this parent has not seen. */
	intake_rig_chained(r, 1, 2, 4, 1, 10);
	intake_rig_silent(r);
	assert_int_equal(r->items.n, 1);
}

static void
say_skip(struct intake_rig *r, uint64_t number, uint64_t from, uint64_t count)
{
	struct ipc_msg m = {.type = IPC_SKIP};

	m.u.skip = (struct ipc_skip){.number = number,
	    .chain_id = 3,
	    .from = from,
	    .count = count,
	    .reason = ENTRY_SKIP_HOLE};
	intake_rig_say(r, 1, &m);
}

static void
a_skip_fills_the_hole(void **state)
{
	struct intake_rig *r = one_child(state);
	const struct ipc_msg *m;

	intake_rig_chained(r, 1, 1, 3, 1, 10);
	say_skip(r, 2, 11, 10);
	intake_rig_chained(r, 1, 3, 3, 21, 10);
	assert_int_equal(intake_rig_entries(r, ENTRY_SKIP), 1);
	intake_rig_commit(r, 0);
	intake_rig_chain_open(r, 1, 3, 1, 100000);
	m = intake_rig_expect(r, IPC_CHAIN_STATE);
	assert_int_equal(m->u.chain_state.n, 1);
	say_skip(r, 4, 11, 10);
	intake_rig_expect(r, IPC_ALREADY);
}

static void
at_the_quota_a_skip_comes_later(void **state)
{
	struct intake_rig *r = one_child(state);

	intake_on_room(r->in, 0);
	say_skip(r, 1, 1, 10);
	intake_rig_expect(r, IPC_LATER);
	assert_int_equal(r->items.n, 0);
	intake_on_room(r->in, 1 << 20);
	say_skip(r, 1, 1, 10);
	assert_int_equal(intake_rig_entries(r, ENTRY_SKIP), 1);
}

static void
past_1024_intervals_a_batch_comes_later_and_others_do_not_wait(void **state)
{
	struct intake_rig *r = one_child(state);
	const struct ipc_msg *m;
	uint64_t n;

	for (n = 1; n <= CHILDREN_INTERVALS_MAX; n++)
		intake_rig_chained(r, 1, n, 3, n * 10, 1);
	assert_int_equal(r->items.n, CHILDREN_INTERVALS_MAX);
	intake_rig_chained(r, 1, n, 3, n * 10, 1);
	/* Not LATER, which would shut the line for everybody. */
	m = intake_rig_expect(r, IPC_REFUSED);
	assert_int_equal(intake_rig_verdict(m, 0).code, AGENTLINK_CODE_LATER);
	/* What joins two intervals is taken. */
	intake_rig_chained(r, 1, n, 3, 11, 9);
	intake_rig_chained(r, 1, n + 1, 3, n * 10, 1);
	intake_rig_silent(r);
	assert_int_equal(r->items.n, CHILDREN_INTERVALS_MAX + 2);
}

static void
a_chain_batch_may_only_speak_of_chained_streams(void **state)
{
	struct intake_rig *r = one_child(state);
	struct ipc_range range = intake_rig_range(1, 1, 1);
	struct ipc_msg m = {.type = IPC_BATCH};
	char payload[64] = "";
	struct buf b;

	buf_init(&b, 4096);
	ipc_range_encode(&b, &range);
	m.u.batch = (struct ipc_batch){.number = 1,
	    .chain_id = 3,
	    .chain_first_rec = 1,
	    .records = 1,
	    .raw_len = sizeof(payload),
	    .n = 1,
	    .ranges = buf_bytes(&b),
	    .payload = bytes_of(payload, sizeof(payload))};
	intake_rig_say(r, 1, &m);
	assert_int_equal(r->closes, 1);
	buf_fini(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_chain_batch_is_judged_by_the_childs_numbers_only),
	    TEST(a_partial_overlap_is_answered_with_the_intervals),
	    TEST(a_chain_state_waits_for_its_queue),
	    TEST(a_child_whose_numbers_went_back_needs_a_new_incarnation),
	    TEST(another_incarnation_is_another_child),
	    TEST(a_skip_fills_the_hole),
	    TEST(at_the_quota_a_skip_comes_later),
	    TEST(
		past_1024_intervals_a_batch_comes_later_and_others_do_not_wait),
	    TEST(a_chain_batch_may_only_speak_of_chained_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
