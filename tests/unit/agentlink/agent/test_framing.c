/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include "agentlink/agent/framing.h"
#include "lib/base/err.h"

#define MAX 10
#define IN(text) (text), sizeof(text) - 1

static const struct {
	enum framing_kind kind;
	const char *in;
	size_t len;
	bool at_end;
	int rc;
	const char *record;
	size_t record_len, used;
} table[] = {
    {FRAMING_LF, IN(""), false, 0, NULL, 0, 0},
    {FRAMING_LF, IN(""), true, 0, NULL, 0, 0},
    {FRAMING_LF, IN("\n"), false, 1, IN(""), 1},
    {FRAMING_LF, IN("abc"), false, 0, NULL, 0, 0},
    {FRAMING_LF, IN("abc"), true, 1, IN("abc"), 3},
    {FRAMING_LF, IN("abc\nd"), false, 1, IN("abc"), 4},
    {FRAMING_LF, IN("abc\r\n"), false, 1, IN("abc\r"), 5},
    {FRAMING_LF, IN("a\0b\n"), false, 1, IN("a\0b"), 4},
    {FRAMING_LF, IN("0123456789\n"), false, 1, IN("0123456789"), 11},
    {FRAMING_LF, IN("0123456789"), false, 0, NULL, 0, 0},
    {FRAMING_LF, IN("0123456789"), true, 1, IN("0123456789"), 10},
    {FRAMING_LF, IN("0123456789x\n"), false, ERR_LIMIT, NULL, 0, 0},
    {FRAMING_LF, IN("0123456789x"), false, ERR_LIMIT, NULL, 0, 0},
    {FRAMING_LF, IN("0123456789x"), true, ERR_LIMIT, NULL, 0, 0},
    {FRAMING_NUL, IN("a\nb\0c"), false, 1, IN("a\nb"), 4},
    {FRAMING_NUL, IN("\0"), false, 1, IN(""), 1},
    {FRAMING_NUL, IN("a\n"), true, 1, IN("a\n"), 2},
    {FRAMING_LENGTH, IN("\0\0\0\0"), false, 1, IN(""), 4},
    {FRAMING_LENGTH, IN("\3\0\0\0abcd"), false, 1, IN("abc"), 7},
    {FRAMING_LENGTH, IN("\3\0\0\0ab"), false, 0, NULL, 0, 0},
    {FRAMING_LENGTH, IN("\3\0\0\0ab"), true, ERR_FORMAT, NULL, 0, 0},
    {FRAMING_LENGTH, IN("\3\0"), true, ERR_FORMAT, NULL, 0, 0},
    {FRAMING_LENGTH, IN("\3\0"), false, 0, NULL, 0, 0},
    {FRAMING_LENGTH, IN(""), true, 0, NULL, 0, 0},
    {FRAMING_LENGTH, IN("\13\0\0\0"), false, ERR_LIMIT, NULL, 0, 0},
    {FRAMING_LENGTH, IN("\0\0\0\1"), false, ERR_LIMIT, NULL, 0, 0},
};

static void
each_input_has_its_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct bytes record = {NULL, 0};
		size_t used = 0;
		int rc = framing_next(table[i].kind,
		    bytes_of(table[i].in, table[i].len), MAX, table[i].at_end,
		    &record, &used);
		if (rc != table[i].rc || used != table[i].used ||
		    !bytes_equal(
			record, bytes_of(table[i].record, table[i].record_len)))
			fail_msg("row %zu: %d, %zu used", i, rc, used);
	}
}

static void
a_long_record_can_be_left_out_piece_by_piece(void **state)
{
	(void)state;
	uint64_t left = 0;
	bool done;
	assert_int_equal(
	    framing_skip(FRAMING_LF, bytes_of("xxxx", 4), &left, &done), 4);
	assert_false(done);
	assert_int_equal(
	    framing_skip(FRAMING_LF, bytes_of("xx\nnext", 7), &left, &done), 3);
	assert_true(done);
	assert_int_equal(framing_skip(FRAMING_LENGTH, bytes_of("\6\0\0\0ab", 6),
			     &left, &done),
	    6);
	assert_false(done);
	assert_int_equal(
	    framing_skip(FRAMING_LENGTH, bytes_of("cdefnext", 8), &left, &done),
	    4);
	assert_true(done);
	assert_int_equal(left, 0);
}

static void
words_are_exact(void **state)
{
	(void)state;
	enum framing_kind kind;
	assert_int_equal(framing_parse("length", &kind), 0);
	assert_int_equal(kind, FRAMING_LENGTH);
	assert_int_equal(framing_parse("LF", &kind), ERR_INVAL);
	assert_int_equal(framing_parse("", &kind), ERR_INVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_input_has_its_verdict),
	    cmocka_unit_test(a_long_record_can_be_left_out_piece_by_piece),
	    cmocka_unit_test(words_are_exact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
