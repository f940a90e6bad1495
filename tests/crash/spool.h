/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool - a store of the crash tests: opened, replayed and read as a keeper
 * would, by the smallest amount of keeper there can be.
 *
 * Its control entries are those of the product: STREAM_DEF at the beginning of
 * a segment, STREAM_STATE in the opening checkpoint, RECYCLE.
 */
#ifndef TESTS_CRASH_SPOOL_H
#define TESTS_CRASH_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store/store.h"
#include "tests/crash/known.h"

#define SPOOL_QUOTA (64ull << 20)
#define SPOOL_WHY 512
#define SPOOL_RECYCLES 256

/* What reading everything from the beginning gave. */
struct spool_sum {
	uint64_t batches, records;
	uint64_t first[KNOWN_LANES], last[KNOWN_LANES]; /* seqs; 0 if none */
	uint64_t damages; /* reported by the store */
	uint64_t holes; /* of numbers, not reported */
	uint64_t gaps; /* of a lane, behind damage */
	uint64_t next_number, next_rec;
	uint64_t meta; /* the counter kept in meta; 0 if none */
};

struct spool {
	struct store *store;
	uint64_t replayed[KNOWN_LANES]; /* last seq as the replay says */
	struct entry_recycle recycle[SPOOL_RECYCLES]; /* said, not yet done */
	size_t recycles;
	uint64_t senseless; /* batches the replay could not understand */
	uint64_t told; /* events of damage */
	char event[SPOOL_WHY]; /* the last of them */
	/* If set, spool_read tells each data batch: seqs [from, to] ... */
	void (*on_data)(void *arg, unsigned lane, uint64_t from, uint64_t to,
	    uint64_t next_number);
	/* ... and records that cannot be read: [from, to). */
	void (*on_damage)(void *arg, uint64_t from, uint64_t to);
	void *arg;
};

/* Open, replay, finish what RECYCLE entries began.  why: SPOOL_WHY bytes. */
int spool_open(const char *dir, uint64_t segment_bytes, bool encrypt,
    struct spool *out, char *why);
void spool_close(struct spool *s);

/*
 * Read everything: each lane's records must be its records, in order, each
 * once; each number and record number one after the other.  Non-zero and a
 * sentence if they are not.  Damage that the store reports is counted; what
 * lies behind it may begin anew.
 */
int spool_read(struct spool *s, struct spool_sum *sum, char *why);

/*
 * One transaction that adds `count` records after `last` of a lane, in up to
 * `batches` batches; a fresh segment begins with its checkpoint.
 */
int spool_write(struct spool *s, unsigned lane, uint64_t last, unsigned batches,
    uint32_t count, uint64_t *number);

/*
 * Commit a RECYCLE entry for a segment.  lane, last: for the checkpoint, as
 * above.  Done by spool_recycle.
 */
int spool_write_recycle(struct spool *s, unsigned lane, uint64_t last,
    const struct store_segment *seg);

/* Recycle what was said; the error of the first that fails. */
int spool_recycle(struct spool *s);

/* The counter in meta. */
int spool_meta_put(struct spool *s, uint64_t value);

#endif
