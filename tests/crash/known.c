/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/codec/batch.h"
#include "lib/digest/digest.h"
#include "tests/crash/rng.h"

#define COLUMNS_MAX (8u << 20)

size_t
known_record(unsigned lane, uint64_t seq, uint8_t to[static KNOWN_RECORD_MAX])
{
	struct rng rng = {seq * KNOWN_LANES + lane};
	size_t len = 40 + (size_t)rng_below(&rng, 1000);
	int head = snprintf(
	    (char *)to, 40, "lane=%u seq=%llu ", lane, (unsigned long long)seq);

	for (size_t i = (size_t)head; i < len; i += 8) {
		uint64_t x = rng_next(&rng);

		memcpy(to + i, &x, 8);
	}
	return len;
}

bool
known_is(unsigned lane, uint64_t seq, struct bytes record)
{
	uint8_t right[KNOWN_RECORD_MAX];
	size_t len = known_record(lane, seq, right);

	return bytes_equal(record, bytes_of(right, len));
}

void
known_columns(unsigned lane, uint64_t from, uint32_t count, struct buf *out)
{
	struct batch_columns c;
	uint8_t record[KNOWN_RECORD_MAX];

	batch_columns_init(&c, COLUMNS_MAX);
	for (uint32_t i = 0; i < count; i++) {
		size_t len = known_record(lane, from + i, record);

		batch_columns_add(&c, 0, bytes_of(record, len));
	}
	if (batch_columns_encode(&c, out) || out->err)
		abort();
	batch_columns_fini(&c);
}

void
known_digest(
    unsigned lane, uint64_t from, uint32_t count, uint8_t digest[static 32])
{
	struct digest_sha256 *sha;
	uint8_t record[KNOWN_RECORD_MAX];

	if (digest_sha256_new(&sha))
		abort();
	digest_sha256_start(sha);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t len = (uint32_t)known_record(lane, from + i, record);

		if (digest_records_add(sha, bytes_of(record, len), &len, 1))
			abort();
	}
	digest_sha256_finish(sha, digest);
	digest_sha256_free(sha);
}

struct entry_stream_key
known_key(unsigned lane, char name[static 16])
{
	struct entry_stream_key key = {0};

	snprintf(name, 16, "lane-%u", lane);
	memset(&key.origin, 0x11, sizeof(key.origin));
	memset(&key.epoch, 0x22, sizeof(key.epoch));
	key.origin.byte[15] = key.epoch.byte[15] = (uint8_t)lane;
	key.name = bytes_of_str(name);
	return key;
}

unsigned
known_lane(const struct entry_stream_key *key)
{
	char name[16];

	for (unsigned lane = 0; lane < KNOWN_LANES; lane++) {
		known_key(lane, name);
		if (bytes_equal_str(key->name, name))
			return lane;
	}
	return KNOWN_LANES;
}
