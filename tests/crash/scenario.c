/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario - a store's life with everything in it that can go wrong, to be
 * recorded: rotation, recycling, failed commits and syncs, meta, kills.
 *
 * usage: scenario DIR SEED OPERATIONS
 *
 * Runs under record.so.  Each life is a process of its own: it opens the
 * store as it finds it, takes what it reads for acknowledged (it would be
 * answered ALREADY, and delivered), writes, and is closed or killed.  Marks
 * in the log say what was promised (promise.h).
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/crash/oplog.h"
#include "tests/crash/rng.h"
#include "tests/crash/spool.h"

#define SEGMENT_BYTES (512u << 10)
#define TRIES 12 /* of one transaction; faults are over before that */
#define SEGMENTS_MAX 64
#define LANE 0
#define EXIT_GAVE_UP 3

typedef void (*arm_fn)(
    const char *spec, unsigned long *seen, unsigned long *failed);

struct life {
	const char *dir;
	struct rng rng;
	struct spool spool;
	arm_fn arm;
	uint64_t last; /* acknowledged */
	uint64_t sent;
	uint64_t meta;
	/* Where segments end: batch number and seq of each transaction. */
	struct {
		uint64_t number, last;
	} * txn;
	size_t txns, txn_cap;
};

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "scenario: %s: %s\n", what, why);
	exit(1);
}

/* ---- faults ---------------------------------------------------------------
 */

static arm_fn
find_arm(void)
{
	arm_fn fn;
	void *p = dlsym(RTLD_DEFAULT, "record_arm");

	if (!p)
		die("record_arm", "run this with record.so preloaded");
	memcpy(&fn, &p, sizeof(fn));
	return fn;
}

static void
arm(struct life *l, const char *spec)
{
	unsigned long seen, failed;

	l->arm(spec, &seen, &failed);
}

static void
arm_some_fault(struct life *l)
{
	static const char *const what[] = {"write", "sync", "any"};
	static const char *const how[] = {"EIO", "ENOSPC", "short"};
	char spec[64];

	snprintf(spec, sizeof(spec), "%s:%" PRIu64 ":%s:%" PRIu64,
	    what[rng_below(&l->rng, 3)], 1 + rng_below(&l->rng, 12),
	    how[rng_below(&l->rng, 3)], 1 + rng_below(&l->rng, 4));
	arm(l, spec);
}

static void
arm_kill(struct life *l, uint64_t within)
{
	char spec[64];

	snprintf(spec, sizeof(spec), "any:%" PRIu64 ":kill",
	    1 + rng_below(&l->rng, within));
	arm(l, spec);
}

/* ---- writing --------------------------------------------------------------
 */

static void
note_txn(struct life *l, uint64_t number, uint64_t last)
{
	if (l->txns == l->txn_cap) {
		l->txn_cap = l->txn_cap ? l->txn_cap * 2 : 64;
		l->txn = realloc(l->txn, l->txn_cap * sizeof(*l->txn));
		if (!l->txn)
			abort();
	}
	l->txn[l->txns].number = number;
	l->txn[l->txns++].last = last;
}

/* A transaction that failed is put again, the same records. */
static int
write_some(struct life *l)
{
	unsigned batches = 1 + (unsigned)rng_below(&l->rng, 3);
	uint32_t count = batches + (uint32_t)rng_below(&l->rng, 40);
	uint64_t number;
	int rc = ERR_IO;

	if (l->last + count > l->sent)
		l->sent = l->last + count;
	oplog_mark("sent %d %" PRIu64, LANE, l->sent);
	for (int i = 0; rc && i < TRIES; i++) {
		if (i == TRIES / 2)
			arm(l, "");
		rc = spool_write(
		    &l->spool, LANE, l->last, batches, count, &number);
	}
	if (rc)
		return rc;
	l->last += count;
	oplog_mark("ack %d %" PRIu64, LANE, l->last);
	note_txn(l, number, l->last);
	return 0;
}

static void
put_meta(struct life *l)
{
	oplog_mark("meta-sent %" PRIu64, l->meta + 1);
	l->meta++;
	if (!spool_meta_put(&l->spool, l->meta))
		oplog_mark("meta-ack %" PRIu64, l->meta);
	else
		oplog_mark("meta-lost");
}

/* The last seq among the batches below a number. */
static uint64_t
last_below(const struct life *l, uint64_t number)
{
	uint64_t last = 0;

	for (size_t i = 0; i < l->txns; i++)
		if (l->txn[i].number <= number && l->txn[i].last > last)
			last = l->txn[i].last;
	return last;
}

/*
 * A reader stands in the oldest segment while it is to be recycled: it must
 * read on as if nothing were, whatever becomes of the recycling.
 */
static struct store_cursor *
stand_in(struct life *l, const struct store_segment *seg)
{
	struct store_cursor *c;

	if (store_cursor_open_number(l->spool.store, seg->first_number, &c))
		die("a reader", "cannot be opened");
	return c;
}

