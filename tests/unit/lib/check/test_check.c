/* SPDX-License-Identifier: Apache-2.0 */
/* A good batch passes; each kind of damage is found where it is. */
#include "tests/helpers/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/check/check.h"
#include "lib/digest/digest.h"
#include "lib/pack/pack.h"

#define LIMIT (1 << 20)
#define RECORDS 3
#define RANGES 2

/* Three records: the first two of one range, the last of another. */
static const char *const text[RECORDS] = {"alpha", "be", "gamma gamma"};

struct sample {
	struct check *check;
	struct check_claim claim;
	uint8_t digest[BATCH_DIGEST_SIZE];
	struct buf raw, packed, ranges;
};

static void
add_range(struct sample *s, uint32_t stream, uint32_t count)
{
	struct batch_range r = {.stream = stream, .first_seq = 1};

	r.count = count;
	batch_range_encode(&s->ranges, &r);
}

static void
fill_raw(struct sample *s)
{
	struct digest_sha256 *sha = NULL;
	struct batch_columns columns;
	uint32_t lens[RECORDS];

	batch_columns_init(&columns, LIMIT);
	for (uint32_t i = 0; i < RECORDS; i++) {
		lens[i] = (uint32_t)strlen(text[i]);
		batch_columns_add(&columns, i / 2, bytes_of(text[i], lens[i]));
	}
	assert_int_equal(digest_sha256_new(&sha), 0);
	assert_int_equal(digest_records(sha, buf_bytes(&columns.records), lens,
			     RECORDS, s->digest),
	    0);
	assert_int_equal(batch_columns_encode(&columns, &s->raw), 0);
	digest_sha256_free(sha);
	batch_columns_fini(&columns);
}

static void
pack_raw(struct sample *s)
{
	size_t len = 0, room = pack_bound(s->raw.len);
	uint8_t *packed = malloc(room);
	struct pack *pack = NULL;

	assert_non_null(packed);
	assert_int_equal(pack_new(1, &pack), 0);
	assert_int_equal(
	    pack_compress(pack, buf_bytes(&s->raw), packed, room, &len), 0);
	buf_clear(&s->packed);
	buf_add_bytes(&s->packed, bytes_of(packed, len));
	pack_free(pack);
	free(packed);
	s->claim.raw_len = (uint32_t)s->raw.len;
}

static int
set_up(void **state)
{
	struct sample *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_int_equal(check_new(1000, &s->check), 0);
	buf_init(&s->raw, LIMIT);
	buf_init(&s->packed, LIMIT);
	buf_init(&s->ranges, LIMIT);
	fill_raw(s);
	pack_raw(s);
	batch_ranges_encode_begin(&s->ranges, NULL, RANGES);
	add_range(s, 1, 2);
	add_range(s, 2, 1);
	s->claim.codec = BATCH_CODEC_ZSTD;
	s->claim.records = RECORDS;
	s->claim.ranges = RANGES;
	s->claim.content_digest = s->digest;
	*state = s;
	return 0;
}

static int
tear_down(void **state)
{
	struct sample *s = *state;

	check_free(s->check);
	buf_fini(&s->raw);
	buf_fini(&s->packed);
	buf_fini(&s->ranges);
	free(s);
	return 0;
}

static void
fails(struct sample *s, int rc, enum check_step step)
{
	struct bytes payload = s->claim.codec == BATCH_CODEC_RAW
	    ? buf_bytes(&s->raw)
	    : buf_bytes(&s->packed);

	assert_int_equal(check_batch(s->check, &s->claim, payload, NULL), rc);
	assert_int_equal(check_failed_at(s->check), step);
}

static void
a_good_batch_passes(void **state)
{
	struct sample *s = *state;
	struct batch_columns_view view;

	fails(s, 0, CHECK_NOTHING);
	s->claim.codec = BATCH_CODEC_RAW;
	assert_int_equal(
	    check_batch(s->check, &s->claim, buf_bytes(&s->raw), &view), 0);
	assert_int_equal(view.count, RECORDS);
	assert_int_equal(
	    check_runs(s->check, &view, buf_bytes(&s->ranges), RANGES), 0);
	assert_int_equal(check_failed_at(s->check), CHECK_NOTHING);
}

