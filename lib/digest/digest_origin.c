/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/digest/digest_origin.h"

#include "lib/base/endian.h"

#define ID_SIZE (DIGEST_ORIGIN_PREFIX_SIZE + 8)

static void
add_varint(struct digest_sha256 *d, uint64_t x)
{
	uint8_t text[10];
	size_t n = 0;

	for (; x >= 0x80; x >>= 7)
		text[n++] = (uint8_t)(x | 0x80);
	text[n++] = (uint8_t)x;
	digest_sha256_add(d, text, n);
}

void
digest_origin_prefix(struct digest_sha256 *d, const struct uuid *origin,
    struct bytes stream, const struct uuid *epoch,
    uint8_t prefix[static DIGEST_ORIGIN_PREFIX_SIZE])
{
	uint8_t digest[DIGEST_SIZE];

	digest_sha256_start(d);
	digest_sha256_add(d, origin->byte, UUID_SIZE);
	add_varint(d, stream.len);
	digest_sha256_add(d, stream.ptr, stream.len);
	digest_sha256_add(d, epoch->byte, UUID_SIZE);
	digest_sha256_finish(d, digest);
	memcpy(prefix, digest, DIGEST_ORIGIN_PREFIX_SIZE);
}

/* Five bytes are eight digits, and 20 bytes need no padding. */
char *
digest_origin_id(const uint8_t prefix[static DIGEST_ORIGIN_PREFIX_SIZE],
    uint64_t seq, char text[static DIGEST_ORIGIN_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	uint8_t id[ID_SIZE];
	char *to = text;

	memcpy(id, prefix, DIGEST_ORIGIN_PREFIX_SIZE);
	endian_put_be64(id + DIGEST_ORIGIN_PREFIX_SIZE, seq);
	for (size_t i = 0; i < ID_SIZE; i += 5) {
		uint64_t group =
		    (uint64_t)id[i] << 32 | endian_get_be32(id + i + 1);

		for (int shift = 35; shift >= 0; shift -= 5)
			*to++ = digits[group >> shift & 31];
	}
	*to = '\0';
	return text;
}
