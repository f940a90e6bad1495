/* SPDX-License-Identifier: Apache-2.0 */
/*
 * htable - a hash table of nodes that lie in the things they find.
 *
 * The table owns its slots, never the things.  The seed is random in the
 * program, so that a neighbour cannot choose keys that collide.
 */
#ifndef SPOOLD_KEEPER_HTABLE_H
#define SPOOLD_KEEPER_HTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/bytes.h"

struct htable_node {
	struct htable_node *next;
	uint64_t hash;
};

struct htable {
	struct htable_node **slot;
	size_t slots; /* a power of two */
	size_t n;
	uint64_t seed;
};

void htable_init(struct htable *t, uint64_t seed);
void htable_fini(struct htable *t);

/* Mix further bytes into a hash; begin with t->seed. */
uint64_t htable_hash(uint64_t hash, struct bytes x);

struct htable_node *htable_find(const struct htable *t, uint64_t hash,
    bool (*is)(const struct htable_node *node, const void *key),
    const void *key);
void htable_add(struct htable *t, struct htable_node *node, uint64_t hash);
void htable_remove(struct htable *t, struct htable_node *node);

/*
 * The node after `node`, in no order; the first if NULL; NULL at the end.
 * While walking, only a node that was passed already may be removed.
 */
struct htable_node *htable_next(
    const struct htable *t, const struct htable_node *node);

#endif
