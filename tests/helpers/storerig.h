/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storerig - a store in a directory of its own, and a model of what it owes.
 *
 * Each batch bears a mark, and its bytes follow from the mark.  What was
 * committed is kept in the model; storerig_verify reads everything back and
 * compares: each record once, in place, unaltered, or reported as damage.
 */
#ifndef TESTS_HELPERS_STORERIG_H
#define TESTS_HELPERS_STORERIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store/store.h"

#define STORERIG_EVENTS 16
#define STORERIG_MIB (1024ull * 1024)

struct storerig_ack {
	uint64_t number, first_rec, mark;
	uint32_t records, len;
};

struct storerig {
	char dir[256];
	char why[256];
	struct store_options o;
	struct store *s;
	struct storerig_ack *ack; /* the model */
	size_t acks, cap;
	uint64_t next_mark;
	uint64_t seed;
	uint32_t events[STORERIG_EVENTS]; /* how often each was told */
	uint64_t lied_from, lied_to;
	uint64_t replayed; /* batches that the last open handed out */
	int ack_fd; /* acks are written here too, if not -1 */
};

/* A fresh directory on a real disk; segments of 1 MiB, quota 64 MiB. */
void storerig_init(struct storerig *r, bool encrypt);
void storerig_fini(struct storerig *r);

/* Open, replay, and prepare spares; the error of the first that fails. */
int storerig_open(struct storerig *r);
void storerig_close(struct storerig *r);

/*
 * Commit one transaction of `batches` batches of about `len` bytes each; the
 * opening control batch goes first where the segment is fresh.  On success
 * it goes into the model.  An error is returned, nothing is retried.
 */
int storerig_put(struct storerig *r, unsigned batches, uint32_t len);

/* The same, but put again until it succeeds (at most three times). */
int storerig_put_surely(struct storerig *r, unsigned batches, uint32_t len);

struct storerig_sum {
	uint64_t batches, records;
	uint64_t lost_records; /* acknowledged, reported as damage */
	uint64_t silent_losses; /* acknowledged, not there, not reported */
	uint64_t doubles, alterations, strangers; /* strangers: never added */
	uint64_t unacknowledged; /* added, not acknowledged: allowed */
	uint64_t damages; /* reports */
	uint64_t damaged_records;
};

/* Read everything; the sum says what was found. */
void storerig_read_all(struct storerig *r, struct storerig_sum *sum);

/* It is all there, once, and nothing else is damaged. */
bool storerig_is_perfect(const struct storerig_sum *sum);

/* No wrong byte, and what is missing was reported. */
bool storerig_is_honest(const struct storerig_sum *sum);

/* Add what another process acknowledged. */
void storerig_learn(struct storerig *r, const struct storerig_ack *ack);

/* Forget a segment's records: it was recycled. */
void storerig_forget_below(struct storerig *r, uint64_t rec);

/* "DIR/seg/<id>.sp" of the nth segment, oldest first; false if none. */
bool storerig_segment_path(struct storerig *r, size_t nth, char path[512]);

/* Copy a directory tree. */
void storerig_copy_tree(const char *from, const char *to);
void storerig_remove_tree(const char *dir);

uint64_t storerig_random(struct storerig *r);

#endif
