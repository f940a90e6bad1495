/* SPDX-License-Identifier: Apache-2.0 */
/* The ranges of batch.h: whose records are in a batch. */
#include "lib/base/err.h"
#include "lib/codec/batch.h"

#define KNOWN_FLAGS                                                     \
	(BATCH_RANGE_HEAD | BATCH_RANGE_PATH | BATCH_RANGE_GAP_BEFORE | \
	    BATCH_RANGE_RESTART | BATCH_RANGE_CONTINUATION |            \
	    BATCH_RANGE_CHAINED)
#define SEVERITIES 0xff /* eight of them in syslog */

static void
get_chain(struct cursor *c, struct batch_chain *chain)
{
	cursor_uuid(c, &chain->child);
	cursor_uuid(c, &chain->incarnation);
	chain->first_rec = cursor_varint(c);
	chain->count = cursor_varint32(c);
	if (!chain->count || chain->first_rec > UINT64_MAX - chain->count)
		cursor_fail(c, ERR_FORMAT);
}

int
batch_ranges_begin(struct batch_ranges *r, struct bytes encoded)
{
	*r = (struct batch_ranges){0};
	cursor_init(&r->cursor, encoded);
	r->chains = cursor_varint32(&r->cursor);
	if (r->chains > 1)
		cursor_fail(&r->cursor, ERR_FORMAT);
	if (r->chains == 1)
		get_chain(&r->cursor, &r->chain);
	r->ranges = cursor_varint32(&r->cursor);
	if (!r->ranges || r->ranges > BATCH_RANGE_COUNT_MAX)
		cursor_fail(&r->cursor, ERR_FORMAT);
	return cursor_err(&r->cursor);
}

static void
get_range(struct cursor *c, struct batch_range *range)
{
	range->stream = cursor_varint32(c);
	range->first_seq = cursor_varint(c);
	range->count = cursor_varint32(c);
	range->flags = cursor_varint32(c);
	range->severities = cursor_varint32(c);
	if (!range->first_seq || !range->count ||
	    range->first_seq > UINT64_MAX - range->count ||
	    range->flags & ~(uint32_t)KNOWN_FLAGS ||
	    range->severities > SEVERITIES)
		cursor_fail(c, ERR_FORMAT);
	if (range->flags & BATCH_RANGE_HEAD)
		cursor_copy(c, range->head, sizeof(range->head));
	if (range->flags & BATCH_RANGE_PATH) {
		range->path = cursor_string(c, BATCH_PATH_MAX);
		if (!range->path.len)
			cursor_fail(c, ERR_FORMAT);
	}
}

int
batch_ranges_next(struct batch_ranges *r, struct batch_range *range)
{
	struct batch_range got = {0};

	if (r->read == r->ranges)
		return cursor_end(&r->cursor);
	get_range(&r->cursor, &got);
	r->records += got.count;
	if (r->records > BATCH_RECORDS_MAX)
		cursor_fail(&r->cursor, ERR_FORMAT);
	if (cursor_err(&r->cursor))
		return cursor_err(&r->cursor);
	r->read++;
	*range = got;
	return 1;
}

void
batch_ranges_encode_begin(
    struct buf *b, const struct batch_chain *chain, uint32_t n)
{
	cursor_put_varint(b, chain ? 1 : 0);
	if (chain) {
		cursor_put_uuid(b, &chain->child);
		cursor_put_uuid(b, &chain->incarnation);
		cursor_put_varint(b, chain->first_rec);
		cursor_put_varint(b, chain->count);
	}
	cursor_put_varint(b, n);
}

void
batch_range_encode(struct buf *b, const struct batch_range *range)
{
	uint32_t flags = range->flags & ~(uint32_t)BATCH_RANGE_PATH;

	if (range->path.len)
		flags |= BATCH_RANGE_PATH;
	cursor_put_varint(b, range->stream);
	cursor_put_varint(b, range->first_seq);
	cursor_put_varint(b, range->count);
	cursor_put_varint(b, flags);
	cursor_put_varint(b, range->severities);
	if (flags & BATCH_RANGE_HEAD)
		buf_add(b, range->head, sizeof(range->head));
	if (flags & BATCH_RANGE_PATH)
		cursor_put_string(b, range->path);
}
