/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats, and batches of which a part waits for the log. */
#include "tests/helpers/cmocka_all.h"

#include "spoold/keeper/forks.h"
#include "tests/unit/spoold/keeper/intake_rig.h"

static struct intake_rig rig;

static int
set_up(void **state)
{
	(void)state;
	intake_rig_init(&rig);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	intake_rig_fini(&rig);
	return 0;
}

static void
open_sid(uint32_t sid, uint8_t origin)
{
	intake_rig_open(&rig, 1,
	    &(struct intake_rig_stream){
		.sid = sid, .origin = origin, .epoch = 1});
}

/* CREDIT to link 1 so far. */
static size_t
credits(void)
{
	size_t n = 0;

	for (size_t i = 0; i < rig.said_n; i++)
		n += rig.said[i].m.type == IPC_CREDIT && rig.said[i].link == 1;
	return n;
}

/*
 * A clone that was slower: its batch ends inside what the faster one has sent,
 * and nobody can tell any more whether it is the same.
 */
static void
what_ends_inside_is_no_repeat_of_a_connection_that_was_told(void **state)
{
	(void)state;
	intake_rig_connect(&rig, 1, 0);
	open_sid(1, 1);
	intake_rig_expect(&rig, IPC_STREAM_STATE);
	open_sid(2, 1);
	intake_rig_expect(&rig, IPC_STREAM_STATE);
	intake_rig_one(&rig, 1, 1, 1, 1, 20);
	for (int durable = 0; durable < 2; durable++) {
		const struct ipc_msg *m;

		intake_rig_one(&rig, 1, 2 + (uint64_t)durable, 2, 1, 18);
		m = intake_rig_expect(&rig, IPC_REFUSED);
		assert_int_equal(
		    intake_rig_verdict(m, 0).code, AGENTLINK_CODE_TAKEN_OVER);
		assert_int_equal(intake_rig_verdict(m, 0).last, 20);
		intake_rig_void(&rig, 1, 2 + (uint64_t)durable);
		intake_rig_commit(&rig, 0);
	}
	/* What ends where the stream stands is known by its head. */
	intake_rig_one(&rig, 1, 4, 2, 1, 20);
	intake_rig_expect(&rig, IPC_ALREADY);
}

static void
what_ends_inside_is_taken_in_a_replay(void **state)
{
	(void)state;
	intake_rig_introduce(&rig, 1, 0);
	open_sid(1, 1);
	open_sid(2, 1);
	intake_rig_one(&rig, 1, 1, 1, 1, 10);
	intake_rig_one(&rig, 1, 2, 1, 11, 10);
	/* Not durable: it cannot be said of what it is a repeat. */
	intake_rig_one(&rig, 1, 3, 2, 1, 10);
	assert_int_equal(
	    intake_rig_expect(&rig, IPC_LATER)->u.number.number, 3);
	intake_rig_commit(&rig, 0);
	intake_rig_one(&rig, 1, 3, 2, 1, 10);
	assert_int_equal(
	    intake_rig_expect(&rig, IPC_ALREADY)->u.number.number, 3);
	intake_rig_silent(&rig);
}

