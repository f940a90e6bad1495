/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_origin - the short form of a record's origin id.
 *
 * 32 lower-case characters that stay the same over every hop, are unique to
 * (origin, stream, epoch, seq), and sort within a stream as its records do.
 * Specified in doc/format-digest.md.
 */
#ifndef LIB_DIGEST_DIGEST_ORIGIN_H
#define LIB_DIGEST_DIGEST_ORIGIN_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/uuid.h"
#include "lib/digest/digest.h"

#define DIGEST_ORIGIN_PREFIX_SIZE 12
#define DIGEST_ORIGIN_TEXT_SIZE 33 /* with the NUL */

/* What all records of one stream's epoch share. */
void digest_origin_prefix(struct digest_sha256 *d, const struct uuid *origin,
    struct bytes stream, const struct uuid *epoch,
    uint8_t prefix[static DIGEST_ORIGIN_PREFIX_SIZE]);

/* The id of one record; returns text. */
char *digest_origin_id(const uint8_t prefix[static DIGEST_ORIGIN_PREFIX_SIZE],
    uint64_t seq, char text[static DIGEST_ORIGIN_TEXT_SIZE]);

#endif
