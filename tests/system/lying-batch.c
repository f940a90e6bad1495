/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lying-batch [--unreadable] SPOOL-DIRECTORY KEY-FILE: store one more batch in
 * a stopped spool, as its last one but with the next numbers of its streams,
 * whose content digest is not that of its records.  Everything else of it is
 * right: tag, checksum, chain.  With --unreadable its payload cannot be
 * unpacked either.  Prints "NUMBER FIRST-REC RECORDS".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "tests/system/stopped_spool.h"

#define COPY_MAX ((size_t)BATCH_STORED_MAX + (2 << 20))

static int
note_last(void *arg, const struct store_batch *b)
{
	if (b->header.kind == BATCH_DATA)
		*(uint64_t *)arg = b->header.number;
	return 0;
}

static void
move_on(struct bytes ranges, struct buf *out)
{
	struct batch_ranges in;
	struct batch_range r;

	stopped_spool_must(batch_ranges_begin(&in, ranges), "ranges");
	batch_ranges_encode_begin(out, NULL, in.ranges);
	while (batch_ranges_next(&in, &r) == 1) {
		r.first_seq += r.count;
		batch_range_encode(out, &r);
	}
}

static void
append(struct store *s, const struct store_batch *last, bool unreadable)
{
	uint8_t *payload = malloc(last->payload.len);
	const struct store_token *token;
	uint8_t digest[BATCH_DIGEST_SIZE];
	struct store_txn *txn;
	struct store_data data = {
	    .lane = last->header.lane,
	    .codec = last->header.codec,
	    .records = last->header.records,
	    .raw_len = last->header.raw_len,
	    .received_first_ns = last->header.received_first_ns,
	    .received_last_ns = last->header.received_last_ns,
	    .content_digest = digest,
	};
	uint64_t number, first_rec;
	struct buf ranges;

	stopped_spool_must(payload ? 0 : ERR_NOMEM, "payload");
	memcpy(payload, last->payload.ptr, last->payload.len);
	if (unreadable)
		memset(payload, 0xff, last->payload.len);
	data.payload = bytes_of(payload, last->payload.len);
	memcpy(digest, last->header.content_digest, sizeof(digest));
	digest[0] ^= 1;
	buf_init(&ranges, BATCH_RANGES_MAX);
	move_on(last->ranges, &ranges);
	data.ranges = buf_bytes(&ranges);
	/* Its streams are defined only where the last one was. */
	txn = stopped_spool_begin(
	    s, store_need(ranges.len, data.payload.len), false);
	stopped_spool_must(store_add(txn, &data, &number, &first_rec), "add");
	stopped_spool_must(store_commit(txn, &token), "commit");
	printf("%" PRIu64 " %" PRIu64 " %" PRIu32 "\n", number, first_rec,
	    data.records);
	buf_fini(&ranges);
	free(payload);
}

int
main(int argc, char **argv)
{
	struct store_cursor *cursor;
	struct store_damage damage;
	struct store_batch last;
	uint64_t number = 0;
	struct store *s;
	struct buf copy;

	bool unreadable = argc > 1 && !strcmp(argv[1], "--unreadable");

	argc -= unreadable;
	argv += unreadable;
	if (argc != 3)
		return 2;
	s = stopped_spool_open(argv[1], argv[2], note_last, &number);
	buf_init(&copy, COPY_MAX);
	stopped_spool_must(
	    store_cursor_open_number(s, number, &cursor), "cursor");
	stopped_spool_must(
	    store_cursor_next(cursor, false, &copy, &last, &damage), "read");
	append(s, &last, unreadable);
	store_cursor_close(cursor);
	buf_fini(&copy);
	store_close(s);
	return 0;
}
