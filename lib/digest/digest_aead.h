/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_aead - XAES-256-GCM, the encryption of everything at rest.
 *
 * As specified by https://c2sp.org/XAES-256-GCM: a 256-bit key and a random
 * 192-bit nonce give each message a key and a nonce of its own, so neither
 * a restored backup nor a copied machine ever repeats one.  The tag is kept
 * apart from the bytes.  A context belongs to one thread at a time, and
 * neither seal nor open allocates.
 */
#ifndef LIB_DIGEST_DIGEST_AEAD_H
#define LIB_DIGEST_DIGEST_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/bytes.h"

#define DIGEST_AEAD_KEY_SIZE 32
#define DIGEST_AEAD_NONCE_SIZE 24
#define DIGEST_AEAD_TAG_SIZE 16
#define DIGEST_AEAD_MAX 0x40000000 /* most bytes in one message: 1 GiB */

struct digest_aead; /* opaque */

/* ERR_NOMEM.  The key is copied, and wiped by _free and _set_key. */
int digest_aead_new(
    const uint8_t key[static DIGEST_AEAD_KEY_SIZE], struct digest_aead **out);
void digest_aead_free(struct digest_aead *a);

/* Go on with another key: cheaper than another context. */
void digest_aead_set_key(
    struct digest_aead *a, const uint8_t key[static DIGEST_AEAD_KEY_SIZE]);

/*
 * Encrypt plain.len bytes to `out`, which may be plain.ptr.  The associated
 * data is `aad_count` pieces, taken as if they were one run of bytes.  The
 * caller fills the nonce by digest_random, anew for each message.
 * ERR_LIMIT past DIGEST_AEAD_MAX bytes.
 */
int digest_aead_seal(struct digest_aead *a,
    const uint8_t nonce[static DIGEST_AEAD_NONCE_SIZE], const struct bytes *aad,
    size_t aad_count, struct bytes plain, uint8_t *out,
    uint8_t tag[static DIGEST_AEAD_TAG_SIZE]);

/*
 * Decrypt cipher.len bytes to `out`, which may be cipher.ptr.  ERR_AUTH if
 * the key, the nonce, the associated data, the bytes or the tag are not those
 * of one seal; `out` is then all zero.
 */
int digest_aead_open(struct digest_aead *a,
    const uint8_t nonce[static DIGEST_AEAD_NONCE_SIZE], const struct bytes *aad,
    size_t aad_count, struct bytes cipher,
    const uint8_t tag[static DIGEST_AEAD_TAG_SIZE], uint8_t *out);

#endif
