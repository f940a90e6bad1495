/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/store.h"

#include <stdio.h>

#include "lib/base/err.h"
#include "tests/component/store_expect.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/storerig.h"

#define RECORDS 7 /* that storerig puts into a batch */

/* Leave the store as a crash does: without a word to LOCK. */
static void
crash(struct storerig *r)
{
	char copy[300];

	snprintf(copy, sizeof(copy), "%s.crashed", r->dir);
	storerig_copy_tree(r->dir, copy);
	storerig_close(r);
	storerig_copy_tree(copy, r->dir);
	storerig_remove_tree(copy);
}

/* ---- life ---- */

static void
check_reopen(bool encrypt)
{
	struct store_info info;
	struct storerig r;

	store_expect_begin(&r, encrypt, 0);
	store_info(r.s, &info);
	assert_true(info.created);
	store_expect_put(&r, 40);
	store_expect_perfect(&r);
	storerig_close(&r);
	store_expect_open(&r);
	store_info(r.s, &info);
	assert_true(info.clean);
	assert_false(info.created);
	assert_int_equal(info.encrypted, encrypt);
	assert_int_equal(info.next_rec, r.acks * RECORDS + 1);
	assert_true(r.replayed > 0);
	store_expect_perfect(&r);
	store_expect_put(&r, 40);
	store_expect_perfect(&r);
	storerig_fini(&r);
}

static void
what_was_committed_is_there_after_a_clean_close(void **state)
{
	(void)state;
	check_reopen(false);
}

static void
what_was_encrypted_is_there_after_a_clean_close(void **state)
{
	(void)state;
	check_reopen(true);
}

static void
a_clean_stop_goes_on_in_its_segment_and_a_crash_does_not(void **state)
{
	struct store_info info;
	struct storerig r;

	(void)state;
	store_expect_begin(&r, true, 0);
	store_expect_put(&r, 2);
	storerig_close(&r);
	store_expect_open(&r);
	store_expect_put(&r, 2);
	store_info(r.s, &info);
	assert_int_equal(info.segments, 1);
	crash(&r);
	store_expect_open(&r);
	assert_int_equal(r.events[STORE_EVENT_UNCLEAN_START], 1);
	assert_int_equal(r.events[STORE_EVENT_SEGMENT_SEALED], 1);
	store_expect_put(&r, 2);
	store_info(r.s, &info);
	assert_false(info.clean);
	assert_int_equal(info.segments, 2);
	store_expect_perfect(&r);
	storerig_fini(&r);
}

static void
twenty_crashes_in_a_row_eat_no_space(void **state)
{
	struct store_info first, last;
	struct storerig r;

	(void)state;
	store_expect_begin(&r, true, 0);
	for (int i = 0; i < 20; i++) {
		store_expect_put(&r, 1);
		crash(&r);
		store_expect_open(&r);
		if (i == 0)
			store_info(r.s, &first);
	}
	store_info(r.s, &last);
	store_expect_perfect(&r);
	/* Each crash leaves what it holds, not a segment's full size. */
	assert_true(last.used_bytes - first.used_bytes < 20 * 128 * 1024);
	assert_true(last.spare_bytes <= first.spare_bytes);
	storerig_fini(&r);
}

static void
an_aborted_transaction_leaves_no_trace(void **state)
{
	struct store_txn *txn;
	struct storerig r;
	uint64_t number, again;
	bool fresh;

	(void)state;
	store_expect_begin(&r, true, 0);
	assert_int_equal(store_begin(r.s, 9000, false, &fresh, &txn), 0);
	assert_true(fresh);
	assert_int_equal(
	    store_add_control(txn, bytes_of("abc", 3), &number), 0);
	store_abort(txn);
	assert_int_equal(store_begin(r.s, 9000, false, &fresh, &txn), 0);
	assert_true(fresh);
	assert_int_equal(store_add_control(txn, bytes_of("abc", 3), &again), 0);
	assert_int_equal(number, again);
	store_abort(txn);
	store_expect_put(&r, 3);
	store_expect_perfect(&r);
	storerig_fini(&r);
}

