/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table - the row of segments by id, and what of each counts.
 *
 * The cut: a batch of any earlier segment, numbered past what a later
 * segment's header names as the last that counts, does not exist.  Call with
 * the store's lock held, but for loading, when nobody else is there.
 */
#ifndef LIB_STORE_TABLE_H
#define LIB_STORE_TABLE_H

#include "lib/store/store_internal.h"

/* What the scan of seg/ found that is no segment (yet). */
struct table_rest {
	uint64_t empty[STORE_SPARES_MAX]; /* ids: opened, nothing committed */
	size_t empties;
	uint64_t spare[STORE_SPARES_MAX];
	size_t spares;
};

/* Read the directory; nothing is written.  ERR_VERSION, ERR_IO, ERR_NOMEM. */
int table_load(struct store *s, struct table_rest *rest);

/* Work out from the headers where each segment ends. */
void table_apply_cuts(struct store *s);

int table_add(struct store *s, struct segment *seg);
void table_remove(struct store *s, struct segment *seg); /* not freed */

struct segment *table_by_uuid(struct store *s, const struct uuid *segment);
struct segment *table_by_id(struct store *s, uint64_t id);

/* The committed one after `seg` (NULL: the first), or NULL. */
struct segment *table_next(struct store *s, const struct segment *seg);
struct segment *table_last(struct store *s);

/* The last that begins at or before this record or number, else the first. */
struct segment *table_for_rec(struct store *s, uint64_t rec);
struct segment *table_for_number(struct store *s, uint64_t number);

#endif
