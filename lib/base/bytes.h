/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes - a borrowed run of bytes: pointer and length, passed by value.
 *
 * Nobody frees a struct bytes.  The header of the function that hands one out
 * says until when it is valid.
 */
#ifndef LIB_BASE_BYTES_H
#define LIB_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *ptr;
	size_t len;
};

static inline struct bytes
bytes_of(const void *ptr, size_t len)
{
	return (struct bytes){(const uint8_t *)ptr, len};
}

/* The bytes of a C string, without its NUL; NULL gives no bytes. */
static inline struct bytes
bytes_of_str(const char *s)
{
	return bytes_of(s, s ? strlen(s) : 0);
}

static inline bool
bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.ptr, b.ptr, a.len));
}

static inline bool
bytes_equal_str(struct bytes a, const char *s)
{
	return bytes_equal(a, bytes_of_str(s));
}

/* Take the first line, without its LF, off a text that is not empty. */
static inline struct bytes
bytes_take_line(struct bytes *text)
{
	const uint8_t *end = memchr(text->ptr, '\n', text->len);
	size_t len = end ? (size_t)(end - text->ptr) : text->len;
	size_t past = end ? len + 1 : len;
	struct bytes line = bytes_of(text->ptr, len);

	*text = bytes_of(text->ptr + past, text->len - past);
	return line;
}

#endif
