/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes from anybody to pack_unpack: the first four announce the raw length.
 * What is accepted must be accepted again when it is packed by us.
 */
#include <stdlib.h>

#include "lib/base/endian.h"
#include "lib/pack/pack.h"

#define LIMIT (1U << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
pack_and_unpack(struct pack *p, const struct buf *raw)
{
	struct bytes x = buf_bytes(raw);
	size_t cap = pack_bound(x.len), len;
	uint8_t *packed = malloc(cap);
	struct buf again;

	buf_init(&again, LIMIT);
	if (!packed || pack_compress(p, x, packed, cap, &len) ||
	    pack_unpack(p, bytes_of(packed, len), x.len, LIMIT, &again) ||
	    !bytes_equal(x, buf_bytes(&again)))
		abort();
	buf_fini(&again);
	free(packed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pack *p;
	struct buf out;

	if (size < 4 || pack_new(1, &p))
		return 0;
	buf_init(&out, LIMIT);
	if (!pack_unpack(p, bytes_of(data + 4, size - 4), endian_get_le32(data),
		LIMIT, &out))
		pack_and_unpack(p, &out);
	buf_fini(&out);
	pack_free(p);
	return 0;
}
