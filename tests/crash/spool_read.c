/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/codec/cursor.h"
#include "lib/pack/pack.h"
#include "tests/crash/spool.h"

#define COPY_MAX (16u << 20)

static int
each_entry(struct bytes payload, void (*see)(void *arg, const struct entry *e),
    void *arg)
{
	struct cursor c;
	struct entry e;
	int rc;

	cursor_init(&c, payload);
	while ((rc = entry_next(&c, &e)) > 0) {
		see(arg, &e);
		entry_fini(&e);
	}
	return rc;
}

struct reading {
	const struct spool *spool;
	struct spool_sum *sum;
	char *why;
	unsigned *lane_of; /* reference to lane, in this segment */
	uint64_t segment;
	bool after_damage;
	struct pack *pack;
	struct buf raw;
};

#define REFS 64
#define RANGES 64

static void
see_def(void *arg, const struct entry *e)
{
	struct reading *r = arg;

	if (e->type == ENTRY_STREAM_DEF && e->u.stream_def.ref < REFS)
		r->lane_of[e->u.stream_def.ref] =
		    known_lane(&e->u.stream_def.key);
}

static int
see_numbers(struct reading *r, const struct batch_header *h)
{
	struct spool_sum *sum = r->sum;
	bool number_ok = !sum->next_number || h->number == sum->next_number;
	bool rec_ok = !sum->next_rec || h->first_rec == sum->next_rec;

	if (h->number < sum->next_number || h->first_rec < sum->next_rec) {
		snprintf(r->why, SPOOL_WHY,
		    "batch %" PRIu64 " (rec %" PRIu64 ") comes after %" PRIu64
		    " (rec %" PRIu64 ")",
		    h->number, h->first_rec, sum->next_number - 1,
		    sum->next_rec - 1);
		return ERR_CORRUPT;
	}
	if (!number_ok || !rec_ok)
		sum->holes += !r->after_damage;
	r->after_damage = false;
	sum->next_number = h->number + 1;
	sum->next_rec = h->first_rec + h->records;
	return 0;
}

static int
see_range(struct reading *r, const struct batch_range *range, unsigned *lane)
{
	uint64_t next;

	*lane = range->stream < REFS ? r->lane_of[range->stream] : KNOWN_LANES;
	/* Its definition may lie in what is damaged. */
	if (*lane >= KNOWN_LANES && r->sum->damages)
		*lane = range->stream - 1;
	if (*lane >= KNOWN_LANES) {
		snprintf(r->why, SPOOL_WHY, "reference %u has no definition",
		    range->stream);
		return ERR_CORRUPT;
	}
	next = r->sum->last[*lane] + 1;
	if (range->first_seq < next ||
	    (next > 1 && range->first_seq != next && !r->sum->damages)) {
		snprintf(r->why, SPOOL_WHY,
		    "lane %u: %" PRIu64 " comes after %" PRIu64, *lane,
		    range->first_seq, next - 1);
		return ERR_CORRUPT;
	}
	r->sum->gaps += next > 1 && range->first_seq != next;
	if (!r->sum->first[*lane])
		r->sum->first[*lane] = range->first_seq;
	r->sum->last[*lane] = range->first_seq + range->count - 1;
	return 0;
}

/* The columns of a batch, unpacked. */
static int
columns_of(struct reading *r, const struct store_batch *b, uint32_t ranges,
    struct batch_columns_view *view)
{
	struct bytes raw = b->payload;
	int rc = 0;

	if (b->header.codec == BATCH_CODEC_ZSTD) {
		buf_clear(&r->raw);
		rc = pack_unpack(r->pack, b->payload, b->header.raw_len,
		    BATCH_RAW_MAX, &r->raw);
		raw = buf_bytes(&r->raw);
	}
	if (!rc)
		rc = batch_columns_decode(raw, ranges, view);
	if (rc || view->count != b->header.records) {
		snprintf(r->why, SPOOL_WHY, "batch %" PRIu64 ": no columns",
		    b->header.number);
		return ERR_CORRUPT;
	}
	return 0;
}

