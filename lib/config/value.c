/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/value.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/config/host.h"
#include "lib/config/unit.h"

#define USER_MAX 32
#define STREAM_MAX 255
#define MODE_MIN 0600 /* the owner must be able to use it */

bool
value_is_list(enum value_kind kind)
{
	return kind >= VALUE_USERS;
}

enum value_kind
value_item_kind(enum value_kind list)
{
	switch (list) {
	case VALUE_USERS:
		return VALUE_USER;
	case VALUE_STREAMS:
		return VALUE_STREAM;
	case VALUE_ADDRESSES:
		return VALUE_ADDRESS;
	default:
		return VALUE_PATH;
	}
}

/* A C string of text, owned by the caller; NULL without memory. */
static char *
copy_text(struct bytes text)
{
	return strndup((const char *)text.ptr, text.len);
}

static int
take_text(struct bytes text, char **value)
{
	char *copy = copy_text(text);

	if (!copy)
		return ERR_NOMEM;
	*value = copy;
	return 0;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_alnum(uint8_t c)
{
	return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool
is_user(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (!is_lower(c) && c != '_' &&
		    (i == 0 || (!is_digit(c) && c != '-')))
			return false;
	}
	return text.len >= 1 && text.len <= USER_MAX;
}

static bool
is_path(struct bytes text)
{
	return text.len >= 1 && text.len < PATH_MAX && text.ptr[0] == '/';
}

static int
parse_address(struct bytes text, bool is_listen, struct value_address *out)
{
	char canonical[INET6_ADDRSTRLEN];
	struct value_address a = {0};
	struct bytes host;
	int rc;

	rc = host_split(text, &host, &a.port, &a.is_ipv6);
	if (rc)
		return rc;
	if (host_literal(a.is_ipv6 ? AF_INET6 : AF_INET, host, canonical))
		host = bytes_of_str(canonical);
	else if (a.is_ipv6 || is_listen || !host_is_name(host))
		return ERR_FORMAT;
	if (a.port == 0 && !is_listen)
		return ERR_RANGE;
	rc = take_text(host, &a.host);
	if (rc)
		return rc;
	*out = a;
	return 0;
}

static int
parse_host(struct bytes text, char **value)
{
	char canonical[INET6_ADDRSTRLEN];

	if (host_literal(AF_INET, text, canonical) ||
	    host_literal(AF_INET6, text, canonical))
		return take_text(bytes_of_str(canonical), value);
	return host_is_name(text) ? take_text(text, value) : ERR_FORMAT;
}

/* Exactly four octal digits, as they are written for chmod. */
static int
parse_mode(struct bytes text, uint64_t *value)
{
	uint64_t mode = 0;

	if (text.len != 4 || text.ptr[0] != '0')
		return ERR_FORMAT;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '7')
			return ERR_FORMAT;
		mode = mode * 8 + (uint64_t)(text.ptr[i] - '0');
	}
	if (mode < MODE_MIN)
		return ERR_RANGE;
	*value = mode;
	return 0;
}

static int
parse_bool(struct bytes text, bool *value)
{
	if (bytes_equal_str(text, "true"))
		*value = true;
	else if (bytes_equal_str(text, "false"))
		*value = false;
	else
		return ERR_FORMAT;
	return 0;
}

static int
parse_number(const struct value_type *type, struct bytes text, uint64_t *value)
{
	uint64_t x = 0;
	int rc;

	if (type->kind == VALUE_INTEGER)
		rc = unit_integer(text, &x);
	else if (type->kind == VALUE_RATE)
		rc = unit_parse(UNIT_RATE, text, &x);
	else if (type->kind == VALUE_DURATION)
		rc = unit_parse(UNIT_DURATION, text, &x);
	else
		rc = unit_parse(UNIT_SIZE, text, &x);
	if (rc)
		return rc;
	if (x < type->min || x > type->max)
		return ERR_RANGE;
	*value = x;
	return 0;
}

static int
parse_quota(
    const struct value_type *type, struct bytes text, struct value_quota *value)
{
	struct value_quota quota = {0};
	uint64_t percent;
	int rc;

	if (text.len > 0 && text.ptr[text.len - 1] == '%') {
		rc = unit_integer(bytes_of(text.ptr, text.len - 1), &percent);
		if (rc)
			return rc;
		if (percent < 1 || percent > 100)
			return ERR_RANGE;
		quota.percent = (unsigned)percent;
	} else {
		rc = parse_number(type, text, &quota.bytes);
		if (rc)
			return rc;
	}
	*value = quota;
	return 0;
}

