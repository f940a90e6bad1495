/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readback_lane - what a lane should have stored, record by record.
 *
 * Fed from the same feed as the load generator was; the stored batches of the
 * lane are held against it in order.
 */
#ifndef TESTS_BENCH_READBACK_LANE_H
#define TESTS_BENCH_READBACK_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/uuid.h"
#include "lib/codec/batch.h"
#include "lib/pack/pack.h"
#include "tests/bench/feed.h"

struct readback_lane {
	unsigned number;
	struct uuid epoch; /* of the run that is looked for */
	uint64_t acked; /* sequence number up to which it must be there */
	uint64_t next_seq; /* that is to be found next */
	uint64_t bytes; /* of the records that were found */
	/* The feed's batch in hand, as far as it was not found yet. */
	struct agentlink_batch batch;
	bool has_batch;
	uint32_t taken; /* records of it that were found */
	struct buf raw; /* unpacked; when the records are looked at */
	struct batch_columns_iter iter;
};

/*
 * The lane's first record here is `seq`, the first of a batch: pass over the
 * feed before it.  ERR_GAP if no batch begins there, or another error.
 */
int readback_lane_begin_at(
    struct readback_lane *l, struct feed *f, uint64_t seq);

/*
 * Is this payload, byte for byte, the feed's next batch?  Then it is taken:
 * the digest and every record are what was sent.
 */
bool readback_lane_take_whole(struct readback_lane *l, struct feed *f,
    uint32_t records, uint8_t codec, struct bytes payload);

/* Is this the feed's next record?  0, or ERR_DIGEST, or another error. */
int readback_lane_take_record(struct readback_lane *l, struct feed *f,
    struct pack *pack, struct bytes record);

#endif
