/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flips - a spool with one thing damaged loses nothing silently.
 *
 * usage: flips [COUNT [SEED]]
 *
 * A bit flipped, a page torn or a page zeroed, anywhere in the segments or in
 * meta.  The store must open; each record it shows must be right; what it does
 * not show must be what it reports as damaged, no more and no less; and it
 * must go on.  Each verdict is passed by a child, so that a crash is one too.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/crash/damage.h"
#include "tests/crash/spool.h"

#define SEGMENT_BYTES (512u << 10)
#define TRANSACTIONS 60
#define PER_TRANSACTION 30
#define LAST (TRANSACTIONS * PER_TRANSACTION)
#define CHILD_SECONDS 60

/* Records that the spool holds, and those that a go-on adds. */
#define MORE 10
#define ALL (LAST + MORE)

/* ---- a spool to damage ------------------------------------------------------
 */

/* Left as by kill -9 if not clean; one lane, so that record and seq agree. */
static void
make_spool(const char *dir, bool encrypt, bool clean)
{
	uint64_t last = 0, number;
	char why[SPOOL_WHY];
	struct spool s;
	pid_t pid = fork();

	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (pid)
		return;
	if (spool_open(dir, SEGMENT_BYTES, encrypt, &s, why))
		abort();
	for (uint64_t i = 0; i < TRANSACTIONS; i++) {
		if (spool_write(&s, 0, last, 2, PER_TRANSACTION, &number) ||
		    spool_meta_put(&s, i + 1))
			abort();
		last += PER_TRANSACTION;
	}
	if (clean)
		spool_close(&s);
	_exit(0);
}

/* ---- judging
 * ------------------------------------------------------------------ */

/* By record number. */
struct seen {
	uint8_t there[ALL + 1], lost[ALL + 1];
	uint64_t missing; /* of the first LAST */
	char why[SPOOL_WHY]; /* empty if all is well */
};

static void
on_data(
    void *arg, unsigned lane, uint64_t from, uint64_t to, uint64_t next_number)
{
	struct seen *seen = arg;

	(void)lane;
	(void)next_number;
	for (uint64_t i = from; i <= to && i <= ALL; i++)
		seen->there[i] = 1;
}

static void
on_damage(void *arg, uint64_t from, uint64_t to)
{
	struct seen *seen = arg;

	for (uint64_t i = from; i < to && i <= ALL; i++)
		seen->lost[i] = 1;
}

static void
compare(struct seen *seen, uint64_t last)
{
	for (uint64_t i = 1; i <= last; i++) {
		seen->missing += !seen->there[i];
		if (!seen->there[i] == !seen->lost[i])
			snprintf(seen->why, sizeof(seen->why),
			    "record %" PRIu64 " is %s", i,
			    seen->there[i] ? "there, and reported as lost"
					   : "lost, and nothing is said");
	}
}

/* In a child.  The first look also goes on; the second finds that as well. */
static void
look(const char *dir, bool encrypt, bool first, struct seen *seen)
{
	struct spool_sum sum;
	struct spool s;
	uint64_t number;

	if (spool_open(dir, SEGMENT_BYTES, encrypt, &s, seen->why))
		return;
	s.on_data = on_data;
	s.on_damage = on_damage;
	s.arg = seen;
	if (spool_read(&s, &sum, seen->why))
		return;
	if (sum.meta > TRANSACTIONS)
		snprintf(seen->why, sizeof(seen->why), "meta is wrong");
	if (first && spool_write(&s, 0, LAST, 1, MORE, &number))
		snprintf(seen->why, sizeof(seen->why), "it does not go on");
	if (!*seen->why)
		compare(seen, LAST);
	for (uint64_t i = LAST + 1; !first && i <= ALL; i++)
		if (!seen->there[i])
			snprintf(seen->why, sizeof(seen->why),
			    "what was added afterwards is lost");
}

static void
look_in_child(const char *dir, bool encrypt, bool first, struct seen *seen)
{
	int status;
	pid_t pid;

	memset(seen, 0, sizeof(*seen));
	pid = fork();
	if (pid == 0) {
		alarm(CHILD_SECONDS);
		look(dir, encrypt, first, seen);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		snprintf(seen->why, sizeof(seen->why),
		    "the store died, status %#x", (unsigned)status);
}

/* ---- all of them
 * ---------------------------------------------------------------- */

struct tally {
	uint64_t done, reported, bad;
};

static void
try(const char *from, bool encrypt, uint64_t seed, struct seen *seen,
    struct tally *t)
{
	struct rng rng = {seed};
	char text[DAMAGE_TEXT], dir[PATH_MAX];
	struct tree tree;

	snprintf(
	    dir, sizeof(dir), "%s/spoold-flip-%d", tree_scratch(), getpid());
	tree_load(&tree, from);
	damage_tree(&tree, &rng, text);
	tree_write(&tree, dir);
	tree_fini(&tree);
	look_in_child(dir, encrypt, true, seen);
	t->reported += seen->missing != 0;
	if (!*seen->why)
		look_in_child(dir, encrypt, false, seen);
	t->done++;
	if (*seen->why) {
		t->bad++;
		printf("BAD seed %" PRIu64 ", %s: %s\n", seed, text, seen->why);
	}
	tree_remove(dir);
}

int
main(int argc, char **argv)
{
	uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
	struct rng rng = {argc > 2 ? strtoull(argv[2], NULL, 10) : 1};
	struct seen *seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct tally t = {0};
	char dir[PATH_MAX];

	if (seen == MAP_FAILED)
		abort();
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(
	    dir, sizeof(dir), "%s/spoold-flips-%d", tree_scratch(), getpid());
	for (int kind = 0; kind < 4; kind++) {
		make_spool(dir, kind & 1, kind & 2);
		for (uint64_t i = 0; i < count / 4; i++)
			try(dir, kind & 1, rng_next(&rng), seen, &t);
		tree_remove(dir);
	}
	printf("%" PRIu64 " damaged spools: %" PRIu64 " with records lost and "
	       "reported exactly, %" PRIu64 " bad\n",
	    t.done, t.reported, t.bad);
	return t.bad != 0;
}
