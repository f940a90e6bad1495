/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "admin/json.h"
#include "admin/waiting.h"

#define READY "{\"ready\":true,\"targets\":["
#define SIEM "{\"name\":\"siem\",\"state\":\"ok\",\"pending\":"
#define OFF(state) "{\"name\":\"off\",\"state\":\"" state "\",\"pending\":5}"

static const struct {
	const char *status;
	struct waiting_wish wish;
	enum waiting_verdict verdict;
	const char *missing;
} rows[] = {
    {"{}", {true, false, NULL}, WAITING_NOT_YET, "the daemon is not ready"},
    {"{\"ready\":false}", {true, false, NULL}, WAITING_NOT_YET,
	"the daemon is not ready"},
    {"{\"ready\":1}", {true, false, NULL}, WAITING_NOT_YET,
	"the daemon is not ready"},
    {"{\"ready\":true}", {true, false, NULL}, WAITING_DONE, ""},
    {"{\"ready\":true}", {false, true, NULL}, WAITING_NOT_YET,
	"the status tells of no targets"},
    {READY "]}", {false, true, NULL}, WAITING_DONE, ""},
    {READY SIEM "0}]}", {false, true, NULL}, WAITING_DONE, ""},
    {READY SIEM "7}]}", {false, true, NULL}, WAITING_NOT_YET,
	"siem: 7 records are pending"},
    {READY SIEM "-1}]}", {false, true, NULL}, WAITING_NOT_YET,
	"siem: what is pending is not known"},
    {READY SIEM "0,\"durable\":false}]}", {false, true, NULL}, WAITING_NOT_YET,
	"siem: its position is not durable yet"},
    {READY SIEM "0,\"durable\":true}]}", {false, true, NULL}, WAITING_DONE, ""},
    {READY SIEM "0}," OFF("paused") "]}", {false, true, NULL}, WAITING_DONE,
	""},
    {READY SIEM "0}," OFF("orphaned") "]}", {false, true, NULL}, WAITING_DONE,
	""},
    {READY SIEM "0}," OFF("retry") "]}", {false, true, NULL}, WAITING_NOT_YET,
	"off: 5 records are pending"},
    {READY SIEM "0}," OFF("disconnected") "]}", {false, true, NULL},
	WAITING_NOT_YET, "off: 5 records are pending"},
    {READY SIEM "0}," OFF("retry") "]}", {false, true, "siem"}, WAITING_DONE,
	""},
    {READY SIEM "0}," OFF("paused") "]}", {false, true, "off"}, WAITING_NOT_YET,
	"off: 5 records are pending"},
    {READY SIEM "0}]}", {false, true, "none"}, WAITING_NEVER, ""},
    {READY SIEM "0}]}", {true, false, "none"}, WAITING_NEVER, ""},
    {"{\"ready\":false,\"targets\":[]}", {false, true, "none"}, WAITING_NOT_YET,
	"the daemon is not ready"},
};

static void
each_status_has_its_verdict_and_says_what_is_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char missing[256] = "";
		json_t *status;

		assert_int_equal(
		    json_read(bytes_of_str(rows[i].status), &status, NULL), 0);
		if (waiting_judge(status, &rows[i].wish, missing,
			sizeof(missing)) != rows[i].verdict)
			fail_msg("row %zu: %s", i, rows[i].status);
		assert_string_equal(missing, rows[i].missing);
		json_decref(status);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		each_status_has_its_verdict_and_says_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
