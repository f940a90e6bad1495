/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meta - the keeper's newer positions and counters in the store's meta.
 *
 * Saved at most four times a second, never by the writing thread, one save at
 * a time; all of it can be lost and is rebuilt from the log, at the price of a
 * resend (RULES.md 4).  Keys and values: doc/format-meta.md.
 */
#ifndef SPOOLD_KEEPER_META_H
#define SPOOLD_KEEPER_META_H

#include <stdbool.h>

#include "spoold/keeper/keeper.h"

struct meta *meta_new(struct keeper *k);

/*
 * After replay: take over into the live state what is newer than the log.
 * Counters and positions that are then ahead of the log are remembered as
 * changed, so that the next delta carries them.
 */
void meta_load(struct keeper *k);

/* The history, once spool time is known. */
void meta_load_history(struct keeper *k);

/* Begin a save if something has changed and none is running. */
void meta_tick(struct meta *m);

/* Save in this thread; for the end. */
void meta_save_now(struct meta *m);

#endif
