/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/records_json.h"

#include <jansson.h>

#include "lib/base/err.h"

static int
digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648 section 4, with its padding. */
static int
add_base64(const char *text, size_t len, struct buf *out)
{
	uint32_t bits = 0;
	unsigned have = 0;

	if (len % 4)
		return ERR_FORMAT;
	for (int pad = 0; pad < 2 && len > 0 && text[len - 1] == '='; pad++)
		len--;
	for (size_t i = 0; i < len; i++) {
		int x = digit_of(text[i]);

		if (x < 0)
			return ERR_FORMAT;
		bits = bits << 6 | (uint32_t)x;
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_add_u8(out, (uint8_t)(bits >> have));
		}
	}
	return out->err;
}

static int
take_fields(const json_t *line, char id[static 33], struct buf *record)
{
	const json_t *text = json_object_get(line, "text");
	const json_t *base64 = json_object_get(line, "base64");
	const json_t *name = json_object_get(line, "id");

	if (!json_is_string(name) || json_string_length(name) != 32 ||
	    json_is_string(text) == json_is_string(base64))
		return ERR_FORMAT;
	memcpy(id, json_string_value(name), 33);
	if (base64)
		return add_base64(json_string_value(base64),
		    json_string_length(base64), record);
	buf_add(record, json_string_value(text), json_string_length(text));
	return record->err;
}

int
records_json_line(struct bytes line, char id[static 33], struct buf *record)
{
	json_t *parsed =
	    json_loadb((const char *)line.ptr, line.len, JSON_ALLOW_NUL, NULL);
	int rc = parsed ? take_fields(parsed, id, record) : ERR_FORMAT;

	json_decref(parsed);
	return rc;
}
