/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed - the batches of a load run, lane by lane, the same each time.
 *
 * A lane is what one connection sends: one stream.  The load generator takes
 * a lane's batches to send them, and the reader-back takes them once more to
 * compare, so both open the same feed.  A feed either reads files of batches
 * that were prepared once (feed_prepare), lane i of n taking every n-th batch,
 * or makes the batches as it goes.  One thread.
 * The files are a cache of this build, in this machine's byte order; what
 * makes them: doc/bench.md.
 */
#ifndef TESTS_BENCH_FEED_H
#define TESTS_BENCH_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "agentlink/agentlink.h"

#define FEED_PARTS_MAX 16
#define FEED_LANES_MAX 4096
#define FEED_LIVE_LANES_MAX 64

struct feed; /* opaque */

/* What is prepared. */
struct feed_plan {
	uint64_t records;
	uint32_t raw_max; /* bytes of columns in a batch */
	uint32_t count_max; /* records in a batch */
	unsigned
	    part; /* below FEED_PARTS_MAX; parts have no record in common */
};

/*
 * Make a file of batches, unless it is there and of the same plan.  ERR_IO
 * and others.
 */
int feed_prepare(const struct feed_plan *plan, const char *path);

/* Feed from prepared files; ERR_FORMAT if one is none, ERR_IO. */
int feed_open(
    const char *const *paths, unsigned n, unsigned lanes, struct feed **out);

/* Feed that makes its batches as it goes; `run` makes runs differ. */
int feed_open_live(
    uint32_t raw_max, unsigned run, unsigned lanes, struct feed **out);

void feed_free(struct feed *f);

/*
 * The next batch of a lane; ERR_NOENT at its end.  Of a prepared feed the
 * payload stays valid until feed_free (feed_is_stable), else until the next
 * call.
 */
int feed_next(struct feed *f, unsigned lane, struct agentlink_batch *batch);
bool feed_is_stable(const struct feed *f);

/* Records of all lanes together; 0 for a live one, which has no end. */
uint64_t feed_records(const struct feed *f);

#define FEED_NAME_SIZE 16

/* The name of a lane's stream; returns name. */
char *feed_lane_name(unsigned lane, char name[static FEED_NAME_SIZE]);
/* The lane of a stream's name; ERR_FORMAT. */
int feed_lane_of(const char *name, size_t len, unsigned *lane);

#endif
