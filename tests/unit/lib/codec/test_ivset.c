/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation is compared with a plain map of bits, many times over. */
#include "tests/helpers/cmocka_all.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/codec/ivset.h"
#include "tests/helpers/golden.h"

#define SPAN 100
#define ROUNDS 20000

struct model {
	bool bit[SPAN];
};

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static size_t
model_intervals(const struct model *m)
{
	size_t n = 0;

	for (int i = 0; i < SPAN; i++)
		n += m->bit[i] && (!i || !m->bit[i - 1]);
	return n;
}

static uint64_t
model_set(struct model *m, uint64_t from, uint64_t to, bool value)
{
	uint64_t changed = 0;

	for (uint64_t i = from; i < to; i++) {
		changed += m->bit[i] != value;
		m->bit[i] = value;
	}
	return changed;
}

static void
compare(const struct ivset *s, const struct model *m)
{
	uint64_t count = 0, end = 0;

	for (uint64_t i = 0; i < SPAN; i++) {
		uint64_t gap = i, in = i, found;

		assert_int_equal(ivset_has(s, i), m->bit[i]);
		while (gap < SPAN && m->bit[gap])
			gap++;
		while (in < SPAN && !m->bit[in])
			in++;
		assert_int_equal(ivset_first_gap(s, i), gap);
		assert_int_equal(ivset_first_in(s, i, &found), in < SPAN);
		if (in < SPAN)
			assert_int_equal(found, in);
		count += m->bit[i];
		if (m->bit[i])
			end = i + 1;
	}
	assert_int_equal(ivset_count(s), count);
	assert_int_equal(ivset_end(s), end);
	assert_int_equal(s->n, model_intervals(m));
	for (size_t i = 1; i < s->n; i++)
		assert_true(s->iv[i].from > s->iv[i - 1].to);
}

static void
compare_encoded(const struct ivset *s)
{
	struct ivset back;
	struct cursor c;
	struct buf b;

	buf_init(&b, 10000);
	ivset_init(&back, SPAN);
	ivset_encode(s, &b);
	cursor_init(&c, buf_bytes(&b));
	ivset_decode(&c, &back);
	assert_int_equal(cursor_end(&c), 0);
	assert_true(ivset_equal(s, &back));
	ivset_fini(&back);
	buf_fini(&b);
}

/* One random change to both; the limit is the model's to predict. */
static void
change(struct ivset *s, struct model *m, uint32_t *seed)
{
	uint64_t from = next_random(seed) % SPAN;
	uint64_t to = from + 1 + next_random(seed) % 12;
	bool add = next_random(seed) % 2;
	struct model after = *m;
	uint64_t changed, got = 0;
	int rc;

	to = to > SPAN ? SPAN : to;
	changed = model_set(&after, from, to, add);
	assert_int_equal(
	    ivset_count_in(s, from, to), add ? to - from - changed : changed);
	rc = add ? ivset_add(s, from, to, &got)
		 : ivset_remove(s, from, to, &got);
	if (model_intervals(&after) > s->limit) {
		assert_int_equal(rc, ERR_LIMIT);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(got, changed);
	*m = after;
}

static void
a_set_is_what_a_map_of_bits_is(void **state)
{
	struct model m = {0};
	uint32_t seed = 42;
	struct ivset s;

	(void)state;
	ivset_init(&s, 8);
	for (int i = 0; i < ROUNDS; i++) {
		change(&s, &m, &seed);
		compare(&s, &m);
		if (i % 16 == 0)
			compare_encoded(&s);
	}
	ivset_fini(&s);
}

static void
a_full_set_says_so_and_keeps_what_it_has(void **state)
{
	uint64_t added = 77;
	struct ivset s;

	(void)state;
	ivset_init(&s, 2);
	assert_int_equal(ivset_add(&s, 10, 20, NULL), 0);
	assert_int_equal(ivset_add(&s, 30, 40, NULL), 0);
	assert_int_equal(ivset_add(&s, 50, 60, &added), ERR_LIMIT);
	assert_int_equal(ivset_remove(&s, 12, 13, &added), ERR_LIMIT);
	assert_int_equal(ivset_add(&s, 5, 5, &added), ERR_INVAL);
	assert_int_equal(added, 77);
	assert_int_equal(ivset_count(&s), 20);
	/* What joins two makes room. */
	assert_int_equal(ivset_add(&s, 20, 30, &added), 0);
	assert_int_equal(added, 10);
	assert_int_equal(s.n, 1);
	ivset_fini(&s);
}

static void
numbers_at_the_very_end_are_kept(void **state)
{
	struct ivset s, copy;

	(void)state;
	ivset_init(&s, 2);
	ivset_init(&copy, 1);
	assert_int_equal(ivset_add(&s, UINT64_MAX - 5, UINT64_MAX, NULL), 0);
	assert_int_equal(ivset_add(&s, 0, 1, NULL), 0);
	assert_true(ivset_has(&s, UINT64_MAX - 1));
	assert_false(ivset_has(&s, UINT64_MAX));
	assert_true(ivset_end(&s) == UINT64_MAX);
	compare_encoded(&s);
	assert_int_equal(ivset_copy(&copy, &s), ERR_LIMIT);
	assert_int_equal(ivset_remove(&s, 0, 1, NULL), 0);
	assert_int_equal(ivset_copy(&copy, &s), 0);
	assert_true(ivset_equal(&copy, &s));
	ivset_fini(&copy);
	ivset_fini(&s);
}

static void
a_set_is_as_the_golden_file_has_it(void **state)
{
	struct ivset s;
	struct buf b;

	(void)state;
	ivset_init(&s, 8);
	buf_init(&b, 100);
	assert_int_equal(ivset_add(&s, 1, 1000000, NULL), 0);
	assert_int_equal(ivset_add(&s, 1000007, 1000008, NULL), 0);
	assert_int_equal(ivset_add(&s, 1ull << 40, 1ull << 41, NULL), 0);
	ivset_encode(&s, &b);
	golden_check("ivset-1", "THREE", "ivset", buf_bytes(&b));
	buf_fini(&b);
	ivset_fini(&s);
}

static void
malformed_sets_are_refused_and_the_old_one_stays(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int err;
	} row[] = {
	    {"\0", 1, 0},
	    {"\1\0\5", 3, 0}, /* the first may begin at 0 */
	    {"\2\0\5\1\1", 5, 0},
	    {"\2\0\5\0\1", 5, ERR_FORMAT}, /* touches */
	    {"\1\1\0", 3, ERR_FORMAT}, /* empty */
	    {"\1\1", 2, ERR_FORMAT}, /* cut off */
	    {"\4\1\1\1\1\1\1\1\1", 9, ERR_LIMIT},
	    {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 10, ERR_FORMAT},
	    {"\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\1", 12, ERR_FORMAT},
	    {"\1\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 12, ERR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct cursor c;
		struct ivset s;

		ivset_init(&s, 3);
		assert_int_equal(ivset_add(&s, 7, 8, NULL), 0);
		cursor_init(&c, bytes_of(row[i].bytes, row[i].len));
		ivset_decode(&c, &s);
		assert_int_equal(cursor_end(&c), row[i].err);
		assert_int_equal(ivset_has(&s, 7), row[i].err != 0);
		ivset_fini(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_set_is_what_a_map_of_bits_is),
	    cmocka_unit_test(a_full_set_says_so_and_keeps_what_it_has),
	    cmocka_unit_test(numbers_at_the_very_end_are_kept),
	    cmocka_unit_test(a_set_is_as_the_golden_file_has_it),
	    cmocka_unit_test(malformed_sets_are_refused_and_the_old_one_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
