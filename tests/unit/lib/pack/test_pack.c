/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "lib/base/err.h"
#include "lib/pack/pack.h"

#define MIB ((size_t)1 << 20)

static struct pack *pack;

static int
make_context(void **state)
{
	(void)state;
	return pack_new(1, &pack);
}

static int
free_context(void **state)
{
	(void)state;
	pack_free(pack);
	return 0;
}

/* Text that packs as logs do. */
static uint8_t *
make_text(size_t len)
{
	static const char *const words[] = {"Failed ", "password ", "for ",
	    "root ", "from ", "10.0.0.", "port ", "ssh2\n", "sshd: "};
	uint8_t *p = malloc(len ? len : 1);
	size_t at = 0;

	assert_non_null(p);
	srand(3);
	while (at < len) {
		const char *word = words[(size_t)rand() % 9];

		for (; *word && at < len; word++)
			p[at++] = (uint8_t)*word;
		if (at < len)
			p[at++] = (uint8_t)('0' + rand() % 10);
	}
	return p;
}

static uint8_t *
compress(struct pack *with, struct bytes raw, size_t *len)
{
	size_t cap = pack_bound(raw.len);
	uint8_t *out = malloc(cap);

	assert_non_null(out);
	assert_int_equal(pack_compress(with, raw, out, cap, len), 0);
	return out;
}

static void
assert_round_trip(struct pack *with, struct bytes raw)
{
	size_t len;
	uint8_t *packed = compress(with, raw, &len);
	struct buf out;

	buf_init(&out, raw.len + 3);
	buf_add(&out, "abc", 3);
	assert_int_equal(
	    pack_unpack(pack, bytes_of(packed, len), raw.len, raw.len, &out),
	    0);
	assert_int_equal(out.len, raw.len + 3);
	assert_memory_equal(buf_ptr(&out), "abc", 3);
	if (raw.len)
		assert_memory_equal(buf_ptr(&out) + 3, raw.ptr, raw.len);
	buf_fini(&out);
	free(packed);
}

static void
what_is_packed_comes_back_at_every_level_and_size(void **state)
{
	static const size_t sizes[] = {
	    0, 1, 255, 256, 257, 65791, 65792, MIB, MIB + 1, 8 * MIB};
	uint8_t *text = make_text(8 * MIB);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		assert_round_trip(pack, bytes_of(text, sizes[i]));
	for (int level = PACK_LEVEL_MIN; level <= PACK_LEVEL_MAX; level++) {
		struct pack *p;

		assert_int_equal(pack_new(level, &p), 0);
		assert_round_trip(p, bytes_of(text, 300000));
		pack_free(p);
	}
	free(text);
}

static void
a_level_out_of_range_is_refused(void **state)
{
	struct pack *p = NULL;

	(void)state;
	assert_int_equal(pack_new(0, &p), ERR_RANGE);
	assert_int_equal(pack_new(20, &p), ERR_RANGE);
	assert_null(p);
}

static void
too_little_room_to_pack_into_is_an_error(void **state)
{
	uint8_t out[20], raw[100];
	size_t len = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(i * 37);
	assert_int_equal(pack_compress(pack, bytes_of(raw, sizeof(raw)), out,
			     sizeof(out), &len),
	    ERR_LIMIT);
	assert_int_equal(len, 77);
}

/* Our own frames pass our own guards, however uniform the bytes are. */
static void
megabytes_of_one_byte_come_back(void **state)
{
	static const size_t sizes[] = {MIB, MIB + 1, 2 * MIB, 8 * MIB};
	uint8_t *zeros = calloc(1, 8 * MIB);
	struct pack *best;

	(void)state;
	assert_non_null(zeros);
	assert_int_equal(pack_new(PACK_LEVEL_MAX, &best), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		assert_round_trip(pack, bytes_of(zeros, sizes[i]));
		assert_round_trip(best, bytes_of(zeros, sizes[i]));
	}
	pack_free(best);
	free(zeros);
}

/* The library alone, to make the frames that we never make. */
static uint8_t *
foreign_frame(ZSTD_CCtx *ctx, struct bytes raw, size_t *len)
{
	size_t cap = ZSTD_compressBound(raw.len);
	uint8_t *out = malloc(cap);

	assert_non_null(out);
	*len = ZSTD_compress2(ctx, out, cap, raw.ptr, raw.len);
	assert_false(ZSTD_isError(*len));
	return out;
}