static void
a_frame_that_is_damaged_or_lies_about_its_length_does_not(void **state)
{
	struct sample *s = *state;

	s->claim.raw_len++;
	fails(s, ERR_FORMAT, CHECK_UNPACK);
	s->claim.raw_len = BATCH_RAW_MAX + 1;
	fails(s, ERR_LIMIT, CHECK_UNPACK);
	s->claim.raw_len = (uint32_t)s->raw.len;
	s->claim.codec = BATCH_CODEC_ZSTD_DICT;
	fails(s, ERR_UNSUPPORTED, CHECK_UNPACK);
	s->claim.codec = BATCH_CODEC_ZSTD;
	s->packed.mem[0] ^= 1;
	fails(s, ERR_FORMAT, CHECK_UNPACK);
}

static void
columns_that_do_not_add_up_do_not(void **state)
{
	struct sample *s = *state;

	s->raw.mem[0] ^= 0x40; /* their version */
	pack_raw(s);
	fails(s, ERR_FORMAT, CHECK_COLUMNS);
	s->raw.mem[0] ^= 0x40;
	pack_raw(s);
	fails(s, 0, CHECK_NOTHING);
	s->claim.ranges = 1; /* a run speaks of a second one */
	fails(s, ERR_FORMAT, CHECK_COLUMNS);
}

static void
another_number_of_records_does_not(void **state)
{
	struct sample *s = *state;

	s->claim.records = RECORDS + 1;
	fails(s, ERR_FORMAT, CHECK_COUNT);
	s->claim.records = 0;
	fails(s, ERR_LIMIT, CHECK_COUNT);
	s->claim.records = BATCH_RECORDS_MAX + 1;
	fails(s, ERR_LIMIT, CHECK_COUNT);
}

static void
a_record_that_is_too_long_does_not(void **state)
{
	struct sample *s = *state;
	struct check *strict;

	assert_int_equal(check_new(10, &strict), 0);
	assert_int_equal(
	    check_batch(strict, &s->claim, buf_bytes(&s->packed), NULL),
	    ERR_LIMIT);
	assert_int_equal(check_failed_at(strict), CHECK_LENGTHS);
	check_free(strict);
}

static void
one_bit_of_a_record_or_of_the_digest_does_not(void **state)
{
	struct sample *s = *state;

	s->raw.mem[BATCH_COLUMNS_HEADER_SIZE] ^= 1;
	pack_raw(s);
	fails(s, ERR_DIGEST, CHECK_DIGEST);
	s->raw.mem[BATCH_COLUMNS_HEADER_SIZE] ^= 1;
	pack_raw(s);
	fails(s, 0, CHECK_NOTHING);
	s->digest[BATCH_DIGEST_SIZE - 1] ^= 1;
	fails(s, ERR_DIGEST, CHECK_DIGEST);
}

static void
runs_of_other_ranges_do_not(void **state)
{
	struct sample *s = *state;
	struct batch_columns_view view;

	assert_int_equal(
	    check_batch(s->check, &s->claim, buf_bytes(&s->packed), &view), 0);
	/* As many records, but one and two. */
	buf_clear(&s->ranges);
	batch_ranges_encode_begin(&s->ranges, NULL, RANGES);
	add_range(s, 1, 1);
	add_range(s, 2, 2);
	assert_int_equal(
	    check_runs(s->check, &view, buf_bytes(&s->ranges), RANGES),
	    ERR_FORMAT);
	assert_int_equal(check_failed_at(s->check), CHECK_RUNS);
	s->ranges.len--;
	assert_int_equal(
	    check_runs(s->check, &view, buf_bytes(&s->ranges), RANGES),
	    ERR_FORMAT);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
	    TEST(a_good_batch_passes),
	    TEST(a_frame_that_is_damaged_or_lies_about_its_length_does_not),
	    TEST(columns_that_do_not_add_up_do_not),
	    TEST(another_number_of_records_does_not),
	    TEST(a_record_that_is_too_long_does_not),
	    TEST(one_bit_of_a_record_or_of_the_digest_does_not),
	    TEST(runs_of_other_ranges_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
