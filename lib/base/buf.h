/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf - a growing run of bytes with a limit, and a sticky error.
 *
 * Appending past the limit, or without memory, sets buf->err and changes
 * nothing else; further appends do nothing.  So a writer checks once, at the
 * end.  Bytes are consumed from the front with buf_consume.
 */
#ifndef LIB_BASE_BUF_H
#define LIB_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/bytes.h"

struct buf {
	uint8_t *mem;
	size_t start; /* first byte in use */
	size_t len; /* bytes in use */
	size_t cap;
	size_t limit; /* most bytes in use at once */
	int err; /* 0, ERR_LIMIT or ERR_NOMEM; sticky */
};

void buf_init(struct buf *b, size_t limit);
void buf_fini(struct buf *b);

/* Forget the bytes and the error, keep the memory. */
void buf_clear(struct buf *b);

/* Forget the bytes and give the memory back. */
void buf_release(struct buf *b);

void buf_add(struct buf *b, const void *ptr, size_t len);
void buf_add_bytes(struct buf *b, struct bytes x);
void buf_add_str(struct buf *b, const char *s);
void buf_add_u8(struct buf *b, uint8_t x);
void buf_add_fmt(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Room for `len` further bytes, to be filled by the caller and then claimed
 * with buf_claim.  NULL (and b->err) if there is none.
 */
uint8_t *buf_reserve(struct buf *b, size_t len);
void buf_claim(struct buf *b, size_t len);

void buf_consume(struct buf *b, size_t len);

/* Valid until the next change of b. */
struct bytes buf_bytes(const struct buf *b);

/* Pointer to the first byte in use. */
uint8_t *buf_ptr(struct buf *b);

#endif
