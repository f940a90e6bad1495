/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child is killed at each named fail point of the store, at its first and
 * at a later passage; what it had acknowledged is there at the next start.
 * Needs a build with --enable-failpoints; skipped otherwise.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/storerig.h"

#define STEPS 60
#define KEEP_SEGMENTS 3

static const char *const points[] = {
    "store-folders-made",
    "store-lock-open",
    "store-spare-written",
    "store-activate-before-rename",
    "store-activate-renamed",
    "store-activated",
    "store-keys-between",
    "store-header-put",
    "store-commit-before",
    "store-commit-after",
    "store-seal-before",
    "store-seal-after",
    "store-truncate",
    "store-recycle-begin",
    "store-recycle-keys",
    "store-recycle-renamed",
    "store-recycle-fresh",
    "store-meta-before",
    "store-meta-after",
    "store-close",
};

struct message {
	uint64_t recycled_below; /* 0: none */
	struct storerig_ack ack;
};

static void
tell(int fd, const struct message *m)
{
	if (write(fd, m, sizeof(*m)) != (ssize_t)sizeof(*m))
		_exit(90);
}

static void
recycle_oldest(struct storerig *r, int fd)
{
	struct store_segment rows[64];
	struct message m = {0};

	if (store_segments(r->s, rows, 64) <= KEEP_SEGMENTS)
		return;
	m.recycled_below = rows[1].first_rec;
	tell(fd, &m);
	if (store_recycle(r->s, &rows[0].uuid) || store_prepare_spares(r->s))
		_exit(91);
}

/* A life that passes every fail point more than once. */
static void
child(struct storerig *r, int fd)
{
	struct store_meta_item item = {bytes_of_str("k"), bytes_of_str("v")};

	if (storerig_open(r))
		_exit(94);
	for (int i = 0; i < STEPS; i++) {
		if (storerig_put(r, 2, 15000))
			_exit(93);
		for (size_t n = 2; n > 0; n--) {
			struct message m = {.ack = r->ack[r->acks - n]};

			tell(fd, &m);
		}
		recycle_oldest(r, fd);
		if (store_meta_put(r->s, &item, 1))
			_exit(95);
		if (i % 9 == 8) {
			storerig_close(r);
			if (storerig_open(r))
				_exit(96);
			store_raise_numbers(
			    r->s, r->ack[r->acks - 1].first_rec + 100, 0);
		}
	}
	storerig_close(r);
	_exit(0);
}

static void
run_child(struct storerig *r, const char *point, int k, uint64_t *below)
{
	char value[80];
	struct message m;
	int pipes[2], status;
	pid_t pid;

	snprintf(value, sizeof(value), "%s:%d", point, k);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pipes[0]);
		setenv("SPOOLD_FAILPOINT", value, 1);
		child(r, pipes[1]);
	}
	close(pipes[1]);
	while (read(pipes[0], &m, sizeof(m)) == (ssize_t)sizeof(m)) {
		if (!m.recycled_below) {
			storerig_learn(r, &m.ack);
			continue;
		}
		storerig_forget_below(r, m.recycled_below);
		*below = m.recycled_below;
	}
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg(
		    "%s: was not hit (exit %d)", value, WEXITSTATUS(status));
}

static void
finish_recycling(struct storerig *r, uint64_t below)
{
	struct store_segment rows[64];
	size_t n = store_segments(r->s, rows, 64);

	for (size_t i = 0; i + 1 < n; i++)
		if (rows[i + 1].first_rec <= below)
			assert_int_equal(store_recycle(r->s, &rows[i].uuid), 0);
}

static void
kill_at(const char *point, int k)
{
	struct storerig_sum sum;
	struct storerig r;
	uint64_t below = 0;
	int rc;

	storerig_init(&r, true);
	r.o.segment_bytes = STORERIG_MIB / 2;
	run_child(&r, point, k, &below);
	r.next_mark += 10;
	for (int start = 0; start < 2; start++) {
		rc = storerig_open(&r);
		if (rc)
			fail_msg("%s:%d: %s", point, k, r.why);
		finish_recycling(&r, below);
		storerig_read_all(&r, &sum);
		if (!storerig_is_honest(&sum) || sum.lost_records)
			fail_msg("%s:%d: silent %lu doubles %lu altered %lu "
				 "lost %lu",
			    point, k, (unsigned long)sum.silent_losses,
			    (unsigned long)sum.doubles,
			    (unsigned long)sum.alterations,
			    (unsigned long)sum.lost_records);
		assert_int_equal(storerig_put(&r, 2, 9000), 0);
		storerig_close(&r);
	}
	storerig_fini(&r);
}

static void
nothing_acknowledged_is_lost_at_any_fail_point(void **state)
{
	(void)state;
#ifndef WITH_FAILPOINTS
	skip();
#endif
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		kill_at(points[i], 1);
		kill_at(points[i], 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_acknowledged_is_lost_at_any_fail_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
