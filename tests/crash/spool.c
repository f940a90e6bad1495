/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/spool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/codec/cursor.h"

#define COPY_MAX (16u << 20)

static void
on_event(void *arg, enum store_event event, const char *text, uint64_t from,
    uint64_t to)
{
	struct spool *s = arg;

	if (event != STORE_EVENT_SEGMENT_QUARANTINED &&
	    event != STORE_EVENT_DISK_LIED && event != STORE_EVENT_META_REBUILT)
		return;
	s->told++;
	snprintf(s->event, sizeof(s->event), "%s [%" PRIu64 ", %" PRIu64 ")",
	    text, from, to);
}

/* ---- replay ---------------------------------------------------------------
 */

static void
replay_entry(struct spool *s, const struct entry *e)
{
	const struct entry_stream_state *state = &e->u.stream_state;

	if (e->type == ENTRY_STREAM_STATE) {
		unsigned lane = known_lane(&state->key);

		if (lane < KNOWN_LANES && state->last > s->replayed[lane])
			s->replayed[lane] = state->last;
	} else if (e->type == ENTRY_RECYCLE) {
		if (s->recycles == SPOOL_RECYCLES)
			abort();
		s->recycle[s->recycles++] = e->u.recycle;
	}
}

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

static void
see_entry(void *arg, const struct entry *e)
{
	replay_entry(arg, e);
}

/* Only lane 0 writes data without a keeper; its reference is its number. */
static int
see_replay(void *arg, const struct store_batch *b)
{
	struct spool *s = arg;
	struct batch_ranges r;
	struct batch_range range;
	int rc;

	if (b->header.kind == BATCH_CONTROL)
		return each_entry(b->payload, see_entry, s);
	rc = batch_ranges_begin(&r, b->ranges);
	while (!rc && (rc = batch_ranges_next(&r, &range)) > 0) {
		uint64_t last = range.first_seq + range.count - 1;

		rc = 0;
		if (range.stream < KNOWN_LANES &&
		    last > s->replayed[range.stream])
			s->replayed[range.stream] = last;
	}
	return rc;
}

int
spool_recycle(struct spool *s)
{
	while (s->recycles) {
		const struct entry_recycle *r = &s->recycle[s->recycles - 1];
		int rc = store_recycle(s->store, &r->segment);

		if (rc && rc != ERR_NOENT)
			return rc;
		s->recycles--;
	}
	return 0;
}

int
spool_open(const char *dir, uint64_t segment_bytes, bool encrypt,
    struct spool *out, char *why)
{
	struct store_options o = {.dir = dir,
	    .quota_bytes = SPOOL_QUOTA,
	    .segment_bytes = segment_bytes,
	    .spares = 2,
	    .encrypt = encrypt,
	    .allow_any_filesystem = true,
	    .on_event = on_event,
	    .arg = out};
	char text[256];
	int rc;

	memset(out, 0, sizeof(*out));
	memset(o.key, 0x5a, sizeof(o.key));
	rc = store_open(&o, text, sizeof(text), &out->store);
	if (rc) {
		snprintf(
		    why, SPOOL_WHY, "opening: %s (%s)", text, err_name(rc));
		return rc;
	}
	rc = store_replay(out->store, see_replay, out);
	if (rc)
		snprintf(why, SPOOL_WHY, "replay: %s", err_name(rc));
	if (!rc) {
		rc = spool_recycle(out);
		if (rc)
			snprintf(why, SPOOL_WHY, "recycling: %s", err_name(rc));
	}
	if (rc)
		spool_close(out);
	return rc;
}

void
spool_close(struct spool *s)
{
	store_close(s->store);
	s->store = NULL;
}

int
spool_meta_put(struct spool *s, uint64_t value)
{
	struct store_meta_item item = {
	    bytes_of_str("counter"), bytes_of(&value, sizeof(value))};

	return store_meta_put(s->store, &item, 1);
}

/* ---- reading --------------------------------------------------------------
 */

struct reading {
	const struct spool *spool;
	struct spool_sum *sum;
	char *why;
	unsigned *lane_of; /* reference to lane, in this segment */
	uint64_t segment;
	bool after_damage;
};

#define REFS 64

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
		*lane = range->stream;
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

static int
see_records(
    struct reading *r, const struct store_batch *b, unsigned lane, uint64_t seq)
{
	struct batch_columns_view view;
	struct batch_columns_iter it;
	int rc = batch_columns_decode(b->payload, 1, &view);

	if (rc || view.count != b->header.records) {
		snprintf(r->why, SPOOL_WHY, "batch %" PRIu64 ": no columns",
		    b->header.number);
		return ERR_CORRUPT;
	}
	batch_columns_iter_init(&it, &view, NULL);
	for (; batch_columns_iter_next(&it); seq++) {
		if (known_is(lane, seq, it.record))
			continue;
		snprintf(r->why, SPOOL_WHY,
		    "lane %u: record %" PRIu64 " altered", lane, seq);
		return ERR_CORRUPT;
	}
	return 0;
}

static int
see_batch(struct reading *r, const struct store_batch *b)
{
	struct batch_ranges ranges;
	struct batch_range range;
	unsigned lane = 0;
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
	rc = batch_ranges_begin(&ranges, b->ranges);
	if (!rc && batch_ranges_next(&ranges, &range) != 1)
		rc = ERR_FORMAT;
	if (rc) {
		snprintf(r->why, SPOOL_WHY, "batch %" PRIu64 ": no range",
		    b->header.number);
		return rc;
	}
	rc = see_range(r, &range, &lane);
	if (!rc)
		rc = see_records(r, b, lane, range.first_seq);
	if (!rc && r->spool->on_data)
		r->spool->on_data(r->spool->arg, lane, range.first_seq,
		    range.first_seq + range.count - 1, b->header.number + 1);
	return rc;
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
	store_cursor_close(c);
	read_meta(s, sum);
	return rc == ERR_NOENT ? 0 : rc;
}
