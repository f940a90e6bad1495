/* SPDX-License-Identifier: Apache-2.0 */
/*
 * states - whether every state that a power cut may leave is good.
 *
 * usage: states [--states N] [--seed S] [--jobs J] LOG...
 *        states --at PLACE --state SEED [--keep DIR] LOG    one again
 *        states --list FROM-TO LOG              what happened there
 *
 * Takes recorded logs (record.c), makes states of random places (disk.c) as
 * directories, opens each in a child process with the real store, and holds
 * it against what had been promised by then (judge.c).  Places just after
 * syncs, renames, failures and marks are likelier than others.  The last line
 * counts; a bad state is told with how to see it again, and exit is 1.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/digest/digest.h"
#include "tests/crash/disk.h"
#include "tests/crash/judge.h"
#include "tests/crash/tree.h"

#define VARIANTS 8 /* states a place */
#define CLASSES 10

struct options {
	size_t states;
	uint64_t seed;
	unsigned jobs;
	size_t at; /* one state only */
	uint64_t state;
	const char *keep; /* it is left there, as nobody looked */
	const char *list;
};

struct log {
	const char *path;
	struct oplog_op *ops;
	size_t n;
};

/* Operation numbers, by what makes the place after them interesting. */
struct class
{
	size_t *op;
	size_t n;
};

struct tally {
	size_t states, bad;
	size_t by_writes[DISK_KEPTS];
};

