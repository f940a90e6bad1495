/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/valuetext.h"

#include <inttypes.h>

#include "lib/config/unit.h"
#include "lib/config/word.h"

static const char *const kinds[] = {
    [VALUE_BOOL] = "a truth value",
    [VALUE_INTEGER] = "a whole number",
    [VALUE_SIZE] = "a size",
    [VALUE_RATE] = "a rate",
    [VALUE_DURATION] = "a duration",
    [VALUE_MODE] = "a mode",
    [VALUE_QUOTA] = "a size or percentage",
    [VALUE_ADDRESS] = "a host and port",
    [VALUE_LISTEN] = "an address and port",
    [VALUE_HOST] = "a host",
    [VALUE_PATH] = "an absolute path",
    [VALUE_MATERIAL] = "an absolute path",
    [VALUE_USER] = "a user or group name",
    [VALUE_STREAM] = "a stream name",
    [VALUE_WORD] = "a word",
    [VALUE_KEY] = "a key reference",
    [VALUE_USERS] = "a list of group names",
    [VALUE_STREAMS] = "a list of stream names",
    [VALUE_ADDRESSES] = "a list of hosts and ports",
    [VALUE_PATHS] = "a list of absolute paths",
};

/* Kinds whose allowed values depend on nothing else. */
static const char *const fixed[] = {
    [VALUE_BOOL] = "true or false",
    [VALUE_MODE] = "four octal digits from 0600 to 0777",
    [VALUE_ADDRESS] = "HOST:PORT, as spool.example:7614 or [2001:db8::1]:7614",
    [VALUE_LISTEN] = "ADDRESS:PORT, as 0.0.0.0:7614 or [::]:7614",
    [VALUE_HOST] = "a host name or an IP address",
    [VALUE_PATH] = "an absolute path",
    [VALUE_MATERIAL] = "an absolute path",
    [VALUE_USER] = "1 to 32 of a-z, 0-9, _ and -, not beginning with a digit "
		   "or -",
    [VALUE_STREAM] = "1 to 255 bytes",
    [VALUE_KEY] = "credential:NAME, file:/PATH or off",
};

const char *
valuetext_kind(enum value_kind kind)
{
	return kinds[kind];
}

static void
add_range(const char *noun, enum unit unit, const struct value_type *type,
    struct buf *b)
{
	buf_add_fmt(b, "%s from ", noun);
	unit_format(unit, type->min, b);
	buf_add_str(b, " to ");
	unit_format(unit, type->max, b);
	buf_add_fmt(b, ", a whole number with %s", unit_names(unit));
}

void
valuetext_allowed(const struct value_type *type, struct buf *b)
{
	switch (type->kind) {
	case VALUE_INTEGER:
		buf_add_fmt(b, "a whole number from %" PRIu64 " to %" PRIu64,
		    type->min, type->max);
		break;
	case VALUE_SIZE:
		add_range("a size", UNIT_SIZE, type, b);
		break;
	case VALUE_RATE:
		add_range("a rate", UNIT_RATE, type, b);
		break;
	case VALUE_DURATION:
		add_range("a duration", UNIT_DURATION, type, b);
		break;
	case VALUE_QUOTA:
		buf_add_str(b, "a percentage from 1% to 100%, or ");
		add_range("a size", UNIT_SIZE, type, b);
		break;
	case VALUE_WORD:
		word_allowed(type->words, b);
		break;
	case VALUE_USERS:
	case VALUE_STREAMS:
	case VALUE_ADDRESSES:
	case VALUE_PATHS:
		buf_add_fmt(b,
		    "a list of %" PRIu64 " to %" PRIu64 " different items, "
		    "each ",
		    type->min, type->max);
		buf_add_str(b, fixed[value_item_kind(type->kind)]);
		break;
	default:
		buf_add_str(b, fixed[type->kind]);
	}
}
