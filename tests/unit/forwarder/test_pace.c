/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/pace.h"
#include "tests/helpers/cmocka_all.h"

/* Bytes that pass in `ms` if `size` is sent whenever it may be. */
static uint64_t
sent_in(struct pace *p, uint64_t ms, size_t size, uint64_t step)
{
	uint64_t sent = 0;

	for (uint64_t now = 1000; now < 1000 + ms; now += step)
		while (pace_take(p, size, now))
			sent += size;
	return sent;
}

static void
the_rate_is_kept_with_large_and_small_pieces(void **state)
{
	static const size_t sizes[] = {100, 10000, 500000};
	struct pace p;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		pace_init(&p, 8 * 100000, 1000);
		/* 100 kB a second for 100 s, and what the bucket holds. */
		assert_in_range(sent_in(&p, 100000, sizes[i], 10),
		    9900000 - sizes[i], 10025000 + sizes[i]);
	}
}

static void
fractions_of_a_byte_are_not_lost(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 8000, 1000); /* 1 byte a millisecond */
	p.bytes_per_second = 300; /* 0.3 a millisecond */
	assert_in_range(sent_in(&p, 100000, 1, 1), 28000, 30100);
}

static void
without_a_limit_everything_passes(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 0, 1000);
	for (int i = 0; i < 100; i++)
		assert_true(pace_take(&p, (size_t)1 << 30, 1000));
	assert_int_equal(pace_wait_ms(&p, 1000), 0);
}

static void
the_wait_is_long_enough_and_not_much_longer(void **state)
{
	struct pace p;
	uint64_t wait;

	(void)state;
	pace_init(&p, 8 * 1000, 1000);
	assert_true(pace_take(&p, 5000, 1100));
	assert_false(pace_take(&p, 1, 1100));
	wait = pace_wait_ms(&p, 1100);
	assert_in_range(wait, 4800, 5100);
	assert_false(pace_take(&p, 1, 1100 + wait - 100));
	assert_true(pace_take(&p, 1, 1100 + wait));
}

static void
a_new_rate_holds_from_then_on(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 8 * 1000, 1000);
	assert_true(pace_take(&p, 100000, 1100));
	pace_set(&p, 0, 1200);
	assert_true(pace_take(&p, 100000, 1200));
	pace_set(&p, 8 * 100000, 1300);
	/* The old debt is paid at the new rate. */
	assert_true(pace_wait_ms(&p, 1300) < 2200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_rate_is_kept_with_large_and_small_pieces),
	    cmocka_unit_test(fractions_of_a_byte_are_not_lost),
	    cmocka_unit_test(without_a_limit_everything_passes),
	    cmocka_unit_test(the_wait_is_long_enough_and_not_much_longer),
	    cmocka_unit_test(a_new_rate_holds_from_then_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
