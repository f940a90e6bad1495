/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <limits.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/config/suggest.h"
#include "lib/config/unit.h"
#include "lib/config/value.h"
#include "lib/config/valuetext.h"

#define TEXT_MAX ((size_t)16384)

union any {
	bool yes;
	uint64_t number;
	struct value_quota quota;
	struct value_address address;
	struct value_key key;
	enum word word;
	char *text;
};

static const struct value_type integer = {
    .kind = VALUE_INTEGER, .min = 2, .max = 16};
static const struct value_type big = {
    .kind = VALUE_INTEGER, .min = 0, .max = UINT64_MAX};
static const struct value_type size = {
    .kind = VALUE_SIZE, .min = 1024, .max = 1048576};
static const struct value_type any_size = {
    .kind = VALUE_SIZE, .min = 0, .max = UINT64_MAX};
static const struct value_type rate = {
    .kind = VALUE_RATE, .min = 8000, .max = 1000000000};
static const struct value_type duration = {
    .kind = VALUE_DURATION, .min = 100, .max = 86400000};
static const struct value_type quota = {
    .kind = VALUE_QUOTA, .min = 1ull << 30, .max = 1ull << 50};
static const struct value_type yes_or_no = {.kind = VALUE_BOOL};
static const struct value_type mode = {.kind = VALUE_MODE};
static const struct value_type address = {.kind = VALUE_ADDRESS};
static const struct value_type listen_on = {.kind = VALUE_LISTEN};
static const struct value_type host = {.kind = VALUE_HOST};
static const struct value_type path = {.kind = VALUE_PATH};
static const struct value_type user = {.kind = VALUE_USER};
static const struct value_type stream = {.kind = VALUE_STREAM};
static const struct value_type key = {.kind = VALUE_KEY};
static const struct value_type word = {
    .kind = VALUE_WORD, .words = WORD_SET_FORMAT};

