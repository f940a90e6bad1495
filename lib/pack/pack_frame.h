/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack_frame - what the first bytes of a Zstandard frame say (RFC 8878).
 *
 * Private to lib/pack.  Read here and not by the library, because the library
 * tells window and descriptor only through functions that it calls unstable.
 */
#ifndef LIB_PACK_PACK_FRAME_H
#define LIB_PACK_PACK_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"

struct pack_frame {
	uint64_t window; /* bytes a decoder has to remember */
	uint64_t raw_len;
	bool has_raw_len;
	bool has_dictionary;
};

/* ERR_FORMAT: cut short, a reserved bit, a skippable frame, or no frame. */
int pack_frame_read(struct bytes in, struct pack_frame *out);

#endif