static void
die(const char *what)
{
	fprintf(stderr, "states: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* ---- choosing places ------------------------------------------------------
 */

static unsigned
class_of(const struct oplog_op *op)
{
	bool durable = op->head.flags & OPLOG_DURABLE;

	switch (op->head.type) {
	case OPLOG_WRITE:
		return op->head.flags & OPLOG_FAILED ? 1 : durable ? 2 : 0;
	case OPLOG_SYNC:
		return 3;
	case OPLOG_SYNC_FAILED:
		return 4;
	case OPLOG_SYNC_DIR:
		return 5;
	case OPLOG_RENAME:
		return 6;
	case OPLOG_MARK:
		return 7;
	case OPLOG_TRUNCATE:
		return 8;
	default:
		return 9;
	}
}

static void
sort_in(const struct log *log, struct class class[CLASSES])
{
	for (unsigned c = 0; c < CLASSES; c++) {
		class[c].op = calloc(log->n, sizeof(size_t));
		if (!class[c].op)
			die("memory");
	}
	for (size_t i = 0; i < log->n; i++) {
		struct class *c = &class[class_of(&log->ops[i])];

		c->op[c->n++] = i;
	}
}

static int
by_number(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

/* `n` places in order, half of them in a class chosen first. */
static size_t *
choose_places(const struct log *log, size_t n, struct rng *rng)
{
	struct class class[CLASSES] = {0};
	size_t *place = calloc(n, sizeof(*place));

	if (!place)
		die("memory");
	sort_in(log, class);
	for (size_t i = 0; i < n; i++) {
		const struct class *c = &class[rng_below(rng, CLASSES)];

		place[i] = rng_below(rng, log->n + 1);
		if (c->n && rng_below(rng, 4))
			place[i] =
			    c->op[rng_below(rng, c->n)] + rng_below(rng, 4);
		if (place[i] > log->n)
			place[i] = log->n;
	}
	for (unsigned c = 0; c < CLASSES; c++)
		free(class[c].op);
	qsort(place, n, sizeof(*place), by_number);
	return place;
}

/* ---- one state ------------------------------------------------------------
 */

/* A second start must show what the first one showed, and what it added. */
static bool
judge_state(const char *dir, const struct promise *p, bool twice, char *why)
{
	struct judge_past past = {0};
	bool ok = judge_child(dir, p, &past, twice, why);

	if (ok && twice)
		ok = judge_child(dir, p, &past, false, why);
	return ok;
}

static void
try_state(const struct disk *d, size_t at, const struct promise *p,
    const char *dir, uint64_t seed, const char *keep, struct tally *t)
{
	struct rng rng = {seed};
	enum disk_kept writes = (enum disk_kept)rng_below(&rng, DISK_KEPTS);
	enum disk_kept names = (enum disk_kept)rng_below(&rng, DISK_KEPTS);
	bool twice = rng_below(&rng, 3) == 0;
	struct rng again = rng;
	char why[JUDGE_WHY];

	disk_write(d, dir, writes, names, &rng);
	if (keep)
		disk_write(d, keep, writes, names, &again);
	t->states++;
	t->by_writes[writes]++;
	if (!judge_state(dir, p, twice, why)) {
		t->bad++;
		printf("BAD --at %zu --state %" PRIu64
		       ": writes %s, names %s%s: %s\n",
		    at, seed, disk_kept_name(writes), disk_kept_name(names),
		    twice ? ", twice" : "", why);
	}
	tree_remove(dir);
}

/* ---- all of them ----------------------------------------------------------
 */

static void
state_dir(char dir[static PATH_MAX])
{
	snprintf(
	    dir, PATH_MAX, "%s/spoold-states-%d", tree_scratch(), getpid());
}

static void
work(const struct log *log, size_t states, uint64_t seed, struct tally *t)
{
	struct rng rng = {seed};
	struct promise p = {0};
	size_t places = (states + VARIANTS - 1) / VARIANTS, told = 0;
	size_t *place = choose_places(log, places, &rng);
	struct disk *d = disk_new(log->ops, log->n);
	char dir[PATH_MAX];

	state_dir(dir);
	for (size_t i = 0; i < places; i++) {
		disk_advance(d, place[i]);
		for (; told < place[i]; told++)
			promise_on_op(&p, &log->ops[told]);
		if (!p.segment_bytes)
			continue;
		for (unsigned v = 0; v < VARIANTS; v++)
			try_state(
			    d, place[i], &p, dir, rng_next(&rng), NULL, t);
	}
	disk_free(d);
	free(place);
}

static bool
one_again(const struct log *log, const struct options *o)
{
	struct disk *d = disk_new(log->ops, log->n);
	struct promise p = {0};
	struct tally t = {0};
	char dir[PATH_MAX];

	state_dir(dir);
	disk_advance(d, o->at);
	for (size_t i = 0; i < o->at; i++)
		promise_on_op(&p, &log->ops[i]);
	try_state(d, o->at, &p, dir, o->state, o->keep, &t);
	disk_free(d);
	return t.bad == 0;
}

static void
list(const struct log *log, const char *range)
{
	static const char *const names[] = {"?", "create", "mkdir", "write",
	    "truncate", "sync", "sync-failed", "sync-dir", "rename", "unlink",
	    "mark"};
	size_t from = 0, to = 0;

	if (sscanf(range, "%zu-%zu", &from, &to) != 2)
		die(range);
	for (size_t i = from; i <= to && i < log->n; i++) {
		const struct oplog_head *h = &log->ops[i].head;
		bool text = h->type != OPLOG_WRITE && log->ops[i].data;
		const char *first = text ? (const char *)log->ops[i].data : "";

		printf("%zu %s inode %" PRIu64 " off %" PRIu64 " len %" PRIu64
		       "%s%s%s %s %s\n",
		    i, names[h->type], h->inode, h->off, h->len,
		    h->flags & OPLOG_ZERO ? " zero" : "",
		    h->flags & OPLOG_DURABLE ? " durable" : "",
		    h->flags & OPLOG_FAILED ? " failed" : "", first,
		    h->type == OPLOG_RENAME ? first + strlen(first) + 1 : "");
	}
}

static void
work_all(const struct log *log, int logs, unsigned job, const struct options *o,
    struct tally *t)
{
	size_t share = o->states / (size_t)logs / o->jobs;

	for (int i = 0; i < logs; i++)
		work(&log[i], share ? share : 1,
		    o->seed * 1000003 + (uint64_t)i * 1009 + job, t);
}

static void
start_job(const struct log *log, int logs, unsigned job,
    const struct options *o, int to)
{
	struct tally t = {0};
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return;
	work_all(log, logs, job, o, &t);
	fflush(stdout);
	_exit(write(to, &t, sizeof(t)) != sizeof(t));
}

static void
parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"states", 1, NULL, 'n'},
	    {"seed", 1, NULL, 's'}, {"jobs", 1, NULL, 'j'},
	    {"keep", 1, NULL, 'k'}, {"at", 1, NULL, 'a'},
	    {"state", 1, NULL, 'S'}, {"list", 1, NULL, 'l'},
	    {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0)
		switch (c) {
		case 'n':
			o->states = strtoull(optarg, NULL, 10);
			break;
		case 's':
			o->seed = strtoull(optarg, NULL, 10);
			break;
		case 'j':
			o->jobs = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'k':
			o->keep = optarg;
			break;
		case 'a':
			o->at = strtoull(optarg, NULL, 10);
			break;
		case 'S':
			o->state = strtoull(optarg, NULL, 10);
			break;
		case 'l':
			o->list = optarg;
			break;
		default:
			exit(2);
		}
}

static bool
sum_up(int from, const struct options *o)
{
	struct tally all = {0}, t;
	unsigned jobs = 0;

	while (read(from, &t, sizeof(t)) == sizeof(t)) {
		jobs++;
		all.states += t.states;
		all.bad += t.bad;
		for (int i = 0; i < DISK_KEPTS; i++)
			all.by_writes[i] += t.by_writes[i];
	}
	for (int i = 0; i < DISK_KEPTS; i++)
		printf("%s %zu%s", disk_kept_name((enum disk_kept)i),
		    all.by_writes[i], i + 1 < DISK_KEPTS ? ", " : "\n");
	printf("%zu states, %zu bad, seed %llu\n", all.states, all.bad,
	    (unsigned long long)o->seed);
	return jobs == o->jobs && all.states > 0 && !all.bad;
}

int
main(int argc, char **argv)
{
	struct options o = {.states = 2000, .seed = 1, .jobs = 2};
	struct log *log;
	int fd[2], logs;
	bool ok;

	if (digest_warm_up()) /* so that not every child has to */
		die("digests");
	parse(argc, argv, &o);
	logs = argc - optind;
	log = calloc((size_t)logs + 1, sizeof(*log));
	if (logs < 1 || !o.jobs || !log || pipe(fd))
		die("usage");
	for (int i = 0; i < logs; i++) {
		log[i].path = argv[optind + i];
		log[i].ops = oplog_load(log[i].path, &log[i].n);
		if (!log[i].ops)
			die(log[i].path);
	}
	if (o.list) {
		list(log, o.list);
		return 0;
	}
	if (o.state)
		return !one_again(log, &o);
	fflush(stdout);
	for (unsigned job = 0; job < o.jobs; job++)
		start_job(log, logs, job, &o, fd[1]);
	close(fd[1]);
	ok = sum_up(fd[0], &o);
	while (wait(NULL) > 0)
		;
	return !ok;
}
