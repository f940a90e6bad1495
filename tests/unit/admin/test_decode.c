/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/decode.h"
#include "lib/base/err.h"
#include "lib/codec/cursor.h"
#include "lib/codec/escape.h"

#define ID "0123456789abcdefghijklmnopqrstuv"
#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

/* Records and their ids, as text: "id|record;". */
static int
collect(struct bytes id, struct bytes record, void *arg)
{
	struct buf *all = arg;

	buf_add_bytes(all, id);
	buf_add_u8(all, '|');
	buf_add_bytes(all, record);
	buf_add_u8(all, ';');
	return all->err;
}

static int
decode_all(struct bytes in, size_t piece, struct buf *all, uint64_t *records)
{
	struct decode *d;
	int rc = 0;

	assert_int_equal(decode_new(collect, all, &d), 0);
	for (size_t at = 0; at < in.len && !rc; at += piece)
		rc = decode_feed(d,
		    bytes_of(in.ptr + at,
			in.len - at < piece ? in.len - at : piece));
	if (!rc)
		rc = decode_end(d);
	*records = decode_records(d);
	decode_free(d);
	return rc;
}

static const struct {
	struct bytes in;
	int rc;
	uint64_t records;
	struct bytes all;
} rows[] = {
    {BYTES(""), 0, 0, BYTES("")},
    {BYTES(ID "\tone\n"), 0, 1, BYTES(ID "|one;")},
    {BYTES(ID "\t\n" ID "\ta\\nb\\\\\\x1b\\xff\n"), 0, 2,
	BYTES(ID "|;" ID "|a\nb\\\x1b\xff;")},
    {BYTES("\3\0\0\0abc\0\0\0\0\1\0\0\0\n"), 0, 3, BYTES("|abc;|;|\n;")},
    /* cut */
    {BYTES(ID "\tone\n" ID "\ttw"), ERR_PARTIAL, 1, BYTES(ID "|one;")},
    {BYTES(ID "\tone\n0"), ERR_PARTIAL, 1, BYTES(ID "|one;")},
    {BYTES("\3\0\0\0abc\3\0\0\0ab"), ERR_PARTIAL, 1, BYTES("|abc;")},
    {BYTES("\3\0"), ERR_PARTIAL, 0, BYTES("")},
    /* damaged */
    {BYTES(ID "\tone\nrubbish\n"), ERR_FORMAT, 1, BYTES(ID "|one;")},
    {BYTES(ID "\tone\\q\n"), ERR_FORMAT, 0, BYTES("")},
    {BYTES(ID "\tone\n" ID " two\n"), ERR_FORMAT, 1, BYTES(ID "|one;")},
    {BYTES("0123456789ABCDEFGHIJKLMNOPQRSTUV\tone\n"), ERR_LIMIT, 0, BYTES("")},
    {BYTES("\1\0\200\0"), ERR_LIMIT, 0, BYTES("")}, /* 8 MiB and 1 */
};

static void
each_file_gives_its_records_in_any_pieces(void **state)
{
	static const size_t pieces[] = {1, 3, 1 << 20};
	struct buf all;

	(void)state;
	buf_init(&all, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 0; k < 3; k++) {
			uint64_t records;

			buf_clear(&all);
			if (decode_all(rows[i].in, pieces[k], &all, &records) !=
			    rows[i].rc)
				fail_msg("row %zu, pieces %zu", i, pieces[k]);
			assert_int_equal(records, rows[i].records);
			assert_true(bytes_equal(buf_bytes(&all), rows[i].all));
		}
	buf_fini(&all);
}

static int
compare(struct bytes id, struct bytes record, void *arg)
{
	struct bytes *want = arg;

	(void)id;
	assert_true(bytes_equal(record, *want));
	return 0;
}

/* 8 MiB of bytes that each need four characters: the longest line. */
static void
the_longest_record_comes_back(void **state)
{
	struct bytes want = bytes_of(NULL, DECODE_RECORD_MAX);
	uint8_t *raw = malloc(DECODE_RECORD_MAX);
	struct decode *d;
	struct buf line;

	(void)state;
	assert_non_null(raw);
	memset(raw, 0xff, DECODE_RECORD_MAX);
	want.ptr = raw;
	buf_init(&line, 5u * DECODE_RECORD_MAX);
	buf_add_str(&line, ID "\t");
	escape_encode(want, &line);
	buf_add_u8(&line, '\n');
	assert_int_equal(line.err, 0);
	assert_int_equal(decode_new(compare, &want, &d), 0);
	assert_int_equal(decode_feed(d, buf_bytes(&line)), 0);
	assert_int_equal(decode_end(d), 0);
	assert_int_equal(decode_records(d), 1);
	decode_free(d);
	decode_free(NULL);
	buf_fini(&line);
	free(raw);
}

static void
a_line_without_end_is_given_up_at_the_limit(void **state)
{
	char piece[65536];
	struct decode *d;
	size_t fed = 0;
	int rc = 0;

	(void)state;
	memset(piece, 'a', sizeof(piece));
	assert_int_equal(decode_new(compare, NULL, &d), 0);
	assert_int_equal(decode_feed(d, bytes_of_str(ID "\t")), 0);
	for (; !rc && fed < 6u * DECODE_RECORD_MAX; fed += sizeof(piece))
		rc = decode_feed(d, bytes_of(piece, sizeof(piece)));
	assert_int_equal(rc, ERR_LIMIT);
	decode_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_file_gives_its_records_in_any_pieces),
	    cmocka_unit_test(the_longest_record_comes_back),
	    cmocka_unit_test(a_line_without_end_is_given_up_at_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
