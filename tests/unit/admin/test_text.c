/* SPDX-License-Identifier: Apache-2.0 */
/* What people and terminals are shown: human, safe, json, base64, when. */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/base64.h"
#include "admin/human.h"
#include "admin/json.h"
#include "admin/safe.h"
#include "admin/when.h"
#include "lib/base/err.h"

static const char *
text_of(struct buf *b)
{
	buf_add_u8(b, '\0');
	assert_int_equal(b->err, 0);
	return (const char *)buf_ptr(b);
}

static void
numbers_are_short(void **state)
{
	static const struct {
		uint64_t n;
		const char *count, *bytes, *exact;
	} rows[] = {
	    {0, "0", "0 B", "0"},
	    {999, "999", "999 B", "999"},
	    {1023, "1,023", "1023 B", "1,023"},
	    {1024, "1,024", "1.00 KiB", "1,024"},
	    {10234, "10,234", "9.99 KiB", "10,234"},
	    {999999, "999,999", "977 KiB", "999,999"},
	    {1000000, "1.00M", "977 KiB", "1,000,000"},
	    {1048576, "1.05M", "1.00 MiB", "1,048,576"},
	    {999499999, "999M", "953 MiB", "999,499,999"},
	    {999500000, "1.00G", "953 MiB", "999,500,000"},
	    {UINT64_MAX, "18.4E", "16.0 EiB", "18,446,744,073,709,551,615"},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 256);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&b);
		human_count(rows[i].n, &b);
		assert_true(b.len <= 7);
		assert_string_equal(text_of(&b), rows[i].count);
		buf_clear(&b);
		human_bytes(rows[i].n, &b);
		assert_true(b.len <= 8);
		assert_string_equal(text_of(&b), rows[i].bytes);
		buf_clear(&b);
		human_exact(rows[i].n, &b);
		assert_string_equal(text_of(&b), rows[i].exact);
	}
	buf_fini(&b);
}

static void
durations_and_rates_are_short(void **state)
{
	static const struct {
		double x;
		const char *seconds, *rate;
	} rows[] = {
	    {-1, "0s", "0"},
	    {0, "0s", "0"},
	    {0.04, "0s", "0"},
	    {0.06, "0.1s", "0.1"},
	    {9.94, "9.9s", "9.9"},
	    {9.96, "10s", "10.0"},
	    {59.4, "59s", "59.4"},
	    {60, "1m00s", "60.0"},
	    {3599, "59m59s", "3,599"},
	    {3600, "1h00m", "3,600"},
	    {86399, "23h59m", "86,399"},
	    {86400, "1d", "86,400"},
	    {90000, "1d01h", "90,000"},
	    {864000, "10d", "864,000"},
	    {1e13, "ages", "10.0T"},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 256);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&b);
		human_seconds(rows[i].x, &b);
		assert_string_equal(text_of(&b), rows[i].seconds);
		buf_clear(&b);
		human_rate(rows[i].x, &b);
		assert_string_equal(text_of(&b), rows[i].rate);
	}
	buf_fini(&b);
}

static void
nothing_acts_on_a_terminal(void **state)
{
	static const struct {
		const char *raw, *safe;
	} rows[] = {
	    {"plain", "plain"},
	    {"\x1b[2J\a", "\\x1b[2J\\x07"},
	    {"a\nb\tc", "a\\nb\\tc"},
	    {"\xc2\x9b"
	     "31m",
		"\\xc2\\x9b31m"}, /* CSI as one character */
	    {"\xff\xfe", "\\xff\\xfe"},
	    {"日本語", "日本語"},
	    {"a\xe2\x80\xae"
	     "b",
		"a\\u{202e}b"}, /* right to left */
	    {"\xe2\x80\x8b", "\\u{200b}"},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 256);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&b);
		safe_add(bytes_of_str(rows[i].raw), &b);
		assert_string_equal(text_of(&b), rows[i].safe);
	}
	buf_fini(&b);
}

static void
long_text_is_made_safe_in_pieces_without_cutting_characters(void **state)
{
	char raw[3 * 4001 + 1], *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	(void)state;
	for (size_t i = 0; i < 4001; i++)
		memcpy(raw + 3 * i, "語", 4);
	safe_write(bytes_of_str(raw), f);
	fclose(f);
	assert_string_equal(out, raw);
	free(out);
}

