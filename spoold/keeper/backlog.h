/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backlog - how long a target's oldest record has waited, and how much there
 * is.
 *
 * Each batch's header says how many bytes of payload were stored before it, so
 * what lies between two places costs two headers, however much it is: a thread
 * of the pool looks at those around the gaps of a target's settled set, four
 * times a second for the targets that have moved.  What came in since is added
 * as it comes.  A batch counts whole until all of it is settled.
 */
#ifndef SPOOLD_KEEPER_BACKLOG_H
#define SPOOLD_KEEPER_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "spoold/keeper/keeper.h"

struct backlog; /* opaque */

struct backlog *backlog_new(struct keeper *k);

/* When it was received, wall clock; 0 if nothing is owed or not known yet. */
int64_t backlog_oldest(const struct backlog *b, const struct cursors_target *t);

/* Stored bytes that it is owed, as of the last look; false: not known yet. */
bool backlog_bytes(
    const struct backlog *b, const struct cursors_target *t, uint64_t *bytes);

/* Call when a look that begins now, or none, is needed for exact figures. */
void backlog_when_exact(struct backlog *b, const struct cursors_target *t,
    void (*then)(void *arg), void *arg);

#endif
