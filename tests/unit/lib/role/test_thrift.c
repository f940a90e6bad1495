/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/helpers/cmocka_all.h"

#include <pthread.h>
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

static void *
leave_a_hole_in_a_thread(void *unused)
{
	(void)unused;
	return leave_a_hole();
}

/* What `hole` left free is kept after work, and goes back after idling. */
static void
check_with(void *(*hole)(void *))
{
	struct thrift *t;
	struct loop *l;
	pthread_t thread;
	size_t full;
	void *top;

#ifdef WITH_SANITIZER
	skip(); /* it has an allocator of its own */
#endif
	assert_int_equal(loop_new(&l), 0);
	assert_int_equal(thrift_new(l, &t), 0);
	assert_int_equal(pthread_create(&thread, NULL, hole, NULL), 0);
	assert_int_equal(pthread_join(thread, &top), 0);
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

/* The same, with nothing in use above what is free. */
static void *
leave_a_free_top(void *unused)
{
	(void)unused;
	free(leave_a_hole());
	return NULL;
}

static void
a_hole_goes_back_when_idle(void **state)
{
	(void)state;
	check_with(leave_a_hole_in_a_thread);
}

static void
the_top_of_a_thread_goes_back_when_idle(void **state)
{
	(void)state;
	check_with(leave_a_free_top);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hole_goes_back_when_idle),
	    cmocka_unit_test(the_top_of_a_thread_goes_back_when_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
