/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/codec/field.h"

#include <string.h>

#include "lib/base/err.h"

/* Bytes that follow the first of a UTF-8 character; -1 if none begins so. */
static int
followers(uint8_t first)
{
	if (first < 0x80)
		return first < 0x20 || first == 0x7f ? -1 : 0;
	if (first >= 0xc2 && first <= 0xdf)
		return 1;
	if (first >= 0xe0 && first <= 0xef)
		return 2;
	return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

/* Not overlong, no surrogate, not past U+10FFFF, no C1 control. */
static bool
second_fits(uint8_t first, uint8_t second)
{
	switch (first) {
	case 0xc2:
		return second >= 0xa0;
	case 0xe0:
		return second >= 0xa0;
	case 0xed:
		return second <= 0x9f;
	case 0xf0:
		return second >= 0x90;
	case 0xf4:
		return second <= 0x8f;
	default:
		return true;
	}
}

/* Well-formed UTF-8 without control characters (so without NUL, LF). */
static bool
is_text(struct bytes x)
{
	size_t i = 0;

	while (i < x.len) {
		uint8_t first = x.ptr[i++];
		int n = followers(first);

		if (n < 0 || (size_t)n > x.len - i)
			return false;
		if (n && !second_fits(first, x.ptr[i]))
			return false;
		for (; n; n--)
			if ((x.ptr[i++] & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static void
decode_text(struct cursor *c, size_t max, struct bytes *to)
{
	*to = cursor_string(c, max);
	if (!is_text(*to))
		cursor_fail(c, ERR_FORMAT);
}

static void
decode_bool(struct cursor *c, bool *to)
{
	uint8_t x = cursor_u8(c);

	if (x > 1)
		cursor_fail(c, ERR_FORMAT);
	*to = x == 1;
}

static void
decode_ivset(struct cursor *c, size_t limit, struct ivset *to)
{
	ivset_init(to, limit);
	ivset_decode(c, to);
}

static void
decode_one(const struct field *f, struct cursor *c, void *to)
{
	switch ((enum field_kind)f->kind) {
	case FIELD_U8:
		*(uint8_t *)to = cursor_u8(c);
		break;
	case FIELD_BOOL:
		decode_bool(c, to);
		break;
	case FIELD_BE16:
		*(uint16_t *)to = cursor_be16(c);
		break;
	case FIELD_BE32:
		*(uint32_t *)to = cursor_be32(c);
		break;
	case FIELD_BE64:
		*(uint64_t *)to = cursor_be64(c);
		break;
	case FIELD_LE64:
		*(uint64_t *)to = cursor_le64(c);
		break;
	case FIELD_VAR32:
		*(uint32_t *)to = cursor_varint32(c);
		break;
	case FIELD_VAR64:
		*(uint64_t *)to = cursor_varint(c);
		break;
	case FIELD_RAW:
		cursor_copy(c, to, f->max);
		break;
	case FIELD_STRING:
		*(struct bytes *)to = cursor_string(c, f->max);
		break;
	case FIELD_TEXT:
		decode_text(c, f->max, to);
		break;
	case FIELD_REST:
		*(struct bytes *)to = cursor_rest(c);
		break;
	case FIELD_IVSET:
		decode_ivset(c, f->max, to);
		break;
	case FIELD_END:
		break;
	}
}

void
field_decode(const struct field *f, struct cursor *c, void *to)
{
	for (; f->kind != FIELD_END; f++)
		decode_one(f, c, (uint8_t *)to + f->offset);
}

/* What decoding would refuse is not written: better known here than there. */
static void
encode_string(const struct field *f, struct bytes x, struct buf *b)
{
	if (x.len > f->max || (f->kind == FIELD_TEXT && !is_text(x))) {
		if (!b->err)
			b->err = ERR_INVAL;
		return;
	}
	cursor_put_string(b, x);
}

static void
encode_one(const struct field *f, const void *from, struct buf *b)
{
	switch ((enum field_kind)f->kind) {
	case FIELD_U8:
		cursor_put_u8(b, *(const uint8_t *)from);
		break;
	case FIELD_BOOL:
		cursor_put_u8(b, *(const bool *)from);
		break;
	case FIELD_BE16:
		cursor_put_be16(b, *(const uint16_t *)from);
		break;
	case FIELD_BE32:
		cursor_put_be32(b, *(const uint32_t *)from);
		break;
	case FIELD_BE64:
		cursor_put_be64(b, *(const uint64_t *)from);
		break;
	case FIELD_LE64:
		cursor_put_le64(b, *(const uint64_t *)from);
		break;
	case FIELD_VAR32:
		cursor_put_varint(b, *(const uint32_t *)from);
		break;
	case FIELD_VAR64:
		cursor_put_varint(b, *(const uint64_t *)from);
		break;
	case FIELD_RAW:
		buf_add(b, from, f->max);
		break;
	case FIELD_STRING:
	case FIELD_TEXT:
		encode_string(f, *(const struct bytes *)from, b);
		break;
	case FIELD_REST:
		buf_add_bytes(b, *(const struct bytes *)from);
		break;
	case FIELD_IVSET:
		ivset_encode(from, b);
		break;
	case FIELD_END:
		break;
	}
}

void
field_encode(
    const struct field *f, const void *from, bool with_rest, struct buf *b)
{
	for (; f->kind != FIELD_END; f++)
		if (f->kind != FIELD_REST || with_rest)
			encode_one(f, (const uint8_t *)from + f->offset, b);
}
