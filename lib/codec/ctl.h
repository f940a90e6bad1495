/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl - frames of the control socket, between spoolctl and the keeper.
 *
 * A frame is a length, a kind and a payload.  Both sides use this: what is
 * inside JSON payloads is theirs, the bytes around it are here.  Nothing is
 * read past a limit that the caller gives, whatever the other side claims.
 * The bytes and the verbs are specified in doc/protocol-control.md.
 */
#ifndef LIB_CODEC_CTL_H
#define LIB_CODEC_CTL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"

#define CTL_VERSION 1 /* "v" of a request */
#define CTL_HEADER_SIZE 5
#define CTL_REQUEST_MAX 65536u /* bytes of a request's payload */
#define CTL_ANSWER_MAX (8u * 1024 * 1024) /* of one frame of an answer */
#define CTL_HEAD_MAX 65536u /* of the JSON before a batch */

enum ctl_kind {
	CTL_JSON = 1, /* a request; what ends an answer */
	CTL_STREAM = 2, /* JSON: a stream, before the batches that name it */
	CTL_BATCH = 3, /* a stored batch: see struct ctl_batch */
};

struct ctl_frame {
	enum ctl_kind kind;
	struct bytes payload; /* borrowed from the input */
};

/*
 * The first frame of `in`: *frame, and *used bytes to take off.  ERR_AGAIN:
 * not whole yet.  ERR_LIMIT: its payload is longer than `max`; ERR_FORMAT: no
 * such kind, or no payload.  Both are told from the header alone.
 */
int ctl_next(
    struct bytes in, size_t max, struct ctl_frame *frame, size_t *used);

/* Append a frame; out->err says if there was room. */
void ctl_put(struct buf *out, enum ctl_kind kind, struct bytes payload);

/* A stored batch, decrypted and still packed. */
struct ctl_batch {
	struct bytes head; /* JSON: first_rec, records, codec, raw_len ... */
	struct bytes
	    ranges; /* doc/format-batch.md; stream = id of CTL_STREAM */
	struct bytes payload; /* the columns, packed as codec says */
};

/* Take the payload of a CTL_BATCH apart; borrowed.  ERR_FORMAT, ERR_LIMIT. */
int ctl_batch_decode(struct bytes in, struct ctl_batch *batch);

/* Append a whole CTL_BATCH frame; out->err says if there was room. */
void ctl_put_batch(struct buf *out, const struct ctl_batch *batch);

#endif