/* What a text gives: its one form, or an error. */
static const struct {
	const struct value_type *type;
	const char *in;
	int rc;
	const char *out; /* NULL: as it was put in */
} table[] = {
    {&yes_or_no, "true", 0, NULL},
    {&yes_or_no, "false", 0, NULL},
    {&yes_or_no, "yes", ERR_FORMAT, NULL},
    {&yes_or_no, "True", ERR_FORMAT, NULL},
    {&yes_or_no, "", ERR_FORMAT, NULL},

    {&integer, "1", ERR_RANGE, NULL},
    {&integer, "2", 0, NULL},
    {&integer, "16", 0, NULL},
    {&integer, "17", ERR_RANGE, NULL},
    {&integer, "", ERR_FORMAT, NULL},
    {&integer, " 7", ERR_FORMAT, NULL},
    {&integer, "7 ", ERR_FORMAT, NULL},
    {&integer, "07", ERR_FORMAT, NULL},
    {&integer, "+7", ERR_FORMAT, NULL},
    {&integer, "-7", ERR_FORMAT, NULL},
    {&integer, "7.0", ERR_FORMAT, NULL},
    {&integer, "0x7", ERR_FORMAT, NULL},
    {&integer, "1_0", ERR_FORMAT, NULL},
    {&big, "0", 0, NULL},
    {&big, "18446744073709551615", 0, NULL},
    {&big, "18446744073709551616", ERR_RANGE, NULL},
    {&big, "99999999999999999999999", ERR_RANGE, NULL},
    {&big, "18446744073709551616x", ERR_FORMAT, NULL},

    {&size, "1023B", ERR_RANGE, NULL},
    {&size, "1024B", 0, "1KiB"},
    {&size, "1025B", 0, "1025B"},
    {&size, "1048575B", 0, NULL},
    {&size, "1048576B", 0, "1MiB"},
    {&size, "1048577B", ERR_RANGE, NULL},
    {&size, "1MiB", 0, NULL},
    {&size, "2kB", 0, NULL},
    {&size, "1MB", 0, NULL},
    {&size, "1000kB", 0, "1MB"},
    {&size, "2MiB", ERR_RANGE, NULL},
    {&size, "1GB", ERR_RANGE, NULL},
    {&size, "2048", ERR_FORMAT, NULL},
    {&size, "99x", ERR_FORMAT, NULL},
    {&size, "2KB", ERR_FORMAT, NULL},
    {&size, "2kb", ERR_FORMAT, NULL},
    {&size, "2 KiB", ERR_FORMAT, NULL},
    {&size, "2KiBx", ERR_FORMAT, NULL},
    {&size, "KiB", ERR_FORMAT, NULL},
    {&size, "02KiB", ERR_FORMAT, NULL},
    {&size, "1e3B", ERR_FORMAT, NULL},
    {&any_size, "17179869183GiB", 0, NULL},
    {&any_size, "17179869184GiB", ERR_RANGE, NULL},
    {&any_size, "18446744073709551615B", 0, NULL},
    {&any_size, "18446744073709551616B", ERR_RANGE, NULL},
    {&any_size, "1GB", 0, NULL},

    {&rate, "7999bit/s", ERR_RANGE, NULL},
    {&rate, "8000bit/s", 0, "8kbit/s"},
    {&rate, "8001bit/s", 0, NULL},
    {&rate, "999999999bit/s", 0, NULL},
    {&rate, "1000Mbit/s", 0, NULL},
    {&rate, "1000000001bit/s", ERR_RANGE, NULL},
    {&rate, "1000B/s", 0, "8kbit/s"},
    {&rate, "999B/s", ERR_RANGE, NULL},
    {&rate, "1MB/s", 0, "8Mbit/s"},
    {&rate, "125MB/s", 0, "1000Mbit/s"},
    {&rate, "126MB/s", ERR_RANGE, NULL},
    {&rate, "8Mbit", ERR_FORMAT, NULL},
    {&rate, "8Mb/s", ERR_FORMAT, NULL},
    {&rate, "8kB/s", ERR_FORMAT, NULL},
    {&rate, "8", ERR_FORMAT, NULL},

    {&duration, "99ms", ERR_RANGE, NULL},
    {&duration, "100ms", 0, NULL},
    {&duration, "101ms", 0, NULL},
    {&duration, "86399999ms", 0, NULL},
    {&duration, "1d", 0, NULL},
    {&duration, "24h", 0, "1d"},
    {&duration, "86400001ms", ERR_RANGE, NULL},
    {&duration, "90s", 0, NULL},
    {&duration, "60s", 0, "1m"},
    {&duration, "60m", 0, "1h"},
    {&duration, "30", ERR_FORMAT, NULL},
    {&duration, "1w", ERR_FORMAT, NULL},
    {&duration, "1h30m", ERR_FORMAT, NULL},
    {&duration, "30S", ERR_FORMAT, NULL},

    {&quota, "1073741823B", ERR_RANGE, NULL},
    {&quota, "1073741824B", 0, "1GiB"},
    {&quota, "1073741825B", 0, NULL},
    {&quota, "1048576GiB", 0, NULL},
    {&quota, "1048577GiB", ERR_RANGE, NULL},
    {&quota, "0%", ERR_RANGE, NULL},
    {&quota, "1%", 0, NULL},
    {&quota, "100%", 0, NULL},
    {&quota, "101%", ERR_RANGE, NULL},
    {&quota, "%", ERR_FORMAT, NULL},
    {&quota, "80 %", ERR_FORMAT, NULL},
    {&quota, "80", ERR_FORMAT, NULL},

    {&mode, "0577", ERR_RANGE, NULL},
    {&mode, "0600", 0, NULL},
    {&mode, "0777", 0, NULL},
    {&mode, "1777", ERR_FORMAT, NULL},
    {&mode, "0778", ERR_FORMAT, NULL},
    {&mode, "00660", ERR_FORMAT, NULL},
    {&mode, "660", ERR_FORMAT, NULL},

    {&address, "spool.example:7614", 0, NULL},
    {&address, "10.0.0.1:1", 0, NULL},
    {&address, "a:65535", 0, NULL},
    {&address, "a:65536", ERR_RANGE, NULL},
    {&address, "a:0", ERR_RANGE, NULL},
    {&address, "[2001:DB8:0::1]:7614", 0, "[2001:db8::1]:7614"},
    {&address, "2001:db8::1:7614", ERR_FORMAT, NULL},
    {&address, "[::1]7614", ERR_FORMAT, NULL},
    {&address, "[::1]:", ERR_FORMAT, NULL},
    {&address, "[]:1", ERR_FORMAT, NULL},
    {&address, "[:1", ERR_FORMAT, NULL},
    {&address, "[fe80::1%lo]:1", ERR_FORMAT, NULL},
    {&address, "a", ERR_FORMAT, NULL},
    {&address, "a b:1", ERR_FORMAT, NULL},
    {&address, "1.2.3:1", ERR_FORMAT, NULL},
    {&address, "a.1:1", ERR_FORMAT, NULL},
    {&address, "a_b-c.d1:1", 0, NULL},
    {&listen_on, "[::]:7614", 0, NULL},
    {&listen_on, "0.0.0.0:0", 0, NULL},
    {&listen_on, "localhost:7614", ERR_FORMAT, NULL},
    {&listen_on, "*:7614", ERR_FORMAT, NULL},
    {&listen_on, "0.0.0.0:65536", ERR_RANGE, NULL},
    {&host, "siem.example", 0, NULL},
    {&host, "::1", 0, NULL},
    {&host, "[::1]", ERR_FORMAT, NULL},
    {&host, "siem.example.", ERR_FORMAT, NULL},
    {&host, "", ERR_FORMAT, NULL},

    {&path, "/", 0, NULL},
    {&path, "/日本/x y", 0, NULL},
    {&path, "x", ERR_FORMAT, NULL},
    {&path, "", ERR_FORMAT, NULL},
    {&user, "_x-9", 0, NULL},
    {&user, "9x", ERR_FORMAT, NULL},
    {&user, "-x", ERR_FORMAT, NULL},
    {&user, "X", ERR_FORMAT, NULL},
    {&key, "off", 0, NULL},
    {&key, "credential:spool-key", 0, NULL},
    {&key, "file:/k", 0, NULL},
    {&key, "credential:", ERR_FORMAT, NULL},
    {&key, "credential:.x", ERR_FORMAT, NULL},
    {&key, "credential:a/b", ERR_FORMAT, NULL},
    {&key, "file:k", ERR_FORMAT, NULL},
    {&key, "/k", ERR_FORMAT, NULL},
    {&key, "Off", ERR_FORMAT, NULL},
    {&word, "raw", 0, NULL},
    {&word, "rfc5424", 0, NULL},
    {&word, "cef", ERR_UNSUPPORTED, NULL},
    {&word, "tcp", ERR_NOENT, NULL},
    {&word, "", ERR_NOENT, NULL},
};

