/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_wrap - one 256-bit key encrypted by another: AES-256-KWP, RFC 5649.
 *
 * The wrapped form needs no nonce and notices any change of its bytes.
 */
#ifndef LIB_DIGEST_DIGEST_WRAP_H
#define LIB_DIGEST_DIGEST_WRAP_H

#include <stdint.h>

#define DIGEST_WRAP_KEY_SIZE 32
#define DIGEST_WRAP_SIZE 40

/* ERR_NOMEM. */
int digest_wrap(const uint8_t kek[static DIGEST_WRAP_KEY_SIZE],
    const uint8_t key[static DIGEST_WRAP_KEY_SIZE],
    uint8_t wrapped[static DIGEST_WRAP_SIZE]);

/* ERR_KEY if `wrapped` was not made by this kek, or was changed. */
int digest_wrap_open(const uint8_t kek[static DIGEST_WRAP_KEY_SIZE],
    const uint8_t wrapped[static DIGEST_WRAP_SIZE],
    uint8_t key[static DIGEST_WRAP_KEY_SIZE]);

#endif
