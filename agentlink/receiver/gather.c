/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/receiver/gather.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/check/check.h"
#include "lib/pack/pack.h"

#define AGE_MIN_US 2000u
#define AGE_MAX_US 200000u
#define COMMIT_OVERHEAD 16600u /* bytes a commit writes beside its batch */
#define RATE_WINDOW_US 1000000u

struct gather {
	struct check *check;
	struct flow *flow; /* whose streams the ranges are */
	struct pack *pack;
	struct batch_columns columns;
	struct buf raw;
	struct flow_item *item; /* ranges so far; grown by doubling */
	uint32_t room; /* ranges that item has room for */
	struct now since;
	int64_t last_ns;
	uint32_t records;
	uint64_t rate_from_us; /* stored bytes per second, smoothed */
	uint64_t rate_bytes;
	double rate;
};

int
gather_new(struct check *check, struct flow *flow, struct gather **out)
{
	struct gather *g = calloc(1, sizeof(*g));
	int rc;

	if (!g)
		return ERR_NOMEM;
	g->check = check;
	g->flow = flow;
	batch_columns_init(&g->columns, BATCH_RAW_MAX);
	buf_init(&g->raw, BATCH_RAW_MAX);
	rc = pack_new(1, &g->pack);
	if (rc) {
		gather_free(g);
		return rc;
	}
	*out = g;
	return 0;
}

void
gather_free(struct gather *g)
{
	if (!g)
		return;
	pack_free(g->pack);
	batch_columns_fini(&g->columns);
	buf_fini(&g->raw);
	flow_drop(g->flow, g->item);
	free(g);
}

bool
gather_is_empty(const struct gather *g)
{
	return g->records == 0;
}

bool
gather_is_full(const struct gather *g)
{
	return g->columns.records.len >= GATHER_RAW_BYTES ||
	    g->records >= BATCH_RECORDS_MAX / 2 ||
	    (g->item && g->item->n >= BATCH_RANGE_COUNT_MAX / 2);
}

bool
gather_holds(const struct gather *g, const struct entry_stream_key *key)
{
	for (uint32_t i = 0; g->item && i < g->item->n; i++)
		if (flow_stream_is(g->item->ranges[i].stream, key))
			return true;
	return false;
}

size_t
gather_bytes(const struct gather *g)
{
	return g->columns.records.len;
}

/* Room for one more range. */
static int
grow(struct gather *g)
{
	uint32_t room = g->room ? g->room * 2 : 16;
	struct flow_range *ranges;
	int rc;

	if (!g->item) {
		rc = flow_item_new(0, &g->item);
		if (rc)
			return rc;
		g->room = 1;
	}
	if (g->item->n < g->room)
		return 0;
	ranges = realloc(g->item->ranges, room * sizeof(*ranges));
	if (!ranges)
		return ERR_NOMEM;
	memset(ranges + g->room, 0, (room - g->room) * sizeof(*ranges));
	g->item->ranges = ranges;
	g->room = room;
	return 0;
}

static void
note_times(struct gather *g, uint32_t count, const struct now *now)
{
	if (!g->records)
		g->since = *now;
	g->last_ns = now->wall_ns;
	g->records += count;
}

int
gather_add(struct gather *g, struct flow_stream *stream,
    const struct ipc_range *range, const struct batch_columns_view *view,
    const struct now *now)
{
	struct batch_columns_iter it;
	uint32_t index;
	int rc = grow(g);

	if (rc)
		return rc;
	index = g->item->n;
	rc = flow_item_set_range(g->item, index, stream, range);
	if (rc)
		return rc;
	g->item->n++;
	note_times(g, view->count, now);
	batch_columns_iter_init(&it, view, NULL);
	while (batch_columns_iter_next(&it)) {
		batch_columns_add(&g->columns, index, it.record);
		batch_columns_add_received(
		    &g->columns, now->wall_ns - g->since.wall_ns);
	}
	return g->columns.records.err;
}

static uint64_t
age_limit_us(const struct gather *g)
{
	double us;

	if (g->rate < 1)
		return AGE_MAX_US;
	us = COMMIT_OVERHEAD / g->rate * 1e6;
	if (us < AGE_MIN_US)
		return AGE_MIN_US;
	return us > AGE_MAX_US ? AGE_MAX_US : (uint64_t)us;
}

