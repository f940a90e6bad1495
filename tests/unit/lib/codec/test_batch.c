/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/codec/batch.h"
#include "tests/helpers/golden.h"

/* A batch of two ranges, three records; the caller frees the memory. */
static struct bytes
sample(struct batch_header *h)
{
	struct batch_range one = {.stream = 1,
	    .first_seq = 5,
	    .count = 2,
	    .flags = BATCH_RANGE_HEAD,
	    .head = {9, 9}};
	struct batch_range two = {.stream = 300,
	    .first_seq = 1,
	    .count = 1,
	    .severities = 0x81,
	    .path = bytes_of_str("/var/log/x")};
	struct buf ranges;
	size_t at, len;
	uint8_t *mem;

	buf_init(&ranges, 1000);
	batch_ranges_encode_begin(&ranges, NULL, 2);
	batch_range_encode(&ranges, &one);
	batch_range_encode(&ranges, &two);
	*h = (struct batch_header){
	    .kind = BATCH_DATA,
	    .codec = BATCH_CODEC_ZSTD,
	    .number = 7,
	    .first_rec = 100,
	    .records = 3,
	    .raw_len = 64,
	    .stored_len = 5,
	    .ranges_len = (uint32_t)ranges.len,
	    .received_first_ns = 1,
	    .received_last_ns = 2,
	    .event_min_ns = -3,
	    .event_max_ns = 4,
	    .spool = {{1}},
	    .segment = {{2}},
	    .content_digest = {3},
	    .prev_digest = {4},
	    .nonce = {5},
	    .tag = {6},
	    .data_before = 70000,
	    .extensions = bytes_of("\1\0\2\0ab", 6),
	};
	len = batch_value_len(h);
	mem = calloc(1, len);
	assert_non_null(mem);
	at = batch_header_len(h);
	batch_header_encode(h, buf_bytes(&ranges), mem);
	memcpy(mem + at, ranges.mem, ranges.len);
	memcpy(mem + at + ranges.len, "PAYLD", 5);
	buf_fini(&ranges);
	return bytes_of(mem, len);
}

static void
a_batch_survives_the_round_trip(void **state)
{
	struct batch_header h, *got;
	struct bytes value = sample(&h);
	uint8_t again[BATCH_HEADER_MAX];
	struct batch_view v;

	(void)state;
	assert_int_equal(value.len % 4096, 4080);
	assert_int_equal(batch_decode(value, &v), 0);
	got = &v.header;
	assert_int_equal(got->number, 7);
	assert_int_equal(got->first_rec, 100);
	assert_int_equal(got->event_min_ns, -3);
	assert_true(bytes_equal(got->extensions, h.extensions));
	assert_true(bytes_equal_str(v.payload, "PAYLD"));
	assert_int_equal(v.header_bytes.len, BATCH_HEADER_SIZE + 6);
	batch_header_encode(got, v.ranges, again);
	assert_memory_equal(again, value.ptr, v.header_bytes.len);
	free((void *)(uintptr_t)value.ptr);
}

/* A control batch: no ranges, no records, neither packed nor encrypted. */
static void
check_control_batch(void)
{
	struct batch_header h = {.kind = BATCH_CONTROL,
	    .number = 8,
	    .first_rec = 103,
	    .raw_len = 4,
	    .stored_len = 4,
	    .spool = {{1}},
	    .segment = {{2}}};
	struct batch_view v;
	uint8_t value[4080] = {0};

	batch_header_encode(&h, bytes_of(NULL, 0), value);
	memcpy(value + BATCH_HEADER_SIZE, "BODY", 4);
	golden_check(
	    "batch-1", "CONTROL", "batch", bytes_of(value, sizeof(value)));
	assert_int_equal(batch_decode(bytes_of(value, sizeof(value)), &v), 0);
	assert_true(bytes_equal_str(v.payload, "BODY"));
}

static void
batches_are_as_the_golden_file_has_them(void **state)
{
	struct batch_header h;
	struct bytes value = sample(&h);

	(void)state;
	golden_check("batch-1", "DATA", "batch", value);
	check_control_batch();
	free((void *)(uintptr_t)value.ptr);
}

static void
the_associated_data_leaves_out_what_is_made_later(void **state)
{
	struct batch_header h;
	struct bytes value = sample(&h);
	uint8_t a[BATCH_HEADER_MAX], b[BATCH_HEADER_MAX];

	(void)state;
	batch_aad(&h, a);
	h.nonce[3] ^= 1;
	h.tag[3] ^= 1;
	batch_aad(&h, b);
	assert_memory_equal(a, b, batch_header_len(&h));
	h.first_rec++;
	batch_aad(&h, b);
	assert_memory_not_equal(a, b, batch_header_len(&h));
	free((void *)(uintptr_t)value.ptr);
}

