/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/component/store_expect.h"

#include "lib/base/err.h"
#include "tests/helpers/cmocka_all.h"

void
store_expect_open(struct storerig *r)
{
	int rc = storerig_open(r);

	if (rc)
		fail_msg("open: %s: %s", err_name(rc), r->why);
}

void
store_expect_put(struct storerig *r, int transactions)
{
	for (int i = 0; i < transactions; i++)
		assert_int_equal(storerig_put(r, 3, 20000), 0);
}

void
store_expect_begin(struct storerig *r, bool encrypt, int transactions)
{
	storerig_init(r, encrypt);
	store_expect_open(r);
	store_expect_put(r, transactions);
}

void
store_expect_perfect(struct storerig *r)
{
	struct storerig_sum sum;

	storerig_read_all(r, &sum);
	assert_true(storerig_is_perfect(&sum));
	assert_int_equal(sum.batches, r->acks);
	assert_int_equal(sum.unacknowledged, 0);
}