static void
bombs_are_refused(void **state)
{
	uint8_t *zeros = calloc(1, 32 * MIB);
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	uint8_t *packed;
	size_t len;

	(void)state;
	assert_non_null(zeros);
	packed = foreign_frame(ctx, bytes_of(zeros, 8 * MIB), &len);
	/* The ratio, though size and window are within the limits. */
	assert_true(len * PACK_RATIO_MAX < 8 * MIB);
	assert_int_equal(
	    pack_check(bytes_of(packed, len), 8 * MIB, 8 * MIB), ERR_LIMIT);
	/* The size. */
	assert_int_equal(
	    pack_check(bytes_of(packed, len), 8 * MIB, 8 * MIB - 1), ERR_LIMIT);
	/* A smaller size than the frame's own. */
	assert_int_equal(
	    pack_check(bytes_of(packed, len), MIB, 8 * MIB), ERR_FORMAT);
	free(packed);
	/* Up to 1 MiB any ratio is honest. */
	packed = foreign_frame(ctx, bytes_of(zeros, MIB), &len);
	assert_true(len * PACK_RATIO_MAX < MIB);
	assert_int_equal(pack_check(bytes_of(packed, len), MIB, MIB), 0);
	free(packed);
	packed = foreign_frame(ctx, bytes_of(zeros, MIB + 1), &len);
	assert_int_equal(
	    pack_check(bytes_of(packed, len), MIB + 1, 8 * MIB), ERR_LIMIT);
	free(packed);
	ZSTD_freeCCtx(ctx);
	free(zeros);
}

static void
a_window_past_8_mib_is_refused(void **state)
{
	uint8_t *text = make_text(20 * MIB);
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	uint8_t *packed;
	size_t len;

	(void)state;
	for (int log = 23; log <= 25; log++) {
		ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, log);
		packed = foreign_frame(ctx, bytes_of(text, 20 * MIB), &len);
		assert_int_equal(
		    pack_check(bytes_of(packed, len), 20 * MIB, 32 * MIB),
		    log == 23 ? 0 : ERR_LIMIT);
		free(packed);
	}
	ZSTD_freeCCtx(ctx);
	free(text);
}