static void
padding_ends_just_before_a_page_does(void **state)
{
	(void)state;
	assert_int_equal(batch_padded_len(1), 4080);
	assert_int_equal(batch_padded_len(4080), 4080);
	assert_int_equal(batch_padded_len(4081), 8176);
	assert_int_equal(batch_padded_len(4096), 8176);
}

/* One field at a time is made wrong, and the CRC right again. */
static void
a_wrong_header_is_refused(void **state)
{
	static const struct {
		uint16_t at;
		uint8_t value;
		int rc;
	} row[] = {
	    {0, 'X', ERR_FORMAT}, {8, 2, ERR_VERSION}, {10, 239, ERR_FORMAT},
	    {12, 0, ERR_VERSION}, {12, 5, ERR_VERSION}, {13, 2, ERR_VERSION},
	    {14, BATCH_CODEC_ZSTD_DICT, ERR_VERSION}, {15, 2, ERR_VERSION},
	    {16, 1, ERR_VERSION},
	    {20, 200, ERR_CORRUPT}, /* the CRC covers more then */
	    {40, 0, ERR_FORMAT}, /* no records */
	    {12, BATCH_CONTROL, ERR_FORMAT}, /* with records */
	    {14, BATCH_CODEC_RAW, ERR_FORMAT}, /* raw, of another length */
	    {42, 9, ERR_FORMAT}, /* too many records */
	    {39, 0xff, 0},
	    {51, 1, ERR_FORMAT}, /* stored length beyond the value */
	    {52, 1, ERR_FORMAT}, /* a zero that is not */
	    {232, 1, ERR_FORMAT},
	    {240, 0x81, ERR_VERSION}, /* a critical extension */
	    {241, 1, ERR_FORMAT},
	    {242, 3, ERR_FORMAT}, /* the extension's length */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct batch_header h;
		struct bytes value = sample(&h);
		uint8_t *mem = (uint8_t *)(uintptr_t)value.ptr;
		struct batch_view v = {0};
		uint32_t crc;
		int rc;

		mem[row[i].at] = row[i].value;
		rc = batch_decode(value, &v);
		if (row[i].at > 11 && rc == ERR_CORRUPT) {
			crc = crc32c(0, mem, 236);
			crc = crc32c(crc, mem + 240, 6 + h.ranges_len);
			endian_put_le32(mem + 236, crc);
			rc = batch_decode(value, &v);
		}
		if (rc != row[i].rc)
			fail_msg("row %zu: %d", i, rc);
		if (rc)
			assert_null(v.payload.ptr);
		free(mem);
	}
}

static void
damage_is_found_in_header_ranges_and_padding(void **state)
{
	struct batch_header h;
	struct bytes value = sample(&h);
	uint8_t *mem = (uint8_t *)(uintptr_t)value.ptr;
	size_t covered = batch_header_len(&h) + h.ranges_len;
	struct batch_view v;

	(void)state;
	for (size_t i = 0; i < value.len; i++) {
		mem[i] ^= 0x10;
		if (i < covered || i >= covered + h.stored_len)
			assert_int_not_equal(batch_decode(value, &v), 0);
		else
			assert_int_equal(batch_decode(value, &v), 0);
		mem[i] ^= 0x10;
	}
	mem[30] ^= 1;
	assert_int_equal(batch_decode(value, &v), ERR_CORRUPT);
	mem[30] ^= 1;
	for (size_t len = 0; len < value.len; len++)
		assert_int_not_equal(batch_decode(bytes_of(mem, len), &v), 0);
	free(mem);
}

static void
ranges_survive_the_round_trip(void **state)
{
	struct batch_chain chain = {.child = {{1}},
	    .incarnation = {{2}},
	    .first_rec = 1000,
	    .count = 12};
	struct batch_range in = {.stream = UINT32_MAX,
	    .first_seq = 1ull << 60,
	    .count = 12,
	    .flags = BATCH_RANGE_HEAD | BATCH_RANGE_CHAINED,
	    .severities = 3,
	    .head = {1, 2, 3},
	    .path = bytes_of_str("C:\\log")};
	struct batch_range out;
	struct batch_ranges r;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	batch_ranges_encode_begin(&b, &chain, 1);
	batch_range_encode(&b, &in);
	assert_int_equal(batch_ranges_begin(&r, buf_bytes(&b)), 0);
	assert_int_equal(r.chains, 1);
	assert_int_equal(r.chain.first_rec, 1000);
	assert_true(uuid_equal(&r.chain.incarnation, &chain.incarnation));
	assert_int_equal(batch_ranges_next(&r, &out), 1);
	assert_int_equal(out.stream, UINT32_MAX);
	assert_int_equal(out.flags, in.flags | BATCH_RANGE_PATH);
	assert_memory_equal(out.head, in.head, sizeof(in.head));
	assert_true(bytes_equal(out.path, in.path));
	golden_check("ranges-1", "CHAIN", "batch", buf_bytes(&b));
	assert_int_equal(batch_ranges_next(&r, &out), 0);
	assert_int_equal(r.records, 12);
	for (size_t len = 0; len < b.len; len++) {
		int rc = batch_ranges_begin(&r, bytes_of(b.mem, len));

		if (!rc)
			rc = batch_ranges_next(&r, &out);
		assert_int_equal(rc, ERR_FORMAT);
	}
	buf_fini(&b);
}

