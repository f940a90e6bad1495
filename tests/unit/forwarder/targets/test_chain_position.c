/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "forwarder/targets/chain_position.h"
#include "lib/base/err.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/golden.h"

static const struct uuid incarnation = {
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static const struct {
	const char *title;
	uint64_t base, from, to, from2, to2;
} examples[] = {
    {"NOTHING", 0, 0, 0, 0, 0},
    {"ALL", 1000001, 0, 0, 0, 0},
    {"ISLANDS", 7, 9, 11, UINT64_MAX - 1, UINT64_MAX},
};

static void
positions_are_as_in_the_golden_file(void **state)
{
	uint8_t opaque[ENTRY_OPAQUE_SIZE], again[ENTRY_OPAQUE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		struct chain_position p = {incarnation, examples[i].base,
		    {{examples[i].from, examples[i].to},
			{examples[i].from2, examples[i].to2}}};

		chain_position_encode(&p, opaque);
		golden_check("chain-position-1", examples[i].title,
		    "chain_position", bytes_of(opaque, sizeof(opaque)));
		memset(&p, 0xff, sizeof(p));
		assert_int_equal(chain_position_decode(opaque, &p), 0);
		chain_position_encode(&p, again);
		assert_memory_equal(again, opaque, sizeof(opaque));
	}
}

static void
what_is_no_position_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		int rc;
	} rows[] = {
	    {0, 2, ERR_VERSION},
	    {0, 0, ERR_VERSION},
	    {25, 1, ERR_FORMAT}, /* from without to */
	    {57, 1, ERR_FORMAT},
	    {63, 1, ERR_FORMAT},
	};
	struct chain_position none = {.incarnation = incarnation},
			      p = {.base = 5};
	uint8_t opaque[ENTRY_OPAQUE_SIZE] = {0};

	(void)state;
	assert_int_equal(chain_position_decode(opaque, &p), ERR_NOENT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		chain_position_encode(&none, opaque);
		opaque[rows[i].at] = rows[i].value;
		assert_int_equal(chain_position_decode(opaque, &p), rows[i].rc);
		assert_int_equal(p.base, 5); /* untouched */
	}
}

/* Settled: [1, 10), then n islands of one record. */
static void
note(size_t n, struct chain_position *p)
{
	struct ivset settled;

	ivset_init(&settled, 64);
	assert_int_equal(ivset_add(&settled, 1, 10, NULL), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    ivset_add(&settled, 20 + 2 * i, 21 + 2 * i, NULL), 0);
	chain_position_note(p, &settled, 1, &incarnation);
	ivset_fini(&settled);
}

static void
what_is_settled_is_noted(void **state)
{
	struct chain_position p;

	(void)state;
	note(0, &p);
	assert_int_equal(p.base, 10);
	assert_int_equal(p.extra[0].to, 0);
	note(2, &p);
	assert_int_equal(p.base, 10);
	assert_int_equal(p.extra[0].from, 20);
	assert_int_equal(p.extra[1].to, 23);
	note(3, &p); /* does not fit */
	assert_int_equal(p.base, 25);
	assert_int_equal(p.extra[0].to, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(positions_are_as_in_the_golden_file),
	    cmocka_unit_test(what_is_no_position_is_refused),
	    cmocka_unit_test(what_is_settled_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
