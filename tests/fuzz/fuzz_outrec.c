/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is decoded is encoded to the same bytes.  The checks are made right
 * first, so that the fuzzer gets past them.
 */
#include <stdlib.h>

#include "agentlink/agentlink_outrec.h"
#include "lib/base/crc32c.h"
#include "lib/base/endian.h"

#define SALT 0x5a175a17u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
mend(uint8_t *p, size_t size)
{
	if (size < AGENTLINK_OUTREC_HEADER)
		return;
	size_t meta = endian_get_le32(p + 8), body = endian_get_le32(p + 12);
	size_t room = size - AGENTLINK_OUTREC_HEADER;
	if (meta > room || body > room - meta)
		return;
	const uint8_t *at = p + AGENTLINK_OUTREC_HEADER;
	endian_put_le32(p + 16, crc32c(0, at + meta, body));
	endian_put_le32(p + 20, crc32c(crc32c(SALT, p, 20), at, meta));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agentlink_outrec r;
	uint64_t number;
	uint32_t salt;
	size_t len;
	uint8_t *copy = malloc(size + 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	agentlink_outrec_file_decode(bytes_of(copy, size), &number, &salt);
	agentlink_outrec_seek(bytes_of(copy, size), SALT, 0);
	mend(copy, size);
	if (agentlink_outrec_decode(bytes_of(copy, size), SALT, &r, &len) ==
		1 &&
	    agentlink_outrec_body_is_sound(&r)) {
		struct buf b;
		buf_init(&b, 32u << 20);
		agentlink_outrec_encode(&b, SALT, &r);
		if (b.err || !bytes_equal(buf_bytes(&b), bytes_of(copy, len)))
			abort();
		buf_fini(&b);
	}
	free(copy);
	return 0;
}