bool
gather_is_due(const struct gather *g, bool idle, bool waiting,
    const struct now *now, uint64_t *in_ms)
{
	uint64_t age = now->mono_us - g->since.mono_us;
	uint64_t limit = age_limit_us(g);

	if (gather_is_empty(g))
		return false;
	if (gather_is_full(g) || (idle && waiting) || age >= limit)
		return true;
	*in_ms = (limit - age + 999) / 1000;
	return false;
}

void
gather_note_stored(struct gather *g, size_t stored_bytes, const struct now *now)
{
	uint64_t span = now->mono_us - g->rate_from_us;

	g->rate_bytes += stored_bytes;
	if (span < RATE_WINDOW_US)
		return;
	g->rate =
	    0.5 * g->rate + 0.5 * (double)g->rate_bytes * 1e6 / (double)span;
	g->rate_bytes = 0;
	g->rate_from_us = now->mono_us;
}

/* Columns in, payload and digest of the item out. */
static int
pack_columns(struct gather *g, struct flow_item *item)
{
	struct batch_columns_view view;
	uint8_t *payload;
	size_t len, cap;
	int rc;

	buf_clear(&g->raw);
	rc = batch_columns_encode(&g->columns, &g->raw);
	if (!rc)
		rc = batch_columns_decode(buf_bytes(&g->raw), item->n, &view);
	if (!rc)
		rc = check_digest(g->check, &view, item->batch.content_digest);
	if (rc)
		return rc;
	cap = pack_bound(g->raw.len);
	payload = malloc(cap);
	if (!payload)
		return ERR_NOMEM;
	rc = pack_compress(g->pack, buf_bytes(&g->raw), payload, cap, &len);
	if (rc) {
		free(payload);
		return rc;
	}
	/* What the bound was too generous with goes back. */
	flow_item_give_payload(item, realloc(payload, len), len);
	item->batch.codec = BATCH_CODEC_ZSTD;
	item->batch.raw_len = (uint32_t)g->raw.len;
	item->batch.records = view.count;
	return 0;
}

int
gather_seal(struct gather *g, const struct now *now, struct flow_item **out)
{
	struct flow_item *item = g->item;
	int rc;

	item->batch.received_first_ns = g->since.wall_ns;
	item->batch.received_last_ns = g->last_ns;
	rc = pack_columns(g, item);
	if (!rc)
		gather_note_stored(g, item->batch.payload.len, now);
	g->item = NULL;
	g->room = 0;
	g->records = 0;
	batch_columns_clear(&g->columns);
	if (rc) {
		flow_drop(g->flow, item);
		return rc;
	}
	*out = item;
	return 0;
}

/* Copy the records of the ranges that are kept; *map gives new indices. */
static void
copy_kept(struct gather *g, const struct batch_columns_view *view,
    const bool *keep, const uint32_t *map)
{
	struct batch_columns_iter it;

	batch_columns_iter_init(&it, view, NULL);
	while (batch_columns_iter_next(&it)) {
		if (!keep[it.range])
			continue;
		batch_columns_add(&g->columns, map[it.range], it.record);
		if (view->flags & BATCH_COLUMNS_RECEIVED)
			batch_columns_add_received(
			    &g->columns, it.received_delta_ns);
		if (view->flags & BATCH_COLUMNS_EVENT)
			batch_columns_add_event(&g->columns, it.event_delta_ns);
	}
}

int
gather_rebuild(struct gather *g, struct flow_item *item, const bool *keep)
{
	struct check_claim claim = {
	    .codec = item->batch.codec,
	    .raw_len = item->batch.raw_len,
	    .records = item->batch.records,
	    .ranges = item->n,
	    .content_digest = item->batch.content_digest,
	};
	struct gather *other = NULL;
	struct batch_columns_view view;
	uint32_t *map;
	uint32_t left = 0;
	int rc;

	map = calloc(item->n, sizeof(*map));
	if (!map)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < item->n; i++)
		map[i] = keep[i] ? left++ : 0;
	/* The columns in hand stay as they are: another set is used. */
	rc = gather_new(g->check, g->flow, &other);
	if (!rc)
		rc = check_batch(g->check, &claim, item->batch.payload, &view);
	if (!rc) {
		copy_kept(other, &view, keep, map);
		rc = pack_columns(other, item);
	}
	gather_free(other);
	free(map);
	return rc;
}
