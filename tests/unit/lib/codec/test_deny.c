/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/codec/deny.h"

#define ID "0fce2b3a-54b9-4a3c-8a62-52d1b2e4f6a7"
#define OTHER "1fce2b3a-54b9-4a3c-8a62-52d1b2e4f6a7"
#define HALF "00112233445566778899aabbccddeeff"
#define PRINT HALF HALF
#define COLONS "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"

static const struct {
	const char *text;
	size_t ids, prints;
	size_t wrong_line; /* 0: it is good */
} table[] = {
    {"", 0, 0, 0},
    {"\n\n \t\r\n# nothing\n", 0, 0, 0},
    {ID, 1, 0, 0},
    {ID "\r\n" OTHER " # gone\n  " PRINT "\n", 2, 1, 0},
    {COLONS ":" COLONS, 0, 1, 0},
    {PRINT "00", 0, 0, 1},
    {ID "\n" HALF, 0, 0, 2},
    {"# x\n\n" ID " " OTHER, 0, 0, 3},
    {"spool:agent:" ID, 0, 0, 1},
    {ID "\n*\n" ID "x", 0, 0, 2},
};

static void
each_text_is_taken_or_refused_at_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct deny d;
		size_t line = 0;
		int rc = deny_parse(bytes_of_str(table[i].text), &d, &line);

		assert_int_equal(rc, table[i].wrong_line ? ERR_FORMAT : 0);
		assert_int_equal(line, table[i].wrong_line);
		if (!rc) {
			assert_int_equal(d.n_ids, table[i].ids);
			assert_int_equal(d.n_prints, table[i].prints);
		}
		deny_fini(&d);
	}
}

static void
who_is_named_is_denied_and_nobody_else(void **state)
{
	uint8_t print[DENY_PRINT_SIZE], stranger[DENY_PRINT_SIZE] = {0};
	struct uuid id, other;
	struct deny d;
	size_t line;

	(void)state;
	assert_int_equal(uuid_parse(bytes_of_str(ID), &id), 0);
	assert_int_equal(uuid_parse(bytes_of_str(OTHER), &other), 0);
	assert_int_equal(
	    uuid_hex_parse(bytes_of_str(PRINT), print, sizeof(print)), 0);
	assert_int_equal(
	    deny_parse(bytes_of_str(PRINT "\n" ID "\n"), &d, &line), 0);
	assert_true(deny_has(&d, &id, stranger));
	assert_true(deny_has(&d, &other, print));
	assert_false(deny_has(&d, &other, stranger));
	deny_fini(&d);
	assert_false(deny_has(&d, &id, print));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_text_is_taken_or_refused_at_its_line),
	    cmocka_unit_test(who_is_named_is_denied_and_nobody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
