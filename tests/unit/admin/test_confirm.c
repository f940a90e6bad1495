/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/confirm.h"

static const struct {
	bool can_ask, yes;
	const char *typed;
	int status;
	const char *said;
} rows[] = {
    {true, false, "siem\n", FAULT_OK,
	"It gives up 7.\nType the name to go on: "},
    {true, false, "siem", FAULT_OK, "It gives up 7.\nType the name to go on: "},
    {true, false, "siem\r\n", FAULT_OK,
	"It gives up 7.\nType the name to go on: "},
    {true, false, "yes\n", FAULT_CANCELLED,
	"It gives up 7.\nType the name to go on: "},
    {true, false, "\n", FAULT_CANCELLED,
	"It gives up 7.\nType the name to go on: "},
    {true, false, "siem2\n", FAULT_CANCELLED,
	"It gives up 7.\nType the name to go on: "},
    {true, true, "no\n", FAULT_OK, ""},
    {false, true, "no\n", FAULT_OK, ""},
    {false, false, "siem\n", FAULT_USAGE, ""},
};

static void
only_the_name_or_yes_lets_it_go_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char typed[64], *said = NULL;
		struct args args = {.form = WRITER_TABLE};
		struct command_context cx = {.args = &args};
		size_t len;

		snprintf(typed, sizeof(typed), "%s", rows[i].typed);
		args.given[ARGS_YES] = rows[i].yes;
		cx.can_ask = rows[i].can_ask;
		cx.in = fmemopen(typed, strlen(typed), "r");
		cx.err = open_memstream(&said, &len);
		assert_int_equal(confirm_by_name(&cx, "It gives up 7.", "siem"),
		    rows[i].status);
		assert_int_equal(cx.fault.exit, rows[i].status);
		fclose(cx.in);
		fclose(cx.err);
		assert_string_equal(said, rows[i].said);
		free(said);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_the_name_or_yes_lets_it_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
