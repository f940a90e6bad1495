/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer to queue.peek from a keeper that lies: every record that is taken
 * from it lies within the frame or the unpacked columns, and becomes JSON.
 */
#include <stdlib.h>

#include "admin/peek.h"
#include "lib/codec/ctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
on_record(const struct peek_record *record, void *arg)
{
	json_t *row = peek_row(record);
	char *text = json_dumps(row, JSON_COMPACT);

	(void)arg;
	if (!row || !text)
		abort();
	free(text);
	json_decref(row);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	struct ctl_frame f;
	struct peek *p;
	size_t used;

	if (peek_new(&p))
		return 0;
	while (!ctl_next(in, CTL_ANSWER_MAX, &f, &used)) {
		if (f.kind == CTL_STREAM)
			peek_stream(p, f.payload);
		else if (f.kind == CTL_BATCH)
			peek_batch(p, f.payload, on_record, NULL);
		in = bytes_of(in.ptr + used, in.len - used);
	}
	peek_free(p);
	return 0;
}
