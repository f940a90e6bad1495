/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/codec/cursor.h"

#include <string.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"

/* What a cursor over no bytes points to, so that no NULL is ever moved. */
static const uint8_t nothing[1];

void
cursor_init(struct cursor *c, struct bytes input)
{
	c->ptr = input.len ? input.ptr : nothing;
	c->end = c->ptr + input.len;
	c->err = 0;
}

size_t
cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->ptr);
}

int
cursor_err(const struct cursor *c)
{
	return c->err;
}

int
cursor_end(const struct cursor *c)
{
	if (c->err)
		return c->err;
	return c->ptr == c->end ? 0 : ERR_FORMAT;
}

void
cursor_fail(struct cursor *c, int err)
{
	if (!c->err)
		c->err = err;
	c->ptr = c->end; /* nothing can be read any more */
}

/* The next `len` bytes, or NULL and the error. */
static inline const uint8_t *
take(struct cursor *c, size_t len)
{
	const uint8_t *p = c->ptr;

	if (cursor_left(c) < len) {
		cursor_fail(c, ERR_FORMAT);
		return NULL;
	}
	c->ptr += len;
	return p;
}

uint8_t
cursor_u8(struct cursor *c)
{
	const uint8_t *p = take(c, 1);

	return p ? *p : 0;
}

uint16_t
cursor_le16(struct cursor *c)
{
	const uint8_t *p = take(c, 2);

	return p ? endian_get_le16(p) : 0;
}

uint32_t
cursor_le32(struct cursor *c)
{
	const uint8_t *p = take(c, 4);

	return p ? endian_get_le32(p) : 0;
}

uint64_t
cursor_le64(struct cursor *c)
{
	const uint8_t *p = take(c, 8);

	return p ? endian_get_le64(p) : 0;
}

uint16_t
cursor_be16(struct cursor *c)
{
	const uint8_t *p = take(c, 2);

	return p ? endian_get_be16(p) : 0;
}

uint32_t
cursor_be32(struct cursor *c)
{
	const uint8_t *p = take(c, 4);

	return p ? endian_get_be32(p) : 0;
}

uint64_t
cursor_be64(struct cursor *c)
{
	const uint8_t *p = take(c, 8);

	return p ? endian_get_be64(p) : 0;
}

/*
 * A varint of two bytes or more.  Its last byte is never zero, or it would
 * not be the shortest form; the tenth holds the 64th bit alone.
 */
static uint64_t
long_varint(struct cursor *c)
{
	uint64_t x = 0;
	size_t left = cursor_left(c);

	for (unsigned i = 0; i < CURSOR_VARINT_MAX && i < left; i++) {
		uint8_t byte = c->ptr[i];

		x |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		if ((!byte && i) || (i == CURSOR_VARINT_MAX - 1 && byte > 1))
			break;
		c->ptr += i + 1;
		return x;
	}
	cursor_fail(c, ERR_FORMAT);
	return 0;
}

uint64_t
cursor_varint(struct cursor *c)
{
	if (c->ptr != c->end && *c->ptr < 0x80)
		return *c->ptr++;
	return long_varint(c);
}

uint32_t
cursor_varint32(struct cursor *c)
{
	uint64_t x = cursor_varint(c);

	if (x > UINT32_MAX) {
		cursor_fail(c, ERR_FORMAT);
		return 0;
	}
	return (uint32_t)x;
}

struct bytes
cursor_bytes(struct cursor *c, size_t len)
{
	const uint8_t *p = take(c, len);

	return bytes_of(p ? p : nothing, p ? len : 0);
}

struct bytes
cursor_string(struct cursor *c, size_t max)
{
	uint64_t len = cursor_varint(c);

	if (len > max) {
		cursor_fail(c, ERR_FORMAT);
		len = 0;
	}
	return cursor_bytes(c, (size_t)len);
}

void
cursor_copy(struct cursor *c, void *to, size_t len)
{
	const uint8_t *p = take(c, len);

	if (p)
		memcpy(to, p, len);
	else
		memset(to, 0, len);
}

void
cursor_uuid(struct cursor *c, struct uuid *id)
{
	cursor_copy(c, id->byte, UUID_SIZE);
}

struct bytes
cursor_rest(struct cursor *c)
{
	return cursor_bytes(c, cursor_left(c));
}

void
cursor_zeros(struct cursor *c, size_t len)
{
	const uint8_t *p = take(c, len);

	for (size_t i = 0; p && i < len; i++)
		if (p[i]) {
			cursor_fail(c, ERR_FORMAT);
			return;
		}
}

void
cursor_put_u8(struct buf *b, uint8_t x)
{
	buf_add(b, &x, 1);
}

#define PUT(bits, order)                                               \
	void cursor_put_##order##bits(struct buf *b, uint##bits##_t x) \
	{                                                              \
		uint8_t raw[sizeof(x)];                                \
                                                                       \
		endian_put_##order##bits(raw, x);                      \
		buf_add(b, raw, sizeof(raw));                          \
	}

PUT(16, le)
PUT(32, le)
PUT(64, le)
PUT(16, be)
PUT(32, be)
PUT(64, be)

size_t
cursor_varint_at(uint8_t *p, uint64_t x)
{
	size_t n = 0;

	while (x >= 0x80) {
		p[n++] = (uint8_t)(x | 0x80);
		x >>= 7;
	}
	p[n++] = (uint8_t)x;
	return n;
}

size_t
cursor_varint_size(uint64_t x)
{
	size_t n = 1;

	while (x >= 0x80) {
		n++;
		x >>= 7;
	}
	return n;
}

void
cursor_put_varint(struct buf *b, uint64_t x)
{
	uint8_t raw[CURSOR_VARINT_MAX];

	buf_add(b, raw, cursor_varint_at(raw, x));
}

void
cursor_put_string(struct buf *b, struct bytes s)
{
	cursor_put_varint(b, s.len);
	buf_add_bytes(b, s);
}

void
cursor_put_uuid(struct buf *b, const struct uuid *id)
{
	buf_add(b, id->byte, UUID_SIZE);
}

void
cursor_put_zeros(struct buf *b, size_t len)
{
	uint8_t *p = len ? buf_reserve(b, len) : NULL;

	if (p) {
		memset(p, 0, len);
		buf_claim(b, len);
	}
}
