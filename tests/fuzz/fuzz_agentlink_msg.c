/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is taken as frames, as an agent sends them, and also as one type
 * and its payload, so that a fuzzer need not find checksums.
 */
#include <stdlib.h>

#include "lib/codec/agentlink_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes
encoded(const struct agentlink_msg *m, struct buf *b)
{
	buf_init(b, AGENTLINK_FRAME_CEILING * 2);
	agentlink_msg_encode(b, m);
	if (b->err)
		abort();
	return buf_bytes(b);
}

/* What was decoded, encoded and decoded again is the same (TLVs are gone). */
static void
check(const struct agentlink_frame *frame)
{
	struct agentlink_frame again;
	struct agentlink_msg m, n;
	struct buf one, two;
	size_t used;

	if (agentlink_msg_decode(frame, &m))
		return;
	encoded(&m, &one);
	if (agentlink_frame_decode(
		buf_bytes(&one), UINT32_MAX, &again, &used, NULL) != 1 ||
	    used != one.len || agentlink_msg_decode(&again, &n) ||
	    !bytes_equal(buf_bytes(&one), encoded(&n, &two)))
		abort();
	buf_fini(&two);
	buf_fini(&one);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agentlink_frame frame;
	struct bytes in = bytes_of(data, size);
	size_t used, need;

	while (agentlink_frame_decode(in, 1 << 20, &frame, &used, &need) == 1) {
		check(&frame);
		in = bytes_of(in.ptr + used, in.len - used);
	}
	if (size) {
		frame = (struct agentlink_frame){.type = data[0],
		    .stream = 1,
		    .payload = bytes_of(data + 1, size - 1)};
		check(&frame);
	}
	return 0;
}
