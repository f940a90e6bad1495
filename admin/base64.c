/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/base64.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Up to three bytes become four characters. */
static void
add_group(const uint8_t *p, size_t len, struct buf *out)
{
	uint32_t x = (uint32_t)p[0] << 16;
	char text[4];

	if (len > 1)
		x |= (uint32_t)p[1] << 8;
	if (len > 2)
		x |= p[2];
	text[0] = digits[x >> 18];
	text[1] = digits[x >> 12 & 63];
	text[2] = '=';
	text[3] = '=';
	if (len > 1)
		text[2] = digits[x >> 6 & 63];
	if (len > 2)
		text[3] = digits[x & 63];
	buf_add(out, text, sizeof(text));
}

void
base64_add(struct bytes raw, struct buf *out)
{
	for (size_t at = 0; at < raw.len; at += 3)
		add_group(
		    raw.ptr + at, raw.len - at < 3 ? raw.len - at : 3, out);
}

json_t *
base64_json(struct bytes raw)
{
	json_t *s = NULL;
	struct buf b;

	buf_init(&b, raw.len / 3 * 4 + 4);
	base64_add(raw, &b);
	if (!b.err)
		s = json_stringn((const char *)buf_ptr(&b), b.len);
	buf_fini(&b);
	return s;
}
