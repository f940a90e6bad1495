/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack - compression: one batch is one independent Zstandard frame.
 *
 * A frame says its raw length, needs no dictionary and no window past 8 MiB.
 * pack_unpack refuses everything else before it spends memory or time on it,
 * so it may be shown bytes from anybody.  A context is used again and again,
 * by one thread at a time.  Which frames are accepted: doc/format-pack.md.
 */
#ifndef LIB_PACK_PACK_H
#define LIB_PACK_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"

#define PACK_LEVEL_MIN 1
#define PACK_LEVEL_MAX 19
#define PACK_WINDOW_MAX (8U << 20) /* bytes */
#define PACK_RATIO_MAX 1000 /* raw to packed ... */
#define PACK_RATIO_FROM (1U << 20) /* ... for more raw bytes than this */

struct pack; /* opaque; made for both directions, pays for those it is used */

/* A context that compresses at `level`; ERR_RANGE, ERR_NOMEM. */
int pack_new(int level, struct pack **out);
void pack_free(struct pack *p);

/* The most bytes that raw_len bytes can be packed into. */
size_t pack_bound(size_t raw_len);

/*
 * Pack into one frame, which pack_unpack takes: bytes so uniform that the
 * frame would look like a bomb are packed less tightly.  *out_len is set to
 * its length.  ERR_LIMIT if `cap` bytes are not enough: pack_bound(raw.len)
 * always is.
 */
int pack_compress(struct pack *p, struct bytes raw, uint8_t *out, size_t cap,
    size_t *out_len);

/*
 * Unpack a frame that was announced with raw_len bytes, and append them to
 * `out`.  ERR_LIMIT: raw_len is above `limit` or the buf's limit, the window
 * too large, or the ratio that of a bomb.  ERR_FORMAT: not exactly one frame
 * of exactly raw_len bytes that says so.  ERR_NOMEM.  On failure `out` has
 * the bytes that it had, and no error of its own.
 */
int pack_unpack(struct pack *p, struct bytes in, size_t raw_len, size_t limit,
    struct buf *out);

/* The same to memory with room for raw_len bytes (changed on failure too). */
int pack_unpack_to(struct pack *p, struct bytes in, size_t raw_len,
    size_t limit, uint8_t *out);

/* All of the checks and none of the work: what pack_unpack would refuse. */
int pack_check(struct bytes in, size_t raw_len, size_t limit);

#endif
