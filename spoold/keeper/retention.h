/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retention - what may go, and how much may still come in (RULES.md 4, 5).
 *
 * Segments go from the oldest on, once every target has settled all of their
 * records.  Near the quota ingest is given less and less room, and none at
 * the quota less the reserve.  Rules: no I/O.
 */
#ifndef SPOOLD_KEEPER_RETENTION_H
#define SPOOLD_KEEPER_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/store/store.h"
#include "spoold/keeper/cursors.h"

/*
 * The oldest segment that may go, or NULL: sealed, settled, and nothing older
 * than it is kept.  Segments are oldest first.
 */
const struct store_segment *retention_next(
    const struct cursors *c, const struct store_segment *segments, size_t n);

/*
 * Payload that receivers may have unanswered, of at most `memory`: all of it
 * up to 90 % of the quota less the reserve, then less, 0 at the limit.
 */
uint64_t retention_room(
    uint64_t used, uint64_t quota, uint64_t reserve, uint64_t memory);

/* 0, 50, 80 or 90: the highest mark that is reached, in percent. */
unsigned retention_mark(uint64_t used, uint64_t quota, uint64_t reserve);

#define RETENTION_DELTA_US (30ull * 1000000)
#define RETENTION_DELTA_BYTES ((uint64_t)32 << 20)

/*
 * A delta checkpoint is due: `bytes` were stored and age_us has passed since
 * the last; changed: a target's position has moved.
 */
bool retention_delta_is_due(uint64_t bytes, uint64_t age_us, bool changed);

#endif