/* A file name that stays in its directory. */
static bool
is_credential(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (!is_alnum(c) && c != '-' && c != '_' &&
		    (c != '.' || i == 0))
			return false;
	}
	return text.len >= 1 && text.len <= NAME_MAX;
}

static bool
cut_prefix(struct bytes *text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (text->len < len || memcmp(text->ptr, prefix, len) != 0)
		return false;
	*text = bytes_of(text->ptr + len, text->len - len);
	return true;
}

static int
parse_key(struct bytes text, struct value_key *value)
{
	struct value_key key = {.form = VALUE_KEY_OFF};

	if (!bytes_equal_str(text, "off")) {
		if (cut_prefix(&text, "credential:") && is_credential(text))
			key.form = VALUE_KEY_CREDENTIAL;
		else if (cut_prefix(&text, "file:") && is_path(text))
			key.form = VALUE_KEY_FILE;
		else
			return ERR_FORMAT;
		key.text = copy_text(text);
		if (!key.text)
			return ERR_NOMEM;
	}
	*value = key;
	return 0;
}

static int
parse_text(enum value_kind kind, struct bytes text, char **value)
{
	bool is_good;

	if (kind == VALUE_HOST)
		return parse_host(text, value);
	if (kind == VALUE_USER)
		is_good = is_user(text);
	else if (kind == VALUE_STREAM)
		is_good = text.len >= 1 && text.len <= STREAM_MAX;
	else
		is_good = is_path(text);
	return is_good ? take_text(text, value) : ERR_FORMAT;
}

int
value_parse(const struct value_type *type, struct bytes text, void *value)
{
	switch (type->kind) {
	case VALUE_BOOL:
		return parse_bool(text, value);
	case VALUE_INTEGER:
	case VALUE_SIZE:
	case VALUE_RATE:
	case VALUE_DURATION:
		return parse_number(type, text, value);
	case VALUE_MODE:
		return parse_mode(text, value);
	case VALUE_QUOTA:
		return parse_quota(type, text, value);
	case VALUE_ADDRESS:
	case VALUE_LISTEN:
		return parse_address(text, type->kind == VALUE_LISTEN, value);
	case VALUE_WORD:
		return word_parse(type->words, text, value);
	case VALUE_KEY:
		return parse_key(text, value);
	case VALUE_HOST:
	case VALUE_PATH:
	case VALUE_MATERIAL:
	case VALUE_USER:
	case VALUE_STREAM:
		return parse_text(type->kind, text, value);
	case VALUE_USERS:
	case VALUE_STREAMS:
	case VALUE_ADDRESSES:
	case VALUE_PATHS:
		break;
	}
	return ERR_INVAL;
}

/* Check an item, and write it in its one form. */
static int
parse_item(enum value_kind kind, struct bytes text, char **item)
{
	struct value_address address;
	struct buf b;
	int rc;

	if (kind != VALUE_ADDRESS)
		return parse_text(kind, text, item);
	rc = parse_address(text, false, &address);
	if (rc)
		return rc;
	buf_init(&b, HOST_NAME_TEXT_MAX + 16);
	value_format(kind, &address, &b);
	rc = b.err ? b.err : take_text(buf_bytes(&b), item);
	buf_fini(&b);
	value_fini(kind, &address);
	return rc;
}

int
value_append(const struct value_type *type, struct bytes text,
    struct value_strings *list)
{
	char **items, *item = NULL;
	int rc;

	if (list->count >= type->max)
		return ERR_LIMIT;
	rc = parse_item(value_item_kind(type->kind), text, &item);
	for (size_t i = 0; i < list->count && !rc; i++) {
		if (!strcmp(list->item[i], item))
			rc = ERR_EXISTS;
	}
	if (!rc) {
		items = reallocarray(
		    list->item, list->count + 1, sizeof(list->item[0]));
		if (items) {
			list->item = items;
			items[list->count++] = item;
			return 0;
		}
		rc = ERR_NOMEM;
	}
	free(item);
	return rc;
}

static void
format_address(const struct value_address *a, struct buf *b)
{
	buf_add_fmt(b, a->is_ipv6 ? "[%s]:%u" : "%s:%u", a->host, a->port);
}

