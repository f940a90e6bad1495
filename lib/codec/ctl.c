/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/codec/ctl.h"

#include "lib/base/err.h"
#include "lib/codec/batch.h"
#include "lib/codec/cursor.h"

int
ctl_next(struct bytes in, size_t max, struct ctl_frame *frame, size_t *used)
{
	struct cursor c;
	uint32_t len;
	uint8_t kind;

	if (in.len < CTL_HEADER_SIZE)
		return ERR_AGAIN;
	cursor_init(&c, in);
	len = cursor_be32(&c);
	kind = cursor_u8(&c);
	if (len < 2 || kind < CTL_JSON || kind > CTL_BATCH)
		return ERR_FORMAT;
	if (len - 1 > max)
		return ERR_LIMIT;
	if (cursor_left(&c) < len - 1)
		return ERR_AGAIN;
	frame->kind = (enum ctl_kind)kind;
	frame->payload = cursor_bytes(&c, len - 1);
	*used = CTL_HEADER_SIZE - 1 + (size_t)len;
	return 0;
}

void
ctl_put(struct buf *out, enum ctl_kind kind, struct bytes payload)
{
	cursor_put_be32(out, (uint32_t)(payload.len + 1));
	cursor_put_u8(out, (uint8_t)kind);
	buf_add_bytes(out, payload);
}

int
ctl_batch_decode(struct bytes in, struct ctl_batch *batch)
{
	struct bytes head, ranges;
	struct cursor c;
	uint32_t len;

	cursor_init(&c, in);
	len = cursor_be32(&c);
	if (len > CTL_HEAD_MAX)
		return ERR_LIMIT;
	head = cursor_bytes(&c, len);
	len = cursor_be32(&c);
	if (len > BATCH_RANGES_MAX)
		return ERR_LIMIT;
	ranges = cursor_bytes(&c, len);
	if (cursor_err(&c))
		return ERR_FORMAT;
	batch->head = head;
	batch->ranges = ranges;
	batch->payload = cursor_rest(&c);
	return 0;
}

void
ctl_put_batch(struct buf *out, const struct ctl_batch *batch)
{
	size_t len =
	    8 + batch->head.len + batch->ranges.len + batch->payload.len;

	cursor_put_be32(out, (uint32_t)(len + 1));
	cursor_put_u8(out, CTL_BATCH);
	cursor_put_be32(out, (uint32_t)batch->head.len);
	buf_add_bytes(out, batch->head);
	cursor_put_be32(out, (uint32_t)batch->ranges.len);
	buf_add_bytes(out, batch->ranges);
	buf_add_bytes(out, batch->payload);
}