static int
see_records(struct reading *r, const struct store_batch *b, uint32_t n,
    const unsigned lane[RANGES], const struct batch_range range[RANGES])
{
	struct batch_columns_view view;
	struct batch_columns_iter it;
	uint32_t place[RANGES] = {0};
	int rc = columns_of(r, b, n, &view);

	if (rc)
		return rc;
	batch_columns_iter_init(&it, &view, place);
	while (batch_columns_iter_next(&it)) {
		uint64_t seq = range[it.range].first_seq + it.in_range;

		if (known_is(lane[it.range], seq, it.record))
			continue;
		snprintf(r->why, SPOOL_WHY,
		    "lane %u: record %" PRIu64 " altered", lane[it.range], seq);
		return ERR_CORRUPT;
	}
	return 0;
}

static int
see_data(struct reading *r, const struct store_batch *b)
{
	struct batch_range range[RANGES];
	unsigned lane[RANGES];
	struct batch_ranges ranges;
	uint32_t n = 0;
	int rc = batch_ranges_begin(&ranges, b->ranges);

	while (
	    !rc && n < RANGES && batch_ranges_next(&ranges, &range[n]) == 1) {
		rc = see_range(r, &range[n], &lane[n]);
		n++;
	}
	if (!rc && (!n || n == RANGES)) {
		snprintf(r->why, SPOOL_WHY, "batch %" PRIu64 ": odd ranges",
		    b->header.number);
		rc = ERR_FORMAT;
	}
	if (!rc)
		rc = see_records(r, b, n, lane, range);
	for (uint32_t i = 0; !rc && r->spool->on_data && i < n; i++)
		r->spool->on_data(r->spool->arg, lane[i], range[i].first_seq,
		    range[i].first_seq + range[i].count - 1,
		    b->header.number + 1);
	return rc;
}

static int
see_batch(struct reading *r, const struct store_batch *b)
{
	int rc = see_numbers(r, &b->header);

	if (rc)
		return rc;
	if (b->segment_id != r->segment)
		for (unsigned i = 0; i < REFS; i++)
			r->lane_of[i] = KNOWN_LANES;
	r->segment = b->segment_id;
	r->sum->batches++;
	r->sum->records += b->header.records;
	if (b->header.kind == BATCH_CONTROL)
		return each_entry(b->payload, see_def, r);
	return see_data(r, b);
}

static void
read_meta(struct spool *s, struct spool_sum *sum)
{
	struct buf value;

	buf_init(&value, 64);
	if (!store_meta_get(s->store, bytes_of_str("counter"), &value) &&
	    value.len == sizeof(sum->meta))
		memcpy(&sum->meta, buf_ptr(&value), sizeof(sum->meta));
	buf_fini(&value);
}

int
spool_read(struct spool *s, struct spool_sum *sum, char *why)
{
	unsigned lane_of[REFS];
	struct reading r = {
	    .spool = s, .sum = sum, .why = why, .lane_of = lane_of};
	struct store_cursor *c;
	struct buf copy;
	int rc = store_cursor_open_number(s->store, 1, &c);

	memset(sum, 0, sizeof(*sum));
	if (pack_new(1, &r.pack))
		abort();
	buf_init(&r.raw, COPY_MAX);
	if (rc) {
		snprintf(why, SPOOL_WHY, "cursor: %s", err_name(rc));
		return rc;
	}
	buf_init(&copy, COPY_MAX);
	while (!rc) {
		struct store_batch batch;
		struct store_damage d;

		rc = store_cursor_next(c, false, &copy, &batch, &d);
		if (rc == ERR_CORRUPT) {
			sum->damages++;
			r.after_damage = true;
			if (s->on_damage)
				s->on_damage(s->arg, d.from, d.to);
			snprintf(s->event, sizeof(s->event),
			    "damage at batch %" PRIu64 ", records [%" PRIu64
			    ", %" PRIu64 "): %s",
			    d.number, d.from, d.to, d.why);
			rc = 0;
		} else if (!rc) {
			rc = see_batch(&r, &batch);
		} else if (rc != ERR_NOENT) {
			snprintf(why, SPOOL_WHY, "reading: %s", err_name(rc));
		}
	}
	buf_fini(&copy);
	buf_fini(&r.raw);
	pack_free(r.pack);
	store_cursor_close(c);
	read_meta(s, sum);
	return rc == ERR_NOENT ? 0 : rc;
}
