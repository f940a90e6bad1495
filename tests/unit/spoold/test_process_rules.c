/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor does about roles that die: back-off and blame. */
#include <signal.h>
#include <string.h>

#include "spoold/backoff.h"
#include "spoold/blame.h"
#include "tests/helpers/cmocka_all.h"

static void
a_role_waits_100_ms_doubling_to_5_s(void **state)
{
	static const uint32_t waits[] = {
	    100, 200, 400, 800, 1600, 3200, 5000, 5000};
	struct backoff b;

	(void)state;
	backoff_init(&b);
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		backoff_on_start(&b, 1000 * i);
		assert_int_equal(backoff_on_death(&b, 1000 * i + 9), waits[i]);
	}
}

static void
ten_seconds_of_health_begin_anew(void **state)
{
	struct backoff b;

	(void)state;
	backoff_init(&b);
	backoff_on_start(&b, 0);
	backoff_on_death(&b, 1);
	backoff_on_start(&b, 100);
	assert_int_equal(backoff_on_death(&b, 100 + 9999), 200);
	backoff_on_start(&b, 20000);
	assert_int_equal(backoff_on_death(&b, 30000), 100);
}

static void
five_deaths_in_a_row_are_worth_an_alarm_until_it_is_well(void **state)
{
	struct backoff b;

	(void)state;
	backoff_init(&b);
	for (uint64_t t = 1000; t < 6000; t += 1000) {
		assert_false(backoff_is_restless(&b, true, t));
		backoff_on_start(&b, t);
		backoff_on_death(&b, t + 9);
	}
	assert_true(backoff_is_restless(&b, false, 90000));
	backoff_on_start(&b, 90000);
	assert_true(backoff_is_restless(&b, true, 99999));
	assert_false(backoff_is_restless(&b, true, 100000));
	backoff_on_death(&b, 200000);
	assert_false(backoff_is_restless(&b, false, 200000));
}

static size_t
die(struct blame *b, int signum, uint64_t id, uint64_t *bad)
{
	uint64_t page[2 * BLAME_SLOTS] = {0};
	size_t n;

	page[6] = id;
	page[7] = 77;
	n = blame_on_death(b, signum, page, bad);
	for (size_t i = 0; i < 2 * BLAME_SLOTS; i++)
		assert_int_equal(page[i], 0); /* nothing for the next one */
	return n;
}

static void
the_second_crash_on_a_segment_makes_it_bad(void **state)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
	uint64_t bad[BLAME_SEGMENTS];

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct blame b = {0};

		assert_int_equal(die(&b, signals[i], 5, bad), 0);
		assert_int_equal(die(&b, SIGSEGV, 6, bad), 0);
		assert_int_equal(die(&b, signals[i], 5, bad), 1);
		assert_int_equal(bad[0], 5);
	}
}

static void
kills_and_exits_blame_nobody(void **state)
{
	static const int signals[] = {SIGKILL, SIGTERM, SIGSYS, 0};
	uint64_t bad[BLAME_SEGMENTS];
	struct blame b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		assert_int_equal(die(&b, signals[i], 5, bad), 0);
		assert_int_equal(die(&b, signals[i], 5, bad), 0);
	}
	assert_int_equal(die(&b, SIGSEGV, 5, bad), 0);
	assert_int_equal(die(&b, SIGSEGV, 0, bad), 0); /* nobody read */
}

static void
many_readers_of_one_segment_are_one_crash(void **state)
{
	uint64_t page[2 * BLAME_SLOTS], bad[BLAME_SEGMENTS];
	struct blame b = {0};

	(void)state;
	for (size_t i = 0; i < 2 * BLAME_SLOTS; i++)
		page[i] = 9;
	assert_int_equal(blame_on_death(&b, SIGBUS, page, bad), 0);
	assert_int_equal(die(&b, SIGBUS, 9, bad), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_role_waits_100_ms_doubling_to_5_s),
	    cmocka_unit_test(ten_seconds_of_health_begin_anew),
	    cmocka_unit_test(
		five_deaths_in_a_row_are_worth_an_alarm_until_it_is_well),
	    cmocka_unit_test(the_second_crash_on_a_segment_makes_it_bad),
	    cmocka_unit_test(kills_and_exits_blame_nobody),
	    cmocka_unit_test(many_readers_of_one_segment_are_one_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
