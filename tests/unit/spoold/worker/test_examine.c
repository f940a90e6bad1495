/* SPDX-License-Identifier: Apache-2.0 */
/* The worker says of each kind of damage which it is. */
#include "tests/helpers/cmocka_all.h"

#include <string.h>

#include "lib/digest/digest.h"
#include "spoold/worker/examine.h"

#define LIMIT (1 << 20)

/* Two records of one range, not packed. */
struct sample {
	struct examine *examine;
	struct buf raw, ranges;
	struct ipc_inspect q;
};

static struct sample the;

static int
set_up(void **state)
{
	struct batch_range range = {.stream = 1, .first_seq = 9, .count = 2};
	static const uint32_t lens[2] = {5, 2};
	struct digest_sha256 *sha = NULL;
	struct batch_columns columns;

	(void)state;
	the = (struct sample){0};
	assert_int_equal(examine_new(&the.examine), 0);
	buf_init(&the.raw, LIMIT);
	buf_init(&the.ranges, LIMIT);
	batch_columns_init(&columns, LIMIT);
	batch_columns_add(&columns, 0, bytes_of_str("alpha"));
	batch_columns_add(&columns, 0, bytes_of_str("be"));
	assert_int_equal(digest_sha256_new(&sha), 0);
	assert_int_equal(digest_records(sha, buf_bytes(&columns.records), lens,
			     2, the.q.content_digest),
	    0);
	assert_int_equal(batch_columns_encode(&columns, &the.raw), 0);
	batch_ranges_encode_begin(&the.ranges, NULL, 1);
	batch_range_encode(&the.ranges, &range);
	the.q.id = 77;
	the.q.codec = BATCH_CODEC_RAW;
	the.q.records = 2;
	the.q.raw_len = the.q.stored_len = (uint32_t)the.raw.len;
	the.q.ranges = buf_bytes(&the.ranges);
	the.q.payload = buf_bytes(&the.raw);
	digest_sha256_free(sha);
	batch_columns_fini(&columns);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	examine_free(the.examine);
	buf_fini(&the.raw);
	buf_fini(&the.ranges);
	return 0;
}

static void
is_broken(const struct ipc_inspect *q, const char *what)
{
	struct ipc_inspected a = examine_batch(the.examine, q);

	assert_int_equal(a.id, 77);
	assert_int_equal(a.code, IPC_INSPECT_BROKEN);
	assert_true(a.text.len > strlen(what));
	assert_true(a.text.len <= IPC_INSPECT_TEXT_MAX);
	assert_memory_equal(a.text.ptr, what, strlen(what));
}

static void
a_good_batch_holds(void **state)
{
	struct ipc_inspected a = examine_batch(the.examine, &the.q);

	(void)state;
	assert_int_equal(a.id, 77);
	assert_int_equal(a.code, IPC_INSPECT_HOLDS);
	assert_int_equal(a.text.len, 0);
}

static void
each_kind_of_damage_is_named(void **state)
{
	struct ipc_inspect q[5] = {the.q, the.q, the.q, the.q, the.q};

	(void)state;
	q[0].raw_len++;
	is_broken(&q[0], "frame");
	q[1].records++;
	is_broken(&q[1], "count");
	q[2].content_digest[0] ^= 1;
	is_broken(&q[2], "content digest");
	q[3].codec = BATCH_CODEC_ZSTD; /* and it is no frame */
	is_broken(&q[3], "frame");
	q[4].payload.len--;
	q[4].raw_len--;
	is_broken(&q[4], "columns");
	the.raw.mem[BATCH_COLUMNS_HEADER_SIZE] ^= 1;
	is_broken(&the.q, "content digest");
}

static void
ranges_of_other_records_are_named(void **state)
{
	struct batch_range range = {.stream = 1, .first_seq = 9, .count = 3};

	(void)state;
	the.ranges.len = 0;
	batch_ranges_encode_begin(&the.ranges, NULL, 1);
	batch_range_encode(&the.ranges, &range);
	the.q.ranges = buf_bytes(&the.ranges);
	is_broken(&the.q, "runs");
	the.q.ranges.len = 0;
	is_broken(&the.q, "ranges");
}

static void
it_goes_on_after_a_broken_batch(void **state)
{
	struct ipc_inspect bad = the.q;

	bad.content_digest[9] ^= 4;
	is_broken(&bad, "content digest");
	a_good_batch_holds(state);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
	    TEST(a_good_batch_holds),
	    TEST(each_kind_of_damage_is_named),
	    TEST(ranges_of_other_records_are_named),
	    TEST(it_goes_on_after_a_broken_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
