/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of acceptance, RULES.md 1 and 5: one test a sentence. */

#include "tests/helpers/cmocka_all.h"
#include "tests/unit/spoold/keeper/intake_rig.h"

/* ---- RULES.md 1 ---- */

static void
a_new_range_is_taken_and_answered_only_when_durable(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);

	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_silent(r);
	assert_int_equal(r->items.n, 1);
	assert_int_equal(r->counters.n, 0);
	intake_rig_commit(r, 0);
	assert_int_equal(r->counters.row[0].received, 10);
	assert_int_equal(r->counters.row[0].stored, 10);
}

static void
five_is_refused_six_and_seven_are_dropped_until_five_comes_again(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	uint64_t n;

	for (n = 1; n <= 4; n++)
		intake_rig_one(r, 1, n, 1, n, 1);
	intake_rig_one(r, 1, 5, 1, 6, 1); /* a gap */
	intake_rig_one(r, 1, 6, 1, 5, 1); /* would do, but not now */
	intake_rig_one(r, 1, 7, 1, 6, 1);
	assert_int_equal(
	    intake_rig_expect(r, IPC_REFUSED)->u.refused.number, 5);
	intake_rig_silent(r);
	assert_int_equal(r->items.n, 4);
	intake_rig_one(r, 1, 5, 1, 5, 1);
	intake_rig_one(r, 1, 6, 1, 6, 1);
	intake_rig_one(r, 1, 7, 1, 7, 1);
	intake_rig_silent(r);
	assert_int_equal(r->items.n, 7);
	assert_int_equal(r->closes, 0);
}

static void
a_batch_number_is_never_believed_ranges_are(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	struct intake_rig_stream s = {.sid = 1, .origin = 1, .epoch = 1};

	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_commit(r, 0);
	intake_on_closed(r->in, 1);
	/* The same number, another process, other records: taken. */
	intake_rig_connect(r, 2, 0);
	intake_rig_open(r, 2, &s);
	intake_rig_expect(r, IPC_STREAM_STATE);
	intake_rig_one(r, 2, 1, 1, 11, 10);
	assert_int_equal(r->items.n, 1);
	/* Another number, the same records: already there. */
	intake_rig_one(r, 2, 2, 1, 1, 10);
	assert_int_equal(intake_rig_expect(r, IPC_ALREADY)->u.number.number, 2);
	assert_int_equal(r->items.n, 1);
}

static void
already_does_not_shut_the_window(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);

	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_commit(r, 0);
	intake_rig_one(r, 1, 2, 1, 1, 10);
	intake_rig_expect(r, IPC_ALREADY);
	intake_rig_one(r, 1, 3, 1, 11, 10);
	intake_rig_silent(r);
	assert_int_equal(r->items.n, 1);
	assert_int_equal(r->counters.row[0].duplicate, 10);
}

static void
a_refused_batch_has_a_verdict_for_each_range_and_is_not_masked(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	struct intake_rig_stream s = {.sid = 2, .origin = 2, .epoch = 1};
	struct ipc_range range[3];
	const struct ipc_msg *m;

	intake_rig_open(r, 1, &s);
	intake_rig_expect(r, IPC_STREAM_STATE);
	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_commit(r, 0);
	range[0] = intake_rig_range(1, 1, 10); /* repeated */
	range[1] = intake_rig_range(2, 1, 5); /* new */
	range[2] = intake_rig_range(1, 12, 5); /* after a gap */
	intake_rig_batch(r, 1, 2, range, 3);
	m = intake_rig_expect(r, IPC_REFUSED);
	assert_int_equal(m->u.refused.n, 3);
	assert_true(intake_rig_verdict(m, 0).durable);
	assert_int_equal(intake_rig_verdict(m, 0).code, AGENTLINK_CODE_OK);
	assert_false(intake_rig_verdict(m, 1).durable);
	assert_int_equal(intake_rig_verdict(m, 1).code, AGENTLINK_CODE_OK);
	assert_int_equal(intake_rig_verdict(m, 2).code, AGENTLINK_CODE_GAP);
	assert_int_equal(intake_rig_verdict(m, 2).last, 10);
	assert_int_equal(r->items.n, 0);
	/* Rebuilt without them, under the same number. */
	intake_rig_batch(r, 1, 2, &range[1], 1);
	intake_rig_silent(r);
	assert_int_equal(r->items.n, 1);
}

static void
void_opens_the_window_again(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);

	intake_rig_one(r, 1, 1, 1, 5, 1);
	intake_rig_expect(r, IPC_REFUSED);
	intake_rig_void(r, 1, 1);
	intake_rig_one(r, 1, 2, 1, 1, 1);
	intake_rig_silent(r);
	assert_int_equal(r->items.n, 2);
	assert_int_equal(r->items.first->kind, ITEM_NOTHING);
}

static void
what_is_queued_already_is_answered_in_its_turn(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);

	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_one(r, 1, 2, 1, 1, 10);
	intake_rig_silent(r); /* not ALREADY: it is not durable */
	assert_int_equal(r->items.n, 2);
	assert_int_equal(r->items.first->next->kind, ITEM_NOTHING);
	assert_int_equal(r->items.first->next->number, 2);
}

