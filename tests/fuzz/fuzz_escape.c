/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes are escaped, given back, and free of what a line must not hold;
 * any text that is decoded is exactly what its bytes are escaped to.
 */
#include <stdlib.h>

#include "lib/codec/escape.h"

#define LIMIT (1U << 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_line(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	struct buf text, back;

	buf_init(&text, LIMIT);
	buf_init(&back, LIMIT);
	escape_encode(in, &text);
	check_line(buf_bytes(&text));
	if (text.len > size * ESCAPE_GROWTH || text.len != escape_length(in) ||
	    escape_decode(buf_bytes(&text), &back) ||
	    !bytes_equal(buf_bytes(&back), in))
		abort();
	buf_clear(&text);
	buf_clear(&back);
	if (escape_decode(in, &back) == 0) {
		escape_encode(buf_bytes(&back), &text);
		if (!bytes_equal(buf_bytes(&text), in))
			abort();
	}
	buf_fini(&text);
	buf_fini(&back);
	return 0;
}
