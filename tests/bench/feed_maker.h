/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed_maker - records of mix-1 become batches, no record twice.
 *
 * The sequence of each record is moved by its part's share of the numbers, so
 * that the records of two parts differ whatever their seeds say.
 */
#ifndef TESTS_BENCH_FEED_MAKER_H
#define TESTS_BENCH_FEED_MAKER_H

#include <stdint.h>

#include "agentlink/agentlink.h"

#define FEED_MAKER_PARTS 80

struct feed_maker; /* opaque */

/* `part` below FEED_MAKER_PARTS. */
int feed_maker_new(uint64_t seed, unsigned part, uint32_t raw_max,
    uint32_t count_max, struct feed_maker **out);
void feed_maker_free(struct feed_maker *m);

/* The next batch, valid until the next call. */
int feed_maker_next(struct feed_maker *m, struct agentlink_batch *batch);

#endif