static int
check_hex(const char *hex, size_t raw_len)
{
	uint8_t frame[64], raw[16] = {0};
	struct bytes in;
	size_t len = strlen(hex) / 2;
	int rc;

	for (size_t i = 0; i < len; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		frame[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	in = bytes_of(frame, len);
	rc = pack_check(in, raw_len, sizeof(raw));
	return rc ? rc : pack_unpack_to(pack, in, raw_len, sizeof(raw), raw);
}

/* All hold "hello" in one raw block, last: 29 00 00 and five bytes. */
#define MAGIC "28b52ffd"
#define HELLO "29000068656c6c6f"

static void
every_rule_of_the_document_has_its_verdict(void **state)
{
	static const struct {
		const char *what, *hex;
		size_t raw_len;
		int verdict;
	} table[] = {
	    {"single segment", MAGIC "2005" HELLO, 5, 0},
	    {"with a window of 8 MiB", MAGIC "806805000000" HELLO, 5, 0},
	    {"with a window past 8 MiB", MAGIC "806905000000" HELLO, 5,
		ERR_LIMIT},
	    {"size in eight bytes", MAGIC "e00500000000000000" HELLO, 5, 0},
	    {"a good checksum", MAGIC "2405" HELLO "a36d9f88", 5, 0},
	    {"a wrong checksum", MAGIC "2405" HELLO "43272e7b", 5, ERR_FORMAT},
	    {"announced as shorter", MAGIC "2005" HELLO, 4, ERR_FORMAT},
	    {"announced as longer", MAGIC "2005" HELLO, 6, ERR_FORMAT},
	    {"above the limit", MAGIC "2005" HELLO, 17, ERR_LIMIT},
	    {"the frame lies: more", MAGIC "2006" HELLO, 6, ERR_FORMAT},
	    {"the frame lies: less", MAGIC "2004" HELLO, 4, ERR_FORMAT},
	    {"no content size", MAGIC "0058" HELLO, 5, ERR_FORMAT},
	    {"a dictionary id", MAGIC "210705" HELLO, 5, ERR_FORMAT},
	    {"a dictionary id of zero", MAGIC "210005" HELLO, 5, ERR_FORMAT},
	    {"the reserved bit", MAGIC "2805" HELLO, 5, ERR_FORMAT},
	    {"the unused bit", MAGIC "3005" HELLO, 5, ERR_FORMAT},
	    {"a reserved block type", MAGIC "20052f000068656c6c6f", 5,
		ERR_FORMAT},
	    {"a byte behind", MAGIC "2005" HELLO "00", 5, ERR_FORMAT},
	    {"two frames", MAGIC "2005" HELLO MAGIC "2000010000", 5,
		ERR_FORMAT},
	    {"skippable before", "502a4d1801000000ff" MAGIC "2005" HELLO, 5,
		ERR_FORMAT},
	    {"skippable behind", MAGIC "2005" HELLO "5f2a4d1800000000", 5,
		ERR_FORMAT},
	    {"skippable alone", "502a4d1801000000ff", 0, ERR_FORMAT},
	    {"the format before version 0.8", "27b52ffd2005" HELLO, 5,
		ERR_FORMAT},
	    {"an empty frame", MAGIC "2000010000", 0, 0},
	    {"nothing", "", 0, ERR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		int rc = check_hex(table[i].hex, table[i].raw_len);

		if (rc != table[i].verdict)
			fail_msg("%s: %s", table[i].what, err_name(rc));
	}
}

static void
a_frame_cut_at_any_byte_is_refused_and_leaves_nothing(void **state)
{
	uint8_t *text = make_text(5000);
	struct buf out;
	size_t len;
	uint8_t *packed = compress(pack, bytes_of(text, 5000), &len);

	(void)state;
	buf_init(&out, 5000);
	for (size_t cut = 0; cut < len; cut++) {
		/* In memory of its own, for the sanitizer to see. */
		uint8_t *part = malloc(cut ? cut : 1);

		assert_non_null(part);
		memcpy(part, packed, cut);
		assert_int_equal(
		    pack_unpack(pack, bytes_of(part, cut), 5000, 5000, &out),
		    ERR_FORMAT);
		assert_int_equal(out.len, 0);
		assert_int_equal(out.err, 0);
		free(part);
	}
	assert_int_equal(
	    pack_unpack(pack, bytes_of(packed, len), 5000, 5000, &out), 0);
	assert_int_equal(
	    pack_unpack(pack, bytes_of(packed, len), 5000, 5000, &out),
	    ERR_LIMIT); /* the buf is full */
	assert_int_equal(out.len, 5000);
	assert_int_equal(out.err, 0);
	buf_fini(&out);
	free(packed);
	free(text);
}

static void
a_flipped_bit_never_yields_another_length(void **state)
{
	uint8_t *text = make_text(2000), *raw = malloc(2000);
	size_t len;
	uint8_t *packed = compress(pack, bytes_of(text, 2000), &len);

	(void)state;
	assert_non_null(raw);
	for (size_t bit = 0; bit < len * 8; bit++) {
		int rc;

		packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rc = pack_unpack_to(
		    pack, bytes_of(packed, len), 2000, 2000, raw);
		assert_true(!rc || rc == ERR_FORMAT || rc == ERR_LIMIT);
		packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* The context is as good as new after so many errors. */
	assert_round_trip(pack, bytes_of(text, 2000));
	free(packed);
	free(raw);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_packed_comes_back_at_every_level_and_size),
	    cmocka_unit_test(a_level_out_of_range_is_refused),
	    cmocka_unit_test(too_little_room_to_pack_into_is_an_error),
	    cmocka_unit_test(megabytes_of_one_byte_come_back),
	    cmocka_unit_test(bombs_are_refused),
	    cmocka_unit_test(a_window_past_8_mib_is_refused),
	    cmocka_unit_test(every_rule_of_the_document_has_its_verdict),
	    cmocka_unit_test(
		a_frame_cut_at_any_byte_is_refused_and_leaves_nothing),
	    cmocka_unit_test(a_flipped_bit_never_yields_another_length),
	};

	return cmocka_run_group_tests(tests, make_context, free_context);
}
