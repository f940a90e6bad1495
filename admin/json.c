/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/json.h"

#include <stdlib.h>

#include "admin/safe.h"
#include "lib/base/err.h"
#include "lib/codec/escape.h"

/* The parser recurses, so depth is looked at before it is called. */
static bool
is_too_deep(struct bytes text)
{
	bool in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > JSON_DEPTH_MAX)
			return true;
	}
	return false;
}

int
json_read(struct bytes text, json_t **out, char *why)
{
	json_error_t e = {.text = "nested too deep"};
	json_t *value = NULL;

	if (!is_too_deep(text))
		value = json_loadb((const char *)text.ptr, text.len,
		    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
	if (value && !json_is_object(value)) {
		snprintf(e.text, sizeof(e.text), "not an object");
		json_decref(value);
		value = NULL;
	}
	if (!value) {
		if (why)
			snprintf(why, JSON_ERROR_TEXT_LENGTH, "%s", e.text);
		return ERR_FORMAT;
	}
	*out = value;
	return 0;
}

const json_t *
json_at(const json_t *o, const char *path)
{
	while (o && *path) {
		size_t len = strcspn(path, ".");

		o = json_object_getn(o, path, len);
		path += len + (path[len] == '.');
	}
	return json_is_null(o) ? NULL : o;
}

const char *
json_str(const json_t *o, const char *path, const char *none)
{
	const char *s = json_string_value(json_at(o, path));

	return s ? s : none;
}

double
json_num(const json_t *o, const char *path, double none)
{
	const json_t *x = json_at(o, path);

	return json_is_number(x) ? json_number_value(x) : none;
}

uint64_t
json_u64(const json_t *o, const char *path, uint64_t none)
{
	const json_t *x = json_at(o, path);

	if (!json_is_integer(x) || json_integer_value(x) < 0)
		return none;
	return (uint64_t)json_integer_value(x);
}

bool
json_flag(const json_t *o, const char *path, bool none)
{
	const json_t *x = json_at(o, path);

	return json_is_boolean(x) ? json_is_true(x) : none;
}

json_t *
json_text(struct bytes text)
{
	json_t *s = json_stringn((const char *)text.ptr, text.len);
	struct buf b;

	if (s || !text.len)
		return s ? s : json_string("");
	buf_init(&b, text.len * ESCAPE_GROWTH);
	escape_encode(text, &b);
	s = json_stringn((const char *)buf_ptr(&b), b.len);
	buf_fini(&b);
	return s;
}

bool
json_write(const json_t *value, int indent, FILE *to)
{
	size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
	char *text;

	flags |= indent ? JSON_INDENT((size_t)indent) : JSON_COMPACT;
	text = json_dumps(value, flags);
	if (!text)
		return false;
	safe_write_json(text, to);
	free(text);
	fputc('\n', to);
	return !ferror(to);
}
