/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upkeep - what the keeper does from time to time.
 *
 * Four times a second: room for the receivers by the quota; positions and
 * counters to meta; segments that every target has settled are given back.
 * Every 30 s or 32 MiB a delta checkpoint.  Spare segments in a thread of the
 * pool.
 */
#ifndef SPOOLD_KEEPER_UPKEEP_H
#define SPOOLD_KEEPER_UPKEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "spoold/keeper/keeper.h"

struct upkeep *upkeep_new(struct keeper *k);

/* This much payload has become durable. */
void upkeep_on_durable(struct upkeep *u, uint64_t bytes);
/* From any thread: a segment was opened or given back. */
void upkeep_want_spares(struct upkeep *u);

/* Queue a delta checkpoint now, if anything has changed. */
void upkeep_delta(struct upkeep *u);

/*
 * The first record that is held and stays so: a segment whose RECYCLE is on
 * its way counts as gone.
 */
uint64_t upkeep_oldest_rec(const struct upkeep *u);

/* Finish what the log says was to be given back. */
void upkeep_finish_recycles(
    struct upkeep *u, const struct uuid *segment, size_t n);

/* No job is begun any more. */
void upkeep_stop(struct upkeep *u);

#endif
