/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Some records of a batch, as a batch of their own: unpacked, counted by
 * range, copied, with ranges and content digest made anew.
 */
#include <stdlib.h>
#include <string.h>

#include "forwarder/targets/chain_internal.h"
#include "lib/base/err.h"
#include "lib/digest/digest.h"

/* Our copy is unpacked; an error means that it is damaged here. */
static int
open_columns(struct target *t, const struct target_batch *b, uint32_t ranges,
    struct batch_columns_view *view)
{
	struct bytes raw = b->payload;
	int rc;

	if (b->codec == BATCH_CODEC_ZSTD) {
		buf_clear(&t->raw);
		rc = pack_unpack(
		    t->pack, b->payload, b->raw_len, BATCH_RAW_MAX, &t->raw);
		if (rc)
			return rc;
		raw = buf_bytes(&t->raw);
	}
	return batch_columns_decode(raw, ranges, view);
}

/* The records [from, to) of a batch, as a batch of their own. */
struct part {
	uint64_t from, to;
	struct batch_columns columns;
	uint32_t *lens;
	struct batch_range *ranges; /* of the whole batch */
	uint32_t *position; /* records met, by range */
	uint32_t *taken; /* records taken, by range */
	uint32_t *skipped; /* records before the part, by range */
	uint32_t *map;
	uint32_t n;
};

static void
part_fini(struct part *p)
{
	batch_columns_fini(&p->columns);
	free(p->lens);
	free(p->ranges);
	free(p->position);
	free(p->taken);
	free(p->skipped);
	free(p->map);
}

static int
part_init(struct part *p, const struct target_batch *b)
{
	struct batch_ranges in;
	int rc = batch_ranges_begin(&in, b->ranges);

	if (rc)
		return rc;
	p->n = in.ranges;
	batch_columns_init(&p->columns, BATCH_RAW_MAX);
	p->lens = calloc(b->records, sizeof(*p->lens));
	p->ranges = calloc(p->n, sizeof(*p->ranges));
	p->position = calloc(p->n, sizeof(*p->position));
	p->taken = calloc(p->n, sizeof(*p->taken));
	p->skipped = calloc(p->n, sizeof(*p->skipped));
	p->map = calloc(p->n, sizeof(*p->map));
	if (!p->lens || !p->ranges || !p->position || !p->taken ||
	    !p->skipped || !p->map)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < p->n; i++)
		if (batch_ranges_next(&in, &p->ranges[i]) != 1)
			return ERR_FORMAT;
	return 0;
}

/* First pass: how many records of each range are before and in the part. */
static void
count_part(struct part *p, const struct target_batch *b,
    const struct batch_columns_view *view)
{
	struct batch_columns_iter it;
	uint32_t left = 0;

	batch_columns_iter_init(&it, view, p->position);
	while (batch_columns_iter_next(&it)) {
		uint64_t rec = b->first_rec + it.index;

		p->skipped[it.range] += rec < p->from;
		p->taken[it.range] += rec >= p->from && rec < p->to;
	}
	for (uint32_t i = 0; i < p->n; i++)
		p->map[i] = p->taken[i] ? left++ : 0;
}

static uint32_t
copy_part(struct part *p, const struct target_batch *b,
    const struct batch_columns_view *view)
{
	struct batch_columns_iter it;
	uint32_t n = 0;

	batch_columns_iter_init(&it, view, NULL);
	while (batch_columns_iter_next(&it)) {
		uint64_t rec = b->first_rec + it.index;

		if (rec < p->from || rec >= p->to)
			continue;
		p->lens[n++] = (uint32_t)it.record.len;
		batch_columns_add(&p->columns, p->map[it.range], it.record);
		if (view->flags & BATCH_COLUMNS_RECEIVED)
			batch_columns_add_received(
			    &p->columns, it.received_delta_ns);
		if (view->flags & BATCH_COLUMNS_EVENT)
			batch_columns_add_event(&p->columns, it.event_delta_ns);
	}
	return n;
}

static int
encode_part_ranges(struct target *t, const struct part *p)
{
	uint32_t n = 0;
	int rc = 0;

	for (uint32_t i = 0; i < p->n; i++)
		n += p->taken[i] != 0;
	buf_clear(&t->ranges);
	batch_ranges_encode_begin(&t->ranges, NULL, n);
	for (uint32_t i = 0; i < p->n && !rc; i++) {
		struct batch_range r = p->ranges[i];

		if (!p->taken[i])
			continue;
		/* The head is that after the whole range: only then. */
		if (p->skipped[i] + p->taken[i] != r.count)
			r.flags &= ~(uint32_t)BATCH_RANGE_HEAD;
		r.first_seq += p->skipped[i];
		r.count = p->taken[i];
		rc = chain_send_range(t, r);
	}
	return rc ? rc : t->ranges.err;
}

static int
send_part_data(
    struct target *t, const struct target_batch *b, struct part *p, uint32_t n)
{
	struct agentlink_chain_data d;
	struct buf raw;
	int rc;

	buf_init(&raw, BATCH_RAW_MAX);
	chain_send_fill(&d, b);
	d.first_rec = p->from;
	d.count = n;
	d.codec = BATCH_CODEC_RAW;
	rc = digest_records(t->sha, buf_bytes(&p->columns.records), p->lens, n,
	    d.content_digest);
	if (!rc)
		rc = batch_columns_encode(&p->columns, &raw);
	d.payload = buf_bytes(&raw);
	d.raw_len = (uint32_t)raw.len;
	if (!rc)
		rc = encode_part_ranges(t, p);
	d.ranges = buf_bytes(&t->ranges);
	if (!rc &&
	    d.payload.len + d.ranges.len + CHAIN_FRAME_SLACK > t->max_frame)
		rc = ERR_LIMIT;
	if (!rc)
		rc = chain_send_data(t, &d);
	buf_fini(&raw);
	return rc;
}

int
chain_part_send(
    struct target *t, const struct target_batch *b, uint64_t from, uint64_t to)
{
	struct part p = {.from = from, .to = to};
	struct batch_columns_view view;
	int rc = part_init(&p, b);

	if (!rc)
		rc = open_columns(t, b, p.n, &view);
	if (!rc) {
		count_part(&p, b, &view);
		rc = send_part_data(t, b, &p, copy_part(&p, b, &view));
	}
	part_fini(&p);
	return rc;
}
