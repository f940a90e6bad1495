/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ivset - a set of numbers kept as sorted, disjoint, half-open intervals.
 *
 * What a target has settled, and what a parent has of a child, are such sets
 * of record numbers: one interval is the plain cursor.  The number of
 * intervals has a limit; reaching it is ERR_LIMIT and changes nothing.
 */
#ifndef LIB_CODEC_IVSET_H
#define LIB_CODEC_IVSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/codec/cursor.h"

struct iv {
	uint64_t from; /* first number in it */
	uint64_t to; /* first number after it */
};

struct ivset {
	struct iv *iv; /* sorted; never touching each other */
	size_t n;
	size_t cap;
	size_t limit;
};

void ivset_init(struct ivset *s, size_t limit);
void ivset_fini(struct ivset *s);
void ivset_clear(struct ivset *s);
/* `to` keeps its own limit: ERR_LIMIT if `from` has more; ERR_NOMEM. */
int ivset_copy(struct ivset *to, const struct ivset *from);

/*
 * Add [from, to); what is in it already is no error.  *added (if not NULL) is
 * how many numbers were new.  ERR_LIMIT, ERR_NOMEM, ERR_INVAL (from >= to).
 */
int ivset_add(struct ivset *s, uint64_t from, uint64_t to, uint64_t *added);

/*
 * Take [from, to) out; *removed (if not NULL) is how many were in it.  It may
 * split an interval: errors as of ivset_add.
 */
int ivset_remove(
    struct ivset *s, uint64_t from, uint64_t to, uint64_t *removed);

bool ivset_has(const struct ivset *s, uint64_t x);

/* How many numbers of [from, to) are in the set. */
uint64_t ivset_count_in(const struct ivset *s, uint64_t from, uint64_t to);

/* How many numbers are in the set. */
uint64_t ivset_count(const struct ivset *s);

/* The smallest number >= from that is not in the set. */
uint64_t ivset_first_gap(const struct ivset *s, uint64_t from);

/* The smallest number >= from in the set; false if there is none. */
bool ivset_first_in(const struct ivset *s, uint64_t from, uint64_t *x);

/* The end of the last interval, 0 if the set is empty. */
uint64_t ivset_end(const struct ivset *s);

bool ivset_equal(const struct ivset *a, const struct ivset *b);

/* varint n, then for each: varint gap since the last end, varint length. */
void ivset_encode(const struct ivset *s, struct buf *b);

/*
 * Into an initialised set, replacing it; untouched on failure.  Errors go to
 * the cursor: ERR_FORMAT, ERR_LIMIT (the set's), ERR_NOMEM.
 */
void ivset_decode(struct cursor *c, struct ivset *s);

#endif
