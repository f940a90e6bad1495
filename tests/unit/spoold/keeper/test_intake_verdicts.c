/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of records that carry on, repeat, overlap, leave out or differ,
 * RULES.md 2: one test a sentence.
 */
#include <stdio.h>
#include <string.h>

#include "tests/helpers/cmocka_all.h"
#include "tests/unit/spoold/keeper/intake_rig.h"

static void
a_new_stream_starts_where_the_agent_says(void **state)
{
	struct intake_rig *r = *state;
	struct intake_rig_stream s = {
	    .sid = 1, .origin = 1, .epoch = 1, .next_seq = 501};
	const struct ipc_msg *m;

	intake_rig_head(500, s.head);
	intake_rig_connect(r, 1, 0);
	intake_rig_open(r, 1, &s);
	m = intake_rig_expect(r, IPC_STREAM_STATE);
	assert_true(m->u.stream_state.is_new);
	assert_int_equal(m->u.stream_state.last, 500);
	intake_rig_one(r, 1, 1, 1, 501, 10);
	assert_int_equal(r->items.n, 1);
}

static void
a_fork_is_not_stored_but_recorded_once(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	struct ipc_range other = intake_rig_range(1, 11, 10);
	const struct ipc_msg *m;

	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_commit(r, 0);
	memset(other.prev_head, 0xee, BATCH_HEAD_SIZE);
	intake_rig_batch(r, 1, 2, &other, 1);
	m = intake_rig_expect(r, IPC_REFUSED);
	assert_int_equal(intake_rig_verdict(m, 0).code, AGENTLINK_CODE_FORK);
	assert_int_equal(intake_rig_entries(r, ENTRY_FORK), 1);
	assert_int_equal(r->alarms, 1);
	intake_rig_batch(r, 1, 2, &other, 1);
	intake_rig_expect(r, IPC_REFUSED);
	assert_int_equal(intake_rig_entries(r, ENTRY_FORK), 1);
	assert_int_equal(r->counters.row[0].stored, 10);
	assert_int_equal(r->counters.row[0].refused, 20);
	/* A new epoch is another stream. */
}

static void
another_head_at_the_last_record_is_a_fork_too(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	struct ipc_range other = intake_rig_range(1, 1, 10);
	const struct ipc_msg *m;

	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_commit(r, 0);
	memset(other.head, 0xee, BATCH_HEAD_SIZE);
	intake_rig_batch(r, 1, 2, &other, 1);
	m = intake_rig_expect(r, IPC_REFUSED);
	assert_int_equal(intake_rig_verdict(m, 0).code, AGENTLINK_CODE_FORK);
}

static void
a_partial_overlap_is_refused_with_where_to_resume(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	const struct ipc_msg *m;

	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_commit(r, 0);
	intake_rig_one(r, 1, 2, 1, 6, 10);
	m = intake_rig_expect(r, IPC_REFUSED);
	assert_int_equal(intake_rig_verdict(m, 0).code, AGENTLINK_CODE_PARTIAL);
	assert_int_equal(intake_rig_verdict(m, 0).last, 10);
}

static void
a_gap_is_refused_until_an_advance_explains_it(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	static const uint8_t reason[] = {ENTRY_ADVANCE_LOST,
	    ENTRY_ADVANCE_ACKED_ELSEWHERE, ENTRY_ADVANCE_CORRUPT};
	uint64_t n = 1, seq = 1;
	size_t i;

	for (i = 0; i < sizeof(reason); i++, seq += 20) {
		intake_rig_one(r, 1, n, 1, seq + 10, 10);
		intake_rig_expect(r, IPC_REFUSED);
		intake_rig_advance(r, 1, n++, 1, seq, seq + 9, reason[i]);
		intake_rig_one(r, 1, n++, 1, seq + 10, 10);
		intake_rig_silent(r);
	}
	assert_int_equal(intake_rig_entries(r, ENTRY_ADVANCE), 3);
	assert_int_equal(r->alarms, 0);
	intake_rig_commit(r, 0);
	assert_int_equal(r->counters.row[0].stored, 30);
}

