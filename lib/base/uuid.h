/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uuid - 128-bit identifiers (RFC 9562) and lower-case hexadecimal text.
 *
 * Making a random one is digest_random's work (lib/digest).
 */
#ifndef LIB_BASE_UUID_H
#define LIB_BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/bytes.h"

#define UUID_SIZE 16
#define UUID_TEXT_SIZE 37 /* with the NUL */

struct uuid {
	uint8_t byte[UUID_SIZE];
};

static inline bool
uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return !memcmp(a->byte, b->byte, UUID_SIZE);
}

bool uuid_is_zero(const struct uuid *id);

/* Set version 4 and the variant in 16 random bytes. */
void uuid_mark_random(struct uuid *id);

/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"; returns text. */
char *uuid_format(const struct uuid *id, char text[static UUID_TEXT_SIZE]);

/* Exactly 36 characters, either case; ERR_FORMAT otherwise. */
int uuid_parse(struct bytes text, struct uuid *id);

/* 2 * len hexadecimal digits and a NUL; returns text. */
char *uuid_hex_format(const void *ptr, size_t len, char *text);

/* Exactly 2 * len digits; ERR_FORMAT otherwise. */
int uuid_hex_parse(struct bytes text, void *ptr, size_t len);

#endif
