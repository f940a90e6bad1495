/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters - what each listener has received, and what became of it.
 *
 * received = stored + duplicate + refused, each counted where it happens and
 * none from the others; `stored` can be counted again from the batches.
 * Rules: no I/O.
 */
#ifndef SPOOLD_KEEPER_COUNTERS_H
#define SPOOLD_KEEPER_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/codec/entry.h"

#define COUNTERS_MAX 1024

struct counters_row {
	char name[ENTRY_NAME_MAX + 1];
	uint64_t received, stored, duplicate, refused, acknowledged;
};

struct counters {
	struct counters_row *row;
	size_t n;
	bool changed; /* since it was last cleared */
};

void counters_fini(struct counters *c);
void counters_clear(struct counters *c);

/*
 * The row of a listener, made if need be; valid until the next call.  Past
 * 1,024 names all others share the last row.
 */
struct counters_row *counters_of(struct counters *c, struct bytes listener);

/* Records of which nothing is stored. */
void counters_unstored(struct counters *c, struct bytes listener,
    uint64_t duplicate, uint64_t refused);

/*
 * Take over a COUNTERS entry.  `whole`: all of it, from a full checkpoint.
 * Otherwise what stores nothing: the rest is counted from the batches, which
 * are in the log whether or not the entry saw them.  An entry that is older
 * than what is known changes nothing.
 */
void counters_apply(
    struct counters *c, const struct entry_counters *e, bool whole);

void counters_encode(const struct counters *c, struct buf *b);

#endif
