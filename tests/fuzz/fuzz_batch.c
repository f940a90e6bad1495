/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stored batch: the input as it is, and once more as a value whose padding
 * and checksum were made right, so that what lies behind them is reached.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/endian.h"
#include "lib/codec/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every range that is read is written as it was. */
static void
check_ranges(struct bytes encoded)
{
	struct batch_range range;
	struct batch_ranges r;
	struct buf b;
	int rc;

	if (batch_ranges_begin(&r, encoded))
		return;
	buf_init(&b, 1 << 24);
	batch_ranges_encode_begin(&b, r.chains ? &r.chain : NULL, r.ranges);
	while ((rc = batch_ranges_next(&r, &range)) == 1)
		batch_range_encode(&b, &range);
	if (!rc && !bytes_equal(encoded, buf_bytes(&b)))
		abort();
	buf_fini(&b);
}

static void
check(struct bytes value)
{
	uint8_t header[BATCH_HEADER_MAX];
	struct batch_view v;

	if (batch_decode(value, &v))
		return;
	batch_header_encode(&v.header, v.ranges, header);
	if (!bytes_equal(
		v.header_bytes, bytes_of(header, batch_header_len(&v.header))))
		abort();
	check_ranges(v.ranges);
}

static void
repair_and_check(const uint8_t *data, size_t size)
{
	size_t len = batch_padded_len(size), header_len, end;
	uint8_t *value = calloc(1, len);
	uint32_t crc;

	if (!value)
		abort();
	memcpy(value, data, size);
	header_len = endian_get_le16(value + 10);
	end = header_len + endian_get_le32(value + 20);
	if (header_len >= BATCH_HEADER_SIZE && end <= len) {
		crc = crc32c(0, value, 236);
		crc = crc32c(
		    crc, value + BATCH_HEADER_SIZE, end - BATCH_HEADER_SIZE);
		endian_put_le32(value + 236, crc);
		check(bytes_of(value, len));
	}
	free(value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(bytes_of(data, size));
	check_ranges(bytes_of(data, size));
	if (size >= BATCH_HEADER_SIZE)
		repair_and_check(data, size);
	return 0;
}
