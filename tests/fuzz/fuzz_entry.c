/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that are read are written as they were. */
#include <stdlib.h>

#include "lib/codec/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* e was read from the bytes before `end`. */
static void
check(const struct entry *e, const uint8_t *end)
{
	size_t len = 8 + e->body.len;
	struct buf b;

	buf_init(&b, 1 << 24);
	entry_encode(&b, e);
	if (b.err || !bytes_equal(buf_bytes(&b), bytes_of(end - len, len)))
		abort();
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c;
	struct entry e;

	cursor_init(&c, bytes_of(data, size));
	while (entry_next(&c, &e) == 1) {
		check(&e, c.ptr);
		entry_fini(&e);
	}
	return 0;
}
