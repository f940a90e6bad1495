/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child writes, rotates, recycles, closes and opens, and is killed at a
 * random moment; what it had acknowledged is there at the next start, and so
 * is the count of what was stored.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/storerig.h"

#define ROUNDS 40
#define KEEP_SEGMENTS 6

/* What the child tells: an acknowledgement, or that records were recycled. */
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
	if (store_recycle(r->s, &rows[0].uuid))
		_exit(91);
	if (store_prepare_spares(r->s))
		_exit(92);
}

static void
put_and_tell(struct storerig *r, int fd)
{
	unsigned n = 1 + (unsigned)(storerig_random(r) % 4);
	uint32_t len = 100 + (uint32_t)(storerig_random(r) % 30000);
	int rc = storerig_put(r, n, len);

	if (rc)
		_exit(93);
	for (unsigned i = 0; i < n; i++) {
		struct message m = {.ack = r->ack[r->acks - n + i]};

		tell(fd, &m);
	}
}

static void
child(struct storerig *r, int fd)
{
	struct store_meta_item item = {bytes_of_str("k"), bytes_of_str("v")};
	int rc = storerig_open(r);

	if (rc)
		_exit(94);
	for (;;) {
		put_and_tell(r, fd);
		recycle_oldest(r, fd);
		if (storerig_random(r) % 8 == 0 &&
		    store_meta_put(r->s, &item, 1))
			_exit(95);
		if (storerig_random(r) % 40 == 0) {
			storerig_close(r);
			if (storerig_open(r))
				_exit(96);
		}
	}
}

static void
learn(struct storerig *r, const struct message *m, uint64_t *below)
{
	if (!m->recycled_below) {
		storerig_learn(r, &m->ack);
		return;
	}
	storerig_forget_below(r, m->recycled_below);
	*below = m->recycled_below;
}

/* As the keeper does with each RECYCLE entry that it finds in the log. */
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
run_and_kill(struct storerig *r, uint64_t *below)
{
	uint64_t wanted = storerig_random(r) % 60;
	struct timespec nap = {0, (long)(storerig_random(r) % 3000000)};
	struct message m;
	int pipes[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pipes[0]);
		child(r, pipes[1]);
	}
	close(pipes[1]);
	for (uint64_t n = 0; n < wanted; n++) {
		if (read(pipes[0], &m, sizeof(m)) != (ssize_t)sizeof(m))
			break;
		learn(r, &m, below);
	}
	nanosleep(&nap, NULL); /* any moment within a transaction */
	kill(pid, SIGKILL);
	while (read(pipes[0], &m, sizeof(m)) == (ssize_t)sizeof(m))
		learn(r, &m, below);
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status))
		fail_msg("the child ended by itself: %d", WEXITSTATUS(status));
	r->next_mark += 200;
}

static void
nothing_acknowledged_is_lost_by_kill_9(void **state)
{
	struct storerig_sum sum;
	struct storerig r;
	uint64_t below = 0;

	(void)state;
	storerig_init(&r, true);
	r.o.segment_bytes = STORERIG_MIB / 2;
	for (int round = 0; round < ROUNDS; round++) {
		int rc;

		run_and_kill(&r, &below);
		rc = storerig_open(&r);
		if (rc)
			fail_msg(
			    "round %d: %s: %s", round, err_name(rc), r.why);
		finish_recycling(&r, below);
		storerig_read_all(&r, &sum);
		if (!storerig_is_honest(&sum) || sum.damages)
			fail_msg("round %d: silent %lu doubles %lu altered "
				 "%lu strangers %lu damages %lu",
			    round, (unsigned long)sum.silent_losses,
			    (unsigned long)sum.doubles,
			    (unsigned long)sum.alterations,
			    (unsigned long)sum.strangers,
			    (unsigned long)sum.damages);
		storerig_close(&r);
	}
	storerig_fini(&r);
}

/* Every header says what was stored before it; the sum of all. */
static uint64_t
follow_data(struct storerig *r)
{
	struct store_cursor *c;
	struct store_damage d;
	struct store_batch b;
	uint64_t sum = 0, batches = 0;
	struct buf copy;

	buf_init(&copy, 1 << 20);
	assert_int_equal(store_cursor_open_number(r->s, 1, &c), 0);
	while (!store_cursor_next(c, true, &copy, &b, &d)) {
		assert_int_equal(b.header.data_before, sum);
		if (b.header.kind == BATCH_DATA)
			sum += b.header.stored_len;
		batches++;
	}
	assert_true(batches > 0);
	store_cursor_close(c);
	buf_fini(&copy);
	return sum;
}

static void
check_data(struct storerig *r)
{
	struct store_info info;

	store_info(r->s, &info);
	assert_true(info.data_bytes > 0);
	assert_int_equal(follow_data(r), info.data_bytes);
}

/* Over segments, a clean stop, and a stop that was none. */
static void
each_header_says_how_much_was_stored_before_it(void **state)
{
	struct storerig r;
	char copy[300];
	int i;

	(void)state;
	storerig_init(&r, true);
	assert_int_equal(storerig_open(&r), 0);
	for (i = 0; i < 60; i++)
		assert_int_equal(storerig_put(&r, 3, 20000), 0);
	check_data(&r);
	storerig_close(&r);
	assert_int_equal(storerig_open(&r), 0);
	check_data(&r);
	assert_int_equal(storerig_put(&r, 3, 20000), 0);
	check_data(&r);
	snprintf(copy, sizeof(copy), "%s.crashed", r.dir);
	storerig_copy_tree(r.dir, copy);
	storerig_close(&r);
	storerig_copy_tree(copy, r.dir);
	storerig_remove_tree(copy);
	assert_int_equal(storerig_open(&r), 0);
	check_data(&r);
	assert_int_equal(storerig_put(&r, 3, 20000), 0);
	check_data(&r);
	storerig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_acknowledged_is_lost_by_kill_9),
	    cmocka_unit_test(each_header_says_how_much_was_stored_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
