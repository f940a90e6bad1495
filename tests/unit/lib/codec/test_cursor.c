/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include "lib/base/err.h"
#include "lib/codec/cursor.h"

static struct cursor
over(const char *bytes, size_t len)
{
	struct cursor c;

	cursor_init(&c, bytes_of(bytes, len));
	return c;
}

static void
integers_come_in_both_orders(void **state)
{
	struct cursor c = over("\1\2\1\2\1\2\3\4\1\2\3\4"
			       "\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10",
	    28);

	(void)state;
	assert_int_equal(cursor_le16(&c), 0x0201);
	assert_int_equal(cursor_be16(&c), 0x0102);
	assert_int_equal(cursor_le32(&c), 0x04030201);
	assert_int_equal(cursor_be32(&c), 0x01020304);
	assert_true(cursor_le64(&c) == 0x0807060504030201);
	assert_int_equal(cursor_end(&c), ERR_FORMAT); /* eight are left */
	assert_true(cursor_be64(&c) == 0x0102030405060708);
	assert_int_equal(cursor_end(&c), 0);
}

static void
a_read_past_the_end_is_remembered_and_gives_zeros(void **state)
{
	struct cursor c = over("\xff\xff\xff", 3);
	uint8_t copy[4] = {1, 1, 1, 1};

	(void)state;
	assert_int_equal(cursor_be32(&c), 0);
	assert_int_equal(cursor_err(&c), ERR_FORMAT);
	assert_int_equal(cursor_u8(&c), 0);
	assert_int_equal(cursor_varint(&c), 0);
	assert_int_equal(cursor_string(&c, 9).len, 0);
	assert_int_equal(cursor_rest(&c).len, 0);
	cursor_copy(&c, copy, sizeof(copy));
	assert_memory_equal(copy, "\0\0\0\0", 4);
	cursor_fail(&c, ERR_LIMIT); /* the first error stays */
	assert_int_equal(cursor_end(&c), ERR_FORMAT);
}

static void
no_bytes_at_all_are_an_end(void **state)
{
	struct cursor c;

	(void)state;
	cursor_init(&c, bytes_of(NULL, 0));
	assert_int_equal(cursor_end(&c), 0);
	assert_int_equal(cursor_u8(&c), 0);
	assert_int_equal(cursor_end(&c), ERR_FORMAT);
}

static void
varints_survive_the_round_trip(void **state)
{
	static const uint64_t value[] = {0, 1, 127, 128, 129, 16383, 16384,
	    UINT32_MAX, (uint64_t)UINT32_MAX + 1, INT64_MAX, UINT64_MAX};
	struct cursor c;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof(value) / sizeof(*value); i++) {
		buf_clear(&b);
		cursor_put_varint(&b, value[i]);
		assert_int_equal(b.len, cursor_varint_size(value[i]));
		cursor_init(&c, buf_bytes(&b));
		assert_true(cursor_varint(&c) == value[i]);
		assert_int_equal(cursor_end(&c), 0);
	}
	buf_fini(&b);
}

static void
a_varint_has_one_form_only(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int err;
	} row[] = {
	    {"\0", 1, 0},
	    {"\x7f", 1, 0},
	    {"\x80\1", 2, 0},
	    {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 10, 0},
	    {"\x80\0", 2, ERR_FORMAT}, /* not the shortest */
	    {"\xff\x80\0", 3, ERR_FORMAT},
	    {"\x80", 1, ERR_FORMAT}, /* cut off */
	    {"", 0, ERR_FORMAT},
	    {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\2", 10, ERR_FORMAT},
	    {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\0", 11, ERR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct cursor c = over(row[i].bytes, row[i].len);

		cursor_varint(&c);
		assert_int_equal(cursor_end(&c), row[i].err);
	}
}

static void
what_does_not_fit_is_refused(void **state)
{
	struct cursor c = over("\xff\xff\xff\xff\x1f", 5);

	(void)state;
	assert_int_equal(cursor_varint32(&c), 0);
	assert_int_equal(cursor_err(&c), ERR_FORMAT);
	c = over("\3abc", 4);
	assert_int_equal(cursor_string(&c, 2).len, 0);
	assert_int_equal(cursor_err(&c), ERR_FORMAT);
	c = over("\3abc", 4);
	assert_true(bytes_equal_str(cursor_string(&c, 3), "abc"));
	c = over("\0\0\1", 3);
	cursor_zeros(&c, 2);
	assert_int_equal(cursor_err(&c), 0);
	cursor_zeros(&c, 1);
	assert_int_equal(cursor_err(&c), ERR_FORMAT);
}

static void
writers_mirror_the_readers(void **state)
{
	struct uuid id = {{1, 2, 3}}, back;
	struct cursor c;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	cursor_put_u8(&b, 7);
	cursor_put_le16(&b, 0x1234);
	cursor_put_be16(&b, 0x1234);
	cursor_put_le32(&b, 0x12345678);
	cursor_put_be32(&b, 0x12345678);
	cursor_put_le64(&b, 0x123456789abcdef0);
	cursor_put_be64(&b, 0x123456789abcdef0);
	cursor_put_string(&b, bytes_of_str("name"));
	cursor_put_uuid(&b, &id);
	cursor_put_zeros(&b, 3);
	cursor_init(&c, buf_bytes(&b));
	assert_int_equal(cursor_u8(&c), 7);
	assert_int_equal(cursor_le16(&c), 0x1234);
	assert_int_equal(cursor_be16(&c), 0x1234);
	assert_int_equal(cursor_le32(&c), 0x12345678);
	assert_int_equal(cursor_be32(&c), 0x12345678);
	assert_true(cursor_le64(&c) == 0x123456789abcdef0);
	assert_true(cursor_be64(&c) == 0x123456789abcdef0);
	assert_true(bytes_equal_str(cursor_string(&c, 10), "name"));
	cursor_uuid(&c, &back);
	assert_true(uuid_equal(&id, &back));
	cursor_zeros(&c, 3);
	assert_int_equal(cursor_end(&c), 0);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(integers_come_in_both_orders),
	    cmocka_unit_test(a_read_past_the_end_is_remembered_and_gives_zeros),
	    cmocka_unit_test(no_bytes_at_all_are_an_end),
	    cmocka_unit_test(varints_survive_the_round_trip),
	    cmocka_unit_test(a_varint_has_one_form_only),
	    cmocka_unit_test(what_does_not_fit_is_refused),
	    cmocka_unit_test(writers_mirror_the_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
