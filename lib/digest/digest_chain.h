/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_chain - the head of an agent's stream: a chain over its batches.
 *
 * Agent and spool compute it alike, so two histories of one stream (a cloned
 * or restored agent) show themselves at the first batch that differs.  A new
 * epoch starts from sixteen zero bytes.  Specified in doc/format-digest.md.
 */
#ifndef LIB_DIGEST_DIGEST_CHAIN_H
#define LIB_DIGEST_DIGEST_CHAIN_H

#include <stdint.h>

#include "lib/digest/digest.h"

#define DIGEST_CHAIN_SIZE 16

/* The head after a batch; `next` may be `head`. */
void digest_chain(struct digest_sha256 *d,
    const uint8_t head[static DIGEST_CHAIN_SIZE], uint64_t first_seq,
    uint32_t count, const uint8_t content[static DIGEST_SIZE],
    uint8_t next[static DIGEST_CHAIN_SIZE]);

#endif
