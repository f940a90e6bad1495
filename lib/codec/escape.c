/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/codec/escape.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/err.h"

#define ONES (UINT64_MAX / 255) /* 0x01 in each byte */
#define HIGHS (ONES * 128) /* 0x80 in each byte */

/* Whether some byte of x is zero. */
static bool
has_zero(uint64_t x)
{
	return ((x - ONES) & ~x & HIGHS) != 0;
}

/* Eight bytes that stay as they are: ASCII, no control, no backslash. */
static bool
is_plain8(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	if (x & HIGHS || (x - ONES * 0x20) & ~x & HIGHS)
		return false;
	return !has_zero(x ^ ONES * '\\') && !has_zero(x ^ ONES * 0x7f);
}

/* What may follow the first byte of a sequence of UTF-8 (RFC 3629). */
static const struct lead {
	uint8_t first, last; /* of the lead byte */
	uint8_t len;
	uint8_t low, high; /* of the second byte */
} leads[] = {
    {0xc2, 0xc2, 2, 0xa0, 0xbf}, /* without the controls U+0080..9F */
    {0xc3, 0xdf, 2, 0x80, 0xbf},
    {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f}, /* without surrogates */
    {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf},
    {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static size_t
lead_length(const struct lead *lead, const uint8_t *p, size_t left)
{
	if (left < lead->len || p[1] < lead->low || p[1] > lead->high)
		return 0;
	for (size_t i = 2; i < lead->len; i++) {
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	}
	return lead->len;
}

/* Bytes of the character at p if it stays as it is, else 0. */
static size_t
plain_length(const uint8_t *p, size_t left)
{
	if (*p < 0x80)
		return *p >= 0x20 && *p != 0x7f && *p != '\\';
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		if (*p >= leads[i].first && *p <= leads[i].last)
			return lead_length(&leads[i], p, left);
	}
	return 0;
}

/* Bytes at the front of x that stay as they are. */
static size_t
plain_run(struct bytes x)
{
	size_t at = 0, n;

	for (;;) {
		while (x.len - at >= 8 && is_plain8(x.ptr + at))
			at += 8;
		if (at == x.len)
			return at;
		n = plain_length(x.ptr + at, x.len - at);
		if (n == 0)
			return at;
		at += n;
	}
}

/* The letter of a short form, or 0. */
static char
letter_of(uint8_t byte)
{
	switch (byte) {
	case '\\':
		return '\\';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	case 0:
		return '0';
	default:
		return 0;
	}
}

static struct bytes
after(struct bytes x, size_t n)
{
	return bytes_of(x.ptr + n, x.len - n);
}

size_t
escape_length(struct bytes raw)
{
	size_t len = 0;

	while (raw.len > 0) {
		size_t run = plain_run(raw);

		len += run;
		raw = after(raw, run);
		if (raw.len > 0) {
			len += letter_of(*raw.ptr) ? 2 : 4;
			raw = after(raw, 1);
		}
	}
	return len;
}

static uint8_t *
put_escaped(uint8_t *p, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";
	char letter = letter_of(byte);

	*p++ = '\\';
	if (letter) {
		*p++ = (uint8_t)letter;
		return p;
	}
	*p++ = 'x';
	*p++ = (uint8_t)digits[byte >> 4];
	*p++ = (uint8_t)digits[byte & 15];
	return p;
}

void
escape_encode(struct bytes raw, struct buf *out)
{
	size_t len = escape_length(raw);
	uint8_t *p = len > 0 ? buf_reserve(out, len) : NULL;

	if (!p)
		return;
	while (raw.len > 0) {
		size_t run = plain_run(raw);

		memcpy(p, raw.ptr, run);
		p += run;
		raw = after(raw, run);
		if (raw.len > 0) {
			p = put_escaped(p, *raw.ptr);
			raw = after(raw, 1);
		}
	}
	buf_claim(out, len);
}

static int
digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of the escape at the front of x; returns its length, 0 if bad. */
static size_t
take_escaped(struct bytes x, uint8_t *byte)
{
	static const struct {
		char letter;
		uint8_t byte;
	} letters[] = {
	    {'\\', '\\'}, {'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'0', 0}};

	if (x.len < 2 || x.ptr[0] != '\\')
		return 0;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (x.ptr[1] == letters[i].letter) {
			*byte = letters[i].byte;
			return 2;
		}
	}
	if (x.ptr[1] != 'x' || x.len < 4 || digit_of(x.ptr[2]) < 0 ||
	    digit_of(x.ptr[3]) < 0)
		return 0;
	*byte = (uint8_t)(digit_of(x.ptr[2]) * 16 + digit_of(x.ptr[3]));
	return 4;
}

/* Decode to p, where text.len bytes fit; the number of bytes, or ERR_FORMAT. */
static int
decode_to(struct bytes text, uint8_t *p, size_t *len)
{
	uint8_t *start = p;

	while (text.len > 0) {
		size_t n = plain_run(text);

		memcpy(p, text.ptr, n);
		p += n;
		text = after(text, n);
		if (text.len == 0)
			break;
		n = take_escaped(text, p);
		if (n == 0)
			return ERR_FORMAT;
		p++;
		text = after(text, n);
	}
	*len = (size_t)(p - start);
	return 0;
}

/*
 * What stood plain stays plain, so a text that was not the one escaped form
 * can only be longer than it.
 */
int
escape_decode(struct bytes text, struct buf *out)
{
	uint8_t *p;
	size_t len;

	if (text.len == 0)
		return out->err;
	p = buf_reserve(out, text.len);
	if (!p)
		return out->err;
	if (decode_to(text, p, &len) ||
	    escape_length(bytes_of(p, len)) != text.len)
		return ERR_FORMAT;
	buf_claim(out, len);
	return 0;
}