static void
a_range_without_head_takes_about_ten_bytes(void **state)
{
	struct batch_range in = {
	    .stream = 399, .first_seq = 1000000, .count = 2, .severities = 64};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	batch_range_encode(&b, &in);
	assert_true(b.len <= 10);
	buf_fini(&b);
}

static void
wrong_ranges_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} row[] = {
	    {"\0\1\1\0\1\0\0", 7}, /* seq 0 */
	    {"\0\1\1\1\0\0\0", 7}, /* no records */
	    {"\0\1\1\1\1\x40\0", 7}, /* an unknown flag */
	    {"\0\1\1\1\1\0\x80\2", 8}, /* a ninth severity */
	    {"\0\1\1\1\1\2\0\0", 8}, /* an empty path */
	    {"\0\1\1\1\1\0\0\0", 8}, /* left over */
	    {"\0\0", 2}, /* no ranges */
	    {"\2", 1}, /* two chains */
	    {"\0\1\1\1\x81\x80\4\0\0", 9}, /* 65,537 records */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct batch_range out;
		struct batch_ranges r;
		int rc =
		    batch_ranges_begin(&r, bytes_of(row[i].bytes, row[i].len));

		while (!rc || rc == 1)
			if (!(rc = batch_ranges_next(&r, &out)))
				fail_msg("row %zu", i);
		assert_int_equal(rc, ERR_FORMAT);
	}
}

static void
columns_give_back_every_record_with_its_place(void **state)
{
	static const char *text[] = {"a", "", "ccc", "dd", "e", "f"};
	static const uint32_t range[] = {0, 0, 1, 0, 2, 2};
	static const uint32_t in_range[] = {0, 1, 0, 2, 0, 1};
	uint32_t pos[3] = {0};
	struct batch_columns_view v;
	struct batch_columns_iter it;
	struct batch_columns c;
	struct buf raw;
	size_t bound;

	(void)state;
	batch_columns_init(&c, 1000);
	buf_init(&raw, 1000);
	for (uint32_t i = 0; i < 6; i++) {
		batch_columns_add(&c, range[i], bytes_of_str(text[i]));
		batch_columns_add_received(&c, -(int64_t)i * 1000);
		batch_columns_add_event(&c, INT64_MIN + i);
	}
	bound = batch_columns_len(&c);
	assert_int_equal(batch_columns_encode(&c, &raw), 0);
	golden_check("columns-1", "THREE-RANGES", "columns", buf_bytes(&raw));
	assert_true(raw.len <= bound);
	assert_int_equal(batch_columns_decode(buf_bytes(&raw), 2, &v),
	    ERR_FORMAT); /* there are three ranges */
	assert_int_equal(batch_columns_decode(buf_bytes(&raw), 3, &v), 0);
	batch_columns_iter_init(&it, &v, pos);
	for (uint32_t i = 0; i < 6; i++) {
		assert_true(batch_columns_iter_next(&it));
		assert_true(bytes_equal_str(it.record, text[i]));
		assert_int_equal(it.range, range[i]);
		assert_int_equal(it.in_range, in_range[i]);
		assert_int_equal(it.index, i);
		assert_int_equal(it.received_delta_ns, -(int64_t)i * 1000);
		assert_true(it.event_delta_ns == INT64_MIN + i);
	}
	assert_false(batch_columns_iter_next(&it));
	for (size_t len = 0; len < raw.len; len++)
		assert_int_equal(
		    batch_columns_decode(bytes_of(raw.mem, len), 3, &v),
		    ERR_FORMAT);
	batch_columns_fini(&c);
	buf_fini(&raw);
}

