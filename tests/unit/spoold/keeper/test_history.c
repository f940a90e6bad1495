/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes stored, hour by hour: what the days of autonomy are measured by. */
#include "spoold/keeper/history.h"
#include "tests/helpers/cmocka_all.h"

#define HOUR UINT64_C(3600000000)
#define DAY (24 * HOUR)

static void
the_window_grows_to_seven_days(void **state)
{
	struct history h;
	uint64_t stored, start = 5 * DAY + HOUR / 2;

	(void)state;
	history_begin(&h, start);
	assert_int_equal(history_window(&h, start, &stored), 0);
	assert_int_equal(stored, 0);
	history_add(&h, start + HOUR, 1000, 9000);
	assert_int_equal(history_window(&h, start + 2 * HOUR, &stored), 7200);
	assert_int_equal(stored, 1000);
	assert_int_equal(
	    history_window(&h, start + 6 * DAY, &stored), 6 * 24 * 3600);
	assert_int_equal(stored, 1000);
	/* Half an hour of the 168th is still to come. */
	assert_int_equal(
	    history_window(&h, start + 30 * DAY, &stored), 167 * 3600 + 1800);
	assert_int_equal(stored, 0);
	assert_int_equal(h.raw, 9000);
}

static void
each_hour_falls_out_after_seven_days(void **state)
{
	struct history h;
	uint64_t stored, i;

	(void)state;
	history_begin(&h, 0);
	for (i = 0; i < 400; i++) {
		history_add(&h, i * HOUR, 10, 10);
		history_window(&h, i * HOUR, &stored);
		assert_int_equal(stored,
		    10 *
			(i + 1 < ENTRY_HISTORY_HOURS ? i + 1
						     : ENTRY_HISTORY_HOURS));
	}
	/* A week of silence later nothing of it is left. */
	history_window(&h, 399 * HOUR + 7 * DAY, &stored);
	assert_int_equal(stored, 0);
	history_add(&h, 399 * HOUR + 7 * DAY, 3, 3);
	history_window(&h, 399 * HOUR + 7 * DAY, &stored);
	assert_int_equal(stored, 3);
}

static int
again(const struct history *h, struct history *to, uint64_t now_us)
{
	struct cursor c;
	struct entry e;
	struct buf b;
	int rc;

	buf_init(&b, 4096);
	history_encode(h, &b);
	cursor_init(&c, buf_bytes(&b));
	rc = entry_next(&c, &e);
	if (rc == 1)
		history_decode(to, &e.u.history, now_us);
	buf_fini(&b);
	return rc;
}

static void
what_was_saved_goes_on_and_the_future_is_not_believed(void **state)
{
	struct history h, saved;
	uint64_t stored, i, now = 300 * HOUR;

	(void)state;
	history_begin(&h, HOUR / 2);
	for (i = 1; i <= 300; i++)
		history_add(&h, i * HOUR, i, 2 * i);
	history_begin(&saved, now);
	assert_int_equal(again(&h, &saved, now), 1);
	h.changed = false;
	assert_memory_equal(&h, &saved, sizeof(h));
	history_add(&saved, now + HOUR, 7, 7);
	history_window(&saved, now + HOUR, &stored);
	assert_int_equal(stored, (134 + 300) * 167 / 2 + 7);
	history_begin(&saved, now);
	assert_int_equal(again(&h, &saved, now - 2 * HOUR), 1);
	assert_int_equal(saved.stored, 0);
	assert_int_equal(saved.since_us, now);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_window_grows_to_seven_days),
	    cmocka_unit_test(each_hour_falls_out_after_seven_days),
	    cmocka_unit_test(
		what_was_saved_goes_on_and_the_future_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
