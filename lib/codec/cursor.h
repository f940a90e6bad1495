/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cursor - read bytes within bounds, with a sticky error; and the writers
 * that mirror it.
 *
 * A read past the end sets err to ERR_FORMAT and gives zero; further reads
 * give zero too.  So a decoder reads all of its fields and checks once, with
 * cursor_end (nothing may be left) or cursor_err.  Bytes handed out are
 * borrowed from the input.  Writers append to a struct buf, whose error is
 * sticky likewise.  Varints are LEB128, at most ten bytes, shortest form only.
 */
#ifndef LIB_CODEC_CURSOR_H
#define LIB_CODEC_CURSOR_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/base/uuid.h"

struct cursor {
	const uint8_t *ptr;
	const uint8_t *end;
	int err;
};

#define CURSOR_VARINT_MAX 10

void cursor_init(struct cursor *c, struct bytes input);
size_t cursor_left(const struct cursor *c);
int cursor_err(const struct cursor *c);

/* 0 if all was read without error; ERR_FORMAT if bytes are left. */
int cursor_end(const struct cursor *c);

/* Make the error sticky from outside (a value that is not allowed). */
void cursor_fail(struct cursor *c, int err);

uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_le16(struct cursor *c);
uint32_t cursor_le32(struct cursor *c);
uint64_t cursor_le64(struct cursor *c);
uint16_t cursor_be16(struct cursor *c);
uint32_t cursor_be32(struct cursor *c);
uint64_t cursor_be64(struct cursor *c);
uint64_t cursor_varint(struct cursor *c);

/* A varint that must fit 32 bits. */
uint32_t cursor_varint32(struct cursor *c);

/* `len` bytes, borrowed. */
struct bytes cursor_bytes(struct cursor *c, size_t len);

/* varint length, then that many bytes; ERR_FORMAT if longer than max. */
struct bytes cursor_string(struct cursor *c, size_t max);

/* `len` bytes copied; zeros after an error. */
void cursor_copy(struct cursor *c, void *to, size_t len);
void cursor_uuid(struct cursor *c, struct uuid *id);

/* All that is left, borrowed. */
struct bytes cursor_rest(struct cursor *c);

/* `len` bytes that must be zero (fields not used yet). */
void cursor_zeros(struct cursor *c, size_t len);

void cursor_put_u8(struct buf *b, uint8_t x);
void cursor_put_le16(struct buf *b, uint16_t x);
void cursor_put_le32(struct buf *b, uint32_t x);
void cursor_put_le64(struct buf *b, uint64_t x);
void cursor_put_be16(struct buf *b, uint16_t x);
void cursor_put_be32(struct buf *b, uint32_t x);
void cursor_put_be64(struct buf *b, uint64_t x);
void cursor_put_varint(struct buf *b, uint64_t x);
void cursor_put_string(struct buf *b, struct bytes s); /* varint, bytes */
void cursor_put_uuid(struct buf *b, const struct uuid *id);
void cursor_put_zeros(struct buf *b, size_t len);

/* Bytes that x takes as a varint, 1 to 10. */
size_t cursor_varint_size(uint64_t x);

/* Write a varint at p (10 bytes of room); returns its size. */
size_t cursor_varint_at(uint8_t *p, uint64_t x);

#endif
