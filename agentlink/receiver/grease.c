/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/receiver/grease.h"

#include "lib/codec/agentlink_msg.h"

#define CONTENT_MAX 24

static uint64_t
draw(struct grease *g, uint64_t below)
{
	g->state = g->state * 6364136223846793005u + 1442695040888963407u;
	return (g->state >> 33) % below;
}

static size_t
content(struct grease *g, uint8_t to[static CONTENT_MAX])
{
	size_t n = draw(g, CONTENT_MAX + 1);

	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)draw(g, 256);
	return n;
}

/* 0x0a0a, 0x1a1a ... 0x7a7a at the end of the frame's payload. */
static void
add_tlv(struct grease *g, struct buf *frame)
{
	uint8_t type = (uint8_t)(0x0a + 0x10 * draw(g, 8));
	uint8_t some[CONTENT_MAX];
	size_t used, n = content(g, some);
	struct agentlink_frame f;
	struct buf payload;

	if (agentlink_frame_decode(
		buf_bytes(frame), AGENTLINK_FRAME_MAX, &f, &used, NULL) != 1)
		return;
	buf_init(&payload, AGENTLINK_FRAME_MAX);
	buf_add_bytes(&payload, f.payload);
	buf_add_u8(&payload, type);
	buf_add_u8(&payload, type);
	buf_add_u8(&payload, 0);
	buf_add_u8(&payload, (uint8_t)n);
	buf_add_bytes(&payload, bytes_of(some, n));
	if (!payload.err) {
		buf_clear(frame);
		agentlink_frame_encode(frame, f.type, f.flags, f.stream,
		    buf_bytes(&payload), bytes_of(NULL, 0));
	}
	buf_fini(&payload);
}

/* 0x5a, 0x6a ... 0xfa. */
static void
add_frame(struct grease *g, struct buf *frame)
{
	uint8_t type = (uint8_t)(0x5a + 0x10 * draw(g, 11));
	uint8_t some[CONTENT_MAX];
	size_t n = content(g, some);

	agentlink_frame_encode(
	    frame, type, 0, 0, bytes_of(some, n), bytes_of(NULL, 0));
}

void
grease_apply(struct grease *g, struct buf *frame)
{
	if (!draw(g, GREASE_EVERY))
		add_tlv(g, frame);
	if (!draw(g, GREASE_EVERY))
		add_frame(g, frame);
}
