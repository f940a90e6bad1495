/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed_file - a file of prepared batches: payloads, then a table of them.
 */
#ifndef TESTS_BENCH_FEED_FILE_H
#define TESTS_BENCH_FEED_FILE_H

#include <stdint.h>

#include "agentlink/agentlink.h"
#include "tests/bench/feed.h"

struct feed_file; /* opaque; mapped into memory */

int feed_file_open(const char *path, struct feed_file **out);
void feed_file_close(struct feed_file *f);

uint64_t feed_file_batches(const struct feed_file *f);
uint64_t feed_file_records(const struct feed_file *f);
const struct feed_plan *feed_file_plan(const struct feed_file *f);

/* The i-th batch, borrowed from the map. */
void feed_file_at(
    const struct feed_file *f, uint64_t i, struct agentlink_batch *batch);

#endif