static void
a_transaction_that_does_not_fit_says_so_and_keeps_what_it_has(void **state)
{
	static uint8_t big[300 * 1024];
	const struct store_token *token;
	struct store_txn *txn;
	struct storerig r;
	uint64_t number = 0, last;
	bool fresh;
	int rc = 0;

	(void)state;
	store_expect_begin(&r, false, 0);
	assert_int_equal(store_begin(r.s, sizeof(big), false, &fresh, &txn), 0);
	for (last = 0; !rc; last = number)
		rc =
		    store_add_control(txn, bytes_of(big, sizeof(big)), &number);
	assert_int_equal(rc, ERR_MAPFULL);
	assert_true(store_txn_room(txn) < store_need(0, sizeof(big)));
	assert_int_equal(store_commit(txn, &token), 0);
	assert_int_equal(store_token_number(token), last + 1);
	storerig_fini(&r);
}

/* ---- numbers ---- */

static void
raised_numbers_leave_a_hole_that_is_reported(void **state)
{
	struct storerig_sum sum;
	struct store_info info;
	struct storerig r;

	(void)state;
	store_expect_begin(&r, true, 0);
	store_expect_put(&r, 5);
	storerig_close(&r);
	store_expect_open(&r);
	store_raise_numbers(r.s, 1000, 0);
	store_info(r.s, &info);
	assert_int_equal(info.next_rec, 1000);
	store_expect_put(&r, 5);
	assert_int_equal(r.ack[r.acks - 15].first_rec, 1000);
	storerig_read_all(&r, &sum);
	assert_true(storerig_is_honest(&sum));
	assert_int_equal(sum.lost_records, 0);
	assert_int_equal(sum.damages, 1);
	assert_int_equal(sum.damaged_records, 1000 - 15 * RECORDS - 1);
	storerig_close(&r);
	store_expect_open(&r);
	storerig_read_all(&r, &sum);
	assert_int_equal(sum.damages, 1);
	assert_int_equal(sum.batches, r.acks);
	storerig_fini(&r);
}

static void
a_disk_that_lied_is_found_out_with_exact_numbers(void **state)
{
	struct store_meta_item item = {bytes_of_str("k"), bytes_of_str("v")};
	struct storerig_sum sum;
	struct storerig r;
	char early[300], meta[400], kept[400];

	(void)state;
	store_expect_begin(&r, true, 0);
	store_expect_put(&r, 3);
	snprintf(early, sizeof(early), "%s.early", r.dir);
	storerig_copy_tree(r.dir, early);
	store_expect_put(&r, 4);
	assert_int_equal(store_meta_put(r.s, &item, 1), 0);
	storerig_close(&r);
	/* The disk forgets the last four transactions, but not meta. */
	snprintf(meta, sizeof(meta), "%s/meta", r.dir);
	snprintf(kept, sizeof(kept), "%s/meta", early);
	storerig_copy_tree(meta, kept);
	storerig_copy_tree(early, r.dir);
	storerig_remove_tree(early);
	store_expect_open(&r);
	assert_int_equal(r.events[STORE_EVENT_DISK_LIED], 1);
	assert_int_equal(r.lied_from, 9 * RECORDS + 1);
	assert_int_equal(r.lied_to, 21 * RECORDS + 1);
	storerig_read_all(&r, &sum);
	assert_true(storerig_is_honest(&sum));
	assert_int_equal(sum.lost_records, 12 * RECORDS);
	store_expect_put(&r, 1);
	assert_int_equal(r.ack[21].first_rec, 21 * RECORDS + 1);
	storerig_close(&r);
	store_expect_open(&r);
	assert_int_equal(r.events[STORE_EVENT_DISK_LIED], 0);
	storerig_fini(&r);
}

/* ---- meta ---- */

static int
gather(void *arg, struct bytes key, struct bytes value)
{
	buf_add_bytes(arg, key);
	buf_add_u8(arg, '=');
	buf_add_bytes(arg, value);
	buf_add_u8(arg, ' ');
	return 0;
}

