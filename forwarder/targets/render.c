/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/targets/render.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/codec/batch.h"
#include "lib/pack/pack.h"

struct render_batch {
	uint64_t first_rec;
	uint32_t records, raw_len;
	uint8_t codec;
	int64_t received_first_ns, event_min_ns;
	struct bytes ranges_bytes, payload;
	uint8_t *mem; /* of the copy, or NULL */
	uint32_t n, wanted; /* ranges, and those that are wanted */
	struct render_range *ranges;
};

struct render {
	struct pack *pack;
	struct buf raw;
	uint32_t *pos;
	size_t pos_cap;
	const struct render_batch *batch;
	struct batch_columns_view view;
	struct batch_columns_iter iter;
};

/* ---- batches ------------------------------------------------------------ */

static int
take_bytes(struct render_batch *b, const struct target_batch *batch, bool copy)
{
	b->ranges_bytes = batch->ranges;
	b->payload = batch->payload;
	if (!copy)
		return 0;
	b->mem = malloc(batch->ranges.len + batch->payload.len + 1);
	if (!b->mem)
		return ERR_NOMEM;
	memcpy(b->mem, batch->ranges.ptr, batch->ranges.len);
	memcpy(
	    b->mem + batch->ranges.len, batch->payload.ptr, batch->payload.len);
	b->ranges_bytes.ptr = b->mem;
	b->payload.ptr = b->mem + batch->ranges.len;
	return 0;
}

static int
look_up(struct target_host *h, struct render_batch *b)
{
	struct batch_ranges ranges;
	struct batch_range range;
	int rc = batch_ranges_begin(&ranges, b->ranges_bytes);

	if (rc)
		return rc;
	if (!ranges.ranges)
		return ERR_FORMAT;
	b->ranges = calloc(ranges.ranges, sizeof(*b->ranges));
	if (!b->ranges)
		return ERR_NOMEM;
	while ((rc = batch_ranges_next(&ranges, &range)) == 1) {
		struct render_range *r = &b->ranges[b->n++];

		r->stream = target_host_stream(h, range.stream);
		if (!r->stream)
			return ERR_FORMAT;
		memcpy(
		    r->id_prefix, r->stream->id_prefix, sizeof(r->id_prefix));
		r->wanted = r->stream->wanted;
		b->wanted += r->wanted;
		r->first_seq = range.first_seq;
		r->count = range.count;
		r->severities = range.severities;
		r->path = range.path;
	}
	return !rc && ranges.records != b->records ? ERR_FORMAT : rc;
}

int
render_batch_new(struct target_host *h, const struct target_batch *batch,
    bool copy, struct render_batch **out)
{
	struct render_batch *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return ERR_NOMEM;
	b->first_rec = batch->first_rec;
	b->records = batch->records;
	b->raw_len = batch->raw_len;
	b->codec = batch->codec;
	b->received_first_ns = batch->received_first_ns;
	b->event_min_ns = batch->event_min_ns;
	rc = take_bytes(b, batch, copy);
	if (!rc)
		rc = look_up(h, b);
	if (rc) {
		render_batch_free(b);
		return rc;
	}
	*out = b;
	return 0;
}

void
render_batch_free(struct render_batch *b)
{
	if (!b)
		return;
	free(b->ranges);
	free(b->mem);
	free(b);
}

uint64_t
render_batch_first(const struct render_batch *b)
{
	return b->first_rec;
}

uint32_t
render_batch_records(const struct render_batch *b)
{
	return b->records;
}

size_t
render_batch_cost(const struct render_batch *b)
{
	return b->payload.len;
}

uint32_t
render_batch_runs(const struct render_batch *b)
{
	return b->wanted == 0 || b->wanted == b->n ? 1 : b->records;
}

/* ---- the walk ----------------------------------------------------------- */

int
render_new(struct render **out)
{
	struct render *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return ERR_NOMEM;
	buf_init(&r->raw, BATCH_RAW_MAX);
	rc = pack_new(PACK_LEVEL_MIN, &r->pack);
	if (rc) {
		render_free(r);
		return rc;
	}
	*out = r;
	return 0;
}

void
render_free(struct render *r)
{
	if (!r)
		return;
	pack_free(r->pack);
	buf_fini(&r->raw);
	free(r->pos);
	free(r);
}

static int
unpack(struct render *r, const struct render_batch *b, struct bytes *raw)
{
	int rc;

	switch (b->codec) {
	case BATCH_CODEC_RAW:
		*raw = b->payload;
		return raw->len == b->raw_len ? 0 : ERR_FORMAT;
	case BATCH_CODEC_ZSTD:
		buf_clear(&r->raw);
		rc = pack_unpack(
		    r->pack, b->payload, b->raw_len, BATCH_RAW_MAX, &r->raw);
		*raw = buf_bytes(&r->raw);
		return rc;
	default:
		return ERR_UNSUPPORTED;
	}
}

/* Zeroed counters, one a range. */
static int
make_counters(struct render *r, uint32_t n)
{
	if (n > r->pos_cap) {
		uint32_t *pos = realloc(r->pos, n * sizeof(*pos));

		if (!pos)
			return ERR_NOMEM;
		r->pos = pos;
		r->pos_cap = n;
	}
	memset(r->pos, 0, n * sizeof(*r->pos));
	return 0;
}

int
render_begin(struct render *r, const struct render_batch *b)
{
	struct bytes raw;
	int rc = unpack(r, b, &raw);

	if (!rc)
		rc = batch_columns_decode(raw, b->n, &r->view);
	if (!rc && r->view.count != b->records)
		rc = ERR_FORMAT;
	if (!rc)
		rc = make_counters(r, b->n);
	if (rc)
		return rc;
	batch_columns_iter_init(&r->iter, &r->view, r->pos);
	r->batch = b;
	return 0;
}

bool
render_next(struct render *r, struct render_record *out)
{
	const struct render_batch *b = r->batch;
	const struct batch_columns_iter *it = &r->iter;

	if (!batch_columns_iter_next(&r->iter))
		return false;
	out->bytes = it->record;
	out->range = &b->ranges[it->range];
	out->rec = b->first_rec + it->index;
	out->seq = out->range->first_seq + it->in_range;
	out->received_ns = b->received_first_ns;
	if (r->view.flags & BATCH_COLUMNS_RECEIVED)
		out->received_ns += it->received_delta_ns;
	out->event_ns = 0;
	if (r->view.flags & BATCH_COLUMNS_EVENT)
		out->event_ns = b->event_min_ns + it->event_delta_ns;
	return true;
}

char *
render_id(const struct render_record *record,
    char text[static DIGEST_ORIGIN_TEXT_SIZE])
{
	return digest_origin_id(record->range->id_prefix, record->seq, text);
}
