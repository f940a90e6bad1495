/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include "tests/bench/latency.h"

static void
quantiles_are_those_of_the_records(void **state)
{
	struct latency l = {0};

	(void)state;
	assert_int_equal(latency_at(&l, 0.5), 0);
	for (uint32_t i = 100; i > 0; i--)
		assert_int_equal(latency_add(&l, i * 1000, 10), 0);
	latency_sort(&l);
	assert_int_equal(latency_at(&l, 0.5), 50000);
	assert_int_equal(latency_at(&l, 0.99), 99000);
	assert_int_equal(latency_at(&l, 1.0), 100000);
	latency_fini(&l);
}

static void
a_large_batch_weighs_more(void **state)
{
	struct latency l = {0};

	(void)state;
	assert_int_equal(latency_add(&l, 1, 1), 0);
	assert_int_equal(latency_add(&l, 500, 98), 0);
	assert_int_equal(latency_add(&l, 9000, 1), 0);
	latency_sort(&l);
	assert_int_equal(latency_at(&l, 0.01), 1);
	assert_int_equal(latency_at(&l, 0.02), 500);
	assert_int_equal(latency_at(&l, 0.99), 500);
	assert_int_equal(latency_at(&l, 0.991), 9000);
	latency_fini(&l);
}

static void
days_count_as_an_hour(void **state)
{
	struct latency l = {0};

	(void)state;
	assert_int_equal(latency_add(&l, UINT64_C(1) << 40, 1), 0);
	latency_sort(&l);
	assert_int_equal(latency_at(&l, 0.5), UINT64_C(3600000000));
	latency_fini(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(quantiles_are_those_of_the_records),
	    cmocka_unit_test(a_large_batch_weighs_more),
	    cmocka_unit_test(days_count_as_an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