/* Ranges of the given counts against columns with runs of 2 and 1. */
static int
match(uint32_t first, uint32_t second)
{
	struct batch_range range = {.first_seq = 1, .count = first};
	uint32_t counts[2] = {0};
	struct batch_columns_view v;
	struct batch_columns c;
	struct buf raw, ranges;
	int rc;

	batch_columns_init(&c, 1000);
	buf_init(&raw, 1000);
	buf_init(&ranges, 1000);
	batch_columns_add(&c, 0, bytes_of_str("a"));
	batch_columns_add(&c, 1, bytes_of_str("b"));
	batch_columns_add(&c, 0, bytes_of_str("c"));
	assert_int_equal(batch_columns_encode(&c, &raw), 0);
	batch_ranges_encode_begin(&ranges, NULL, second ? 2 : 1);
	batch_range_encode(&ranges, &range);
	range.count = second;
	if (second)
		batch_range_encode(&ranges, &range);
	assert_int_equal(batch_columns_decode(buf_bytes(&raw), 2, &v), 0);
	rc = batch_columns_match(&v, buf_bytes(&ranges), counts);
	buf_fini(&ranges);
	buf_fini(&raw);
	batch_columns_fini(&c);
	return rc;
}

static void
the_runs_must_hold_what_the_ranges_say(void **state)
{
	(void)state;
	assert_int_equal(match(2, 1), 0);
	assert_int_equal(match(1, 2), ERR_FORMAT);
	assert_int_equal(match(2, 2), ERR_FORMAT);
	assert_int_equal(match(3, 0), ERR_FORMAT);
}

static void
columns_say_when_they_are_full_or_incomplete(void **state)
{
	struct batch_columns c;
	struct buf raw;

	(void)state;
	buf_init(&raw, 1 << 20);
	batch_columns_init(&c, 1 << 20);
	assert_int_equal(batch_columns_encode(&c, &raw), ERR_INVAL);
	batch_columns_add(&c, 0, bytes_of_str("x"));
	batch_columns_add_received(&c, 1);
	batch_columns_add(&c, 0, bytes_of_str("y"));
	assert_int_equal(batch_columns_encode(&c, &raw), ERR_INVAL);
	batch_columns_clear(&c);
	for (int i = 0; i < BATCH_RECORDS_MAX; i++)
		batch_columns_add(&c, 0, bytes_of_str("z"));
	assert_int_equal(batch_columns_encode(&c, &raw), 0);
	batch_columns_add(&c, 0, bytes_of_str("z"));
	assert_int_equal(c.count, BATCH_RECORDS_MAX);
	assert_int_equal(batch_columns_encode(&c, &raw), ERR_LIMIT);
	batch_columns_fini(&c);
	batch_columns_init(&c, 40);
	batch_columns_add(&c, 0, bytes_of_str("0123456789012345678901234"));
	batch_columns_add(&c, 0, bytes_of_str("0123456789012345678901234"));
	assert_int_equal(batch_columns_encode(&c, &raw), ERR_LIMIT);
	batch_columns_fini(&c);
	buf_fini(&raw);
}

static void
columns_that_do_not_add_up_are_refused(void **state)
{
	static const uint8_t good[] = {1, 1, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2, 0,
	    0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c',
	    1, 2, 0, 2, 5, 6};
	static const struct {
		uint8_t at, value;
	} row[] = {
	    {0, 2}, /* version */
	    {1, 5}, /* flags */
	    {2, 1}, /* zeros */
	    {4, 1}, /* one record */
	    {4, 0}, {8, 4}, /* record bytes */
	    {28, 1}, /* zeros */
	    {35, 2}, /* lengths: 4 of 3 bytes */
	    {35, 0}, {37, 1}, /* run of a range that is not there */
	    {38, 1}, /* run of one */
	    {38, 3}, {1, 0}, /* times without the flag */
	    {1, 3}, /* the flag without times */
	    {40, 0x80}, /* a time that is cut off */
	};
	struct batch_columns_view v;

	(void)state;
	assert_int_equal(
	    batch_columns_decode(bytes_of(good, sizeof(good)), 1, &v), 0);
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		uint8_t bad[sizeof(good)];

		memcpy(bad, good, sizeof(good));
		bad[row[i].at] = row[i].value;
		if (batch_columns_decode(bytes_of(bad, sizeof(bad)), 1, &v) !=
		    ERR_FORMAT)
			fail_msg("row %zu", i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_batch_survives_the_round_trip),
	    cmocka_unit_test(batches_are_as_the_golden_file_has_them),
	    cmocka_unit_test(the_associated_data_leaves_out_what_is_made_later),
	    cmocka_unit_test(padding_ends_just_before_a_page_does),
	    cmocka_unit_test(a_wrong_header_is_refused),
	    cmocka_unit_test(damage_is_found_in_header_ranges_and_padding),
	    cmocka_unit_test(ranges_survive_the_round_trip),
	    cmocka_unit_test(a_range_without_head_takes_about_ten_bytes),
	    cmocka_unit_test(wrong_ranges_are_refused),
	    cmocka_unit_test(columns_give_back_every_record_with_its_place),
	    cmocka_unit_test(the_runs_must_hold_what_the_ranges_say),
	    cmocka_unit_test(columns_say_when_they_are_full_or_incomplete),
	    cmocka_unit_test(columns_that_do_not_add_up_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
