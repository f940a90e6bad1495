/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chan_frame - the header of a frame between our processes; pure codec.
 *
 * The bytes are specified in doc/protocol-chan.md.
 */
#ifndef LIB_LINK_CHAN_FRAME_H
#define LIB_LINK_CHAN_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "lib/link/chan.h"

#define CHAN_FRAME_FD 0x0001U /* a descriptor comes with the first byte */

struct chan_frame {
	uint16_t type;
	uint16_t flags;
	uint32_t payload_len;
};

void chan_frame_encode(
    const struct chan_frame *f, uint8_t header[static CHAN_HEADER_SIZE]);

/* ERR_FORMAT: a length or flags that no frame has. */
int chan_frame_decode(
    const uint8_t header[static CHAN_HEADER_SIZE], struct chan_frame *f);

#endif