static void
format_key(const struct value_key *key, struct buf *b)
{
	if (key->form == VALUE_KEY_CREDENTIAL)
		buf_add_fmt(b, "credential:%s", key->text);
	else if (key->form == VALUE_KEY_FILE)
		buf_add_fmt(b, "file:%s", key->text);
	else if (key->form == VALUE_KEY_OFF)
		buf_add_str(b, "off");
}

static void
format_quota(const struct value_quota *quota, struct buf *b)
{
	if (quota->percent)
		buf_add_fmt(b, "%u%%", quota->percent);
	else
		unit_format(UNIT_SIZE, quota->bytes, b);
}

static void
format_text(const char *text, struct buf *b)
{
	if (text)
		buf_add_str(b, text);
}

void
value_format(enum value_kind kind, const void *value, struct buf *b)
{
	switch (kind) {
	case VALUE_BOOL:
		buf_add_str(b, *(const bool *)value ? "true" : "false");
		break;
	case VALUE_INTEGER:
		buf_add_fmt(b, "%" PRIu64, *(const uint64_t *)value);
		break;
	case VALUE_SIZE:
		unit_format(UNIT_SIZE, *(const uint64_t *)value, b);
		break;
	case VALUE_RATE:
		unit_format(UNIT_RATE, *(const uint64_t *)value, b);
		break;
	case VALUE_DURATION:
		unit_format(UNIT_DURATION, *(const uint64_t *)value, b);
		break;
	case VALUE_MODE:
		buf_add_fmt(b, "%04" PRIo64, *(const uint64_t *)value);
		break;
	case VALUE_QUOTA:
		format_quota(value, b);
		break;
	case VALUE_ADDRESS:
	case VALUE_LISTEN:
		format_address(value, b);
		break;
	case VALUE_WORD:
		buf_add_str(b, word_text(*(const enum word *)value));
		break;
	case VALUE_KEY:
		format_key(value, b);
		break;
	default:
		assert(!value_is_list(kind));
		format_text(*(char *const *)value, b);
	}
}

static void
fini_strings(struct value_strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->item[i]);
	free(list->item);
	*list = (struct value_strings){0};
}

void
value_fini(enum value_kind kind, void *value)
{
	switch (kind) {
	case VALUE_BOOL:
		*(bool *)value = false;
		break;
	case VALUE_INTEGER:
	case VALUE_SIZE:
	case VALUE_RATE:
	case VALUE_DURATION:
	case VALUE_MODE:
		*(uint64_t *)value = 0;
		break;
	case VALUE_QUOTA:
		*(struct value_quota *)value = (struct value_quota){0};
		break;
	case VALUE_ADDRESS:
	case VALUE_LISTEN:
		free(((struct value_address *)value)->host);
		*(struct value_address *)value = (struct value_address){0};
		break;
	case VALUE_WORD:
		*(enum word *)value = WORD_NONE;
		break;
	case VALUE_KEY:
		free(((struct value_key *)value)->text);
		*(struct value_key *)value = (struct value_key){0};
		break;
	case VALUE_USERS:
	case VALUE_STREAMS:
	case VALUE_ADDRESSES:
	case VALUE_PATHS:
		fini_strings(value);
		break;
	default:
		free(*(char **)value);
		*(char **)value = NULL;
	}
}

bool
value_is_set(enum value_kind kind, const void *value)
{
	switch (kind) {
	case VALUE_BOOL:
		return true;
	case VALUE_INTEGER:
	case VALUE_SIZE:
	case VALUE_RATE:
	case VALUE_DURATION:
	case VALUE_MODE:
		return *(const uint64_t *)value != 0;
	case VALUE_QUOTA:
		return ((const struct value_quota *)value)->bytes != 0 ||
		    ((const struct value_quota *)value)->percent != 0;
	case VALUE_ADDRESS:
	case VALUE_LISTEN:
		return ((const struct value_address *)value)->host != NULL;
	case VALUE_WORD:
		return *(const enum word *)value != WORD_NONE;
	case VALUE_KEY:
		return ((const struct value_key *)value)->form !=
		    VALUE_KEY_BESIDE;
	case VALUE_USERS:
	case VALUE_STREAMS:
	case VALUE_ADDRESSES:
	case VALUE_PATHS:
		return ((const struct value_strings *)value)->count != 0;
	default:
		return *(char *const *)value != NULL;
	}
}
