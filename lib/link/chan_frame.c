/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/link/chan_frame.h"

#include "lib/base/endian.h"
#include "lib/base/err.h"

/* What the length counts beside the payload: type and flags. */
#define COUNTED 4U

void
chan_frame_encode(
    const struct chan_frame *f, uint8_t header[static CHAN_HEADER_SIZE])
{
	endian_put_be32(header, f->payload_len + COUNTED);
	endian_put_be16(header + 4, f->type);
	endian_put_be16(header + 6, f->flags);
}

int
chan_frame_decode(
    const uint8_t header[static CHAN_HEADER_SIZE], struct chan_frame *f)
{
	uint32_t len = endian_get_be32(header);
	uint16_t flags = endian_get_be16(header + 6);

	if (len < COUNTED || len - COUNTED > CHAN_PAYLOAD_MAX)
		return ERR_FORMAT;
	if (flags & ~CHAN_FRAME_FD)
		return ERR_FORMAT;
	*f = (struct chan_frame){
	    .type = endian_get_be16(header + 4),
	    .flags = flags,
	    .payload_len = len - COUNTED,
	};
	return 0;
}
