/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of a store: cursors, in many segments and threads, and the replay of
 * a start.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/component/store_expect.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/storerig.h"

#define RECORDS 7 /* that storerig puts into a batch */

/* ---- reading ---- */

static void
a_cursor_begins_at_any_record_and_follows_the_log(void **state)
{
	struct store_cursor *c;
	struct store_damage d;
	struct store_batch b;
	struct storerig r;
	struct buf copy;

	(void)state;
	store_expect_begin(&r, true, 0);
	store_expect_put(&r, 30);
	buf_init(&copy, 1 << 20);
	for (uint64_t rec = 1; rec <= r.acks * RECORDS; rec += 5) {
		assert_int_equal(store_cursor_open(r.s, rec, &c), 0);
		assert_int_equal(store_cursor_next(c, false, &copy, &b, &d), 0);
		assert_true(b.header.first_rec <= rec);
		assert_true(b.header.first_rec + b.header.records > rec);
		store_cursor_close(c);
	}
	assert_int_equal(store_cursor_open(r.s, r.acks * RECORDS + 1, &c), 0);
	assert_int_equal(store_cursor_next(c, false, &copy, &b, &d), ERR_NOENT);
	store_expect_put(&r, 1);
	assert_int_equal(store_cursor_next(c, true, &copy, &b, &d), 0);
	assert_int_equal(b.header.first_rec, (r.acks - 3) * RECORDS + 1);
	assert_int_equal(b.payload.len, 0);
	assert_int_equal(b.ranges.len, 20);
	store_cursor_close(c);
	buf_fini(&copy);
	storerig_fini(&r);
}

/* Cursors in more segments than may be open at once. */
static void
many_cursors_stand_in_many_segments(void **state)
{
	struct store_cursor *c[45];
	struct store_segment rows[64];
	struct store_damage d;
	struct store_batch b;
	struct storerig r;
	struct buf copy;

	(void)state;
	storerig_init(&r, true);
	r.o.segment_bytes = STORERIG_MIB / 2;
	store_expect_open(&r);
	while (store_segments(r.s, rows, 64) < 48)
		store_expect_put(&r, 1);
	buf_init(&copy, 1 << 20);
	for (size_t i = 0; i < 45; i++)
		assert_int_equal(
		    store_cursor_open(r.s, rows[i].first_rec, &c[i]), 0);
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < 45; i++) {
			assert_int_equal(
			    store_cursor_next(c[i], false, &copy, &b, &d), 0);
			assert_int_equal(b.segment_id, rows[i].id);
		}
	store_expect_perfect(&r);
	for (size_t i = 0; i < 45; i++) {
		assert_int_equal(store_recycle(r.s, &rows[i].uuid), ERR_BUSY);
		store_cursor_close(c[i]);
		assert_int_equal(store_recycle(r.s, &rows[i].uuid), 0);
	}
	buf_fini(&copy);
	storerig_fini(&r);
}

static int
count(void *arg, const struct store_batch *batch)
{
	assert_int_equal(batch->header.kind, BATCH_CONTROL);
	++*(int *)arg;
	return 0;
}

static void
the_control_batches_of_a_segment_are_handed_out(void **state)
{
	struct store_segment rows[16];
	struct storerig r;
	int n = 0;

	(void)state;
	store_expect_begin(&r, true, 0);
	store_expect_put(&r, 30);
	assert_true(store_segments(r.s, rows, 16) > 1);
	assert_int_equal(
	    store_segment_controls(r.s, rows[1].id, UINT64_MAX, count, &n), 0);
	assert_int_equal(n, 1);
	n = 0;
	assert_int_equal(store_segment_controls(
			     r.s, rows[1].id, rows[1].first_number, count, &n),
	    0);
	assert_int_equal(n, 0);
	assert_int_equal(
	    store_segment_controls(r.s, 12345, UINT64_MAX, count, &n),
	    ERR_NOENT);
	storerig_fini(&r);
}