static void
ranges_of_one_batch_may_follow_each_other_in_one_stream(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	struct ipc_range range[2] = {
	    intake_rig_range(1, 1, 10), intake_rig_range(1, 11, 3)};

	intake_rig_batch(r, 1, 1, range, 2);
	assert_int_equal(r->items.n, 1);
	intake_rig_one(r, 1, 2, 1, 14, 1);
	assert_int_equal(r->items.n, 2);
	intake_rig_silent(r);
}

static void
a_stream_query_waits_for_its_queue(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	struct intake_rig_stream s = {.sid = 7, .origin = 1, .epoch = 1};

	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_open(r, 1, &s);
	intake_rig_silent(r);
	intake_rig_commit(r, 0);
	assert_int_equal(
	    intake_rig_expect(r, IPC_STREAM_STATE)->u.stream_state.last, 10);
}

static void
the_answer_gives_the_stream_to_that_connection(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	struct intake_rig_stream s = {.sid = 7, .origin = 1, .epoch = 1};
	const struct ipc_msg *m;

	intake_rig_open(r, 1, &s);
	intake_rig_expect(r, IPC_STREAM_STATE);
	/* The earlier one: what follows is taken ... */
	intake_rig_one(r, 1, 1, 1, 1, 10);
	assert_int_equal(r->items.n, 1);
	intake_rig_commit(r, 0);
	/* ... so is what wholly repeats ... */
	intake_rig_one(r, 1, 2, 1, 1, 10);
	intake_rig_expect(r, IPC_ALREADY);
	/* ... and nothing else. */
	intake_rig_one(r, 1, 3, 1, 8, 10);
	m = intake_rig_expect(r, IPC_REFUSED);
	assert_int_equal(
	    intake_rig_verdict(m, 0).code, AGENTLINK_CODE_TAKEN_OVER);
}

static void
the_same_sid_again_is_a_query(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	struct intake_rig_stream s = {.sid = 1, .origin = 1, .epoch = 1};

	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_open(r, 1, &s);
	intake_rig_open(r, 1, &s);
	intake_rig_silent(r);
	intake_rig_commit(r, 0);
	assert_int_equal(
	    intake_rig_expect(r, IPC_STREAM_STATE)->u.stream_state.last, 10);
	intake_rig_one(r, 1, 2, 1, 11, 1);
	intake_rig_silent(r);
}

static void
queries_wait_until_every_listed_receiver_has_replayed(void **state)
{
	struct intake_rig *r = *state;
	struct intake_rig_stream s = {.sid = 1, .origin = 1, .epoch = 1};

	intake_rig_introduce(r, 1, 0);
	intake_rig_introduce(r, 2, 1);
	intake_rig_list(r, 2);
	intake_rig_open(r, 1, &s);
	intake_rig_one(r, 1, 5, 1, 1, 10); /* a replay begins anywhere */
	intake_rig_replayed(r, 1);
	intake_rig_commit(r, 0);
	intake_rig_silent(r);
	assert_false(intake_is_open(r->in));
	assert_int_equal(r->pauses, 1); /* its new batches must wait */
	intake_rig_replayed(r, 2);
	assert_int_equal(
	    intake_rig_expect(r, IPC_STREAM_STATE)->u.stream_state.last, 10);
	assert_int_equal(r->resumes, 1);
}

static void
a_receiver_that_died_holds_nobody_up(void **state)
{
	struct intake_rig *r = *state;

	intake_rig_introduce(r, 1, 0);
	intake_rig_introduce(r, 2, 1);
	intake_rig_list(r, 2);
	intake_rig_replayed(r, 1);
	assert_false(intake_is_open(r->in));
	intake_on_closed(r->in, 2);
	intake_rig_pump(r);
	assert_true(intake_is_open(r->in));
	assert_int_equal(r->resumes, 1);
}

static void
a_receiver_that_is_no_longer_listed_holds_nobody_up(void **state)
{
	struct intake_rig *r = *state;

	intake_rig_introduce(r, 1, 0);
	intake_rig_replayed(r, 1);
	intake_rig_list(r, 2);
	assert_false(intake_is_open(r->in));
	intake_rig_list(r, 1);
	assert_true(intake_is_open(r->in));
}

static void
a_replay_may_leave_numbers_out_but_not_later(void **state)
{
	struct intake_rig *r = *state;
	struct intake_rig_stream s = {.sid = 1, .origin = 1, .epoch = 1};

	intake_rig_introduce(r, 1, 0);
	intake_rig_list(r, 1);
	intake_rig_open(r, 1, &s);
	intake_rig_one(r, 1, 4, 1, 1, 1);
	intake_rig_one(r, 1, 6, 1, 2, 1); /* 5 had been ALREADY */
	assert_int_equal(r->items.n, 2);
	intake_rig_replayed(r, 1);
	intake_rig_commit(r, 0);
	intake_rig_expect(r, IPC_STREAM_STATE);
	intake_rig_one(r, 1, 9, 1, 3, 1);
	assert_int_equal(r->closes, 1);
}

