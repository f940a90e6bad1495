/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "lib/base/err.h"
#include "lib/pack/pack_stream.h"

#define MANY ((size_t)8 << 20)

/* All that an ordinary decoder gets out of the file so far. */
static size_t
decode(struct bytes file, uint8_t *raw, size_t cap, bool *is_whole)
{
	ZSTD_DStream *d = ZSTD_createDStream();
	ZSTD_inBuffer from = {file.ptr, file.len, 0};
	ZSTD_outBuffer to = {raw, cap, 0};
	size_t left = 0;

	assert_non_null(d);
	while (from.pos < from.size) {
		left = ZSTD_decompressStream(d, &to, &from);
		assert_false(ZSTD_isError(left));
	}
	*is_whole = left == 0;
	ZSTD_freeDStream(d);
	return to.pos;
}

static void
a_file_cut_at_any_end_is_whole_and_holds_what_was_added(void **state)
{
	struct pack_stream *s;
	struct buf file;
	char want[4096] = "", raw[4096];
	bool is_whole;

	(void)state;
	assert_int_equal(pack_stream_new(3, &s), 0);
	buf_init(&file, MANY);
	for (int i = 0; i < 20; i++) {
		char line[64];

		snprintf(line, sizeof(line), "%d: a line of a log\n", i);
		strcat(want, line);
		assert_int_equal(
		    pack_stream_add(s, bytes_of_str(line), &file), 0);
		assert_true(pack_stream_is_open(s));
		if (i % 3 == 1)
			assert_int_equal(pack_stream_flush(s, &file), 0);
		if (i % 3)
			continue;
		assert_int_equal(pack_stream_end(s, &file), 0);
		assert_false(pack_stream_is_open(s));
		assert_int_equal(decode(buf_bytes(&file), (uint8_t *)raw,
				     sizeof(raw), &is_whole),
		    strlen(want));
		assert_true(is_whole);
		assert_memory_equal(raw, want, strlen(want));
	}
	pack_stream_free(s);
	buf_fini(&file);
}

static void
what_was_flushed_can_be_read_though_the_frame_is_open(void **state)
{
	struct pack_stream *s;
	struct buf file;
	uint8_t raw[64];
	bool is_whole;

	(void)state;
	assert_int_equal(pack_stream_new(1, &s), 0);
	buf_init(&file, MANY);
	assert_int_equal(pack_stream_flush(s, &file), 0);
	assert_int_equal(pack_stream_end(s, &file), 0);
	assert_int_equal(file.len, 0); /* nothing added, nothing written */
	assert_int_equal(pack_stream_add(s, bytes_of_str("abc"), &file), 0);
	assert_int_equal(pack_stream_flush(s, &file), 0);
	assert_int_equal(
	    decode(buf_bytes(&file), raw, sizeof(raw), &is_whole), 3);
	assert_false(is_whole);
	assert_memory_equal(raw, "abc", 3);
	pack_stream_free(s);
	buf_fini(&file);
}

static void
a_file_of_megabytes_comes_back(void **state)
{
	uint8_t *raw = malloc(MANY), *again = malloc(MANY + 1);
	struct pack_stream *s;
	struct buf file;
	bool is_whole;

	(void)state;
	assert_true(raw && again);
	srand(5);
	for (size_t i = 0; i < MANY; i++)
		raw[i] = (uint8_t)(rand() % 64);
	assert_int_equal(pack_stream_new(1, &s), 0);
	buf_init(&file, 2 * MANY);
	for (size_t at = 0; at < MANY; at += MANY / 4) {
		assert_int_equal(
		    pack_stream_add(s, bytes_of(raw + at, MANY / 4), &file), 0);
		assert_int_equal(pack_stream_end(s, &file), 0);
	}
	assert_int_equal(
	    decode(buf_bytes(&file), again, MANY + 1, &is_whole), MANY);
	assert_true(is_whole);
	assert_memory_equal(again, raw, MANY);
	pack_stream_free(s);
	buf_fini(&file);
	free(raw);
	free(again);
}

static void
a_full_buf_loses_the_frame_until_the_reset(void **state)
{
	uint8_t raw[4096], again[4096];
	struct pack_stream *s;
	struct buf file;
	size_t good;
	bool is_whole;

	(void)state;
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(i * i >> 3 ^ i * 7);
	assert_int_equal(pack_stream_new(1, &s), 0);
	buf_init(&file, 600);
	assert_int_equal(pack_stream_add(s, bytes_of(raw, 100), &file), 0);
	assert_int_equal(pack_stream_end(s, &file), 0);
	good = file.len;
	pack_stream_add(s, bytes_of(raw, sizeof(raw)), &file);
	assert_int_equal(pack_stream_end(s, &file), ERR_LIMIT);
	assert_int_equal(
	    pack_stream_add(s, bytes_of(raw, 1), &file), ERR_LIMIT);
	assert_int_equal(pack_stream_flush(s, &file), ERR_LIMIT);
	assert_true(pack_stream_is_open(s));
	pack_stream_reset(s);
	assert_false(pack_stream_is_open(s));
	file.len = good; /* as the caller cuts its file */
	assert_int_equal(pack_stream_add(s, bytes_of(raw, 100), &file), 0);
	assert_int_equal(pack_stream_end(s, &file), 0);
	assert_int_equal(
	    decode(buf_bytes(&file), again, sizeof(again), &is_whole), 200);
	assert_true(is_whole);
	assert_memory_equal(again + 100, raw, 100);
	pack_stream_free(s);
	buf_fini(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_file_cut_at_any_end_is_whole_and_holds_what_was_added),
	    cmocka_unit_test(
		what_was_flushed_can_be_read_though_the_frame_is_open),
	    cmocka_unit_test(a_file_of_megabytes_comes_back),
	    cmocka_unit_test(a_full_buf_loses_the_frame_until_the_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
