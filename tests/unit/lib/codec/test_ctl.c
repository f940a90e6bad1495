/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include "lib/base/err.h"
#include "lib/codec/ctl.h"
#include "tests/helpers/golden.h"

#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

static const struct {
	struct bytes in;
	int rc;
} inputs[] = {
    {BYTES(""), ERR_AGAIN},
    {BYTES("\0\0\0\3"), ERR_AGAIN},
    {BYTES("\0\0\0\3\1{"), ERR_AGAIN},
    {BYTES("\0\0\0\3\1{}"), 0},
    {BYTES("\0\0\0\3\2{}"), 0},
    {BYTES("\0\0\0\3\3{}"), 0},
    {BYTES("\0\0\0\3\1{}more"), 0},
    {BYTES("\0\0\0\0\1"), ERR_FORMAT}, /* no kind */
    {BYTES("\0\0\0\1\1"), ERR_FORMAT}, /* no payload */
    {BYTES("\0\0\0\3\0{}"), ERR_FORMAT},
    {BYTES("\0\0\0\3\4{}"), ERR_FORMAT},
    {BYTES("\0\0\0\x65\1"), ERR_AGAIN}, /* 100: just at the limit */
    {BYTES("\0\0\0\x66\1"), ERR_LIMIT}, /* told from the header alone */
    {BYTES("\xff\xff\xff\xff\1"), ERR_LIMIT},
};

static void
each_input_has_its_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		struct ctl_frame f = {.kind = CTL_JSON};
		size_t used = 99;
		int rc = ctl_next(inputs[i].in, 100, &f, &used);

		assert_int_equal(rc, inputs[i].rc);
		if (rc) {
			assert_int_equal(used, 99);
			continue;
		}
		assert_int_equal(used, 7);
		assert_int_equal(f.kind, inputs[i].in.ptr[4]);
		assert_true(bytes_equal_str(f.payload, "{}"));
	}
}

static const struct {
	struct bytes in;
	int rc;
} batches[] = {
    {BYTES("\0\0\0\2{}\0\0\0\2\0\0xyz"), 0},
    {BYTES("\0\0\0\0\0\0\0\0"), 0},
    {BYTES(""), ERR_FORMAT},
    {BYTES("\0\0\0\2{"), ERR_FORMAT},
    {BYTES("\0\0\0\2{}\0\0\0"), ERR_FORMAT},
    {BYTES("\0\0\0\2{}\0\0\0\4xyz"), ERR_FORMAT},
    {BYTES("\0\1\0\1{}"), ERR_LIMIT},
    {BYTES("\0\0\0\0\0\x10\0\1"), ERR_LIMIT},
};

static void
each_batch_has_its_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
		struct ctl_batch b;

		assert_int_equal(
		    ctl_batch_decode(batches[i].in, &b), batches[i].rc);
	}
}

static void
frames_are_the_golden_bytes_and_come_back(void **state)
{
	const char *request = "{\"v\":1,\"verb\":\"status\",\"args\":{}}";
	struct ctl_batch batch = {bytes_of_str("{\"first_rec\":7}"),
	    bytes_of("\0\1", 2), bytes_of_str("columns")};
	struct ctl_batch back;
	struct ctl_frame f;
	struct buf b;
	size_t used;

	(void)state;
	buf_init(&b, 1024);
	ctl_put(&b, CTL_JSON, bytes_of_str(request));
	golden_check("ctl-1", "REQUEST", "ctl", buf_bytes(&b));
	buf_clear(&b);
	ctl_put(&b, CTL_STREAM, bytes_of_str("{\"id\":1}"));
	ctl_put_batch(&b, &batch);
	ctl_put(&b, CTL_JSON, bytes_of_str("{\"ok\":true,\"result\":{}}"));
	golden_check("ctl-1", "ANSWER", "ctl", buf_bytes(&b));
	assert_int_equal(ctl_next(buf_bytes(&b), 1024, &f, &used), 0);
	assert_int_equal(f.kind, CTL_STREAM);
	buf_consume(&b, used);
	assert_int_equal(ctl_next(buf_bytes(&b), 1024, &f, &used), 0);
	assert_int_equal(f.kind, CTL_BATCH);
	assert_int_equal(ctl_batch_decode(f.payload, &back), 0);
	assert_true(bytes_equal(back.head, batch.head));
	assert_true(bytes_equal(back.ranges, batch.ranges));
	assert_true(bytes_equal(back.payload, batch.payload));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_input_has_its_verdict),
	    cmocka_unit_test(each_batch_has_its_verdict),
	    cmocka_unit_test(frames_are_the_golden_bytes_and_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