/* New and queued in one batch: it waits for the log and for nothing else. */
static void
a_batch_that_is_queued_in_part_comes_again_with_each_commit(void **state)
{
	struct ipc_range both[2];
	const struct ipc_msg *m;
	size_t before;

	(void)state;
	intake_rig_connect(&rig, 1, 0);
	for (uint32_t sid = 1; sid <= 3; sid++) {
		open_sid(sid, sid == 3 ? 2 : 1);
		intake_rig_expect(&rig, IPC_STREAM_STATE);
	}
	intake_rig_one(&rig, 1, 1, 3, 1, 5); /* something before it */
	intake_rig_one(&rig, 1, 2, 1, 1, 10);
	both[0] = intake_rig_range(2, 1, 10);
	both[1] = intake_rig_range(3, 6, 4);
	intake_rig_batch(&rig, 1, 3, both, 2);
	intake_rig_expect(&rig, IPC_LATER);
	for (int i = 0; i < 2; i++) {
		before = credits();
		intake_rig_commit(&rig, 1);
		assert_int_equal(credits(), before + 1);
		intake_rig_batch(&rig, 1, 3, both, 2);
		if (i == 0)
			intake_rig_expect(&rig, IPC_LATER);
	}
	/* As many times as there was something before it, and no more. */
	m = intake_rig_expect(&rig, IPC_REFUSED);
	assert_true(intake_rig_verdict(m, 0).durable);
	assert_int_equal(intake_rig_verdict(m, 1).code, AGENTLINK_CODE_OK);
	intake_rig_batch(&rig, 1, 3, &both[1], 1);
	assert_int_equal(rig.items.n, 1);
	before = credits();
	intake_rig_commit(&rig, 0);
	assert_int_equal(credits(), before);
}

/* The same stream with another head each time, all refused. */
static void
fork_anew(uint64_t *number, uint32_t sid, uint32_t times)
{
	struct ipc_range r = intake_rig_range(sid, 1, 1);
	const struct ipc_msg *m;

	for (uint32_t i = 0; i < times; i++, ++*number) {
		memset(r.prev_head, 0xee, BATCH_HEAD_SIZE);
		memset(r.head, 0xee, BATCH_HEAD_SIZE);
		memcpy(r.head, number, sizeof(*number));
		intake_rig_batch(&rig, 1, *number, &r, 1);
		m = intake_rig_expect(&rig, IPC_REFUSED);
		assert_int_equal(
		    intake_rig_verdict(m, 0).code, AGENTLINK_CODE_FORK);
		intake_rig_void(&rig, 1, *number);
		intake_rig_commit(&rig, 0);
	}
}

static size_t
fork_alarms(uint64_t *number, uint32_t sid, uint32_t times)
{
	size_t before = rig.alarms;

	fork_anew(number, sid, times);
	return rig.alarms - before;
}

/* Each would be an entry of the log, and nobody may fill that at will. */
static void
ever_new_histories_are_recorded_so_often_in_an_hour(void **state)
{
	uint64_t number = 1;

	(void)state;
	intake_rig_connect(&rig, 1, 0);
	open_sid(1, 1);
	intake_rig_expect(&rig, IPC_STREAM_STATE);
	open_sid(2, 2);
	intake_rig_expect(&rig, IPC_STREAM_STATE);
	assert_int_equal(fork_alarms(&number, 1, FORKS_TOLD), FORKS_TOLD);
	assert_non_null(strstr(rig.text, "no more are recorded"));
	assert_int_equal(fork_alarms(&number, 1, 40), 0);
	/* Another agent's are not hidden by it. */
	assert_int_equal(fork_alarms(&number, 2, 1), 1);
	rig.now.spool_us += FORKS_HOUR_US;
	assert_int_equal(fork_alarms(&number, 1, 1), 1);
	assert_non_null(strstr(rig.text, ", 40 more before it"));
}

static void
of_all_agents_there_are_so_many_forks_in_an_hour(void **state)
{
	struct forks f = {.next = 0};
	struct forks_note note;
	struct uuid id = {{0}};
	uint32_t told = 0;

	(void)state;
	for (uint32_t i = 0; i < 4 * FORKS_ALL; i++) {
		memcpy(&id, &i, sizeof(i));
		told += forks_due(&f, &id, 1, &note);
	}
	assert_int_equal(told, FORKS_ALL);
	assert_true(forks_due(&f, &id, 1 + FORKS_HOUR_US, &note));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(what_ends_inside_is_no_repeat_of_a_connection_that_was_told),
	    TEST(what_ends_inside_is_taken_in_a_replay),
	    TEST(a_batch_that_is_queued_in_part_comes_again_with_each_commit),
	    TEST(ever_new_histories_are_recorded_so_often_in_an_hour),
	    TEST(of_all_agents_there_are_so_many_forks_in_an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
