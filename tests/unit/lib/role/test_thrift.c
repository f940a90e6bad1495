/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/role/thrift.h"

#define BLOCKS 1000
#define BLOCK ((size_t)32 << 10)

static size_t
resident_bytes(void)
{
	unsigned long size, resident;
	FILE *f = fopen("/proc/self/statm", "re");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
	fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Fill much of the heap and free it, but for a block at its top. */
static void *
leave_a_hole(void)
{
	static void *block[BLOCKS];
	void *top;

	for (int i = 0; i < BLOCKS; i++) {
		block[i] = malloc(BLOCK);
		assert_non_null(block[i]);
		memset(block[i], i, BLOCK);
	}
	top = malloc(BLOCK);
	assert_non_null(top);
	for (int i = 0; i < BLOCKS; i++)
		free(block[i]);
	return top;
}

static void
work_for_a_while(void)
{
	clock_t end = clock() + CLOCKS_PER_SEC / 10;

	while (clock() < end)
		;
}

static void
what_is_free_goes_back_when_idle(void **state)
{
	struct thrift *t;
	struct loop *l;
	size_t full;
	void *top;

	(void)state;
#ifdef WITH_SANITIZER
	skip(); /* it has an allocator of its own */
#endif
	assert_int_equal(loop_new(&l), 0);
	assert_int_equal(thrift_new(l, &t), 0);
	top = leave_a_hole();
	work_for_a_while();
	full = resident_bytes();
	thrift_look(t); /* it was busy: nothing happens */
	assert_true(resident_bytes() + (4 << 20) > full);
	thrift_look(t); /* idle since */
	assert_true(resident_bytes() + BLOCKS * BLOCK * 3 / 4 < full);
	free(top);
	thrift_free(t);
	loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_free_goes_back_when_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
