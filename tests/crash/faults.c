/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults - every write and every sync of a store's short life fails once.
 *
 * usage: faults [ENCRYPT [STEP]]        (0 or 1; under record.so)
 *
 * For each k, each error (EIO, ENOSPC, a short write) and each length of the
 * trouble (one operation, four, all that follow) the same life is lived in a
 * child: open, write with rotation, meta, recycling.  The k-th operation
 * fails.  Then the store is opened without faults, in a child too, and must
 * hold what was acknowledged, take more, and show it once again.  Of the
 * longer troubles only each STEP-th is tried (1: every one).
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/crash/judge.h"
#include "tests/crash/oplog.h"
#include "tests/crash/spool.h"
#include "tests/crash/tree.h"

#define SEGMENT_BYTES (512u << 10)
#define TRANSACTIONS 14
#define TRIES 3
#define LIFE_SECONDS 60

typedef void (*arm_fn)(
    const char *spec, unsigned long *seen, unsigned long *failed);

/* Shared with the child that lives. */
struct shared {
	struct promise promise;
	unsigned long failed;
	bool ended;
};

static arm_fn
find_arm(void)
{
	arm_fn fn;
	void *p = dlsym(RTLD_DEFAULT, "record_arm");

	if (!p) {
		fprintf(stderr, "faults: run this with record.so preloaded\n");
		exit(2);
	}
	memcpy(&fn, &p, sizeof(fn));
	return fn;
}

/* ---- the life --------------------------------------------------------------
 */

static bool
put(struct spool *s, struct promise *p)
{
	uint64_t number;

	p->sent[0] = p->ack[0] + 40;
	for (int i = 0; i < TRIES; i++)
		if (!spool_write(s, 0, p->ack[0], 2, 40, &number)) {
			p->ack[0] += 40;
			return true;
		}
	return false;
}

static void
put_meta(struct spool *s, struct promise *p)
{
	p->meta_sent++;
	p->meta_ack = spool_meta_put(s, p->meta_sent) ? 0 : p->meta_sent;
}

static void
recycle(struct spool *s, struct promise *p)
{
	struct store_segment seg[8];
	size_t n = store_segments(s->store, seg, 8);

	if (n < 2 || !seg[0].sealed)
		return;
	p->gone[0] = seg[0].next_rec - 1; /* one lane: record and seq agree */
	if (!spool_write_recycle(s, 0, p->ack[0], &seg[0]))
		spool_recycle(s);
}

static void
live(const char *dir, struct promise *p)
{
	char why[SPOOL_WHY];
	struct spool s;

	if (spool_open(dir, p->segment_bytes, p->encrypt, &s, why))
		return;
	store_prepare_spares(s.store);
	for (int i = 0; i < TRANSACTIONS; i++) {
		if (!put(&s, p))
			return; /* as a keeper does, to start anew */
		if (i % 5 == 3)
			put_meta(&s, p);
		if (i % 7 == 6) {
			recycle(&s, p);
			store_prepare_spares(s.store);
		}
	}
	spool_close(&s);
}

static bool
live_in_child(const char *dir, const char *spec, struct shared *sh)
{
	arm_fn arm = find_arm();
	unsigned long seen;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(LIFE_SECONDS);
		arm(spec, &seen, &sh->failed);
		live(dir, &sh->promise);
		arm("", &seen, &sh->failed);
		sh->ended = true;
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* ---- all of them ------------------------------------------------------------
 */

static bool
try(const char *spec, bool encrypt, struct shared *sh)
{
	const char *dir = getenv(OPLOG_ENV_DIR);
	struct judge_past past = {0};
	char why[JUDGE_WHY] = "";
	bool ok;

	memset(sh, 0, sizeof(*sh));
	sh->promise.segment_bytes = SEGMENT_BYTES;
	sh->promise.encrypt = encrypt;
	sh->promise.shorts = strstr(spec, "short") != NULL;
	ok = live_in_child(dir, spec, sh);
	if (!ok)
		snprintf(why, sizeof(why), "the store died or hung");
	if (ok)
		ok = judge_child(dir, &sh->promise, &past, true, why);
	if (ok)
		ok = judge_child(dir, &sh->promise, &past, false, why);
	if (!ok)
		printf("BAD %s, encrypt %d: %s\n", spec, encrypt, why);
	tree_remove(dir);
	return ok;
}

static bool
try_all(const char *how, const char *many, bool encrypt, unsigned long step,
    struct shared *sh, unsigned long *runs)
{
	unsigned long bad = 0, k = 1 - step;
	char spec[64];

	do {
		k += step;
		snprintf(spec, sizeof(spec), "any:%lu:%s:%s", k, how, many);
		bad += !try(spec, encrypt, sh);
		++*runs;
	} while (sh->failed);
	printf("%s, %s of them: each %lu-th up to the %lu-th, %lu bad\n", how,
	    *many == '0' ? "all" : many, step, k, bad);
	return bad == 0;
}

int
main(int argc, char **argv)
{
	static const char *const how[] = {"EIO", "ENOSPC", "short"};
	static const char *const many[] = {"1", "4", "0"};
	bool encrypt = argc > 1 && atoi(argv[1]), ok = true;
	unsigned long step = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	unsigned long runs = 0;
	struct shared *sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (sh == MAP_FAILED || !step || !getenv(OPLOG_ENV_DIR))
		abort();
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			if (!try_all(how[i], many[j], encrypt, j ? step : 1, sh,
				&runs))
				ok = false;
	printf("%lu runs with a fault each, %s\n", runs,
	    ok ? "all good" : "some BAD");
	return !ok;
}
