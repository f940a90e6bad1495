/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file target's file, whole and in pieces of a size that the first byte
 * says: the same records and the same verdict.
 */
#include <stdlib.h>

#include "admin/decode.h"
#include "lib/base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
on_record(struct bytes id, struct bytes record, void *arg)
{
	struct buf *all = arg;

	buf_add_fmt(all, "%zu %zu ", id.len, record.len);
	buf_add_bytes(all, record);
	return 0;
}

static int
decode(struct bytes in, size_t piece, struct buf *all)
{
	struct decode *d;
	int rc = 0;

	if (decode_new(on_record, all, &d))
		abort();
	for (size_t at = 0; at < in.len && !rc; at += piece)
		rc = decode_feed(d,
		    bytes_of(in.ptr + at,
			in.len - at < piece ? in.len - at : piece));
	if (!rc)
		rc = decode_end(d);
	buf_add_fmt(all, "%d", (int)decode_records(d));
	decode_free(d);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, pieces;
	struct bytes in;

	if (size < 2)
		return 0;
	in = bytes_of(data + 1, size - 1);
	buf_init(&whole, (size_t)64 << 20);
	buf_init(&pieces, (size_t)64 << 20);
	if (decode(in, in.len, &whole) != decode(in, 1u + data[0], &pieces) ||
	    !bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)))
		abort();
	buf_fini(&whole);
	buf_fini(&pieces);
	return 0;
}
