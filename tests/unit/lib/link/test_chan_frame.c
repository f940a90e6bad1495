/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/link/chan_frame.h"

static void
headers_are_judged_by_length_and_flags(void **state)
{
	static const struct {
		uint8_t header[CHAN_HEADER_SIZE + 1];
		int rc;
		uint16_t type, flags;
		uint32_t len;
	} table[] = {
	    {"\0\0\0\4\0\1\0\0", 0, 1, 0, 0},
	    {"\0\0\0\5\xff\xff\0\1", 0, 0xffff, 1, 1},
	    {"\0\x41\0\4\0\1\0\0", 0, 1, 0, CHAN_PAYLOAD_MAX},
	    {"\0\x41\0\3\0\1\0\0", 0, 1, 0, CHAN_PAYLOAD_MAX - 1},
	    {"\0\x41\0\5\0\1\0\0", ERR_FORMAT, 0, 0, 0},
	    {"\0\0\0\3\0\1\0\0", ERR_FORMAT, 0, 0, 0},
	    {"\0\0\0\0\0\0\0\0", ERR_FORMAT, 0, 0, 0},
	    {"\xff\xff\xff\xff\0\1\0\0", ERR_FORMAT, 0, 0, 0},
	    {"\0\0\0\4\0\1\0\2", ERR_FORMAT, 0, 0, 0},
	    {"\0\0\0\4\0\1\x80\0", ERR_FORMAT, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct chan_frame f = {0};

		assert_int_equal(
		    chan_frame_decode(table[i].header, &f), table[i].rc);
		assert_int_equal(f.type, table[i].type);
		assert_int_equal(f.flags, table[i].flags);
		assert_int_equal(f.payload_len, table[i].len);
	}
}

static void
what_is_encoded_is_decoded(void **state)
{
	struct chan_frame f = {0xabcd, CHAN_FRAME_FD, CHAN_PAYLOAD_MAX}, g;
	uint8_t header[CHAN_HEADER_SIZE];

	(void)state;
	chan_frame_encode(&f, header);
	assert_int_equal(chan_frame_decode(header, &g), 0);
	assert_int_equal(f.type, g.type);
	assert_int_equal(f.flags, g.flags);
	assert_int_equal(f.payload_len, g.payload_len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers_are_judged_by_length_and_flags),
	    cmocka_unit_test(what_is_encoded_is_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
