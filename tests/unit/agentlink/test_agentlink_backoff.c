/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include "agentlink/agentlink_backoff.h"

static void
each_wait_is_between_half_a_second_and_three_times_the_last(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct agentlink_backoff b;
		agentlink_backoff_init(&b, 0, seed);
		uint32_t last = AGENTLINK_BACKOFF_MIN_MS;
		for (int i = 0; i < 100; i++) {
			uint32_t wait = agentlink_backoff_next(&b);
			assert_true(wait >= AGENTLINK_BACKOFF_MIN_MS);
			assert_true(wait <= 3 * last);
			assert_true(wait <= AGENTLINK_BACKOFF_MAX_MS);
			last = wait;
		}
	}
}

static void
the_limit_is_reached_and_kept_and_a_reset_begins_anew(void **state)
{
	(void)state;
	struct agentlink_backoff b;
	agentlink_backoff_init(&b, 10000, 7);
	uint32_t most = 0;
	for (int i = 0; i < 1000; i++) {
		uint32_t wait = agentlink_backoff_next(&b);
		most = wait > most ? wait : most;
	}
	assert_true(most > 5000 && most <= 10000);
	agentlink_backoff_reset(&b);
	assert_true(agentlink_backoff_next(&b) <= 1500);
}

static void
two_agents_do_not_wait_alike(void **state)
{
	(void)state;
	struct agentlink_backoff a, b;
	agentlink_backoff_init(&a, 0, 1);
	agentlink_backoff_init(&b, 0, 2);
	int same = 0;
	for (int i = 0; i < 50; i++)
		same +=
		    agentlink_backoff_next(&a) == agentlink_backoff_next(&b);
	assert_true(same < 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		each_wait_is_between_half_a_second_and_three_times_the_last),
	    cmocka_unit_test(
		the_limit_is_reached_and_kept_and_a_reset_begins_anew),
	    cmocka_unit_test(two_agents_do_not_wait_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
