/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/agent/position.h"

#include "lib/base/err.h"
#include "lib/codec/cursor.h"

#define VERSION 1
#define KIND_FILE 'f'

void
position_key(
    struct buf *b, struct bytes stream, uint64_t device, uint64_t inode)
{
	cursor_put_u8(b, KIND_FILE);
	cursor_put_le64(b, device);
	cursor_put_le64(b, inode);
	buf_add_bytes(b, stream);
}

int
position_key_decode(
    struct bytes in, struct bytes *stream, uint64_t *device, uint64_t *inode)
{
	struct cursor c;
	cursor_init(&c, in);
	if (cursor_u8(&c) != KIND_FILE)
		return ERR_FORMAT;
	*device = cursor_le64(&c);
	*inode = cursor_le64(&c);
	*stream = cursor_rest(&c);
	return cursor_err(&c);
}

void
position_value(struct buf *b, const struct position *p)
{
	cursor_put_u8(b, VERSION);
	cursor_put_le64(b, p->offset);
	cursor_put_le64(b, p->records);
	cursor_put_le32(b, p->head_len);
	buf_add(b, p->head, sizeof(p->head));
	cursor_put_string(b, p->path);
}

int
position_value_decode(struct bytes in, struct position *p)
{
	struct position x = {.device = p->device, .inode = p->inode};
	struct cursor c;
	cursor_init(&c, in);
	if (in.len && in.ptr[0] != VERSION)
		return ERR_VERSION;
	cursor_u8(&c);
	x.offset = cursor_le64(&c);
	x.records = cursor_le64(&c);
	x.head_len = cursor_le32(&c);
	cursor_copy(&c, x.head, sizeof(x.head));
	x.path = cursor_string(&c, POSITION_PATH_MAX);
	int rc = cursor_end(&c);
	if (!rc && x.head_len > POSITION_HEAD)
		rc = ERR_FORMAT;
	if (!rc)
		*p = x;
	return rc;
}
