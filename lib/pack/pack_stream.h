/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack_stream - compression of a file that grows, as a row of frames.
 *
 * A file cut where pack_stream_end returned is a whole .zst file; what was
 * added up to a pack_stream_flush can be read back, though the frame is still
 * open there.  So a position to go back to is always an end, never a flush.
 * Nothing here does I/O: packed bytes are appended to a buf of the caller's.
 */
#ifndef LIB_PACK_PACK_STREAM_H
#define LIB_PACK_PACK_STREAM_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"

struct pack_stream; /* opaque */

/* Levels as in pack.h; ERR_RANGE, ERR_NOMEM. */
int pack_stream_new(int level, struct pack_stream **out);
void pack_stream_free(struct pack_stream *s);

/*
 * Pack further bytes; opens a frame if none is open.  What comes out now is
 * appended to `out`, the rest stays inside.  ERR_LIMIT, ERR_NOMEM if `out`
 * cannot take it: the frame is lost then, and the caller cuts its file at the
 * last end and begins with pack_stream_reset.
 */
int pack_stream_add(struct pack_stream *s, struct bytes raw, struct buf *out);

/* Let out all that was added.  The frame stays open.  Errors as above. */
int pack_stream_flush(struct pack_stream *s, struct buf *out);

/* Close the frame, if one is open.  Errors as above. */
int pack_stream_end(struct pack_stream *s, struct buf *out);

/* Forget an open frame. */
void pack_stream_reset(struct pack_stream *s);

/* Whether a frame is open: something was added since the last end. */
bool pack_stream_is_open(const struct pack_stream *s);

#endif
