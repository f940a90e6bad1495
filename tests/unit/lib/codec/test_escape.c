/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/codec/escape.h"

#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

static const struct {
	struct bytes raw, text;
} pairs[] = {
    {BYTES(""), BYTES("")},
    {BYTES("plain text, \"quoted\""), BYTES("plain text, \"quoted\"")},
    {BYTES("\\"), BYTES("\\\\")},
    {BYTES("a\nb\rc\td\0e"), BYTES("a\\nb\\rc\\td\\0e")},
    {BYTES("0123456\\0123456\n"), BYTES("0123456\\\\0123456\\n")},
    {BYTES("\x01\x1b\x1f \x7f"), BYTES("\\x01\\x1b\\x1f \\x7f")},
    {BYTES("\x1a"), BYTES("\\x1a")},
    {BYTES("佐藤 髙﨑 𠮷野"), BYTES("佐藤 髙﨑 𠮷野")},
    {BYTES("\x80\xbf\xfe\xff"), BYTES("\\x80\\xbf\\xfe\\xff")},
    /* the ends of each length, and what lies just outside of them */
    {BYTES("\xc2\xa0\xdf\xbf"), BYTES("\xc2\xa0\xdf\xbf")},
    {BYTES("\xc1\xbf"), BYTES("\\xc1\\xbf")},
    {BYTES("\xc2\x80\xc2\x9f"), BYTES("\\xc2\\x80\\xc2\\x9f")},
    {BYTES("\xe0\xa0\x80\xef\xbf\xbf"), BYTES("\xe0\xa0\x80\xef\xbf\xbf")},
    {BYTES("\xe0\x9f\xbf"), BYTES("\\xe0\\x9f\\xbf")},
    {BYTES("\xed\x9f\xbf"), BYTES("\xed\x9f\xbf")},
    {BYTES("\xed\xa0\x80"), BYTES("\\xed\\xa0\\x80")},
    {BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
	BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
    {BYTES("\xf0\x8f\xbf\xbf"), BYTES("\\xf0\\x8f\\xbf\\xbf")},
    {BYTES("\xf4\x90\x80\x80"), BYTES("\\xf4\\x90\\x80\\x80")},
    /* cut short, and a character right after the cut */
    {BYTES("\xe4\xbd"), BYTES("\\xe4\\xbd")},
    {BYTES("\xf0\xa0\xae"), BYTES("\\xf0\\xa0\\xae")},
    {BYTES("\xe4\xbd\xe4\xbd\x90"), BYTES("\\xe4\\xbd\xe4\xbd\x90")},
    {BYTES("\xe4\xbdn\xc2"), BYTES("\\xe4\\xbdn\\xc2")},
};

static void
each_row_is_escaped_and_given_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct buf out, back;

		buf_init(&out, 1024);
		buf_init(&back, 1024);
		escape_encode(pairs[i].raw, &out);
		assert_int_equal(out.err, 0);
		assert_true(bytes_equal(buf_bytes(&out), pairs[i].text));
		assert_int_equal(
		    escape_length(pairs[i].raw), pairs[i].text.len);
		assert_int_equal(escape_decode(pairs[i].text, &back), 0);
		assert_true(bytes_equal(buf_bytes(&back), pairs[i].raw));
		buf_fini(&out);
		buf_fini(&back);
	}
}

static void
what_is_never_written_is_refused(void **state)
{
	static const struct bytes wrong[] = {BYTES("\\"), BYTES("a\\"),
	    BYTES("\\a"), BYTES("\\N"), BYTES("\\x"), BYTES("\\x1"),
	    BYTES("\\x1g"), BYTES("\\x1B"), BYTES("\\X1b"), BYTES("a\nb"),
	    BYTES("a\tb"), BYTES("a\0b"), BYTES("\x1b"), BYTES("\x7f"),
	    BYTES("\x80"), BYTES("\xe4\xbd"), BYTES("\xc2\x85"), BYTES("\\x41"),
	    BYTES("\\x0a"), BYTES("\\x00"), BYTES("\\x5c"),
	    BYTES("\\xe4\\xbd\\x90"), BYTES("\\xc2\\xa0"),
	    /* one form too long and one too short: the same length */
	    BYTES("\\x41\x80"), BYTES("\\\\\\x0a\n")};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buf out;

		buf_init(&out, 1024);
		buf_add_str(&out, "before");
		assert_int_equal(escape_decode(wrong[i], &out), ERR_FORMAT);
		assert_true(bytes_equal_str(buf_bytes(&out), "before"));
		assert_int_equal(out.err, 0);
		buf_fini(&out);
	}
}

static void
random_bytes_survive_at_every_length(void **state)
{
	uint64_t x = 1;
	struct buf out, back;

	(void)state;
	buf_init(&out, 1 << 16);
	buf_init(&back, 1 << 16);
	for (size_t len = 0; len < 2000; len++) {
		uint8_t raw[2000];

		for (size_t i = 0; i < len; i++) {
			x = x * UINT64_C(6364136223846793005) + 1;
			raw[i] = (uint8_t)(x >> (len % 2 ? 56 : 59));
			raw[i] = len % 4 == 2 ? raw[i] + 0x60 : raw[i];
		}
		buf_clear(&out);
		buf_clear(&back);
		escape_encode(bytes_of(raw, len), &out);
		assert_int_equal(out.len, escape_length(bytes_of(raw, len)));
		assert_true(out.len <= len * ESCAPE_GROWTH);
		assert_int_equal(escape_decode(buf_bytes(&out), &back), 0);
		assert_true(bytes_equal(buf_bytes(&back), bytes_of(raw, len)));
	}
	buf_fini(&out);
	buf_fini(&back);
}

static void
a_full_buf_is_said_and_nothing_is_cut(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 7);
	escape_encode(bytes_of_str("\x01\x02"), &out);
	assert_int_equal(out.err, ERR_LIMIT);
	assert_int_equal(out.len, 0);
	buf_clear(&out);
	assert_int_equal(
	    escape_decode(bytes_of_str("12345678"), &out), ERR_LIMIT);
	assert_int_equal(out.len, 0);
	buf_fini(&out);
}

static void
the_golden_file_holds_every_byte_value(void **state)
{
	uint8_t raw[256], text[2048];
	char path[4096];
	struct buf out;
	FILE *file;
	size_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/golden/escape-1.txt",
	    getenv("TOP_SRCDIR") ? getenv("TOP_SRCDIR") : ".");
	file = fopen(path, "rb");
	assert_non_null(file);
	n = fread(text, 1, sizeof(text), file);
	fclose(file);
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)i;
	buf_init(&out, 2048);
	escape_encode(bytes_of(raw, sizeof(raw)), &out);
	buf_add_u8(&out, '\n');
	assert_true(bytes_equal(buf_bytes(&out), bytes_of(text, n)));
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_row_is_escaped_and_given_back),
	    cmocka_unit_test(what_is_never_written_is_refused),
	    cmocka_unit_test(random_bytes_survive_at_every_length),
	    cmocka_unit_test(a_full_buf_is_said_and_nothing_is_cut),
	    cmocka_unit_test(the_golden_file_holds_every_byte_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
