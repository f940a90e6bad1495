/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <errno.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/base/uuid.h"

static void
every_error_has_a_name_and_a_sentence(void **state)
{
	(void)state;
	for (int code = -27; code < 0; code++) {
		assert_string_not_equal(err_name(code), "ERR_UNKNOWN");
		assert_string_not_equal(err_text(code), "unknown error");
	}
	assert_string_equal(err_name(-28), "ERR_UNKNOWN");
	assert_int_equal(err_of_errno(ENOSPC), ERR_FULL);
	assert_int_equal(err_of_errno(EIO), ERR_IO);
}

static void
a_buf_keeps_its_bytes_over_growth_and_consuming(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int round = 0; round < 1000; round++) {
		buf_add_fmt(&b, "%06d", round);
		if (round % 3 == 0)
			buf_consume(&b, 6);
	}
	assert_int_equal(b.err, 0);
	assert_int_equal(b.len, 6 * (1000 - 334));
	assert_memory_equal(buf_ptr(&b), "000334", 6);
	buf_fini(&b);
}

static void
a_buf_at_its_limit_says_so_and_keeps_what_it_has(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	buf_add_str(&b, "12345678");
	assert_int_equal(b.err, 0);
	buf_add_u8(&b, '9');
	assert_int_equal(b.err, ERR_LIMIT);
	buf_consume(&b, 4);
	buf_add_u8(&b, '9'); /* the error is sticky */
	assert_int_equal(b.len, 4);
	assert_memory_equal(buf_ptr(&b), "5678", 4);
	buf_clear(&b);
	buf_add_str(&b, "x");
	assert_int_equal(b.err, 0);
	buf_fini(&b);
}

static void
crc32c_gives_the_values_of_rfc_3720(void **state)
{
	uint8_t zeros[32] = {0}, ones[32], rising[32];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (uint8_t i = 0; i < 32; i++)
		rising[i] = i;
	assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aa);
	assert_int_equal(crc32c(0, ones, 32), 0x62a8ab43);
	assert_int_equal(crc32c(0, rising, 32), 0x46dd794e);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(
	    crc32c(crc32c(0, rising, 13), rising + 13, 19), 0x46dd794e);
}

static void
integers_have_the_byte_order_that_is_asked_for(void **state)
{
	uint8_t p[8];

	(void)state;
	endian_put_be32(p, 0x01020304);
	assert_memory_equal(p, "\1\2\3\4", 4);
	endian_put_le16(p, 0x0102);
	assert_memory_equal(p, "\2\1", 2);
	endian_put_be64(p, 0x0102030405060708);
	assert_int_equal(endian_get_le64(p), 0x0807060504030201);
}

static void
uuids_survive_text_and_bad_text_is_refused(void **state)
{
	static const char text[] = "0189af00-ffee-4abc-8def-0123456789ab";
	static const char *const bad[] = {"", "0189af00-ffee-4abc-8def",
	    "0189af00-ffee-4abc-8def-0123456789ag",
	    "0189af000ffee-4abc-8def-0123456789ab",
	    "0189af00-ffee-4abc-8def-0123456789abc",
	    "{189af00-ffee-4abc-8def-0123456789ab"};
	char again[UUID_TEXT_SIZE];
	struct uuid id;

	(void)state;
	assert_int_equal(uuid_parse(bytes_of_str(text), &id), 0);
	assert_string_equal(uuid_format(&id, again), text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(
		    uuid_parse(bytes_of_str(bad[i]), &id), ERR_FORMAT);
}

static void
wall_time_is_written_as_rfc_3339(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	assert_string_equal(
	    clock_format(0, text), "1970-01-01T00:00:00.000000Z");
	assert_string_equal(clock_format(1700000000123456789, text),
	    "2023-11-14T22:13:20.123456Z");
	assert_string_equal(
	    clock_format(-1000, text), "1969-12-31T23:59:59.999999Z");
}

static void
certificates_are_judged_by_the_later_of_wall_clock_and_floor(void **state)
{
	const struct clock_floor floor = {.wall_ns = 1000000, .mono_us = 50};
	const struct clock_floor none = {0};

	(void)state;
	assert_int_equal(
	    clock_judge_ns(&floor, (struct now){60, 9}), 1000000 + 10000);
	assert_int_equal(
	    clock_judge_ns(&floor, (struct now){60, 2000000}), 2000000);
	assert_int_equal(clock_judge_ns(&none, (struct now){60, 9}), 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_error_has_a_name_and_a_sentence),
	    cmocka_unit_test(a_buf_keeps_its_bytes_over_growth_and_consuming),
	    cmocka_unit_test(a_buf_at_its_limit_says_so_and_keeps_what_it_has),
	    cmocka_unit_test(crc32c_gives_the_values_of_rfc_3720),
	    cmocka_unit_test(integers_have_the_byte_order_that_is_asked_for),
	    cmocka_unit_test(uuids_survive_text_and_bad_text_is_refused),
	    cmocka_unit_test(wall_time_is_written_as_rfc_3339),
	    cmocka_unit_test(
		certificates_are_judged_by_the_later_of_wall_clock_and_floor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
