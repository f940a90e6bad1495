/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of agentlink_msg.h; their payloads are agentlink_msg.c's. */
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/codec/agentlink_msg.h"

enum { AT_TYPE = 4, AT_FLAGS = 5, AT_CHECK = 6, AT_STREAM = 8, AT_CRC = 12 };

/* Over the header with the check itself as zero. */
static uint16_t
header_check(const uint8_t *header)
{
	uint8_t copy[AGENTLINK_FRAME_HEADER];

	memcpy(copy, header, sizeof(copy));
	endian_put_be16(copy + AT_CHECK, 0);
	return (uint16_t)crc32c(0, copy, sizeof(copy));
}

static int
tell_need(size_t bytes, size_t *need)
{
	if (need)
		*need = bytes;
	return 0;
}

int
agentlink_frame_decode(struct bytes input, uint32_t max_payload,
    struct agentlink_frame *frame, size_t *used, size_t *need)
{
	const uint8_t *p = input.ptr;
	struct bytes payload;
	uint32_t len;

	if (input.len < AGENTLINK_FRAME_HEADER)
		return tell_need(AGENTLINK_FRAME_HEADER, need);
	if (endian_get_be16(p + AT_CHECK) != header_check(p))
		return ERR_FORMAT;
	len = endian_get_be32(p);
	if (len > max_payload)
		return ERR_LIMIT;
	if (input.len - AGENTLINK_FRAME_HEADER < len)
		return tell_need(AGENTLINK_FRAME_HEADER + (size_t)len, need);
	payload = bytes_of(p + AGENTLINK_FRAME_HEADER, len);
	if (endian_get_be32(p + AT_CRC) != crc32c(0, payload.ptr, len))
		return ERR_FORMAT;
	frame->type = p[AT_TYPE];
	frame->flags = p[AT_FLAGS];
	frame->stream = endian_get_be32(p + AT_STREAM);
	frame->payload = payload;
	*used = AGENTLINK_FRAME_HEADER + (size_t)len;
	return 1;
}

void
agentlink_frame_header(uint8_t to[static AGENTLINK_FRAME_HEADER], uint8_t type,
    uint8_t flags, uint32_t stream, const struct bytes *parts, int nparts)
{
	uint32_t crc = 0;
	size_t len = 0;

	for (int i = 0; i < nparts; i++) {
		crc = crc32c(crc, parts[i].ptr, parts[i].len);
		len += parts[i].len;
	}
	endian_put_be32(to, (uint32_t)len);
	to[AT_TYPE] = type;
	to[AT_FLAGS] = flags;
	endian_put_be32(to + AT_STREAM, stream);
	endian_put_be32(to + AT_CRC, crc);
	endian_put_be16(to + AT_CHECK, header_check(to));
}

void
agentlink_frame_encode(struct buf *b, uint8_t type, uint8_t flags,
    uint32_t stream, struct bytes payload1, struct bytes payload2)
{
	struct bytes parts[] = {payload1, payload2};
	uint8_t header[AGENTLINK_FRAME_HEADER];

	agentlink_frame_header(header, type, flags, stream, parts, 2);
	if (!buf_reserve(b, sizeof(header) + payload1.len + payload2.len))
		return; /* all of a frame or nothing */
	buf_add(b, header, sizeof(header));
	buf_add_bytes(b, payload1);
	buf_add_bytes(b, payload2);
}
