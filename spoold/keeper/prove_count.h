/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prove_count - what the log has: the count that prove judges by.
 *
 * Reads the opening checkpoint of the oldest segment that has a whole one,
 * then all headers from there on, and, if something cannot be read, the
 * QUARANTINE entries.  Only prove.c includes it.
 */
#ifndef SPOOLD_KEEPER_PROVE_COUNT_H
#define SPOOLD_KEEPER_PROVE_COUNT_H

#include "spoold/keeper/ledger.h"
#include "spoold/keeper/prove.h"
#include "spoold/keeper/reader.h"

/* Record numbers that no batch can be read for. */
struct prove_count_lost {
	uint64_t from, to;
};

/* A QUARANTINE entry. */
struct prove_count_aside {
	uint64_t from, to, count;
};

struct prove_count {
	struct store *store;
	struct prove_state *state;
	const _Atomic bool *stop;
	struct prove_result *r;
	struct reader *reader; /* resolves streams */
	struct ledger opening; /* the state at the first counted batch */
	uint32_t entries; /* of the opening checkpoint, so far */
	struct counters counted;
	struct prove_count_lost *lost;
	struct prove_count_aside *aside;
	size_t losts, asides;
	/* Records whose listener and stream cannot be known any more. */
	uint64_t unattributed;
};

void prove_count_init(struct prove_count *c);
void prove_count_fini(struct prove_count *c);

/* ERR_NOENT: no segment has a whole checkpoint; ERR_STATE: *stop. */
int prove_count_run(struct prove_count *c);

#endif