static void
read_on(struct store_cursor *c, const struct store_segment *seg)
{
	struct store_batch batch;
	struct store_damage d;
	struct buf copy;

	buf_init(&copy, 16u << 20);
	for (uint64_t n = seg->first_number; n < seg->next_number; n++) {
		int rc = store_cursor_next(c, false, &copy, &batch, &d);

		if (rc || batch.header.number != n)
			die("a reader",
			    rc == ERR_CORRUPT ? d.why
				: rc	      ? err_name(rc)
				     : "another batch, recycled under it");
	}
	buf_fini(&copy);
	store_cursor_close(c);
}

static int
recycle_oldest(struct life *l)
{
	struct store_segment seg[SEGMENTS_MAX];
	size_t n = store_segments(l->spool.store, seg, SEGMENTS_MAX);
	struct store_cursor *reader = NULL;
	uint64_t gone;
	int rc;

	if (n < 4 || !seg[0].sealed)
		return 0;
	gone = last_below(l, seg[1].first_number);
	if (gone)
		oplog_mark("gone %d %" PRIu64, LANE, gone);
	rc = ERR_IO;
	for (int i = 0; rc && i < TRIES; i++) {
		if (i == TRIES / 2)
			arm(l, "");
		rc = spool_write_recycle(&l->spool, LANE, l->last, &seg[0]);
	}
	/* One that was begun before may have lost its key already. */
	if (!rc && l->spool.recycles == 1 && rng_coin(&l->rng))
		reader = stand_in(l, &seg[0]);
	/* One that fails now is in the next checkpoint, and tried again. */
	spool_recycle(&l->spool);
	if (reader) {
		read_on(reader, &seg[0]);
		spool_recycle(&l->spool);
	}
	return rc;
}

/* ---- a life ---------------------------------------------------------------
 */

static void
on_data(
    void *arg, unsigned lane, uint64_t from, uint64_t to, uint64_t next_number)
{
	(void)lane;
	(void)from;
	note_txn(arg, next_number, to);
}

/* What a start finds is believed: it is answered ALREADY, and delivered. */
static void
believe(struct life *l)
{
	struct spool_sum sum;
	char why[SPOOL_WHY];

	l->spool.on_data = on_data;
	l->spool.arg = l;
	if (spool_read(&l->spool, &sum, why))
		die("reading", why);
	l->last = sum.last[LANE] ? sum.last[LANE] : l->spool.replayed[LANE];
	l->sent = l->last;
	if (l->last)
		oplog_mark("ack %d %" PRIu64, LANE, l->last);
	l->meta = sum.meta;
	oplog_mark("meta-sent %" PRIu64, l->meta + 1);
}

static int
step(struct life *l)
{
	uint64_t what = rng_below(&l->rng, 20);

	if (what == 0)
		arm_some_fault(l);
	else if (what == 1)
		arm(l, "");
	else if (what == 2 || what == 3)
		put_meta(l);
	else if (what < 7)
		return recycle_oldest(l);
	else if (what == 7)
		store_prepare_spares(l->spool.store);
	else
		return write_some(l);
	return 0;
}

static void
live(struct life *l, bool encrypt, uint64_t steps)
{
	char why[SPOOL_WHY];
	bool kill_it = rng_coin(&l->rng);
	int rc;

	l->arm = find_arm();
	if (kill_it && rng_coin(&l->rng))
		arm_kill(l, 60); /* while it opens, or soon after */
	rc = spool_open(l->dir, SEGMENT_BYTES, encrypt, &l->spool, why);
	if (rc)
		die("opening", why);
	believe(l);
	for (uint64_t i = 0; !rc && i < steps; i++)
		rc = step(l);
	if (rc)
		exit(EXIT_GAVE_UP); /* as a keeper does, to start anew */
	if (kill_it)
		arm_kill(l, 20);
	else
		arm(l, "");
	for (int i = 0; i < 4; i++)
		write_some(l);
	spool_close(&l->spool);
	exit(0);
}

static void
run_life(struct life *l, bool encrypt, uint64_t steps)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		live(l, encrypt, steps);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("fork", "failed");
	if (WIFEXITED(status) &&
	    (!WEXITSTATUS(status) || WEXITSTATUS(status) == EXIT_GAVE_UP))
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return;
	die("a life", "ended in an error");
}

int
main(int argc, char **argv)
{
	uint64_t seed, steps;
	bool encrypt;
	struct rng rng;

	if (argc != 4) {
		fprintf(stderr, "usage: scenario DIR SEED STEPS\n");
		return 2;
	}
	seed = strtoull(argv[2], NULL, 10);
	steps = strtoull(argv[3], NULL, 10);
	rng = (struct rng){seed};
	encrypt = rng_coin(&rng);
	oplog_mark("store %u %d", SEGMENT_BYTES, encrypt);
	while (steps > 0) {
		struct life l = {.dir = argv[1]};
		uint64_t n = 1 + rng_below(&rng, 60);

		n = n < steps ? n : steps;
		l.rng.state = rng_next(&rng);
		run_life(&l, encrypt, n);
		steps -= n;
	}
	return 0;
}
