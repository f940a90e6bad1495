/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"

void
buf_init(struct buf *b, size_t limit)
{
	*b = (struct buf){.limit = limit};
}

void
buf_fini(struct buf *b)
{
	if (b) {
		free(b->mem);
		*b = (struct buf){0};
	}
}

void
buf_clear(struct buf *b)
{
	b->start = b->len = 0;
	b->err = 0;
}

void
buf_release(struct buf *b)
{
	free(b->mem);
	*b = (struct buf){.limit = b->limit};
}

/* Make the bytes start at the front of the memory. */
static void
compact(struct buf *b)
{
	if (b->start && b->len)
		memmove(b->mem, b->mem + b->start, b->len);
	b->start = 0;
}

static int
grow(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : 256;
	uint8_t *mem;

	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	mem = malloc(cap);
	if (!mem)
		return ERR_NOMEM;
	if (b->len)
		memcpy(mem, b->mem + b->start, b->len);
	free(b->mem);
	b->mem = mem;
	b->cap = cap;
	b->start = 0;
	return 0;
}

uint8_t *
buf_reserve(struct buf *b, size_t len)
{
	if (b->err)
		return NULL;
	if (b->len > b->limit || len > b->limit - b->len) {
		b->err = ERR_LIMIT;
		return NULL;
	}
	/* Moving at most half of the memory keeps appending linear. */
	if (b->cap - b->start - b->len < len && b->start >= b->len)
		compact(b);
	if (b->cap - b->start - b->len < len)
		b->err = grow(b, b->len + len);
	return b->err ? NULL : b->mem + b->start + b->len;
}

void
buf_claim(struct buf *b, size_t len)
{
	assert(len <= b->cap - b->start - b->len);
	b->len += len;
}

void
buf_add(struct buf *b, const void *ptr, size_t len)
{
	uint8_t *to;

	if (!len)
		return;
	to = buf_reserve(b, len);
	if (to) {
		memcpy(to, ptr, len);
		b->len += len;
	}
}

void
buf_add_bytes(struct buf *b, struct bytes x)
{
	buf_add(b, x.ptr, x.len);
}

void
buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_add_u8(struct buf *b, uint8_t x)
{
	buf_add(b, &x, 1);
}

void
buf_add_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	uint8_t *to;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	to = n < 0 ? NULL : buf_reserve(b, (size_t)n + 1);
	if (to) {
		vsnprintf((char *)to, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void
buf_consume(struct buf *b, size_t len)
{
	assert(len <= b->len);
	b->start += len;
	b->len -= len;
	if (!b->len)
		b->start = 0;
}

struct bytes
buf_bytes(const struct buf *b)
{
	return bytes_of(b->mem ? b->mem + b->start : NULL, b->len);
}

uint8_t *
buf_ptr(struct buf *b)
{
	return b->mem ? b->mem + b->start : NULL;
}
