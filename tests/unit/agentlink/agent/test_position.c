/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include "agentlink/agent/position.h"
#include "lib/base/err.h"
#include "tests/helpers/golden.h"

static struct position
example(void)
{
	struct position p = {
	    .device = 0x0102,
	    .inode = 0x030405060708,
	    .offset = 123456,
	    .records = 789,
	    .head_len = 4096,
	    .path = bytes_of_str("/var/log/app.log"),
	};
	for (size_t i = 0; i < sizeof(p.head); i++)
		p.head[i] = (uint8_t)i;
	return p;
}

static void
key_and_value_have_the_bytes_of_the_golden_file(void **state)
{
	(void)state;
	struct position p = example();
	struct buf b;
	buf_init(&b, 8192);
	position_key(&b, bytes_of_str("app"), p.device, p.inode);
	golden_check("position-1", "KEY", "position", buf_bytes(&b));
	buf_clear(&b);
	position_value(&b, &p);
	golden_check("position-1", "VALUE", "position", buf_bytes(&b));
	buf_fini(&b);
}

static void
what_was_encoded_is_decoded(void **state)
{
	(void)state;
	struct position p = example(), q = {0};
	struct bytes stream;
	struct buf b;
	buf_init(&b, 8192);
	position_key(&b, bytes_of_str("app"), p.device, p.inode);
	assert_int_equal(
	    position_key_decode(buf_bytes(&b), &stream, &q.device, &q.inode),
	    0);
	assert_true(bytes_equal_str(stream, "app"));
	buf_clear(&b);
	position_value(&b, &p);
	assert_int_equal(position_value_decode(buf_bytes(&b), &q), 0);
	assert_int_equal(q.inode, p.inode);
	assert_int_equal(q.offset, p.offset);
	assert_int_equal(q.records, p.records);
	assert_int_equal(q.head_len, p.head_len);
	assert_memory_equal(q.head, p.head, sizeof(p.head));
	assert_true(bytes_equal_str(q.path, "/var/log/app.log"));
	buf_fini(&b);
}

static void
what_is_cut_or_too_long_or_newer_is_refused(void **state)
{
	(void)state;
	struct position p = example(), q = {.offset = 5};
	struct bytes stream;
	struct buf b;
	buf_init(&b, 8192);
	position_value(&b, &p);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(
		    position_value_decode(bytes_of(buf_ptr(&b), n), &q),
		    ERR_FORMAT);
	buf_ptr(&b)[0] = 2;
	assert_int_equal(position_value_decode(buf_bytes(&b), &q), ERR_VERSION);
	buf_clear(&b);
	p.head_len = POSITION_HEAD + 1;
	position_value(&b, &p);
	assert_int_equal(position_value_decode(buf_bytes(&b), &q), ERR_FORMAT);
	assert_int_equal(q.offset, 5);
	assert_int_equal(position_key_decode(bytes_of("f1234567", 8), &stream,
			     &q.device, &q.inode),
	    ERR_FORMAT);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_and_value_have_the_bytes_of_the_golden_file),
	    cmocka_unit_test(what_was_encoded_is_decoded),
	    cmocka_unit_test(what_is_cut_or_too_long_or_newer_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