struct reading {
	struct storerig *r;
	uint64_t wanted; /* stop when so many batches were read */
	uint64_t got;
	bool wrong;
};

static void *
read_along(void *arg)
{
	struct reading *reading = arg;
	struct store_cursor *c;
	uint64_t next = 1;
	struct buf copy;

	buf_init(&copy, 1 << 20);
	if (store_cursor_open(reading->r->s, 1, &c))
		abort();
	while (reading->got < reading->wanted && !reading->wrong) {
		struct store_damage d;
		struct store_batch b;
		int rc = store_cursor_next(c, false, &copy, &b, &d);

		if (rc == ERR_NOENT)
			continue;
		if (rc || b.header.first_rec != next)
			reading->wrong = true;
		else
			next += b.header.records;
		reading->got += b.header.kind == BATCH_DATA;
	}
	store_cursor_close(c);
	buf_fini(&copy);
	return NULL;
}

static void
readers_in_other_threads_follow_the_writer(void **state)
{
	struct storerig r;
	struct reading reading[2];
	pthread_t thread[2];

	(void)state;
	store_expect_begin(&r, true, 0);
	for (int i = 0; i < 2; i++) {
		reading[i] = (struct reading){.r = &r, .wanted = 300};
		assert_int_equal(
		    pthread_create(&thread[i], NULL, read_along, &reading[i]),
		    0);
	}
	store_expect_put(&r, 100);
	for (int i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		assert_false(reading[i].wrong);
		assert_int_equal(reading[i].got, 300);
	}
	storerig_fini(&r);
}

static void
a_segment_called_bad_is_read_whole_without_its_tree(void **state)
{
	uint64_t bad[3];
	struct store_segment rows[16];
	struct storerig r;

	(void)state;
	store_expect_begin(&r, true, 0);
	store_expect_put(&r, 40);
	assert_true(store_segments(r.s, rows, 16) > 3);
	for (int i = 0; i < 3; i++)
		bad[i] = rows[i].id;
	assert_int_equal(store_mark_bad(r.s, bad[0]), 0);
	store_expect_perfect(&r);
	storerig_close(&r);
	r.o.bad_segments = bad;
	r.o.bad_count = 3;
	store_expect_open(&r);
	store_expect_perfect(&r);
	storerig_fini(&r);
}

static void
replay_begins_at_the_newest_whole_checkpoint(void **state)
{
	struct store_segment rows[16];
	struct storerig r;
	uint64_t usual;
	char path[512];
	uint8_t page[4096];
	size_t n;
	long off = 8192;
	int fd;

	(void)state;
	store_expect_begin(&r, true, 0);
	store_expect_put(&r, 40);
	n = store_segments(r.s, rows, 16);
	assert_true(storerig_segment_path(&r, n - 1, path));
	storerig_close(&r);
	store_expect_open(&r);
	usual = r.replayed;
	assert_int_equal(
	    usual, rows[n - 1].next_number - rows[n - 1].first_number);
	storerig_close(&r);
	/* The first batch of the last segment is its checkpoint: spoil it. */
	fd = open(path, O_RDWR);
	for (; pread(fd, page, sizeof(page), off) == 4096; off += 4096)
		if (!memcmp(page + 16, "SPLBATCH", 8))
			break;
	page[16 + 232] ^= 1;
	assert_int_equal(pwrite(fd, page, sizeof(page), off), 4096);
	close(fd);
	store_expect_open(&r);
	assert_int_equal(r.replayed,
	    usual - 1 + rows[n - 2].next_number - rows[n - 2].first_number);
	storerig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_cursor_begins_at_any_record_and_follows_the_log),
	    cmocka_unit_test(many_cursors_stand_in_many_segments),
	    cmocka_unit_test(the_control_batches_of_a_segment_are_handed_out),
	    cmocka_unit_test(readers_in_other_threads_follow_the_writer),
	    cmocka_unit_test(
		a_segment_called_bad_is_read_whole_without_its_tree),
	    cmocka_unit_test(replay_begins_at_the_newest_whole_checkpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
