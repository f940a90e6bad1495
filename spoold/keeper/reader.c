/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/mem.h"

#define DEFS_MAX (16u << 20)

struct reader {
	struct store *store;
	struct store_cursor *cursor; /* NULL: to be opened at `at` */
	uint64_t at; /* the next record to read */
	uint64_t segment_id; /* that the definitions belong to; 0 none */
	bool whole; /* all definitions of that segment have been read */
	struct sdef **def; /* by reference */
	size_t defs;
};

struct reader *
reader_new(struct store *s)
{
	struct reader *r = mem_new(sizeof(*r));

	r->store = s;
	r->at = 1;
	return r;
}

static void
drop_defs(struct reader *r)
{
	size_t i;

	for (i = 0; i < r->defs; i++)
		sdef_unref(r->def[i]);
	r->defs = 0;
	r->segment_id = 0;
	r->whole = false;
}

void
reader_release(struct reader *r)
{
	store_cursor_close(r->cursor);
	r->cursor = NULL;
}

void
reader_free(struct reader *r)
{
	if (!r)
		return;
	reader_release(r);
	drop_defs(r);
	free(r->def);
	free(r);
}

void
reader_batch_free(struct reader_batch *b)
{
	uint32_t i;

	if (!b)
		return;
	for (i = 0; i < b->ranges; i++)
		sdef_unref(b->range[i].def);
	free(b->range);
	buf_fini(&b->copy);
	free(b);
}

void
reader_seek(struct reader *r, uint64_t rec)
{
	if (r->cursor && r->at == rec)
		return;
	reader_release(r);
	r->at = rec;
}

/* ---- definitions ---- */

static void
define(struct reader *r, const struct entry_stream_def *e)
{
	size_t i;

	if (!e->ref || e->ref > DEFS_MAX)
		return;
	if (e->ref >= r->defs) {
		r->def = mem_grow(r->def, e->ref + 1, sizeof(*r->def));
		for (i = r->defs; i <= e->ref; i++)
			r->def[i] = NULL;
		r->defs = e->ref + 1;
	}
	sdef_unref(r->def[e->ref]);
	r->def[e->ref] =
	    sdef_new(&e->key, e->listener, e->peer, e->identity, e->path);
}

/* Only definitions matter to a reader. */
static int
see_control(void *arg, const struct store_batch *batch)
{
	struct reader *r = arg;
	struct cursor c;
	struct entry e;

	cursor_init(&c, batch->payload);
	while (entry_next(&c, &e) == 1) {
		if (e.type == ENTRY_STREAM_DEF)
			define(r, &e.u.stream_def);
		entry_fini(&e);
	}
	return 0;
}

/* Definitions that lie before this batch in its segment. */
static void
enter_segment(struct reader *r, const struct store_batch *batch)
{
	if (r->segment_id == batch->segment_id)
		return;
	drop_defs(r);
	r->segment_id = batch->segment_id;
	store_segment_controls(
	    r->store, batch->segment_id, batch->header.number, see_control, r);
}

/*
 * The definition of a reference.  One that is missing came in a control batch
 * that was passed over (headers only are read when counting): then all of the
 * segment's are read, once, since a reference has one meaning in a segment.
 */
static struct sdef *
find_def(struct reader *r, uint32_t ref)
{
	if ((ref >= r->defs || !r->def[ref]) && !r->whole) {
		r->whole = true;
		store_segment_controls(
		    r->store, r->segment_id, UINT64_MAX, see_control, r);
	}
	return ref < r->defs ? r->def[ref] : NULL;
}

int
reader_resolve(struct reader *r, struct reader_batch *b)
{
	struct sdef *def;
	struct batch_ranges in;
	int rc = batch_ranges_begin(&in, b->batch.ranges);
	uint32_t i;

	enter_segment(r, &b->batch);
	if (rc)
		return rc;
	b->range = mem_new((in.ranges + 1) * sizeof(*b->range));
	for (i = 0; i < in.ranges; i++) {
		struct reader_range *x = &b->range[i];

		rc = batch_ranges_next(&in, &x->range);
		if (rc != 1)
			return rc ? rc : ERR_FORMAT;
		def = find_def(r, x->range.stream);
		if (!def)
			return ERR_NOENT;
		x->def = sdef_ref(def);
		b->ranges = i + 1;
	}
	return 0;
}

/* ---- reading ---- */

static struct reader_batch *
new_batch(uint64_t from, uint64_t to)
{
	struct reader_batch *b = mem_new(sizeof(*b));

	buf_init(&b->copy, (size_t)BATCH_STORED_MAX + (2 << 20));
	b->from = from;
	b->to = to;
	return b;
}

static void
put(struct reader_batch ***last, struct reader_batch *b)
{
	**last = b;
	*last = &b->next;
}

static void
put_hole(struct reader *r, struct reader_batch ***last, uint64_t to)
{
	struct reader_batch *hole;

	if (to > r->at) {
		hole = new_batch(r->at, to);
		hole->is_hole = true;
		put(last, hole);
	}
}

static void
put_damage(struct reader *r, struct reader_batch ***last,
    struct reader_batch *b, const struct store_damage *d)
{
	b->is_damage = true;
	b->damage = *d;
	b->from = d->from;
	b->to = d->to;
	put(last, b);
	if (d->to > r->at)
		r->at = d->to;
}

static void
put_data(struct reader *r, struct reader_batch ***last, struct reader_batch *b)
{
	const struct batch_header *h = &b->batch.header;
	struct store_damage d = {.number = h->number,
	    .from = h->first_rec,
	    .to = h->first_rec + h->records,
	    .segment_id = b->batch.segment_id,
	    .segment = h->segment};

	put_hole(r, last, h->first_rec);
	b->from = d.from;
	b->to = d.to;
	if (reader_resolve(r, b)) {
		snprintf(d.why, sizeof(d.why),
		    "its streams are not defined in the segment");
		put_damage(r, last, b, &d);
		return;
	}
	r->at = b->to;
	put(last, b);
}

static int
open_cursor(struct reader *r)
{
	if (r->cursor)
		return 0;
	return store_cursor_open(r->store, r->at, &r->cursor);
}

/* One step; ERR_NOENT at the end, 1 if data was read, 0 otherwise. */
static int
step(struct reader *r, struct reader_batch ***last, uint64_t *bytes)
{
	struct store_damage damage;
	struct reader_batch *b = new_batch(0, 0);
	int rc =
	    store_cursor_next(r->cursor, false, &b->copy, &b->batch, &damage);

	if (rc == ERR_CORRUPT) {
		put_damage(r, last, b, &damage);
		return 1;
	}
	if (rc || b->batch.header.kind != BATCH_DATA) {
		if (!rc) {
			enter_segment(r, &b->batch);
			see_control(r, &b->batch);
		}
		reader_batch_free(b);
		return rc;
	}
	*bytes += b->batch.payload.len;
	put_data(r, last, b);
	return 1;
}

struct reader_batch *
reader_run(
    struct reader *r, uint64_t max_bytes, uint32_t max_batches, bool *end)
{
	struct reader_batch *first = NULL, **last = &first;
	uint64_t bytes = 0;
	uint32_t n = 0;
	int rc = open_cursor(r);

	*end = false;
	while (!rc && bytes < max_bytes && n < max_batches) {
		rc = step(r, &last, &bytes);
		if (rc == 1) {
			n++;
			rc = 0;
		}
	}
	if (rc)
		*end = true;
	if (rc && rc != ERR_NOENT)
		reader_release(r); /* open it anew next time */
	return first;
}
