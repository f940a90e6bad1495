/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peek - stored batches as they come over the control socket, back to records.
 *
 * The keeper sends batches packed, so that looking costs it nothing; here they
 * are unpacked, with every length checked, and each record gets its origin id.
 * The frames are specified in doc/protocol-control.md, what is in a batch in
 * doc/format-batch.md.
 */
#ifndef ADMIN_PEEK_H
#define ADMIN_PEEK_H

#include <jansson.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/digest/digest_origin.h"

#define PEEK_STREAMS_MAX 65536 /* in one answer */

struct peek; /* opaque */

/* One record; borrowed during the call. */
struct peek_record {
	uint64_t rec;
	char id[DIGEST_ORIGIN_TEXT_SIZE];
	const json_t *stream; /* its frame of kind 2 */
	uint64_t seq;
	int64_t received_ns;
	struct bytes bytes;
};

/* Other than 0 ends the batch and is returned. */
typedef int peek_fn(const struct peek_record *record, void *arg);

int peek_new(struct peek **out); /* ERR_NOMEM */
void peek_free(struct peek *p);

/* A frame of kind 2.  ERR_FORMAT, ERR_LIMIT, ERR_EXISTS, ERR_NOMEM. */
int peek_stream(struct peek *p, struct bytes payload);

/*
 * A frame of kind 3: each of its records that was asked for.  ERR_FORMAT,
 * ERR_LIMIT, ERR_UNSUPPORTED (codec), ERR_NOENT (a stream that was not told).
 */
int peek_batch(struct peek *p, struct bytes payload, peek_fn *fn, void *arg);

/*
 * The object that `queue peek` prints; "text" if the record is UTF-8, else
 * "base64".  NULL without memory.
 */
json_t *peek_row(const struct peek_record *record);

#endif
