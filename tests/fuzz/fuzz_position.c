/* SPDX-License-Identifier: Apache-2.0 */
/* What is decoded is encoded to the same bytes: values, then keys. */
#include <stdlib.h>

#include "agentlink/agent/position.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct position p = {0};
	struct bytes in = bytes_of(data, size), stream;
	struct buf b;
	buf_init(&b, 1 << 20);
	if (!position_value_decode(in, &p)) {
		position_value(&b, &p);
		if (b.err || !bytes_equal(buf_bytes(&b), in))
			abort();
	}
	buf_clear(&b);
	if (!position_key_decode(in, &stream, &p.device, &p.inode)) {
		position_key(&b, stream, p.device, p.inode);
		if (!b.err && !bytes_equal(buf_bytes(&b), in))
			abort();
	}
	buf_fini(&b);
	return 0;
}
