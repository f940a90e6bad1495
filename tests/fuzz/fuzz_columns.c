/* SPDX-License-Identifier: Apache-2.0 */
/* Columns that are taken apart give records that make the same columns. */
#include <stdlib.h>

#include "lib/codec/batch.h"

#define RANGES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The records again; runs that need not have been apart are one then. */
static void
rebuild(const struct batch_columns_view *v, struct buf *out)
{
	uint32_t pos[RANGES] = {0};
	struct batch_columns_iter it;
	struct batch_columns c;
	uint32_t count = 0;
	size_t bytes = 0;

	batch_columns_init(&c, 1 << 24);
	batch_columns_iter_init(&it, v, pos);
	while (batch_columns_iter_next(&it)) {
		bytes += it.record.len;
		count++;
		batch_columns_add(&c, it.range, it.record);
		if (v->flags & BATCH_COLUMNS_RECEIVED)
			batch_columns_add_received(&c, it.received_delta_ns);
		if (v->flags & BATCH_COLUMNS_EVENT)
			batch_columns_add_event(&c, it.event_delta_ns);
	}
	if (count != v->count || bytes != v->records.len ||
	    pos[0] + pos[1] + pos[2] != count || batch_columns_encode(&c, out))
		abort();
	batch_columns_fini(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct batch_columns_view v, w;
	struct buf out;

	if (batch_columns_decode(bytes_of(data, size), RANGES, &v))
		return 0;
	buf_init(&out, 1 << 24);
	rebuild(&v, &out);
	if (batch_columns_decode(buf_bytes(&out), RANGES, &w) ||
	    !bytes_equal(v.records, w.records) ||
	    !bytes_equal(v.lens, w.lens) || w.runs.len > v.runs.len ||
	    !bytes_equal(v.received, w.received) ||
	    !bytes_equal(v.events, w.events))
		abort();
	buf_fini(&out);
	return 0;
}