static void
widths_are_those_of_a_terminal(void **state)
{
	static const struct {
		const char *text;
		size_t width;
		const char *cut; /* to 4 columns */
	} rows[] = {
	    {"", 0, ""},
	    {"abcd", 4, "abcd"},
	    {"abcde", 5, "abc…"},
	    {"日本", 4, "日本"},
	    {"日本語", 6, "日…"},
	    {"a日本", 5, "a日…"},
	    {"e\xcc\x81", 1, "e\xcc\x81"},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 256);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    safe_width(bytes_of_str(rows[i].text)), rows[i].width);
		buf_clear(&b);
		safe_add_cut(bytes_of_str(rows[i].text), 4, &b);
		assert_string_equal(text_of(&b), rows[i].cut);
	}
	buf_fini(&b);
}

static void
json_is_read_strictly(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
	    {"{}", 0},
	    {"{\"a\":1}", 0},
	    {"{\"a\":1,\"a\":2}", ERR_FORMAT},
	    {"[]", ERR_FORMAT},
	    {"1", ERR_FORMAT},
	    {"", ERR_FORMAT},
	    {"{\"a\":1}x", ERR_FORMAT},
	    {"{\"a\":\"\xff\"}", ERR_FORMAT},
	    {"{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}", 0}, /* 16 deep */
	    {"{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", ERR_FORMAT},
	    {"{\"a\":\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[\"}", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *o = NULL;

		if (json_read(bytes_of_str(rows[i].text), &o, NULL) !=
		    rows[i].rc)
			fail_msg("%s", rows[i].text);
		json_decref(o);
	}
}

static void
getters_give_the_default_for_anything_else(void **state)
{
	json_t *o = NULL;

	(void)state;
	assert_int_equal(json_read(bytes_of_str("{\"a\":{\"b\":\"x\",\"n\":7},"
						"\"neg\":-1,\"z\":null}"),
			     &o, NULL),
	    0);
	assert_string_equal(json_str(o, "a.b", "?"), "x");
	assert_string_equal(json_str(o, "a.n", "?"), "?");
	assert_string_equal(json_str(o, "a.b.c", "?"), "?");
	assert_string_equal(json_str(NULL, "a", "?"), "?");
	assert_int_equal(json_u64(o, "a.n", 1), 7);
	assert_int_equal(json_u64(o, "neg", 1), 1);
	assert_true(json_flag(o, "a.n", true));
	assert_null(json_at(o, "z"));
	json_decref(o);
}

static void
written_json_is_the_same_and_harmless(void **state)
{
	json_t *in = json_pack("{s:s,s:f}", "t",
		   "\x1b\x7f\xc2\x9b日\xe2\x80\xae"
		   "\xf3\xa0\x80\x81",
		   "x", 0.3),
	       *back = NULL;
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	(void)state;
	assert_true(json_write(in, 0, f));
	fclose(f);
	assert_string_equal(out,
	    "{\"t\":\"\\u001B\\u007F\\u009B日\\u202E\\uDB40\\uDC01\","
	    "\"x\":0.3}\n");
	assert_int_equal(json_read(bytes_of(out, len), &back, NULL), 0);
	assert_true(json_equal(in, back));
	json_decref(in);
	json_decref(back);
	free(out);
}

static void
base64_is_that_of_rfc_4648(void **state)
{
	static const char *const rows[][2] = {{"", ""}, {"f", "Zg=="},
	    {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
	    {"\xff\xfe\xfd", "//79"}};
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&b);
		base64_add(bytes_of_str(rows[i][0]), &b);
		assert_string_equal(text_of(&b), rows[i][1]);
	}
	buf_fini(&b);
}

static void
times_are_read_as_utc(void **state)
{
	int64_t s = 5;

	(void)state;
	assert_int_equal(when_parse("2026-11-26T04:15:00.123456Z", &s), 0);
	assert_int_equal(s, 1795666500);
	assert_int_equal(when_parse("1970-01-01T00:00:07Z", &s), 0);
	assert_int_equal(s, 7);
	assert_int_equal(when_parse("yesterday", &s), ERR_FORMAT);
	assert_int_equal(when_parse("2026-11-26T04:15:00", &s), ERR_FORMAT);
	assert_int_equal(when_parse(NULL, &s), ERR_FORMAT);
	assert_int_equal(s, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_are_short),
	    cmocka_unit_test(durations_and_rates_are_short),
	    cmocka_unit_test(nothing_acts_on_a_terminal),
	    cmocka_unit_test(
		long_text_is_made_safe_in_pieces_without_cutting_characters),
	    cmocka_unit_test(widths_are_those_of_a_terminal),
	    cmocka_unit_test(json_is_read_strictly),
	    cmocka_unit_test(getters_give_the_default_for_anything_else),
	    cmocka_unit_test(written_json_is_the_same_and_harmless),
	    cmocka_unit_test(base64_is_that_of_rfc_4648),
	    cmocka_unit_test(times_are_read_as_utc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
