/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack_reader - a .zst file back to bytes, as its packed bytes come in.
 *
 * Takes any row of Zstandard frames with windows of at most 8 MiB, as
 * pack_stream writes them; needs no sizes in their headers.  Nothing here
 * does I/O.  The output's limit bounds what one call unpacks.
 */
#ifndef LIB_PACK_PACK_READER_H
#define LIB_PACK_PACK_READER_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"

struct pack_reader; /* opaque */

int pack_reader_new(struct pack_reader **out); /* ERR_NOMEM */
void pack_reader_free(struct pack_reader *r);

/*
 * Unpack from the front of *in until it is empty or `out` is at its limit,
 * and take off it what was used.  Call again with an empty *in as long as
 * `out` was filled: there may be more inside.  ERR_FORMAT for what is no
 * frame, or a damaged one, ERR_LIMIT for a larger window; ERR_NOMEM.
 */
int pack_reader_add(struct pack_reader *r, struct bytes *in, struct buf *out);

/* Whether a frame has begun and not ended: the file was cut here. */
bool pack_reader_is_open(const struct pack_reader *r);

#endif