static void
meta_keeps_values_and_can_be_deleted(void **state)
{
	struct store_meta_item items[] = {
	    {bytes_of_str("t/a"), bytes_of_str("1")},
	    {bytes_of_str("t/b"), bytes_of_str("2")},
	    {bytes_of_str("u/c"), bytes_of_str("3")},
	};
	struct store_meta_item remove = {bytes_of_str("t/a"), {NULL, 0}};
	struct storerig r;
	struct buf b;
	char meta[400];

	(void)state;
	store_expect_begin(&r, true, 0);
	buf_init(&b, 1000);
	store_expect_put(&r, 1);
	assert_int_equal(store_meta_put(r.s, items, 3), 0);
	storerig_close(&r);
	store_expect_open(&r);
	assert_int_equal(
	    store_meta_each(r.s, bytes_of_str("t/"), gather, &b), 0);
	assert_true(bytes_equal_str(buf_bytes(&b), "t/a=1 t/b=2 "));
	assert_int_equal(store_meta_put(r.s, &remove, 1), 0);
	buf_clear(&b);
	assert_int_equal(
	    store_meta_get(r.s, bytes_of_str("t/a"), &b), ERR_NOENT);
	assert_int_equal(store_meta_get(r.s, bytes_of_str("u/c"), &b), 0);
	assert_true(bytes_equal_str(buf_bytes(&b), "3"));
	storerig_close(&r);
	snprintf(meta, sizeof(meta), "%s/meta", r.dir);
	storerig_remove_tree(meta);
	store_expect_open(&r);
	assert_int_equal(
	    store_meta_get(r.s, bytes_of_str("u/c"), &b), ERR_NOENT);
	assert_int_equal(store_meta_put(r.s, items, 3), 0);
	store_expect_perfect(&r);
	buf_fini(&b);
	storerig_fini(&r);
}

static int
add_records(struct store_txn *txn, uint32_t records)
{
	static const uint8_t digest[32] = {1}, payload[100];
	struct store_data d = {.lane = BATCH_LANE_NORMAL,
	    .codec = BATCH_CODEC_RAW,
	    .records = records,
	    .raw_len = sizeof(payload),
	    .content_digest = digest,
	    .ranges = bytes_of(payload, 20),
	    .payload = bytes_of(payload, sizeof(payload))};
	uint64_t number, rec;

	return store_add(txn, &d, &number, &rec);
}

/* RULES.md 3: an unreadable segment's numbers are passed over by its limit. */
static void
a_segment_has_a_limit_of_records(void **state)
{
	struct store_segment row[8];
	const struct store_token *token;
	struct store_txn *txn;
	struct storerig r;
	bool fresh;

	(void)state;
	storerig_init(&r, false);
	r.o.segment_records = BATCH_RECORDS_MAX + 20;
	store_expect_open(&r);
	for (int i = 0; i < 3; i++) /* 21 records each */
		assert_int_equal(storerig_put(&r, 3, 500), 0);
	assert_int_equal(store_segments(r.s, row, 8), 3);
	store_expect_perfect(&r);
	assert_int_equal(store_begin(r.s, 9000, false, &fresh, &txn), 0);
	assert_true(fresh);
	assert_int_equal(add_records(txn, BATCH_RECORDS_MAX), 0);
	assert_int_equal(add_records(txn, 20), 0);
	assert_int_equal(add_records(txn, 1), ERR_MAPFULL);
	assert_int_equal(store_commit(txn, &token), 0);
	assert_int_equal(store_segments(r.s, row, 8), 4);
	assert_int_equal(
	    row[3].next_rec - row[3].first_rec, r.o.segment_records);
	storerig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_committed_is_there_after_a_clean_close),
	    cmocka_unit_test(what_was_encrypted_is_there_after_a_clean_close),
	    cmocka_unit_test(
		a_clean_stop_goes_on_in_its_segment_and_a_crash_does_not),
	    cmocka_unit_test(twenty_crashes_in_a_row_eat_no_space),
	    cmocka_unit_test(an_aborted_transaction_leaves_no_trace),
	    cmocka_unit_test(
		a_transaction_that_does_not_fit_says_so_and_keeps_what_it_has),
	    cmocka_unit_test(a_segment_has_a_limit_of_records),
	    cmocka_unit_test(raised_numbers_leave_a_hole_that_is_reported),
	    cmocka_unit_test(a_disk_that_lied_is_found_out_with_exact_numbers),
	    cmocka_unit_test(meta_keeps_values_and_can_be_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
