/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peek_made - a stored batch of four records of two streams, as the keeper
 * sends it: for the tests of peek and of `queue peek`.
 */
#ifndef TESTS_UNIT_ADMIN_PEEK_MADE_H
#define TESTS_UNIT_ADMIN_PEEK_MADE_H

#include <stdio.h>

#include "lib/base/buf.h"
#include "lib/codec/batch.h"
#include "lib/codec/ctl.h"
#include "lib/pack/pack.h"

#define PEEK_MADE_ORIGIN "11111111-1111-4111-8111-111111111111"
#define PEEK_MADE_EPOCH "333333333333433383333333333333ff"
#define PEEK_MADE_STREAM(id, name)                                \
	"{\"id\":" id ",\"origin\":\"" PEEK_MADE_ORIGIN           \
	"\",\"stream\":\"" name "\",\"epoch\":\"" PEEK_MADE_EPOCH \
	"\",\"listener\":\"agents\",\"peer\":\"10.0.0.9:4711\"}"
#define PEEK_MADE_RECEIVED "1795666500123456000" /* ns */
#define PEEK_MADE_HEAD(more)                                                  \
	"{\"first_rec\":100,\"records\":4,\"codec\":\"zstd\",\"raw_len\":%u," \
	"\"received_first_ns\":" PEEK_MADE_RECEIVED more "}"

/* Streams 7 (seq from 41) and 8 (seq from 1), in turn. */
static inline void
peek_made_ranges(struct buf *out)
{
	struct batch_range a = {.stream = 7, .first_seq = 41, .count = 2};
	struct batch_range b = {.stream = 8, .first_seq = 1, .count = 2};

	batch_ranges_encode_begin(out, NULL, 2);
	batch_range_encode(out, &a);
	batch_range_encode(out, &b);
}

static inline void
peek_made_columns(struct buf *out)
{
	struct batch_columns c;

	batch_columns_init(&c, 4096);
	batch_columns_add(&c, 0, bytes_of_str("first"));
	batch_columns_add_received(&c, 0);
	batch_columns_add(&c, 1, bytes_of_str("\xff\xfe"));
	batch_columns_add_received(&c, 1000000);
	batch_columns_add(&c, 0, bytes_of_str("日本 \x1b[2J"));
	batch_columns_add_received(&c, 2000000000);
	batch_columns_add(&c, 1, bytes_of_str(""));
	batch_columns_add_received(&c, -1000);
	batch_columns_encode(&c, out);
	batch_columns_fini(&c);
}

/* A whole CTL_BATCH frame; `head` is a format with the raw length. */
static inline void
peek_made_batch(const char *head, struct buf *out)
{
	struct buf columns, packed, ranges, text;
	struct ctl_batch batch;
	struct pack *pack;
	size_t len = 0;

	buf_init(&columns, 65536);
	buf_init(&packed, 65536);
	buf_init(&ranges, 65536);
	buf_init(&text, 4096);
	peek_made_columns(&columns);
	peek_made_ranges(&ranges);
	if (!pack_new(3, &pack)) {
		pack_compress(pack, buf_bytes(&columns),
		    buf_reserve(&packed, 32768), 32768, &len);
		buf_claim(&packed, len);
		pack_free(pack);
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	buf_add_fmt(&text, head, (unsigned)columns.len);
#pragma GCC diagnostic pop
	batch.head = buf_bytes(&text);
	batch.ranges = buf_bytes(&ranges);
	batch.payload = buf_bytes(&packed);
	ctl_put_batch(out, &batch);
	buf_fini(&columns);
	buf_fini(&packed);
	buf_fini(&ranges);
	buf_fini(&text);
}

#endif
