/* SPDX-License-Identifier: Apache-2.0 */
/* How space is given, held to its limit, and taken back. */
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/component/store_expect.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/storerig.h"

/* ---- space ---- */

static int
put_control(struct storerig *r)
{
	const struct store_token *token;
	struct store_txn *txn;
	uint64_t number;
	bool fresh;
	int rc = store_begin(r->s, store_need(0, 4), true, &fresh, &txn);

	if (!rc)
		rc = store_add_control(txn, bytes_of("ctrl", 4), &number);
	return rc ? rc : store_commit(txn, &token);
}

static uint64_t on_disk;

static int
add_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	if (type == FTW_F)
		on_disk += (uint64_t)st->st_size;
	return 0;
}

/* Bytes of all files of the spool. */
static uint64_t
bytes_on_disk(const struct storerig *r)
{
	on_disk = 0;
	assert_int_equal(nftw(r->dir, add_file, 8, FTW_PHYS), 0);
	return on_disk;
}

/* Decision 0010: a spare is counted as used when it becomes a segment. */
static void
spares_are_free_room_inside_the_quota(void **state)
{
	struct store_info before, taken, after;
	struct storerig r;

	(void)state;
	store_expect_begin(&r, true, 0);
	store_info(r.s, &before);
	assert_true(before.spare_bytes >= 2 * before.segment_bytes);
	store_expect_put(&r, 1);
	store_info(r.s, &taken);
	assert_int_equal(
	    taken.used_bytes - before.used_bytes, taken.segment_bytes);
	assert_int_equal(
	    before.spare_bytes - taken.spare_bytes, taken.segment_bytes);
	assert_int_equal(store_prepare_spares(r.s), 0);
	store_info(r.s, &after);
	assert_int_equal(after.used_bytes, taken.used_bytes);
	assert_int_equal(after.spare_bytes, before.spare_bytes);
	storerig_fini(&r);
}

static void
a_full_spool_refuses_data_takes_control_and_resumes(void **state)
{
	struct store_segment rows[64];
	struct store_info info;
	struct storerig r;
	int rc = 0, controls = 0;

	(void)state;
	storerig_init(&r, true);
	r.o.quota_bytes = 16 * STORERIG_MIB;
	store_expect_open(&r);
	while (!rc) {
		rc = storerig_put(&r, 3, 30000);
		store_prepare_spares(r.s);
	}
	assert_int_equal(rc, ERR_FULL);
	store_info(r.s, &info);
	assert_true(info.used_bytes <= info.quota_bytes - info.reserve_bytes);
	assert_true(info.used_bytes + info.spare_bytes <= info.quota_bytes);
	assert_true(bytes_on_disk(&r) <= info.quota_bytes);
	/* The reserve still takes a segment's worth of control batches. */
	while (!put_control(&r))
		assert_true(++controls < 10000);
	assert_true(controls > 50);
	store_info(r.s, &info);
	assert_true(info.used_bytes <= info.quota_bytes);
	store_expect_perfect(&r);
	/* Delivered segments make room again. */
	for (int i = 0; i < 3; i++) {
		assert_true(store_segments(r.s, rows, 64) > 3);
		assert_int_equal(store_recycle(r.s, &rows[0].uuid), 0);
	}
	assert_true(store_segments(r.s, rows, 64) > 3);
	storerig_forget_below(&r, rows[0].first_rec);
	assert_int_equal(storerig_put(&r, 3, 30000), 0);
	store_expect_perfect(&r);
	storerig_fini(&r);
}

static void
a_segment_is_not_recycled_under_a_reader(void **state)
{
	struct store_segment rows[16];
	struct store_cursor *c;
	struct store_damage d;
	struct store_batch b;
	struct storerig r;
	struct buf copy;
	struct stat before, after;
	char path[512], spare[512];

	(void)state;
	store_expect_begin(&r, true, 30);
	buf_init(&copy, 1 << 20);
	assert_true(store_segments(r.s, rows, 16) > 1);
	assert_true(storerig_segment_path(&r, 0, path));
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(store_cursor_open(r.s, 1, &c), 0);
	assert_int_equal(store_cursor_next(c, false, &copy, &b, &d), 0);
	assert_int_equal(store_recycle(r.s, &rows[0].uuid), ERR_BUSY);
	assert_int_equal(store_cursor_next(c, false, &copy, &b, &d), 0);
	store_cursor_close(c);
	assert_int_equal(store_recycle(r.s, &rows[0].uuid), 0);
	assert_int_equal(store_recycle(r.s, &rows[0].uuid), ERR_NOENT);
	assert_int_equal(access(path, F_OK), -1);
	/* By rename: the file is among the spares now. */
	for (int i = 0; i < 40; i++) {
		snprintf(spare, sizeof(spare), "%s/seg/spare.%d", r.dir, i);
		if (!stat(spare, &after) && after.st_ino == before.st_ino)
			break;
		assert_true(i < 39);
	}
	storerig_forget_below(&r, rows[1].first_rec);
	/* Old batches in the recycled file are not mistaken for new ones. */
	for (int i = 0; i < 60; i++)
		assert_int_equal(storerig_put(&r, 1, 20000), 0);
	store_expect_perfect(&r);
	buf_fini(&copy);
	storerig_fini(&r);
}

static void
a_segment_sealed_less_than_half_full_gives_its_pages_back(void **state)
{
	struct store_segment rows[4];
	struct storerig r;

	(void)state;
	store_expect_begin(&r, true, 1);
	storerig_close(&r);
	store_expect_open(&r);
	store_raise_numbers(r.s, 500, 0); /* seals */
	assert_int_equal(store_segments(r.s, rows, 4), 1);
	assert_true(rows[0].bytes < STORERIG_MIB / 2);
	storerig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(spares_are_free_room_inside_the_quota),
	    cmocka_unit_test(
		a_full_spool_refuses_data_takes_control_and_resumes),
	    cmocka_unit_test(a_segment_is_not_recycled_under_a_reader),
	    cmocka_unit_test(
		a_segment_sealed_less_than_half_full_gives_its_pages_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
