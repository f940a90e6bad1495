/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/err.h"
#include "tests/helpers/records.h"

#define ID_CHARS 32

/* Past the next blank; NULL at the end. */
static const uint8_t *
past_word(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *blank = memchr(p, ' ', (size_t)(end - p));

	return blank ? blank + 1 : NULL;
}

static bool
is_id(struct bytes x)
{
	if (x.len != ID_CHARS)
		return false;
	for (size_t i = 0; i < x.len; i++) {
		uint8_t c = x.ptr[i] | 0x20;

		if (!(x.ptr[i] >= '0' && x.ptr[i] <= '9') &&
		    !(c >= 'a' && c <= 'v'))
			return false;
	}
	return true;
}

/* Past a quoted value that begins at p, to its closing quote; NULL if none. */
static const uint8_t *
past_value(const uint8_t *p, const uint8_t *end)
{
	for (; p < end && *p != '"'; p++)
		p += *p == '\\';
	return p < end ? p : NULL;
}

/* Past one element of structured data, [name key="value" ...]. */
static const uint8_t *
past_element(const uint8_t *p, const uint8_t *end, struct bytes *id)
{
	for (; p && p < end && *p != ']'; p = p ? p + 1 : NULL) {
		const uint8_t *from = p + 1;

		if (*p != '"')
			continue;
		p = past_value(from, end);
		if (p && id->len == 0 &&
		    is_id(bytes_of(from, (size_t)(p - from))))
			*id = bytes_of(from, (size_t)(p - from));
	}
	return p && p < end ? p + 1 : NULL;
}

static const uint8_t *
past_data(const uint8_t *p, const uint8_t *end, struct bytes *id)
{
	if (p < end && *p == '-')
		return p + 1;
	if (p == end || *p != '[')
		return NULL;
	while (p && p < end && *p == '[')
		p = past_element(p, end, id);
	return p;
}

int
records_header_strip(
    struct bytes message, struct bytes *id, struct bytes *record)
{
	const uint8_t *p = message.ptr, *end = message.ptr + message.len;
	struct bytes found = {0};

	if (message.len == 0 || *p != '<')
		return ERR_FORMAT;
	/* PRI and version, time, host, program, process, message id */
	for (int i = 0; p && i < 6; i++)
		p = past_word(p, end);
	p = p ? past_data(p, end, &found) : NULL;
	if (!p || (p < end && *p != ' '))
		return ERR_FORMAT;
	p += p < end;
	*id = found;
	*record = bytes_of(p, (size_t)(end - p));
	return 0;
}