static void
each_text_has_its_verdict_and_its_one_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		enum value_kind kind = table[i].type->kind;
		const char *out = table[i].out ? table[i].out : table[i].in;
		union any value = {0};
		struct buf b;
		int rc;

		value_fini(kind, &value);
		rc = value_parse(
		    table[i].type, bytes_of_str(table[i].in), &value);
		if (rc != table[i].rc)
			fail_msg("\"%s\" gives %d", table[i].in, rc);
		buf_init(&b, TEXT_MAX);
		if (!rc)
			value_format(kind, &value, &b);
		if (!rc && !bytes_equal_str(buf_bytes(&b), out))
			fail_msg("\"%s\" is not written as \"%s\"", table[i].in,
			    out);
		buf_fini(&b);
		value_fini(kind, &value);
	}
}

/* A text of `len` times one character after a beginning. */
static int
parse_long(const struct value_type *type, const char *begin, char c, size_t len)
{
	union any value = {0};
	struct buf b;
	int rc;

	buf_init(&b, TEXT_MAX);
	buf_add_str(&b, begin);
	while (b.len < len)
		buf_add_u8(&b, (uint8_t)c);
	rc = value_parse(type, buf_bytes(&b), &value);
	if (!rc)
		value_fini(type->kind, &value);
	buf_fini(&b);
	return rc;
}

static void
texts_have_their_longest_length(void **state)
{
	static const struct {
		const struct value_type *type;
		const char *begin;
		size_t most;
	} rows[] = {
	    {&path, "/", PATH_MAX - 1},
	    {&user, "u", 32},
	    {&stream, "s", 255},
	    {&host, "h", 63},
	    {&key, "credential:", 11 + 255},
	    {&key, "file:/", 5 + PATH_MAX - 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t over = 0; over <= 2; over++) {
			size_t len = rows[i].most - 1 + over;

			assert_int_equal(
			    parse_long(rows[i].type, rows[i].begin, 'x', len),
			    over == 2 ? ERR_FORMAT : 0);
		}
	}
}

