/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "spoold/keeper/alarms.h"
#include "tests/helpers/cmocka_all.h"

#define SECOND_NS 1000000000ll

static const char *
line_of(const struct alarms *a, size_t i)
{
	static char line[ALARMS_LINE];

	assert_true(i < a->n);
	return alarms_line(&a->row[i], line);
}

static void
what_happened_is_listed_and_the_same_again_is_no_news(void **state)
{
	struct alarms a = {0};

	(void)state;
	assert_true(alarms_happened(&a, "FORK", "agent 1", 0));
	assert_true(alarms_happened(&a, "FORK", "agent 2", 0));
	assert_false(alarms_happened(&a, "FORK", "agent 1", SECOND_NS));
	assert_int_equal(a.n, 2);
	assert_string_equal(
	    line_of(&a, 0), "FORK: agent 2 (1970-01-01T00:00:00.000000Z)");
	assert_string_equal(
	    line_of(&a, 1), "FORK: agent 1 (1970-01-01T00:00:01.000000Z)");
}

static void
a_condition_is_listed_once_until_it_ends_and_then_as_past(void **state)
{
	struct alarms a = {0};

	(void)state;
	assert_false(alarms_ended(&a, "SPOOL_FULL", "", 0));
	assert_true(alarms_stands(&a, "SPOOL_FULL", "", "full", 0));
	assert_false(alarms_stands(&a, "SPOOL_FULL", "", "full", SECOND_NS));
	assert_true(alarms_stands(&a, "SPOOL_FULL", "", "fuller", SECOND_NS));
	assert_true(alarms_stands(&a, "LATE", "siem", "late", 0));
	assert_true(alarms_stands(&a, "LATE", "hq", "late too", 0));
	assert_int_equal(a.n, 3);
	assert_string_equal(line_of(&a, 0),
	    "SPOOL_FULL: fuller (since 1970-01-01T00:00:00.000000Z)");
	assert_true(alarms_ended(&a, "SPOOL_FULL", "", SECOND_NS));
	assert_false(alarms_ended(&a, "SPOOL_FULL", "", SECOND_NS));
	assert_string_equal(line_of(&a, 0),
	    "SPOOL_FULL: fuller (from 1970-01-01T00:00:00.000000Z to "
	    "1970-01-01T00:00:01.000000Z)");
	assert_true(alarms_ended(&a, "LATE", "hq", SECOND_NS));
	assert_true(a.row[1].stands);
	assert_false(a.row[2].stands);
}

static void
of_a_condition_that_comes_and_goes_the_last_time_is_listed(void **state)
{
	struct alarms a = {0};

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		assert_true(alarms_stands(&a, "SLOW", "", "slow", i));
		assert_true(alarms_ended(&a, "SLOW", "", i));
	}
	assert_int_equal(a.n, 1);
	assert_int_equal(a.row[0].from_ns, 99);
}

static void
what_stands_is_never_pushed_out_by_what_happened(void **state)
{
	struct alarms a = {0};
	char text[16];

	(void)state;
	assert_true(alarms_stands(&a, "SPOOL_FULL", "", "full", 0));
	for (int i = 0; i < 3 * ALARMS_MAX; i++) {
		snprintf(text, sizeof(text), "agent %d", i);
		assert_true(alarms_happened(&a, "FORK", text, 0));
	}
	assert_int_equal(a.n, ALARMS_MAX);
	assert_string_equal(a.row[0].code, "SPOOL_FULL");
	assert_string_equal(a.row[ALARMS_MAX - 1].text, text);
	for (int i = 0; i < 2 * ALARMS_MAX; i++) {
		snprintf(text, sizeof(text), "t%d", i);
		assert_true(alarms_stands(&a, "LATE", text, "late", 0));
	}
	assert_int_equal(a.n, ALARMS_MAX);
	assert_string_equal(a.row[ALARMS_MAX - 1].about, text);
}

static void
long_texts_are_cut_and_still_the_same(void **state)
{
	struct alarms a = {0};
	char text[2 * ALARMS_TEXT];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_true(alarms_happened(&a, "FORK", text, 0));
	assert_false(alarms_happened(&a, "FORK", text, 0));
	assert_int_equal(strlen(a.row[0].text), ALARMS_TEXT - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		what_happened_is_listed_and_the_same_again_is_no_news),
	    cmocka_unit_test(
		a_condition_is_listed_once_until_it_ends_and_then_as_past),
	    cmocka_unit_test(
		of_a_condition_that_comes_and_goes_the_last_time_is_listed),
	    cmocka_unit_test(what_stands_is_never_pushed_out_by_what_happened),
	    cmocka_unit_test(long_texts_are_cut_and_still_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
