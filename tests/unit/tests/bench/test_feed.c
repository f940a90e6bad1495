/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/bench/feed.h"
#include "tests/bench/gen.h"
#include "tests/bench/readback_lane.h"

#define RECORDS 4000
#define RAW 16384
#define LANES 3
#define HEAD_BYTES 56 /* of a file, before its first batch */

static char dir[64];
static char path[2][96];
static const char *const paths[2] = {path[0], path[1]};

static int
make_feed(void **state)
{
	struct feed_plan plan = {
	    .records = RECORDS, .raw_max = RAW, .count_max = 1000};

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-feed-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path[i], sizeof(path[i]), "%s/feed.%u", dir, i);
		plan.part = i;
		if (feed_prepare(&plan, path[i]))
			return -1;
	}
	return 0;
}

static int
remove_feed(void **state)
{
	(void)state;
	unlink(path[0]);
	unlink(path[1]);
	return rmdir(dir);
}

static struct feed *
open_feed(void)
{
	struct feed *f;

	assert_int_equal(feed_open(paths, 2, LANES, &f), 0);
	return f;
}

static struct pack *
new_pack(void)
{
	struct pack *p;

	assert_int_equal(pack_new(1, &p), 0);
	return p;
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The sequences of a batch's records, whose bytes are all of the batch. */
static uint32_t
sequences(const struct agentlink_batch *b, struct pack *pack, uint64_t *to)
{
	struct batch_columns_view view;
	struct batch_columns_iter it;
	struct buf raw;
	uint32_t n = 0;

	buf_init(&raw, BATCH_RAW_MAX);
	assert_int_equal(pack_unpack(pack, bytes_of(b->payload, b->payload_len),
			     b->raw_len, BATCH_RAW_MAX, &raw),
	    0);
	assert_true(raw.len <= RAW);
	assert_int_equal(batch_columns_decode(buf_bytes(&raw), 1, &view), 0);
	batch_columns_iter_init(&it, &view, NULL);
	while (batch_columns_iter_next(&it))
		assert_int_equal(gen_sequence_of(it.record, &to[n++]), 0);
	buf_fini(&raw);
	return n;
}

static void
lanes_share_out_all_batches_once(void **state)
{
	struct feed *f = open_feed();
	struct pack *pack = new_pack();
	static uint64_t seq[3 * RECORDS];
	uint64_t total = 0, high = 0;

	(void)state;
	for (unsigned lane = 0; lane < LANES; lane++) {
		struct agentlink_batch b;
		int rc;

		while (!(rc = feed_next(f, lane, &b))) {
			assert_true(total + b.count <= 3 * RECORDS);
			assert_int_equal(
			    sequences(&b, pack, seq + total), b.count);
			total += b.count;
		}
		assert_int_equal(rc, ERR_NOENT);
	}
	assert_true(total >= 2 * RECORDS - 2000);
	assert_true(total <= feed_records(f));
	/* The sequences of part 1 are moved: none is one of part 0's. */
	qsort(seq, total, sizeof(*seq), compare);
	for (uint64_t i = 0; i < total; i++)
		high += seq[i] >= GEN_SEQ_MAX / 80;
	assert_in_range(high, total / 2 - 1000, total / 2 + 1000);
	pack_free(pack);
	feed_free(f);
}

static void
what_is_there_is_kept(void **state)
{
	struct feed_plan plan = {
	    .records = RECORDS, .raw_max = RAW, .count_max = 1000};
	struct stat before, after;

	(void)state;
	assert_int_equal(stat(path[0], &before), 0);
	assert_int_equal(feed_prepare(&plan, path[0]), 0);
	assert_int_equal(stat(path[0], &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	plan.raw_max = 2 * RAW;
	assert_int_equal(feed_prepare(&plan, path[0]), 0);
	assert_int_equal(stat(path[0], &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	plan.raw_max = RAW;
	assert_int_equal(feed_prepare(&plan, path[0]), 0);
}

static void
what_another_build_prepared_is_made_again(void **state)
{
	struct feed_plan plan = {
	    .records = RECORDS, .raw_max = RAW, .count_max = 1000};
	struct agentlink_batch b;
	struct feed *f = open_feed();
	const uint8_t *map;
	FILE *file;
	uint8_t byte;

	(void)state;
	assert_int_equal(feed_next(f, 0, &b), 0);
	map = b.payload;
	byte = map[b.payload_len / 2];
	/* The map is of the file: what is written there is seen. */
	file = fopen(path[0], "r+");
	assert_non_null(file);
	assert_int_equal(
	    fseek(file, (long)(HEAD_BYTES + b.payload_len / 2), SEEK_SET), 0);
	assert_int_equal(putc(byte ^ 1, file), byte ^ 1);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(map[b.payload_len / 2], byte ^ 1);
	feed_free(f);
	assert_int_equal(feed_prepare(&plan, path[0]), 0);
	f = open_feed();
	assert_int_equal(feed_next(f, 0, &b), 0);
	map = b.payload;
	assert_int_equal(map[b.payload_len / 2], byte);
	feed_free(f);
}

static void
a_lane_may_begin_at_any_batch_and_nowhere_else(void **state)
{
	struct feed *sent = open_feed(), *f = open_feed();
	struct readback_lane l = {.number = 1, .next_seq = 1};
	struct readback_lane wrong = {.number = 2, .next_seq = 1};
	struct agentlink_batch b;
	uint64_t seq = 1;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(feed_next(sent, 1, &b), 0);
		seq += b.count;
	}
	assert_int_equal(readback_lane_begin_at(&l, f, seq), 0);
	assert_int_equal(l.next_seq, seq);
	assert_int_equal(feed_next(sent, 1, &b), 0);
	assert_true(readback_lane_take_whole(
	    &l, f, b.count, b.codec, bytes_of(b.payload, b.payload_len)));
	assert_int_equal(readback_lane_begin_at(&wrong, f, 2), ERR_GAP);
	feed_free(sent);
	feed_free(f);
}

static void
what_was_sent_is_what_is_found(void **state)
{
	struct feed *sent = open_feed(), *f = open_feed();
	struct pack *pack = new_pack();
	struct readback_lane l = {.number = 1, .next_seq = 1};
	struct agentlink_batch b;

	(void)state;
	assert_int_equal(feed_next(sent, 1, &b), 0);
	assert_true(readback_lane_take_whole(
	    &l, f, b.count, b.codec, bytes_of(b.payload, b.payload_len)));
	assert_int_equal(l.next_seq, b.count + 1);
	/* The second one twice: the feed has gone on. */
	assert_false(readback_lane_take_whole(
	    &l, f, b.count, b.codec, bytes_of(b.payload, b.payload_len)));
	pack_free(pack);
	feed_free(sent);
	feed_free(f);
}

static void
one_wrong_bit_is_found(void **state)
{
	struct feed *sent = open_feed(), *f = open_feed();
	struct pack *pack = new_pack();
	struct readback_lane l = {.number = 0, .next_seq = 1};
	struct batch_columns_view view;
	struct batch_columns_iter it;
	struct agentlink_batch b;
	struct buf raw;

	(void)state;
	buf_init(&raw, BATCH_RAW_MAX);
	assert_int_equal(feed_next(sent, 0, &b), 0);
	assert_int_equal(pack_unpack(pack, bytes_of(b.payload, b.payload_len),
			     b.raw_len, BATCH_RAW_MAX, &raw),
	    0);
	assert_int_equal(batch_columns_decode(buf_bytes(&raw), 1, &view), 0);
	batch_columns_iter_init(&it, &view, NULL);
	for (int i = 0; i < 5; i++) {
		assert_true(batch_columns_iter_next(&it));
		assert_int_equal(
		    readback_lane_take_record(&l, f, pack, it.record), 0);
	}
	assert_int_equal(l.next_seq, 6);
	assert_true(batch_columns_iter_next(&it));
	((uint8_t *)(uintptr_t)it.record.ptr)[it.record.len / 2] ^= 1;
	assert_int_equal(
	    readback_lane_take_record(&l, f, pack, it.record), ERR_DIGEST);
	buf_fini(&raw);
	buf_fini(&l.raw);
	pack_free(pack);
	feed_free(sent);
	feed_free(f);
}

static void
live_feeds_repeat_themselves_and_differ_by_run(void **state)
{
	struct agentlink_batch b[3];
	struct feed *f[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(feed_open_live(RAW, i == 2, 2, &f[i]), 0);
		assert_false(feed_is_stable(f[i]));
		assert_int_equal(feed_next(f[i], 1, &b[i]), 0);
	}
	assert_memory_equal(b[0].digest, b[1].digest, sizeof(b[0].digest));
	assert_memory_not_equal(b[0].digest, b[2].digest, sizeof(b[0].digest));
	for (int i = 0; i < 3; i++)
		feed_free(f[i]);
}

static void
names_of_lanes_are_told_apart(void **state)
{
	char name[FEED_NAME_SIZE];
	unsigned lane;

	(void)state;
	assert_string_equal(feed_lane_name(42, name), "lane-00042");
	assert_int_equal(feed_lane_of(name, 10, &lane), 0);
	assert_int_equal(lane, 42);
	assert_int_equal(feed_lane_of("lane-0004x", 10, &lane), ERR_FORMAT);
	assert_int_equal(feed_lane_of("line-00042", 10, &lane), ERR_FORMAT);
	assert_int_equal(feed_lane_of("lane-00042", 9, &lane), ERR_FORMAT);
	assert_int_equal(feed_lane_of("lane-99999", 10, &lane), ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lanes_share_out_all_batches_once),
	    cmocka_unit_test(what_is_there_is_kept),
	    cmocka_unit_test(what_another_build_prepared_is_made_again),
	    cmocka_unit_test(a_lane_may_begin_at_any_batch_and_nowhere_else),
	    cmocka_unit_test(what_was_sent_is_what_is_found),
	    cmocka_unit_test(one_wrong_bit_is_found),
	    cmocka_unit_test(live_feeds_repeat_themselves_and_differ_by_run),
	    cmocka_unit_test(names_of_lanes_are_told_apart),
	};

	return cmocka_run_group_tests(tests, make_feed, remove_feed);
}