/* Labels of 1 letter: 127 of them are 253 bytes. */
static void
a_host_name_has_at_most_253_bytes(void **state)
{
	(void)state;
	for (int labels = 126; labels <= 128; labels++) {
		union any value = {0};
		struct buf b;
		int rc;

		buf_init(&b, TEXT_MAX);
		for (int i = 0; i < labels; i++)
			buf_add_str(&b, i ? ".a" : "a");
		rc = value_parse(&host, buf_bytes(&b), &value);
		assert_int_equal(rc, labels > 127 ? ERR_FORMAT : 0);
		if (!rc)
			value_fini(VALUE_HOST, &value);
		buf_fini(&b);
	}
}

static void
a_failure_leaves_the_value_alone(void **state)
{
	union any value = {.number = 42};

	(void)state;
	assert_int_equal(
	    value_parse(&size, bytes_of_str("99x"), &value), ERR_FORMAT);
	assert_int_equal(
	    value_parse(&size, bytes_of_str("9GiB"), &value), ERR_RANGE);
	assert_int_equal(value.number, 42);
	value.address = (struct value_address){.port = 7};
	assert_int_equal(
	    value_parse(&address, bytes_of_str("a:0"), &value), ERR_RANGE);
	assert_int_equal(value.address.port, 7);
	assert_null(value.address.host);
}

static void
a_list_takes_different_items_up_to_its_limit(void **state)
{
	struct value_type type = {.kind = VALUE_USERS, .max = 2};
	struct value_strings list = {0};

	(void)state;
	assert_int_equal(value_append(&type, bytes_of_str("a"), &list), 0);
	assert_int_equal(
	    value_append(&type, bytes_of_str("a"), &list), ERR_EXISTS);
	assert_int_equal(
	    value_append(&type, bytes_of_str("A"), &list), ERR_FORMAT);
	assert_int_equal(list.count, 1);
	assert_int_equal(value_append(&type, bytes_of_str("b"), &list), 0);
	assert_int_equal(
	    value_append(&type, bytes_of_str("c"), &list), ERR_LIMIT);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.item[1], "b");
	value_fini(VALUE_USERS, &list);
	assert_int_equal(list.count, 0);
}

static void
addresses_in_a_list_are_the_same_when_written_differently(void **state)
{
	struct value_type type = {.kind = VALUE_ADDRESSES, .max = 8};
	struct value_strings list = {0};

	(void)state;
	assert_int_equal(
	    value_append(&type, bytes_of_str("[0::1]:1"), &list), 0);
	assert_int_equal(
	    value_append(&type, bytes_of_str("[::1]:1"), &list), ERR_EXISTS);
	assert_string_equal(list.item[0], "[::1]:1");
	value_fini(VALUE_ADDRESSES, &list);
}

static void
every_kind_says_what_is_allowed(void **state)
{
	(void)state;
	for (int kind = 0; kind <= VALUE_PATHS; kind++) {
		struct value_type type = {
		    .kind = (enum value_kind)kind, .min = 1, .max = 2};
		struct buf b;

		buf_init(&b, TEXT_MAX);
		valuetext_allowed(&type, &b);
		assert_int_equal(b.err, 0);
		assert_true(b.len > 8);
		assert_true(strlen(valuetext_kind(type.kind)) > 4);
		buf_fini(&b);
	}
}

static void
the_distance_of_words_counts_their_differences(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} rows[] = {
	    {"", "", 0},
	    {"", "abc", 3},
	    {"abc", "abc", 0},
	    {"adress", "address", 1},
	    {"levle", "level", 1},
	    {"format", "form", 2},
	    {"kitten", "sitting", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(suggest_distance(bytes_of_str(rows[i].a),
				     bytes_of_str(rows[i].b)),
		    rows[i].distance);
		assert_int_equal(suggest_distance(bytes_of_str(rows[i].b),
				     bytes_of_str(rows[i].a)),
		    rows[i].distance);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_text_has_its_verdict_and_its_one_form),
	    cmocka_unit_test(texts_have_their_longest_length),
	    cmocka_unit_test(a_host_name_has_at_most_253_bytes),
	    cmocka_unit_test(a_failure_leaves_the_value_alone),
	    cmocka_unit_test(a_list_takes_different_items_up_to_its_limit),
	    cmocka_unit_test(
		addresses_in_a_list_are_the_same_when_written_differently),
	    cmocka_unit_test(every_kind_says_what_is_allowed),
	    cmocka_unit_test(the_distance_of_words_counts_their_differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
