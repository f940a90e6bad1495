/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prove - does conservation hold?  By counting, never by subtraction.
 *
 * From the opening checkpoint of the oldest segment on, all batches' headers
 * are counted: what each listener stored, what each target should have, and
 * what of that it has not settled.  That must agree with the counters, which
 * were kept one by one as things happened (DESIGN.md 2, RULES.md 4).
 * Any thread; reads headers and control batches only.
 */
#ifndef SPOOLD_KEEPER_PROVE_H
#define SPOOLD_KEEPER_PROVE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store/store.h"
#include "spoold/keeper/counters.h"
#include "spoold/keeper/cursors.h"

/* The live state at one moment: what is below next_number was durable. */
struct prove_state {
	uint64_t next_number, next_rec;
	struct counters counters;
	struct cursors cursors;
};

void prove_state_copy(struct prove_state *to, uint64_t next_number,
    uint64_t next_rec, const struct counters *counters,
    const struct cursors *cursors);
void prove_state_fini(struct prove_state *s);

/* received = stored + duplicate + refused */
struct prove_listener {
	const char *name;
	uint64_t received, stored, duplicate, refused; /* stored: counted */
	uint64_t counter_stored; /* must be the same */
	bool holds;
};

/* stored = the sum of the terms + pending */
struct prove_target {
	const char *name;
	uint64_t stored, pending; /* both counted */
	const uint64_t *term;
	bool holds;
};

struct prove_result {
	struct prove_listener *listener;
	struct prove_target *target;
	size_t listeners, targets;
	uint64_t batches, records, unreadable;
	bool holds;
	bool cannot_tell; /* a checkpoint or definitions could not be read */
};

/*
 * Names are borrowed from s.  0, or why it could not be counted: ERR_STATE when
 * *stop became true.
 */
int prove_run(struct store *store, const struct prove_state *s,
    const _Atomic bool *stop, struct prove_result *result);
void prove_result_fini(struct prove_result *r);

#endif
