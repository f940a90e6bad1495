/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of frames: each is encoded again to the bytes it came from, and so is
 * the batch inside; what is not whole yet never becomes wrong by being cut.
 */
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/codec/ctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
encode_again(const struct ctl_frame *f, struct bytes from)
{
	struct ctl_batch batch;
	struct buf b;

	buf_init(&b, CTL_ANSWER_MAX + CTL_HEADER_SIZE);
	ctl_put(&b, f->kind, f->payload);
	if (b.err || !bytes_equal(buf_bytes(&b), from))
		abort();
	if (f->kind == CTL_BATCH && !ctl_batch_decode(f->payload, &batch)) {
		buf_clear(&b);
		ctl_put_batch(&b, &batch);
		if (b.err || !bytes_equal(buf_bytes(&b), from))
			abort();
	}
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	struct ctl_frame f, g;
	size_t used, more;

	while (!ctl_next(in, CTL_ANSWER_MAX, &f, &used)) {
		if (used > in.len || used < CTL_HEADER_SIZE + 1)
			abort();
		encode_again(&f, bytes_of(in.ptr, used));
		if (ctl_next(bytes_of(in.ptr, used - 1), CTL_ANSWER_MAX, &g,
			&more) != ERR_AGAIN)
			abort();
		in = bytes_of(in.ptr + used, in.len - used);
	}
	return 0;
}
