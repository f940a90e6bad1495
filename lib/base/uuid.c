/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/uuid.h"

#include "lib/base/err.h"

bool
uuid_is_zero(const struct uuid *id)
{
	static const struct uuid zero;

	return uuid_equal(id, &zero);
}

void
uuid_mark_random(struct uuid *id)
{
	id->byte[6] = (uint8_t)((id->byte[6] & 0x0f) | 0x40);
	id->byte[8] = (uint8_t)((id->byte[8] & 0x3f) | 0x80);
}

char *
uuid_hex_format(const void *ptr, size_t len, char *text)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = ptr;

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[p[i] >> 4];
		text[2 * i + 1] = digits[p[i] & 15];
	}
	text[2 * len] = '\0';
	return text;
}

static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
uuid_hex_parse(struct bytes text, void *ptr, size_t len)
{
	uint8_t *p = ptr;

	if (text.len != 2 * len)
		return ERR_FORMAT;
	for (size_t i = 0; i < text.len; i++)
		if (digit(text.ptr[i]) < 0)
			return ERR_FORMAT;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(digit(text.ptr[2 * i]) << 4 |
		    digit(text.ptr[2 * i + 1]));
	return 0;
}

char *
uuid_format(const struct uuid *id, char text[static UUID_TEXT_SIZE])
{
	char hex[2 * UUID_SIZE + 1];
	char *to = text;

	uuid_hex_format(id->byte, UUID_SIZE, hex);
	for (int i = 0; i < 2 * UUID_SIZE; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			*to++ = '-';
		*to++ = hex[i];
	}
	*to = '\0';
	return text;
}

int
uuid_parse(struct bytes text, struct uuid *id)
{
	uint8_t hex[2 * UUID_SIZE];
	size_t n = 0;

	if (text.len != UUID_TEXT_SIZE - 1)
		return ERR_FORMAT;
	for (size_t i = 0; i < text.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash != (text.ptr[i] == '-'))
			return ERR_FORMAT;
		if (!dash)
			hex[n++] = text.ptr[i];
	}
	return uuid_hex_parse(bytes_of(hex, sizeof(hex)), id->byte, UUID_SIZE);
}