static void
acked_here_raises_rollback(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);

	intake_rig_advance(r, 1, 1, 1, 1, 9, ENTRY_ADVANCE_ACKED_HERE);
	assert_int_equal(intake_rig_entries(r, ENTRY_ADVANCE), 1);
	assert_int_equal(intake_rig_entries(r, ENTRY_ALARM), 1);
	assert_int_equal(r->alarms, 1);
	assert_non_null(strstr(r->text, "ROLLBACK"));
}

static void
a_repeated_advance_is_already(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);

	intake_rig_advance(r, 1, 1, 1, 1, 9, ENTRY_ADVANCE_LOST);
	intake_rig_commit(r, 0);
	intake_rig_advance(r, 1, 2, 1, 1, 9, ENTRY_ADVANCE_LOST);
	intake_rig_expect(r, IPC_ALREADY);
	intake_rig_one(r, 1, 3, 1, 10, 1);
	assert_int_equal(r->items.n, 1);
}

static void
an_advance_past_a_gap_is_refused(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);

	intake_rig_advance(r, 1, 1, 1, 5, 9, ENTRY_ADVANCE_LOST);
	intake_rig_expect(r, IPC_REFUSED);
	assert_int_equal(r->items.n, 0);
}

static void
the_1025th_open_stream_of_an_agent_is_refused_with_a_code(void **state)
{
	struct intake_rig *r = *state;
	struct intake_rig_stream s = {.origin = 1, .epoch = 1};
	char name[16];
	uint32_t i;

	intake_rig_connect(r, 1, 0);
	for (i = 1; i <= STREAMS_OPEN_MAX + 1; i++) {
		snprintf(name, sizeof(name), "%u", (unsigned)i);
		s.sid = i;
		s.name = name;
		intake_rig_open(r, 1, &s);
		assert_int_equal(
		    intake_rig_expect(r, IPC_STREAM_STATE)->u.stream_state.code,
		    i <= STREAMS_OPEN_MAX ? AGENTLINK_CODE_OK
					  : AGENTLINK_CODE_STREAM_LIMIT);
	}
	/* Another agent is not hindered. */
	s.sid = 5000;
	s.origin = 2;
	intake_rig_open(r, 1, &s);
	assert_int_equal(
	    intake_rig_expect(r, IPC_STREAM_STATE)->u.stream_state.code, 0);
}

static void
a_final_close_is_recorded_behind_the_batches(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	struct ipc_msg m = {.type = IPC_STREAM_CLOSE};

	intake_rig_one(r, 1, 1, 1, 1, 10);
	m.u.stream_close.sid = 1;
	m.u.stream_close.final = true;
	intake_rig_say(r, 1, &m);
	assert_int_equal(intake_rig_entries(r, ENTRY_STREAM_CLOSED), 1);
	assert_true(r->items.first->next->ordered);
	intake_rig_commit(r, 0);
	assert_int_equal(streams_count(intake_streams(r->in)), 1);
	r->now.spool_us += STREAMS_KEEP_US;
	intake_on_tick(r->in, r->now);
	assert_int_equal(streams_count(intake_streams(r->in)), 0);
}

static void
a_stream_of_which_nothing_was_stored_leaves_nothing(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);

	assert_int_equal(streams_count(intake_streams(r->in)), 1);
	intake_on_closed(r->in, 1);
	assert_int_equal(streams_count(intake_streams(r->in)), 0);
}

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, intake_rig_setup, intake_rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_new_stream_starts_where_the_agent_says),
	    TEST(a_fork_is_not_stored_but_recorded_once),
	    TEST(another_head_at_the_last_record_is_a_fork_too),
	    TEST(a_partial_overlap_is_refused_with_where_to_resume),
	    TEST(a_gap_is_refused_until_an_advance_explains_it),
	    TEST(acked_here_raises_rollback),
	    TEST(a_repeated_advance_is_already),
	    TEST(an_advance_past_a_gap_is_refused),
	    TEST(the_1025th_open_stream_of_an_agent_is_refused_with_a_code),
	    TEST(a_final_close_is_recorded_behind_the_batches),
	    TEST(a_stream_of_which_nothing_was_stored_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
