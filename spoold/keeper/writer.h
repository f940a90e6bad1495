/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer - the one thread that writes the log.
 *
 * It takes all that is queued as one transaction (no timer: what arrives
 * during a flush is the next group), control entries first, and hands back
 * what is durable.  After a failed commit the same items go again, in the same
 * order, behind the cut that the store makes (RULES.md 3).  The writer owns
 * the store's writing side and the ledger from start to stop.
 */
#ifndef SPOOLD_KEEPER_WRITER_H
#define SPOOLD_KEEPER_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/loop/loop.h"
#include "lib/store/store.h"
#include "spoold/keeper/clock_rules.h"
#include "spoold/keeper/committed.h"
#include "spoold/keeper/item.h"
#include "spoold/keeper/ledger.h"

struct writer; /* opaque */

/* What one commit made durable; both lists in order, now the callee's. */
struct writer_done {
	struct item *items;
	struct committed *committed;
	uint64_t next_number; /* batches below it are durable */
	uint64_t next_rec;
};

struct writer_events {
	/* On the loop's thread. */
	void (*on_done)(struct writer_done *done, void *arg);
	/* The store has no room for data, or has some again. */
	void (*on_full)(bool full, void *arg);
	/* A commit failed; text names it.  Nothing was lost. */
	void (*on_failed)(int rc, void *arg);
};

/* The ledger must have been replayed; it is the writer's until it stops. */
int writer_start(struct loop *l, struct store *s, struct ledger *ledger,
    const struct clock_rules *clock, const struct writer_events *events,
    void *arg, struct writer **out);

/* Queue; the item is the writer's until on_done. */
void writer_submit(struct writer *w, struct item *it);

/* Space was freed: try again what found no room. */
void writer_try_again(struct writer *w);

/* For how long the transaction on its way has not come back; 0: none is. */
unsigned writer_busy_ms(struct writer *w);

/* Nothing is queued or being committed, and on_done has been called. */
bool writer_is_idle(struct writer *w);

/*
 * Commit what is queued (but for what finds no room), end the thread and call
 * on_done a last time.  No callback comes after it.  NULL is allowed.
 */
void writer_stop(struct writer *w);

#endif
