/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every k-th write, sync and rename fails, once or from then on, early or
 * after it did its work; whatever was acknowledged is there once, whatever
 * happened, in the same process and after a restart that was not clean.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/component/store_expect.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/diskfault.h"
#include "tests/helpers/storerig.h"

#define PUTS 24

static void
expect_honest(struct storerig *r, const char *when, long k)
{
	struct storerig_sum sum;

	storerig_read_all(r, &sum);
	if (!storerig_is_perfect(&sum))
		fail_msg("%s, k %ld: silent %lu doubles %lu altered %lu "
			 "strangers %lu damages %lu",
		    when, k, (unsigned long)sum.silent_losses,
		    (unsigned long)sum.doubles, (unsigned long)sum.alterations,
		    (unsigned long)sum.strangers, (unsigned long)sum.damages);
}

static void
small_segments(struct storerig *r)
{
	r->o.segment_bytes = STORERIG_MIB / 2;
	r->o.quota_bytes = 24 * STORERIG_MIB;
}

/* Puts that may fail; the fault is gone after half of them. */
static long
work(struct storerig *r, const struct diskfault *fault)
{
	long calls = 0;

	diskfault_arm(fault);
	for (int i = 0; i < PUTS; i++) {
		if (i == PUTS / 2)
			calls = diskfault_disarm();
		storerig_put_surely(r, 3, 12000);
	}
	return calls;
}

/* In a child, so that the store is left as a crash leaves it. */
static void
work_and_die(struct storerig *r, const struct diskfault *fault, long *calls)
{
	struct storerig_ack ack;
	int pipes[2], rc, status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pipes[0]);
		r->ack_fd = pipes[1];
		rc = storerig_open(r);
		if (rc)
			_exit(100);
		_exit((int)(work(r, fault) > 98 ? 98 : 0));
	}
	close(pipes[1]);
	while (read(pipes[0], &ack, sizeof(ack)) == (ssize_t)sizeof(ack))
		storerig_learn(r, &ack);
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) <= 98);
	*calls = WEXITSTATUS(status);
	r->next_mark += PUTS * 3L; /* what it tried without success */
}

static void
try_in_process(struct diskfault fault, long k)
{
	struct storerig r;

	fault.k = k;
	storerig_init(&r, true);
	small_segments(&r);
	store_expect_open(&r);
	work(&r, &fault);
	assert_true(r.acks > 0);
	expect_honest(&r, "in the same process", k);
	storerig_close(&r);
	store_expect_open(&r);
	expect_honest(&r, "after a clean close", k);
	assert_int_equal(storerig_put(&r, 2, 5000), 0);
	expect_honest(&r, "and one more", k);
	storerig_fini(&r);
}

static void
try_with_crash(struct diskfault fault, long k)
{
	struct storerig r;
	long calls;

	fault.k = k;
	storerig_init(&r, true);
	small_segments(&r);
	work_and_die(&r, &fault, &calls);
	store_expect_open(&r);
	expect_honest(&r, "after a crash", k);
	assert_int_equal(storerig_put(&r, 2, 5000), 0);
	expect_honest(&r, "and one more", k);
	storerig_fini(&r);
}

/* How many calls the work makes when nothing fails. */
static long
count_calls(void)
{
	struct diskfault never = {.kinds = DISKFAULT_ALL, .k = -1};
	struct storerig r;
	long n;

	storerig_init(&r, true);
	small_segments(&r);
	store_expect_open(&r);
	n = work(&r, &never);
	storerig_fini(&r);
	return n;
}

static long
step(void)
{
	const char *all = getenv("STORE_FAULT_ALL");

	return all ? 1 : 5;
}

static void
walk(struct diskfault fault)
{
	long n = count_calls();

	assert_true(n > 20);
	for (long k = 1; k <= n; k += step()) {
		try_in_process(fault, k);
		try_with_crash(fault, k);
	}
}

