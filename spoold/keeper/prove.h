/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prove - does conservation hold?  By counting, never by subtraction.
 *
 * From the opening checkpoint of the oldest segment on, all batches' headers
 * are counted: what each listener and each stream stored, what each target
 * should have, and what of that it has not settled.  That must agree with the
 * counters, which were kept one by one as things happened (DESIGN.md 2,
 * RULES.md 4).  Records that cannot be read any more are known by number, not
 * by origin: what counters of listeners and streams have more than was counted
 * must be found among them, and a target has them as quarantined.
 * Any thread; reads headers and control batches only.
 */
#ifndef SPOOLD_KEEPER_PROVE_H
#define SPOOLD_KEEPER_PROVE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store/store.h"
#include "spoold/keeper/counters.h"
#include "spoold/keeper/cursors.h"
#include "spoold/keeper/streams.h"

#define PROVE_DAMAGE_MAX 256 /* places that are told one by one */

enum prove_verdict { PROVE_HOLDS, PROVE_BROKEN, PROVE_UNTOLD };

/* received = stored + duplicate + refused + quarantined */
struct prove_stream {
	struct htable_node node;
	struct entry_stream_key key;
	const char *listener, *peer;
	struct entry_stream_counts live;
	uint64_t stored; /* counted */
	uint64_t quarantined; /* counted by nobody: cannot be read */
	enum prove_verdict verdict;
};

/* The live state at one moment: what is below next_number was durable. */
struct prove_state {
	uint64_t next_number, next_rec;
	struct counters counters;
	struct cursors cursors;
	struct prove_stream *stream;
	size_t streams;
	struct htable by_key;
	char *names; /* what the streams borrow from */
};

struct prove_live {
	uint64_t next_number, next_rec;
	const struct counters *counters;
	const struct cursors *cursors;
	const struct streams *streams;
};

void prove_state_copy(struct prove_state *to, const struct prove_live *live);
void prove_state_fini(struct prove_state *s);
struct prove_stream *prove_state_find(
    const struct prove_state *s, const struct entry_stream_key *key);

/* received = stored + duplicate + refused + quarantined */
struct prove_listener {
	const char *name;
	uint64_t received, stored, duplicate, refused; /* stored: counted */
	uint64_t quarantined; /* stored, and cannot be read */
	uint64_t counter_stored; /* must be stored + quarantined */
	bool holds;
};

/* stored = the sum of the terms + pending */
struct prove_target {
	const char *name;
	uint64_t stored, pending; /* both counted */
	uint64_t
	    backlog_bytes; /* of the batches that it is owed something of */
	const uint64_t *term;
	bool holds;
};

struct prove_result {
	struct prove_listener *listener;
	struct prove_target *target;
	size_t listeners, targets;
	struct store_damage damage[PROVE_DAMAGE_MAX]; /* the first ones */
	size_t damages; /* all */
	uint64_t batches, records;
	uint64_t unreadable; /* records in damaged places */
	uint64_t not_set_aside; /* of them: no QUARANTINE entry has them */
	uint64_t skipped; /* segments before the first whole checkpoint */
	size_t streams_broken, streams_untold;
	bool holds; /* nothing is broken */
	bool cannot_tell; /* no checkpoint to begin with, or untold streams */
};

/*
 * Names are borrowed from s, whose streams get their verdict.  0, or why it
 * could not be counted: ERR_STATE when *stop became true.
 */
int prove_run(struct store *store, struct prove_state *s,
    const _Atomic bool *stop, struct prove_result *result);
void prove_result_fini(struct prove_result *r);

#endif
