/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a ledger makes of single entries: broken checkpoints, unknown
 * references, old incarnations.
 */

#include "lib/base/err.h"
#include "spoold/keeper/ledger.h"
#include "tests/helpers/cmocka_all.h"

static void
put_checkpoint(struct buf *b, enum entry_type type, bool full)
{
	struct entry e = {.type = type};

	e.u.checkpoint.full = full;
	entry_encode(b, &e);
}

/* The middle of a later checkpoint is gone: what was known stays known. */
static void
a_checkpoint_that_lost_a_part_takes_nothing_away(void **state)
{
	struct entry e = {.type = ENTRY_TARGET};
	struct ledger l;
	struct buf b;

	(void)state;
	ledger_init(&l, 1);
	l.skip_full = true;
	buf_init(&b, 4096);
	put_checkpoint(&b, ENTRY_CHECKPOINT_BEGIN, true);
	put_checkpoint(&b, ENTRY_CHECKPOINT_END, true);
	e.u.target = (struct entry_target){.action = ENTRY_TARGET_ADDED,
	    .name = bytes_of_str("a"),
	    .protocol = bytes_of_str("file"),
	    .start_rec = 1};
	entry_encode(&b, &e);
	assert_int_equal(ledger_on_control(&l, 1, buf_bytes(&b)), 0);
	buf_clear(&b);
	put_checkpoint(&b, ENTRY_CHECKPOINT_BEGIN, true);
	assert_int_equal(ledger_on_control(&l, 2, buf_bytes(&b)), 0);
	/* No END came; what happens next is seen nevertheless. */
	buf_clear(&b);
	e.u.target.name = bytes_of_str("b");
	entry_encode(&b, &e);
	assert_int_equal(ledger_on_control(&l, 4, buf_bytes(&b)), 0);
	assert_non_null(cursors_find(&l.cursors, bytes_of_str("a")));
	assert_non_null(cursors_find(&l.cursors, bytes_of_str("b")));
	buf_fini(&b);
	ledger_fini(&l);
}

static void
a_reference_that_is_not_defined_is_an_error(void **state)
{
	struct batch_header h = {.number = 1, .first_rec = 1, .records = 1};
	struct batch_range r = {.stream = 5, .first_seq = 1, .count = 1};
	struct ledger l;
	struct buf b;

	(void)state;
	ledger_init(&l, 1);
	buf_init(&b, 4096);
	batch_ranges_encode_begin(&b, NULL, 1);
	batch_range_encode(&b, &r);
	assert_int_equal(ledger_on_data(&l, &h, buf_bytes(&b)), ERR_FORMAT);
	buf_fini(&b);
	ledger_fini(&l);
}

static void
a_delta_does_not_bring_an_old_incarnation_back(void **state)
{
	struct entry e = {.type = ENTRY_INCARNATION};
	struct ledger l;
	struct buf b;

	(void)state;
	ledger_init(&l, 1);
	buf_init(&b, 4096);
	e.u.incarnation.incarnation.byte[0] = 9;
	entry_encode(&b, &e);
	ledger_on_control(&l, 1, buf_bytes(&b));
	buf_clear(&b);
	e = (struct entry){.type = ENTRY_CHECKPOINT_BEGIN};
	entry_encode(&b, &e);
	e = (struct entry){.type = ENTRY_IDENTITY};
	e.u.identity.spool_time_us = 1234;
	entry_encode(&b, &e);
	e = (struct entry){.type = ENTRY_CHECKPOINT_END};
	entry_encode(&b, &e);
	assert_int_equal(ledger_on_control(&l, 2, buf_bytes(&b)), 0);
	assert_int_equal(l.identity.incarnation.byte[0], 9);
	assert_int_equal(l.identity.spool_time_us, 1234);
	buf_fini(&b);
	ledger_fini(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_checkpoint_that_lost_a_part_takes_nothing_away),
	    cmocka_unit_test(a_reference_that_is_not_defined_is_an_error),
	    cmocka_unit_test(a_delta_does_not_bring_an_old_incarnation_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
