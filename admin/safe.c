/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/safe.h"

#include <stdbool.h>
#include <stdint.h>

#include "lib/codec/escape.h"

#define PIECE 4096 /* most bytes of text escaped at once by safe_write */

struct span {
	uint32_t first, last;
};

/* Characters that show nothing and change how the rest is shown. */
static const struct span formats[] = {
    {0xad, 0xad},
    {0x61c, 0x61c},
    {0x180e, 0x180e},
    {0x200b, 0x200f},
    {0x2028, 0x202e},
    {0x2060, 0x206f},
    {0xfeff, 0xfeff},
    {0xfff9, 0xfffb},
    {0xe0000, 0xe007f},
};

/* Two columns wide (Unicode's East Asian Width W and F, in whole blocks). */
static const struct span wides[] = {
    {0x1100, 0x115f},
    {0x2e80, 0x303e},
    {0x3041, 0xa4cf},
    {0xa960, 0xa97f},
    {0xac00, 0xd7a3},
    {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},
    {0xff01, 0xff60},
    {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff},
    {0x1f900, 0x1f9ff},
    {0x20000, 0x3fffd},
};

/* Drawn over the character before. */
static const struct span marks[] = {
    {0x300, 0x36f},
    {0x3099, 0x309a},
    {0x20d0, 0x20f0},
    {0xfe00, 0xfe0f},
};

#define IS_IN(spans, c) is_in(spans, sizeof(spans) / sizeof((spans)[0]), c)

static bool
is_in(const struct span *spans, size_t count, uint32_t c)
{
	for (size_t i = 0; i < count; i++) {
		if (c >= spans[i].first && c <= spans[i].last)
			return true;
	}
	return false;
}

/* The character at the front of valid UTF-8, and its bytes. */
static uint32_t
first_char(struct bytes text, size_t *len)
{
	uint8_t lead = text.ptr[0];
	uint32_t c = lead;

	*len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (*len > text.len)
		*len = text.len;
	if (*len > 1)
		c = lead & (0xffu >> (*len + 1));
	for (size_t i = 1; i < *len; i++)
		c = c << 6 | (text.ptr[i] & 0x3f);
	return c;
}

static struct bytes
after(struct bytes text, size_t len)
{
	return bytes_of(text.ptr + len, text.len - len);
}

void
safe_add(struct bytes text, struct buf *out)
{
	struct bytes rest;
	struct buf escaped;
	size_t len;

	buf_init(&escaped, text.len * ESCAPE_GROWTH);
	escape_encode(text, &escaped);
	rest = buf_bytes(&escaped);
	if (escaped.err)
		out->err = escaped.err;
	for (; rest.len; rest = after(rest, len)) {
		uint32_t c = first_char(rest, &len);

		if (c >= 0x80 && IS_IN(formats, c))
			buf_add_fmt(out, "\\u{%x}", (unsigned)c);
		else
			buf_add(out, rest.ptr, len);
	}
	buf_fini(&escaped);
}

/* Bytes to take without cutting a character, if there are any whole ones. */
static size_t
piece_of(struct bytes text)
{
	size_t len = PIECE;

	if (text.len <= PIECE)
		return text.len;
	while (len > PIECE - 4 && (text.ptr[len] & 0xc0) == 0x80)
		len--;
	return len;
}

void
safe_write(struct bytes text, FILE *to)
{
	struct buf b;

	buf_init(&b, 8 * PIECE);
	while (text.len) {
		size_t len = piece_of(text);

		safe_add(bytes_of(text.ptr, len), &b);
		fwrite(buf_ptr(&b), 1, b.len, to);
		buf_clear(&b);
		text = after(text, len);
	}
	buf_fini(&b);
}

/* As \u escapes: two of them past the first 65,536 characters. */
static void
write_escape(uint32_t c, FILE *to)
{
	if (c > 0xffff) {
		c -= 0x10000;
		fprintf(to, "\\u%04X", (unsigned)(0xd800 | c >> 10));
		c = 0xdc00 | (c & 0x3ff);
	}
	fprintf(to, "\\u%04X", (unsigned)c);
}

void
safe_write_json(const char *json, FILE *to)
{
	struct bytes rest = bytes_of_str(json);
	size_t len;

	for (; rest.len; rest = after(rest, len)) {
		uint32_t c = first_char(rest, &len);

		if ((c >= 0x7f && c < 0xa0) || (c >= 0xa0 && IS_IN(formats, c)))
			write_escape(c, to);
		else
			fwrite(rest.ptr, 1, len, to);
	}
}

static size_t
width_of(uint32_t c)
{
	if (c < 0x300)
		return 1;
	return IS_IN(marks, c) ? 0 : IS_IN(wides, c) ? 2 : 1;
}

size_t
safe_width(struct bytes text)
{
	size_t width = 0, len;

	for (; text.len; text = after(text, len))
		width += width_of(first_char(text, &len));
	return width;
}

void
safe_add_cut(struct bytes text, size_t max, struct buf *out)
{
	size_t width = 0, len;

	if (safe_width(text) <= max) {
		buf_add_bytes(out, text);
		return;
	}
	for (; text.len; text = after(text, len)) {
		width += width_of(first_char(text, &len));
		if (width + 1 > max)
			break;
		buf_add(out, text.ptr, len);
	}
	buf_add_str(out, "…");
}
