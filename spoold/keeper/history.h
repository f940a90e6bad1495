/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history - how much was stored, hour by hour, over the last seven days.
 *
 * The days of autonomy are measured by it, so it is kept in meta and outlives
 * the keeper; without meta it begins anew, for it is a figure and nothing
 * depends on it.  Hours are of spool time (RULES.md 11).  Rules: no I/O, time
 * is given.
 */
#ifndef SPOOLD_KEEPER_HISTORY_H
#define SPOOLD_KEEPER_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/codec/entry.h"

struct history {
	uint64_t since_us; /* spool time when it began */
	uint64_t hour; /* number of the hour that is filled */
	uint64_t bytes[ENTRY_HISTORY_HOURS]; /* round and round */
	uint64_t stored, raw; /* since it began */
	bool changed; /* since it was last cleared */
};

void history_begin(struct history *h, uint64_t now_us);
void history_add(
    struct history *h, uint64_t now_us, uint64_t stored, uint64_t raw);

/* Seconds that are remembered, and what was stored in them. */
uint64_t history_window(
    const struct history *h, uint64_t now_us, uint64_t *stored);

void history_encode(const struct history *h, struct buf *b);
/* One that is of the future, or not sound, is not taken over. */
void history_decode(
    struct history *h, const struct entry_history *e, uint64_t now_us);

#endif
