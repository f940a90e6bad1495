/* SPDX-License-Identifier: Apache-2.0 */
/* A set that is decoded is a proper one, and has these bytes alone. */
#include <stdlib.h>

#include "lib/codec/ivset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct ivset *s, struct bytes in)
{
	struct buf b;

	for (size_t i = 0; i < s->n; i++)
		if (s->iv[i].from >= s->iv[i].to ||
		    (i && s->iv[i].from <= s->iv[i - 1].to))
			abort();
	buf_init(&b, 1 << 20);
	ivset_encode(s, &b);
	if (!bytes_equal(buf_bytes(&b), in))
		abort();
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c;
	struct ivset s;

	ivset_init(&s, 1000);
	cursor_init(&c, bytes_of(data, size));
	ivset_decode(&c, &s);
	if (!cursor_err(&c))
		check(&s, bytes_of(data, size - cursor_left(&c)));
	ivset_fini(&s);
	return 0;
}
