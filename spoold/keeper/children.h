/* SPDX-License-Identifier: Apache-2.0 */
/*
 * children - what this spool has of each spool below it (RULES.md 8).
 *
 * The key is (certificate UUID, incarnation).  What was handed over is a set
 * of intervals of the child's record numbers, each with the content digest of
 * the batch that ends it, at most 1,024.  As for streams there is an accepted
 * and a durable state.  Rules: no I/O, time is given.
 */
#ifndef SPOOLD_KEEPER_CHILDREN_H
#define SPOOLD_KEEPER_CHILDREN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/codec/entry.h"
#include "spoold/keeper/htable.h"

#define CHILDREN_INTERVALS_MAX 1024
#define CHILDREN_INCARNATIONS_MAX 8 /* kept of one child */
#define CHILDREN_MAX 4096

struct children_set {
	struct entry_child_interval *iv; /* sorted, never touching */
	size_t n, cap;
};

enum children_part { CHILDREN_NONE, CHILDREN_SOME, CHILDREN_ALL };

/* How much of [from, to) is in the set. */
enum children_part children_part_of(
    const struct children_set *set, uint64_t from, uint64_t to);

/*
 * Add [from, to), whatever of it is there already; `digest` is of the batch
 * that ends it, or zeros.  ERR_LIMIT: one interval too many, nothing changed.
 */
int children_set_add(struct children_set *set, uint64_t from, uint64_t to,
    const uint8_t digest[BATCH_DIGEST_SIZE]);

/* The end of the last interval, 0 if there is none. */
uint64_t children_set_end(const struct children_set *set);

/* Append the intervals as CHILD_STATE and CHAIN_STATE carry them. */
void children_set_encode(const struct children_set *set, struct buf *b);

/* Replace the set by n encoded intervals; ERR_FORMAT. */
int children_set_decode(
    struct children_set *set, uint32_t n, struct bytes encoded);

struct child {
	struct htable_node node;
	struct uuid child, incarnation;
	struct children_set accepted, durable;
	uint64_t seen_us; /* spool time */
	uint32_t queued; /* items that are not yet durable */
	uint32_t opens; /* connections that refer to it */
};

struct children {
	struct htable table;
};

void children_init(struct children *c, uint64_t seed);
void children_fini(struct children *c);
void children_clear(struct children *c);

struct child *children_find(const struct children *c, const struct uuid *child,
    const struct uuid *incarnation);

/*
 * Find or make.  May remove the least recently seen incarnation of the same
 * child that is not in use.  ERR_LIMIT.
 */
int children_take(struct children *c, const struct uuid *child,
    const struct uuid *incarnation, uint64_t now_us, struct child **out);

struct child *children_next(const struct children *c, const struct child *ch);

#endif