static void
a_call_that_fails_once_loses_and_doubles_nothing(void **state)
{
	(void)state;
	walk((struct diskfault){.kinds = DISKFAULT_ALL, .errnum = EIO});
}

static void
a_call_that_fails_after_its_work_doubles_nothing(void **state)
{
	(void)state;
	walk((struct diskfault){
	    .kinds = DISKFAULT_ALL, .errnum = EIO, .late = true});
}

static void
a_disk_that_fails_for_a_while_loses_nothing(void **state)
{
	(void)state;
	walk((struct diskfault){
	    .kinds = DISKFAULT_ALL, .errnum = EIO, .persistent = true});
}

static void
a_full_disk_loses_nothing(void **state)
{
	(void)state;
	walk((struct diskfault){
	    .kinds = DISKFAULT_WRITE, .errnum = ENOSPC, .persistent = true});
}

static void
short_writes_lose_nothing(void **state)
{
	(void)state;
	walk((struct diskfault){
	    .kinds = DISKFAULT_WRITE, .errnum = ENOSPC, .short_write = true});
}

/* ---- a start on a failing disk ---- */

/* A crash in the middle of a life, kept in a directory of its own. */
static void
leave_crashed(struct storerig *r, char crashed[300])
{
	struct diskfault never = {.kinds = DISKFAULT_ALL, .k = -1};
	long calls;

	storerig_init(r, true);
	small_segments(r);
	work_and_die(r, &never, &calls);
	snprintf(crashed, 300, "%s.crashed", r->dir);
	storerig_copy_tree(r->dir, crashed);
}

static long
count_calls_of_a_start(struct storerig *r, const char *crashed)
{
	struct diskfault never = {.kinds = DISKFAULT_ALL, .k = -1};
	long n;

	storerig_copy_tree(crashed, r->dir);
	diskfault_arm(&never);
	store_expect_open(r);
	n = diskfault_disarm();
	storerig_close(r);
	return n;
}

/* It starts nevertheless, or says so and starts when the disk is well. */
static bool
start_with(struct storerig *r, const char *crashed, struct diskfault fault)
{
	bool started;

	storerig_copy_tree(crashed, r->dir);
	diskfault_arm(&fault);
	started = storerig_open(r) == 0;
	diskfault_disarm();
	if (!started)
		store_expect_open(r);
	expect_honest(r, "after a start", fault.k);
	assert_int_equal(storerig_put_surely(r, 2, 5000), 0);
	expect_honest(r, "and one more", fault.k);
	storerig_close(r);
	r->acks -= 2;
	return started;
}

static void
a_start_on_a_failing_disk_loses_nothing(void **state)
{
	struct diskfault faults[] = {
	    {.kinds = DISKFAULT_ALL, .errnum = EIO},
	    {.kinds = DISKFAULT_ALL, .errnum = EIO, .late = true},
	    {.kinds = DISKFAULT_ALL, .errnum = EIO, .persistent = true},
	};
	int started = 0, failed = 0;
	struct storerig r;
	char crashed[300];
	long n;

	(void)state;
	leave_crashed(&r, crashed);
	n = count_calls_of_a_start(&r, crashed);
	assert_true(n > 10);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		for (long k = 1; k <= n; k += step() > 1 ? 2 : 1) {
			faults[i].k = k;
			if (start_with(&r, crashed, faults[i]))
				started++;
			else
				failed++;
		}
	assert_true(started > 0 && failed > 0);
	storerig_remove_tree(crashed);
	storerig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_call_that_fails_once_loses_and_doubles_nothing),
	    cmocka_unit_test(a_call_that_fails_after_its_work_doubles_nothing),
	    cmocka_unit_test(a_disk_that_fails_for_a_while_loses_nothing),
	    cmocka_unit_test(a_full_disk_loses_nothing),
	    cmocka_unit_test(short_writes_lose_nothing),
	    cmocka_unit_test(a_start_on_a_failing_disk_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
