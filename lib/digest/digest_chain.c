/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/digest/digest_chain.h"

#include "lib/base/endian.h"

#define LABEL "agentlink head v1"
#define LABEL_LEN (sizeof(LABEL) - 1)

void
digest_chain(struct digest_sha256 *d,
    const uint8_t head[static DIGEST_CHAIN_SIZE], uint64_t first_seq,
    uint32_t count, const uint8_t content[static DIGEST_SIZE],
    uint8_t next[static DIGEST_CHAIN_SIZE])
{
	uint8_t text[LABEL_LEN + DIGEST_CHAIN_SIZE + 8 + 4 + DIGEST_SIZE];
	uint8_t digest[DIGEST_SIZE];
	uint8_t *at = text;

	memcpy(at, LABEL, LABEL_LEN);
	at += LABEL_LEN;
	memcpy(at, head, DIGEST_CHAIN_SIZE);
	at += DIGEST_CHAIN_SIZE;
	endian_put_be64(at, first_seq);
	endian_put_be32(at + 8, count);
	memcpy(at + 12, content, DIGEST_SIZE);
	digest_sha256_of(d, bytes_of(text, sizeof(text)), digest);
	memcpy(next, digest, DIGEST_CHAIN_SIZE);
}
