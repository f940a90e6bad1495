/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest - random bytes, SHA-256, and the content digest of records.
 *
 * A struct digest_sha256 is a context that is used again and again: after
 * digest_sha256_new nothing here allocates or fails, but for wrong arguments.
 * A context belongs to one thread at a time.  The content digest is specified
 * in doc/format-digest.md.
 */
#ifndef LIB_DIGEST_DIGEST_H
#define LIB_DIGEST_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/uuid.h"

#define DIGEST_SIZE 32

struct digest_sha256; /* opaque; about 33 KiB */
struct digest_mac; /* opaque; HMAC-SHA-256 with one key */

/*
 * Load all that this room may ever need (algorithms, configuration, the seed
 * of the random generator), for use before a sandbox forbids open().
 * ERR_SYS if the cryptographic library does not work.
 */
int digest_warm_up(void);

/* Random bytes fit for keys; ERR_SYS if there is no randomness. */
int digest_random(void *ptr, size_t len);

/* A random UUID, version 4. */
int digest_uuid(struct uuid *id);

/* Whether two secrets of `len` bytes are equal, in constant time. */
bool digest_equal(const void *a, const void *b, size_t len);

/* Overwrite a secret; the compiler does not remove the call. */
void digest_wipe(void *ptr, size_t len);

/* A context of the caller's; ERR_NOMEM. */
int digest_sha256_new(struct digest_sha256 **out);
void digest_sha256_free(struct digest_sha256 *d);

/* One digest over what is added in turn; start forgets what was before. */
void digest_sha256_start(struct digest_sha256 *d);
void digest_sha256_add(struct digest_sha256 *d, const void *ptr, size_t len);
void digest_sha256_finish(
    struct digest_sha256 *d, uint8_t digest[static DIGEST_SIZE]);

/* start, add, finish. */
void digest_sha256_of(struct digest_sha256 *d, struct bytes x,
    uint8_t digest[static DIGEST_SIZE]);

/*
 * The content digest of `count` records: SHA-256 over, for each, its length
 * as a LEB128 varint and its bytes.  `records` holds them back to back.
 * ERR_FORMAT if the lengths do not add up to records.len.
 */
int digest_records(struct digest_sha256 *d, struct bytes records,
    const uint32_t *lens, size_t count, uint8_t digest[static DIGEST_SIZE]);

/*
 * The same in parts: digest_sha256_start, then this for each part in order,
 * then digest_sha256_finish.  After an error the digest is meaningless.
 */
int digest_records_add(struct digest_sha256 *d, struct bytes records,
    const uint32_t *lens, size_t count);

/* HMAC-SHA-256 with one key for many messages; the key is copied. */
int digest_mac_new(struct bytes key, struct digest_mac **out);
void digest_mac_free(struct digest_mac *m);
void digest_mac_of(
    struct digest_mac *m, struct bytes x, uint8_t mac[static DIGEST_SIZE]);

#endif
