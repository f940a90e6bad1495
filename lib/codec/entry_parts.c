/* SPDX-License-Identifier: Apache-2.0 */
/* The lists inside entries of entry.h: child intervals and settled ranges. */
#include "lib/base/err.h"
#include "lib/codec/entry.h"

int
entry_child_interval_next(struct cursor *c, struct entry_child_interval *out)
{
	struct entry_child_interval got;

	if (cursor_err(c) || !cursor_left(c))
		return cursor_err(c);
	got.from = cursor_le64(c);
	got.to = cursor_le64(c);
	cursor_copy(c, got.digest, sizeof(got.digest));
	if (got.from >= got.to)
		cursor_fail(c, ERR_FORMAT);
	if (cursor_err(c))
		return cursor_err(c);
	*out = got;
	return 1;
}

void
entry_child_interval_encode(
    struct buf *b, const struct entry_child_interval *in)
{
	cursor_put_le64(b, in->from);
	cursor_put_le64(b, in->to);
	buf_add(b, in->digest, sizeof(in->digest));
}

int
entry_settled_next(struct cursor *c, struct entry_settled *out)
{
	struct entry_settled got;
	uint64_t count;

	if (cursor_err(c) || !cursor_left(c))
		return cursor_err(c);
	got.term = cursor_u8(c);
	got.from = cursor_varint(c);
	count = cursor_varint(c);
	if (got.term >= ENTRY_TERMS || !count || got.from > UINT64_MAX - count)
		cursor_fail(c, ERR_FORMAT);
	if (cursor_err(c))
		return cursor_err(c);
	got.to = got.from + count;
	*out = got;
	return 1;
}

void
entry_settled_encode(struct buf *b, const struct entry_settled *in)
{
	cursor_put_u8(b, in->term);
	cursor_put_varint(b, in->from);
	cursor_put_varint(b, in->to - in->from);
}
