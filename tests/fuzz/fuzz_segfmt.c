/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's own layouts: the input padded to a page of each kind, as it is
 * and with its checksum made right.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/endian.h"
#include "lib/store/segfmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same(const uint8_t *a, const uint8_t *b, size_t len)
{
	if (memcmp(a, b, len))
		abort();
}

/* What decodes encodes to the same bytes. */
static void
check(const uint8_t *page)
{
	uint8_t again[SEGFMT_SLOT_SIZE];
	struct segfmt_header h;
	struct segfmt_footer f;
	struct segfmt_slot s;
	struct segfmt_lock l;

	if (!segfmt_header_decode(bytes_of(page, SEGFMT_VALUE_SIZE), &h)) {
		segfmt_header_encode(&h, again);
		same(page, again, SEGFMT_VALUE_SIZE);
	}
	if (!segfmt_footer_decode(bytes_of(page, SEGFMT_VALUE_SIZE), &f)) {
		segfmt_footer_encode(&f, again);
		same(page, again, SEGFMT_VALUE_SIZE);
	}
	if (!segfmt_slot_decode(bytes_of(page, SEGFMT_SLOT_SIZE), &s)) {
		segfmt_slot_encode(&s, again);
		same(page, again, SEGFMT_SLOT_SIZE);
	}
	if (!segfmt_lock_decode(bytes_of(page, SEGFMT_LOCK_SIZE), &l)) {
		segfmt_lock_encode(&l, again);
		same(page, again, SEGFMT_LOCK_SIZE);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t page[SEGFMT_SLOT_SIZE] = {0};
	struct bytes value;
	size_t len;

	memcpy(page, data, size < sizeof(page) ? size : sizeof(page));
	check(page);
	len = endian_get_le16(page + 10);
	if (len >= 16 && len <= 512) {
		endian_put_le32(page + len - 4, crc32c(0, page, len - 4));
		check(page);
	}
	segfmt_meta_decode(bytes_of_str("key"), bytes_of(data, size), &value);
	return 0;
}