static void
the_stream_of_a_batch_must_be_open(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	const struct ipc_msg *m;

	intake_rig_one(r, 1, 1, 99, 1, 10);
	m = intake_rig_expect(r, IPC_REFUSED);
	assert_int_equal(
	    intake_rig_verdict(m, 0).code, AGENTLINK_CODE_NOT_OPEN);
}

static void
a_link_that_does_not_introduce_itself_is_cut_off(void **state)
{
	struct intake_rig *r = *state;

	intake_on_link(r->in, 1);
	intake_rig_replayed(r, 1);
	assert_int_equal(r->closes, 1);
}

/* ---- RULES.md 5 ---- */

static void
at_the_quota_nothing_is_taken_and_later_everything(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);

	intake_on_room(r->in, 0);
	intake_rig_pump(r);
	assert_int_equal(intake_rig_credit(r, 1), 0);
	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_one(r, 1, 2, 1, 11, 10);
	assert_int_equal(intake_rig_expect(r, IPC_LATER)->u.number.number, 1);
	intake_rig_silent(r);
	assert_int_equal(r->items.n, 0);
	intake_on_room(r->in, 1 << 20);
	intake_rig_pump(r);
	assert_int_equal(intake_rig_credit(r, 1), 1 << 20);
	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_one(r, 1, 2, 1, 11, 10);
	intake_rig_silent(r);
	assert_int_equal(r->items.n, 2);
}

static void
at_the_quota_repeats_are_still_acknowledged(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);

	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_commit(r, 0);
	intake_on_room(r->in, 0);
	intake_rig_one(r, 1, 2, 1, 1, 10);
	intake_rig_expect(r, IPC_ALREADY);
}

static void
at_the_quota_an_advance_comes_later(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);

	intake_on_room(r->in, 0);
	intake_rig_advance(r, 1, 1, 1, 1, 10, ENTRY_ADVANCE_ACKED_HERE);
	intake_rig_expect(r, IPC_LATER);
	assert_int_equal(r->items.n, 0); /* no alarm's entry either */
	intake_on_room(r->in, 1 << 20);
	intake_rig_advance(r, 1, 1, 1, 1, 10, ENTRY_ADVANCE_LOST);
	assert_int_equal(intake_rig_entries(r, ENTRY_ADVANCE), 1);
}

static void
what_waits_for_the_writer_has_a_limit(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	uint64_t n;

	intake_rig_one(r, 1, 1, 1, 1, 10);
	for (n = 2; n <= 100000 && r->said_n == r->said_read; n++) {
		if (n % 2)
			intake_rig_void(r, 1, n);
		else /* again what is queued */
			intake_rig_one(r, 1, n, 1, 1, 10);
	}
	intake_rig_expect(r, IPC_LATER);
	assert_true(r->items.n < 10000);
	intake_rig_commit(r, 0);
	intake_rig_void(r, 1, n - 1);
	assert_int_equal(r->items.n, 1);
}

static void
the_pool_is_shared_by_the_receivers(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);

	assert_int_equal(intake_rig_credit(r, 1), 64 << 20);
	intake_rig_introduce(r, 2, 1);
	assert_int_equal(intake_rig_credit(r, 1), 32 << 20);
	assert_int_equal(intake_rig_credit(r, 2), 32 << 20);
	intake_on_closed(r->in, 2);
	intake_rig_pump(r);
	assert_int_equal(intake_rig_credit(r, 1), 64 << 20);
}

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, intake_rig_setup, intake_rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_new_range_is_taken_and_answered_only_when_durable),
	    TEST(
		five_is_refused_six_and_seven_are_dropped_until_five_comes_again),
	    TEST(a_batch_number_is_never_believed_ranges_are),
	    TEST(already_does_not_shut_the_window),
	    TEST(
		a_refused_batch_has_a_verdict_for_each_range_and_is_not_masked),
	    TEST(void_opens_the_window_again),
	    TEST(what_is_queued_already_is_answered_in_its_turn),
	    TEST(ranges_of_one_batch_may_follow_each_other_in_one_stream),
	    TEST(a_stream_query_waits_for_its_queue),
	    TEST(the_same_sid_again_is_a_query),
	    TEST(the_answer_gives_the_stream_to_that_connection),
	    TEST(queries_wait_until_every_listed_receiver_has_replayed),
	    TEST(a_receiver_that_died_holds_nobody_up),
	    TEST(a_receiver_that_is_no_longer_listed_holds_nobody_up),
	    TEST(a_replay_may_leave_numbers_out_but_not_later),
	    TEST(the_stream_of_a_batch_must_be_open),
	    TEST(a_link_that_does_not_introduce_itself_is_cut_off),
	    TEST(at_the_quota_nothing_is_taken_and_later_everything),
	    TEST(at_the_quota_repeats_are_still_acknowledged),
	    TEST(at_the_quota_an_advance_comes_later),
	    TEST(what_waits_for_the_writer_has_a_limit),
	    TEST(the_pool_is_shared_by_the_receivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
