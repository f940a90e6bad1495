/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value - the kinds of value a setting can have: text in, typed value out.
 *
 * A kind decides which texts are allowed, what the value is in C, how it is
 * written again, and how a person is told what is allowed.  Nothing is
 * guessed: "99x", "1.5GiB" and " 7" are errors.  Rows of settings.def name
 * a kind; VALUE_TYPE_kind is its type.
 */
#ifndef LIB_CONFIG_VALUE_H
#define LIB_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/config/word.h"

struct value_address {
	char *host; /* without brackets; NULL if not set */
	uint16_t port;
	bool is_ipv6; /* an IPv6 literal */
};

struct value_strings {
	size_t count;
	char **item;
};

/* Either bytes or percent is set, the other is 0. */
struct value_quota {
	uint64_t bytes;
	unsigned percent; /* of the file system */
};

enum value_key_form {
	VALUE_KEY_BESIDE, /* not set: <directory>/spool.key */
	VALUE_KEY_CREDENTIAL,
	VALUE_KEY_FILE,
	VALUE_KEY_OFF,
};

struct value_key {
	enum value_key_form form;
	char *text; /* credential's name or file's path, else NULL */
};

/*
 * The type in C of each kind.  Texts are NULL, and numbers 0, when a setting
 * is not set and has no default.
 */
#define VALUE_TYPE_BOOL bool
#define VALUE_TYPE_INTEGER uint64_t
#define VALUE_TYPE_SIZE uint64_t /* bytes */
#define VALUE_TYPE_RATE uint64_t /* bits per second */
#define VALUE_TYPE_DURATION uint64_t /* milliseconds */
#define VALUE_TYPE_MODE uint64_t
#define VALUE_TYPE_QUOTA struct value_quota
#define VALUE_TYPE_ADDRESS struct value_address /* host name or literal */
#define VALUE_TYPE_LISTEN struct value_address /* literal; port 0 allowed */
#define VALUE_TYPE_HOST char *
#define VALUE_TYPE_PATH char *
#define VALUE_TYPE_MATERIAL char * /* path; a role gets the contents */
#define VALUE_TYPE_USER char *
#define VALUE_TYPE_STREAM char *
#define VALUE_TYPE_WORD enum word
#define VALUE_TYPE_KEY struct value_key
#define VALUE_TYPE_USERS struct value_strings
#define VALUE_TYPE_STREAMS struct value_strings /* names or patterns */
#define VALUE_TYPE_ADDRESSES struct value_strings /* each HOST:PORT */
#define VALUE_TYPE_PATHS struct value_strings /* paths or patterns */

enum value_kind {
	VALUE_BOOL,
	VALUE_INTEGER,
	VALUE_SIZE,
	VALUE_RATE,
	VALUE_DURATION,
	VALUE_MODE,
	VALUE_QUOTA,
	VALUE_ADDRESS,
	VALUE_LISTEN,
	VALUE_HOST,
	VALUE_PATH,
	VALUE_MATERIAL,
	VALUE_USER,
	VALUE_STREAM,
	VALUE_WORD,
	VALUE_KEY,
	/* Lists; one item each has the kind that value_item_kind tells. */
	VALUE_USERS,
	VALUE_STREAMS,
	VALUE_ADDRESSES,
	VALUE_PATHS,
};

/* A kind with what a row may add to it. */
struct value_type {
	enum value_kind kind;
	enum word_set words; /* of VALUE_WORD */
	uint64_t min, max; /* of numbers, and of the number of items */
};

bool value_is_list(enum value_kind kind);
enum value_kind value_item_kind(enum value_kind list);

/*
 * Parse one scalar into *value, which has the type of the kind and holds
 * nothing.  Returns ERR_FORMAT (not of this kind), ERR_RANGE,
 * ERR_UNSUPPORTED (a word of a later version), ERR_NOENT (no such word) or
 * ERR_NOMEM.  Texts in *value are owned by the caller (value_fini).
 */
int value_parse(const struct value_type *type, struct bytes text, void *value);

/* Append one checked item to a list.  Errors as value_parse, and ERR_LIMIT. */
int value_append(const struct value_type *type, struct bytes text,
    struct value_strings *list);

/* The value as value_parse reads it, not quoted; not for lists. */
void value_format(enum value_kind kind, const void *value, struct buf *b);

/* Give back what a value owns and make it "not set". */
void value_fini(enum value_kind kind, void *value);

/* Is there something in it: a text, an item, a number that is not 0? */
bool value_is_set(enum value_kind kind, const void *value);

#endif
