/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/backoff.h"
#include "tests/helpers/cmocka_all.h"

/* A cheap row of bits. */
static uint32_t
bits(uint32_t *x)
{
	*x = *x * 1664525u + 1013904223u;
	return *x >> 3;
}

static void
waits_stay_between_the_floor_and_the_ceiling(void **state)
{
	struct backoff b;
	uint32_t seed = 1, wait, longest = 0;

	(void)state;
	backoff_init(&b, 30000);
	wait = backoff_on_failure(&b, 0, 0, bits(&seed));
	assert_in_range(wait, BACKOFF_FIRST_MS / 2, BACKOFF_FIRST_MS);
	for (int i = 0; i < 10000; i++) {
		wait = backoff_on_failure(&b, 0, 0, bits(&seed));
		assert_in_range(wait, BACKOFF_FIRST_MS, 30000);
		longest = wait > longest ? wait : longest;
	}
	assert_in_range(longest, 20000, 30000);
}

static void
waits_grow_and_begin_anew_after_success(void **state)
{
	struct backoff b;
	uint32_t last = 0;

	(void)state;
	backoff_init(&b, 30000);
	for (int i = 0; i < 12; i++) /* always the longest that is allowed */
		last = backoff_on_failure(&b, 0, 0, b.last_ms * 3 - 100);
	assert_int_equal(last, 30000);
	backoff_on_success(&b);
	assert_in_range(backoff_on_failure(&b, 0, 0, 77), 1, BACKOFF_FIRST_MS);
}

static void
a_wish_is_honoured_within_bounds(void **state)
{
	struct backoff b;

	(void)state;
	backoff_init(&b, 30000);
	assert_int_equal(backoff_on_failure(&b, 60000, 0, 5), 60000);
	assert_int_equal(backoff_on_failure(&b, 1, 0, 5), BACKOFF_WISH_MIN_MS);
	assert_int_equal(
	    backoff_on_failure(&b, UINT32_MAX, 0, 5), BACKOFF_WISH_MAX_MS);
	assert_int_equal(backoff_on_failure(&b, 60000, 1, 5), 60000);
}

static void
hold_waits_long(void **state)
{
	struct backoff b;
	uint32_t seed = 9;

	(void)state;
	backoff_init(&b, 200);
	for (int i = 0; i < 100; i++)
		assert_in_range(backoff_on_failure(&b, 0, 1, bits(&seed)),
		    BACKOFF_HOLD_MS / 2, BACKOFF_HOLD_MS);
}

static void
a_ceiling_below_the_floor_is_raised(void **state)
{
	struct backoff b;
	uint32_t seed = 3;

	(void)state;
	backoff_init(&b, 1);
	for (int i = 0; i < 100; i++)
		assert_in_range(backoff_on_failure(&b, 0, 0, bits(&seed)),
		    BACKOFF_FIRST_MS / 2, BACKOFF_FIRST_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(waits_stay_between_the_floor_and_the_ceiling),
	    cmocka_unit_test(waits_grow_and_begin_anew_after_success),
	    cmocka_unit_test(a_wish_is_honoured_within_bounds),
	    cmocka_unit_test(hold_waits_long),
	    cmocka_unit_test(a_ceiling_below_the_floor_is_raised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
