/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream counts, and when it is closed: DESIGN.md 2, RULES.md 2. */
#include <string.h>

#include "tests/helpers/cmocka_all.h"
#include "tests/unit/spoold/keeper/intake_rig.h"

static void
a_closed_stream_that_goes_on_is_closed_no_more(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	struct intake_rig_stream s = {.sid = 2, .origin = 1, .epoch = 1};
	struct ipc_msg m = {.type = IPC_STREAM_CLOSE};
	struct stream *st;

	intake_rig_one(r, 1, 1, 1, 1, 10);
	m.u.stream_close.sid = 1;
	m.u.stream_close.final = true;
	intake_rig_say(r, 1, &m);
	intake_rig_commit(r, 0);
	st = streams_next(intake_streams(r->in), NULL);
	assert_true(st->closed);
	/* To look where it stands is not to go on. */
	intake_rig_open(r, 1, &s);
	intake_rig_expect(r, IPC_STREAM_STATE);
	assert_true(st->closed);
	intake_rig_one(r, 1, 2, 2, 11, 5);
	assert_false(st->closed);
	intake_rig_commit(r, 0);
	m.u.stream_close.sid = 2;
	intake_rig_say(r, 1, &m);
	assert_int_equal(intake_rig_entries(r, ENTRY_STREAM_CLOSED), 1);
	intake_rig_commit(r, 0);
	assert_true(st->closed);
}

static void
each_stream_counts_what_it_received_and_what_became_of_it(void **state)
{
	struct intake_rig *r = intake_rig_one_stream(state);
	struct intake_rig_stream s = {.sid = 2, .origin = 2, .epoch = 1};
	struct ipc_range range[2];
	struct stream *st;
	struct entry_stream_key k = {.name = bytes_of_str("log")};

	intake_rig_open(r, 1, &s);
	intake_rig_expect(r, IPC_STREAM_STATE);
	intake_rig_one(r, 1, 1, 1, 1, 10);
	intake_rig_commit(r, 0);
	intake_rig_one(r, 1, 2, 1, 1, 10); /* again: ALREADY */
	intake_rig_expect(r, IPC_ALREADY);
	range[0] = intake_rig_range(1, 1, 10); /* durable */
	range[1] = intake_rig_range(2, 8, 3); /* a gap */
	intake_rig_batch(r, 1, 3, range, 2);
	intake_rig_expect(r, IPC_REFUSED);
	memset(k.origin.byte, 1, UUID_SIZE);
	memset(k.epoch.byte, 1, UUID_SIZE);
	st = streams_find(intake_streams(r->in), &k);
	assert_non_null(st);
	assert_int_equal(st->counts.stored, 10);
	assert_int_equal(st->counts.duplicate, 20);
	assert_int_equal(st->counts.refused, 0);
	assert_int_equal(st->counts.received, 30);
	memset(k.origin.byte, 2, UUID_SIZE);
	st = streams_find(intake_streams(r->in), &k);
	assert_non_null(st);
	assert_int_equal(st->counts.refused, 3);
	assert_int_equal(st->counts.received, 3);
	assert_int_equal(r->counters.row[0].received, 33);
}

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, intake_rig_setup, intake_rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_closed_stream_that_goes_on_is_closed_no_more),
	    TEST(each_stream_counts_what_it_received_and_what_became_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
