/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "forwarder/targets/file_dir.h"
#include "forwarder/targets/file_position.h"
#include "lib/base/err.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/golden.h"

static const struct {
	const char *title;
	struct file_position p;
} examples[] = {
    {"FIRST", {1, 0, 0, false, "a"}},
    {"LINES", {7, 123456789, INT64_C(1790000000123456789), false, "archive"}},
    {"LENGTH",
	{FILE_DIR_NUMBER_MAX, INT64_MAX, -1, true,
	    "abcdefghijklmnopqrstuvwxyz-01234"}},
};

static void
positions_are_as_in_the_golden_file(void **state)
{
	uint8_t opaque[ENTRY_OPAQUE_SIZE];
	struct file_position p;

	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		file_position_encode(&examples[i].p, opaque);
		golden_check("file-position-1", examples[i].title,
		    "file_position", bytes_of(opaque, sizeof(opaque)));
		memset(&p, 0xff, sizeof(p));
		assert_int_equal(file_position_decode(opaque, &p), 0);
		assert_int_equal(p.number, examples[i].p.number);
		assert_int_equal(p.offset, examples[i].p.offset);
		assert_string_equal(p.name, examples[i].p.name);
		assert_int_equal(p.begun_ns, examples[i].p.begun_ns);
		assert_int_equal(
		    p.framing_length, examples[i].p.framing_length);
	}
}

static void
what_is_no_position_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		int rc;
	} rows[] = {
	    {0, 2, ERR_VERSION}, {0, 0, ERR_VERSION}, {1, 2, ERR_FORMAT},
	    {2, 1, ERR_FORMAT}, {8, 0, ERR_FORMAT}, /* number 0 */
	    {15, 1, ERR_FORMAT}, /* more than 16 digits */
	    {23, 0x80, ERR_FORMAT}, /* more than a file can have */
	    {32, 0, ERR_FORMAT}, /* no name */
	    {32, '/', ERR_FORMAT}, {33, 'A', ERR_FORMAT},
	    {63, 'b', ERR_FORMAT}, /* after the name's end */
	};
	struct file_position first = {.number = 1, .name = "a"},
			     p = {.number = 5};
	uint8_t opaque[ENTRY_OPAQUE_SIZE] = {0};

	(void)state;
	assert_int_equal(file_position_decode(opaque, &p), ERR_NOENT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		file_position_encode(&first, opaque);
		opaque[rows[i].at] = rows[i].value;
		assert_int_equal(file_position_decode(opaque, &p), rows[i].rc);
		assert_int_equal(p.number, 5); /* untouched */
	}
}

static void
only_its_own_names_are_a_targets(void **state)
{
	static const struct {
		const char *name;
		uint64_t number;
		bool packed;
	} rows[] = {
	    {"a-1-0000000000000001.log", 1, false},
	    {"a-1-0000000000000042.log.zst", 42, true},
	    {"a-1-9999999999999999.log", FILE_DIR_NUMBER_MAX, false},
	    {"a-1-0000000000000000.log", 0, false},
	    {"a-1-000000000000001.log", 0, false},
	    {"a-1-00000000000000001.log", 0, false},
	    {"a-1-0000000000000001.log.zs", 0, false},
	    {"a-1-0000000000000001.log.zst.tmp", 0, false},
	    {"a-1-0000000000000001", 0, false},
	    {"a-0000000000000001.log", 0, false},
	    {"a-10000000000000001.log", 0, false},
	    {"b-1-0000000000000001.log", 0, false},
	    {"a-1", 0, false},
	    {"", 0, false},
	};
	struct file_dir_entry e;
	char name[FILE_DIR_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool ours = file_dir_parse("a-1", rows[i].name, &e);

		assert_int_equal(ours, rows[i].number != 0);
		if (!ours)
			continue;
		assert_int_equal(e.number, rows[i].number);
		assert_int_equal(e.packed, rows[i].packed);
		assert_string_equal(
		    file_dir_name("a-1", e.number, e.packed, name),
		    rows[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(positions_are_as_in_the_golden_file),
	    cmocka_unit_test(what_is_no_position_is_refused),
	    cmocka_unit_test(only_its_own_names_are_a_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
