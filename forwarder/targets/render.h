/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render - the records of a target_batch, one after the other.
 *
 * For targets that do not pass batches on as they are.  render_batch_new is
 * called on the loop and looks the streams up; the walk itself may run in
 * another thread if the batch was made with a copy of the bytes.  A walk
 * holds one unpacked batch (at most BATCH_RAW_MAX bytes), whatever comes.
 */
#ifndef FORWARDER_TARGETS_RENDER_H
#define FORWARDER_TARGETS_RENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder/targets/target.h"
#include "lib/digest/digest_origin.h"

struct render; /* opaque; unpacks, for one thread at a time */
struct render_batch; /* opaque */

struct render_range {
	/* Valid on the loop, until the target's reset. */
	const struct target_stream *stream;
	uint8_t id_prefix[DIGEST_ORIGIN_PREFIX_SIZE];
	bool wanted; /* by the target's `streams` setting */
	uint64_t first_seq;
	uint32_t count;
	uint32_t severities; /* as in batch_range */
	struct bytes path; /* the file it was read from, or empty */
};

struct render_record {
	struct bytes bytes; /* valid until the next render_begin */
	uint64_t rec;
	uint64_t seq;
	int64_t received_ns;
	int64_t event_ns; /* 0: not known */
	const struct render_range *range;
};

/*
 * Look up what the batch speaks of.  With `copy` it stands for itself, also
 * when the pump has taken the batch back.  ERR_FORMAT: not well formed, or of
 * a stream that nobody defined; ERR_NOMEM.
 */
int render_batch_new(struct target_host *h, const struct target_batch *batch,
    bool copy, struct render_batch **out);
void render_batch_free(struct render_batch *b);

uint64_t render_batch_first(const struct render_batch *b);
uint32_t render_batch_records(const struct render_batch *b);

/* Bytes of the payload, as packed. */
size_t render_batch_cost(const struct render_batch *b);

/*
 * The most runs of records, wanted or not wanted in turn, that the batch can
 * have.
 */
uint32_t render_batch_runs(const struct render_batch *b);

int render_new(struct render **out);
void render_free(struct render *r);

/*
 * Unpack a batch and stand before its first record; b must outlive the walk.
 * ERR_FORMAT, ERR_LIMIT, ERR_UNSUPPORTED (codec), ERR_NOMEM.
 */
int render_begin(struct render *r, const struct render_batch *b);

/* The next record, also of streams that are not wanted. */
bool render_next(struct render *r, struct render_record *out);

/* The record's origin id; returns text. */
char *render_id(const struct render_record *record,
    char text[static DIGEST_ORIGIN_TEXT_SIZE]);

#endif
