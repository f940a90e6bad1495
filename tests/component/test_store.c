/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/storerig.h"

static void
open_or_fail(struct storerig *r)
{
	int rc = storerig_open(r);

	if (rc)
		fail_msg("open: %s: %s", err_name(rc), r->why);
}

static void
expect_perfect(struct storerig *r)
{
	struct storerig_sum sum;

	storerig_read_all(r, &sum);
	assert_true(storerig_is_perfect(&sum));
	assert_int_equal(sum.batches, r->acks);
	assert_int_equal(sum.unacknowledged, 0);
}

static void
check_reopen(bool encrypt)
{
	struct store_info info;
	struct storerig r;

	storerig_init(&r, encrypt);
	open_or_fail(&r);
	store_info(r.s, &info);
	assert_true(info.created);
	for (int i = 0; i < 40; i++)
		assert_int_equal(storerig_put(&r, 3, 20000), 0);
	expect_perfect(&r);
	storerig_close(&r);
	open_or_fail(&r);
	store_info(r.s, &info);
	assert_true(info.clean);
	assert_false(info.created);
	assert_true(r.replayed > 0);
	expect_perfect(&r);
	for (int i = 0; i < 40; i++)
		assert_int_equal(storerig_put(&r, 3, 20000), 0);
	expect_perfect(&r);
	storerig_fini(&r);
}

static void
what_was_committed_is_there_after_a_clean_close(void **state)
{
	(void)state;
	check_reopen(false);
}

static void
what_was_encrypted_is_there_after_a_clean_close(void **state)
{
	(void)state;
	check_reopen(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_committed_is_there_after_a_clean_close),
	    cmocka_unit_test(what_was_encrypted_is_there_after_a_clean_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
