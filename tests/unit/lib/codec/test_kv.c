/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/codec/kv.h"

#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

static const struct {
	struct bytes in;
	int rc;
} inputs[] = {
    {BYTES("\1\0"), 0},
    {BYTES("\1\1\1k\0"), 0},
    {BYTES("\1\2\1k\1v\1k\2\0\1"), 0},
    {BYTES(""), ERR_FORMAT},
    {BYTES("\0\0"), ERR_VERSION},
    {BYTES("\2\0"), ERR_VERSION},
    {BYTES("\1"), ERR_FORMAT},
    {BYTES("\1\0x"), ERR_FORMAT}, /* bytes left over */
    {BYTES("\1\x80\0"), ERR_FORMAT}, /* not the shortest form */
    {BYTES("\1\1\0\0"), ERR_FORMAT}, /* no key */
    {BYTES("\1\1\1\0\0"), ERR_FORMAT}, /* NUL in the key */
    {BYTES("\1\1\2k\0"), ERR_FORMAT}, /* NUL again, and cut */
    {BYTES("\1\1\1k\2v"), ERR_FORMAT}, /* value cut short */
    {BYTES("\1\1\1k"), ERR_FORMAT},
    {BYTES("\1\2\1k\0"), ERR_FORMAT}, /* a pair is missing */
    {BYTES("\1\x81\x20"), ERR_LIMIT}, /* 4,097 pairs */
    {BYTES("\1\x80\x20"), ERR_FORMAT}, /* 4,096, none there */
    {BYTES("\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), ERR_LIMIT},
    {BYTES("\1\1\1k\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), ERR_FORMAT},
};

static void
each_input_has_its_verdict_and_one_encoding(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		struct kv *kv = NULL;
		struct buf b;

		assert_int_equal(kv_decode(inputs[i].in, &kv), inputs[i].rc);
		if (inputs[i].rc) {
			assert_null(kv);
			continue;
		}
		buf_init(&b, KV_BYTES_MAX);
		kv_encode(kv, &b);
		assert_true(bytes_equal(buf_bytes(&b), inputs[i].in));
		buf_fini(&b);
		kv_free(kv);
	}
	kv_free(NULL);
}

static struct kv *
sample(void)
{
	struct kv *kv;

	assert_int_equal(kv_new(&kv), 0);
	assert_int_equal(kv_add_str(kv, "name", "siem"), 0);
	assert_int_equal(kv_add_u64(kv, "timeout", 30000), 0);
	assert_int_equal(kv_add_u64(kv, "bandwidth", UINT64_MAX), 0);
	assert_int_equal(kv_add_str(kv, "streams", "app"), 0);
	assert_int_equal(kv_add_str(kv, "streams", "sys*"), 0);
	assert_int_equal(kv_add_bytes(kv, "ca", bytes_of("a\0b", 3)), 0);
	assert_int_equal(kv_add_bytes(kv, "crl", bytes_of(NULL, 0)), 0);
	return kv;
}

static void
what_was_put_in_is_found_by_its_key(void **state)
{
	struct kv *kv = sample();
	struct bytes value;
	const char *text;
	uint64_t number;

	(void)state;
	assert_int_equal(kv_count(kv), 7);
	assert_string_equal(kv_key_at(kv, 3), "streams");
	assert_int_equal(kv_get_str(kv, "name", &text), 0);
	assert_string_equal(text, "siem");
	assert_int_equal(kv_get_u64(kv, "timeout", &number), 0);
	assert_int_equal(number, 30000);
	assert_int_equal(kv_get_u64(kv, "bandwidth", &number), 0);
	assert_true(number == UINT64_MAX);
	assert_int_equal(kv_get_nth(kv, "streams", 1, &text), 0);
	assert_string_equal(text, "sys*");
	assert_int_equal(kv_get_nth(kv, "streams", 2, &text), ERR_NOENT);
	assert_int_equal(kv_get_bytes(kv, "ca", &value), 0);
	assert_true(bytes_equal(value, bytes_of("a\0b", 3)));
	assert_int_equal(kv_get_bytes(kv, "crl", &value), 0);
	assert_int_equal(value.len, 0);
	kv_free(kv);
}

static void
a_value_of_another_kind_is_refused_and_leaves_the_result_alone(void **state)
{
	struct kv *kv = sample();
	const char *text = "as it was";
	uint64_t number = 7;

	(void)state;
	assert_int_equal(kv_get_str(kv, "ca", &text), ERR_FORMAT);
	assert_int_equal(kv_get_str(kv, "nam", &text), ERR_NOENT);
	assert_int_equal(kv_get_u64(kv, "name", &number), ERR_FORMAT);
	assert_int_equal(kv_get_u64(kv, "crl", &number), ERR_FORMAT);
	assert_string_equal(text, "as it was");
	assert_int_equal(number, 7);
	kv_free(kv);
}

static void
the_number_of_pairs_has_its_limit(void **state)
{
	struct kv *kv, *back;
	struct buf b;

	(void)state;
	assert_int_equal(kv_new(&kv), 0);
	for (size_t i = 0; i < KV_PAIRS_MAX; i++)
		assert_int_equal(kv_add_str(kv, "k", ""), 0);
	assert_int_equal(kv_add_str(kv, "k", ""), ERR_LIMIT);
	buf_init(&b, KV_BYTES_MAX);
	kv_encode(kv, &b);
	assert_int_equal(b.err, 0);
	assert_int_equal(kv_decode(buf_bytes(&b), &back), 0);
	assert_int_equal(kv_count(back), KV_PAIRS_MAX);
	buf_fini(&b);
	kv_free(kv);
	kv_free(back);
}

/* A kv with one value, so that the whole has `size` bytes. */
static int
of_size(size_t size, struct kv *kv)
{
	/* version, count, key of one byte with its length, value's length */
	size_t len = size - 1 - 1 - 2 - 3;
	uint8_t *value = calloc(1, len);
	int rc;

	assert_non_null(value);
	rc = kv_add_bytes(kv, "k", bytes_of(value, len));
	free(value);
	return rc;
}

static void
the_whole_has_its_limit(void **state)
{
	(void)state;
	for (int over = -1; over <= 1; over++) {
		size_t size = (size_t)((long)KV_BYTES_MAX + over);
		struct kv *kv, *back = NULL;
		struct buf b;

		assert_int_equal(kv_new(&kv), 0);
		assert_int_equal(of_size(size, kv), over > 0 ? ERR_LIMIT : 0);
		buf_init(&b, 2 * KV_BYTES_MAX);
		kv_encode(kv, &b);
		if (over <= 0) {
			assert_int_equal(b.len, size);
			assert_int_equal(kv_decode(buf_bytes(&b), &back), 0);
		}
		buf_fini(&b);
		kv_free(back);
		kv_free(kv);
	}
}

static void
a_longer_input_than_the_limit_is_refused_unread(void **state)
{
	uint8_t *input = calloc(1, KV_BYTES_MAX + 1);
	struct kv *kv;

	(void)state;
	assert_non_null(input);
	assert_int_equal(
	    kv_decode(bytes_of(input, KV_BYTES_MAX + 1), &kv), ERR_LIMIT);
	free(input);
}

static void
a_key_has_1_to_255_bytes(void **state)
{
	char key[KV_KEY_MAX + 2];
	struct kv *kv;

	(void)state;
	assert_int_equal(kv_new(&kv), 0);
	memset(key, 'k', sizeof(key));
	key[KV_KEY_MAX + 1] = '\0';
	assert_int_equal(kv_add_str(kv, key, ""), ERR_INVAL);
	key[KV_KEY_MAX] = '\0';
	assert_int_equal(kv_add_str(kv, key, ""), 0);
	assert_int_equal(kv_add_str(kv, "k", ""), 0);
	assert_int_equal(kv_add_str(kv, "", ""), ERR_INVAL);
	assert_int_equal(kv_count(kv), 2);
	kv_free(kv);
}

static void
the_bytes_are_those_of_the_golden_file(void **state)
{
	char path[4096];
	uint8_t golden[1024];
	struct kv *kv = sample();
	struct buf b;
	size_t len;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/golden/kv-1.bin",
	    getenv("TOP_SRCDIR"));
	f = fopen(path, "rb");
	assert_non_null(f);
	len = fread(golden, 1, sizeof(golden), f);
	fclose(f);
	buf_init(&b, KV_BYTES_MAX);
	kv_encode(kv, &b);
	assert_true(bytes_equal(buf_bytes(&b), bytes_of(golden, len)));
	buf_fini(&b);
	kv_free(kv);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_input_has_its_verdict_and_one_encoding),
	    cmocka_unit_test(what_was_put_in_is_found_by_its_key),
	    cmocka_unit_test(
		a_value_of_another_kind_is_refused_and_leaves_the_result_alone),
	    cmocka_unit_test(the_number_of_pairs_has_its_limit),
	    cmocka_unit_test(the_whole_has_its_limit),
	    cmocka_unit_test(a_longer_input_than_the_limit_is_refused_unread),
	    cmocka_unit_test(a_key_has_1_to_255_bytes),
	    cmocka_unit_test(the_bytes_are_those_of_the_golden_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
