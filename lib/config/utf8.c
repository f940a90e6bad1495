/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/utf8.h"

#include <stdint.h>

#define NOT_UTF8 UINT32_MAX

/* Length of the sequence that c begins, and the bits of c that count. */
static size_t
head_of(uint8_t c, uint32_t *bits)
{
	if (c < 0x80) {
		*bits = c;
		return 1;
	}
	if (c >= 0xc2 && c < 0xe0) {
		*bits = c & 0x1f;
		return 2;
	}
	if (c >= 0xe0 && c < 0xf0) {
		*bits = c & 0x0f;
		return 3;
	}
	*bits = c & 0x07;
	return c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

/* The next character; NOT_UTF8 if the bytes are none. */
static uint32_t
next_of(struct bytes *text)
{
	uint32_t x;
	size_t len = head_of(text->ptr[0], &x);

	if (len == 0 || len > text->len)
		return NOT_UTF8;
	for (size_t i = 1; i < len; i++) {
		if ((text->ptr[i] & 0xc0) != 0x80)
			return NOT_UTF8;
		x = x << 6 | (text->ptr[i] & 0x3f);
	}
	if ((len == 3 && x < 0x800) || (len == 4 && x < 0x10000) ||
	    x > 0x10ffff || (x >= 0xd800 && x < 0xe000))
		return NOT_UTF8;
	*text = bytes_of(text->ptr + len, text->len - len);
	return x;
}

/* Characters that YAML 1.1 does not print, or takes for line ends. */
static bool
is_control(uint32_t x)
{
	return x < 0x20 || (x >= 0x7f && x < 0xa0) || x == 0x2028 ||
	    x == 0x2029 || x == 0xfeff || x == 0xfffe || x == 0xffff;
}

const char *
utf8_check(struct bytes text, unsigned *line, unsigned *column)
{
	unsigned at_line = 1, at_column = 1;
	const char *wrong = NULL;

	while (text.len > 0 && !wrong) {
		uint32_t x = next_of(&text);

		if (x == NOT_UTF8)
			wrong = "bytes that are not UTF-8";
		else if (x == 0)
			wrong = "a NUL byte";
		else if (is_control(x) && x != '\t' && x != '\n' && x != '\r')
			wrong = "a control character";
		else if (x == '\n')
			at_line++, at_column = 1;
		else
			at_column++;
	}
	if (wrong) {
		*line = at_line;
		*column = at_column;
	}
	return wrong;
}

bool
utf8_is_text(struct bytes text)
{
	while (text.len > 0) {
		uint32_t x = next_of(&text);

		if (x == NOT_UTF8 || is_control(x))
			return false;
	}
	return true;
}
