/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/prove_count.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/segments.h"

void
prove_count_init(struct prove_count *c)
{
	c->reader = reader_new(c->store);
	ledger_init(&c->opening, 1);
}

void
prove_count_fini(struct prove_count *c)
{
	reader_free(c->reader);
	ledger_fini(&c->opening);
	counters_fini(&c->counted);
	free(c->lost);
	free(c->aside);
}

/* ---- the opening checkpoint ---- */

/* 1: that was all of it. */
static int
see_entry(struct prove_count *c, uint64_t number, const struct entry *e)
{
	struct buf one;
	int rc;

	if (e->type == ENTRY_CHECKPOINT_END)
		return e->u.checkpoint.entries == c->entries ? 1 : ERR_CORRUPT;
	if (e->type == ENTRY_CHECKPOINT_BEGIN)
		c->entries = 0;
	else
		c->entries++;
	buf_init(&one, SIZE_MAX);
	entry_encode(&one, e);
	rc = ledger_on_control(&c->opening, number, buf_bytes(&one));
	buf_fini(&one);
	return rc;
}

/* Only the checkpoint that opens the segment, not what happened since. */
static int
see_opening(void *arg, const struct store_batch *b)
{
	struct prove_count *c = arg;
	struct cursor in;
	struct entry e;
	int rc;

	cursor_init(&in, b->payload);
	while ((rc = entry_next(&in, &e)) == 1) {
		rc = see_entry(c, b->header.number, &e);
		entry_fini(&e);
		if (rc)
			return rc;
	}
	return rc;
}

/* The oldest segment whose checkpoint is whole: 0 and its first number. */
static int
read_opening(struct prove_count *c, uint64_t *first_number)
{
	size_t n, i;
	struct store_segment *row = segments_list(c->store, &n);
	int rc = ERR_NOENT;

	for (i = 0; i < n && rc && !*c->stop; i++) {
		ledger_fini(&c->opening);
		ledger_init(&c->opening, 1);
		if (store_segment_controls(c->store, row[i].id,
			c->state->next_number, see_opening, c) == 1 &&
		    c->opening.has_full) {
			*first_number = row[i].first_number;
			c->r->skipped = i;
			rc = 0;
		}
	}
	free(row);
	return rc;
}

/* ---- counting ---- */

static void
begin_target(struct prove_count *c, size_t i)
{
	const struct cursors_target *t = c->state->cursors.target[i], *then;
	struct prove_target *p = &c->r->target[i];
	uint64_t opening_rec = c->opening.next_rec;
	size_t k;

	then = cursors_find(&c->opening.cursors, bytes_of_str(t->name));
	p->name = t->name;
	p->term = t->term;
	if (then) {
		/* What it had to have by then; those batches are gone. */
		p->stored =
		    cursors_pending_in(then, then->start_rec, opening_rec);
		for (k = 0; k < ENTRY_TERMS; k++)
			p->stored += then->term[k];
	} else if (t->start_rec < opening_rec) {
		p->stored = opening_rec - t->start_rec;
	}
	/* Nothing that is gone may still be owed. */
	p->pending = cursors_pending_in(t, t->start_rec, opening_rec);
}

static void
count_records(struct prove_count *c, const struct batch_header *h)
{
	uint64_t from = h->first_rec, to = h->first_rec + h->records;
	uint64_t first, pending;
	size_t i;

	for (i = 0; i < c->state->cursors.n; i++) {
		const struct cursors_target *t = c->state->cursors.target[i];
		struct prove_target *p = &c->r->target[i];

		first = from < t->start_rec ? t->start_rec : from;
		if (first >= to || to <= c->opening.next_rec)
			continue;
		pending = cursors_pending_in(t, first, to);
		p->stored += to - first;
		p->pending += pending;
		p->backlog_bytes += pending ? h->stored_len : 0;
	}
}

static void
count_range(struct prove_count *c, const struct reader_range *r, uint64_t rec)
{
	struct prove_stream *st;

	counters_of(&c->counted, r->def->listener)->stored += r->range.count;
	if (r->range.flags & BATCH_RANGE_CHAINED)
		return;
	st = prove_state_find(c->state, &r->def->key);
	if (st && st->live.since_rec && rec >= st->live.since_rec)
		st->stored += r->range.count;
}

static void
note_damage(struct prove_count *c, const struct store_damage *d)
{
	if (c->r->damages < PROVE_DAMAGE_MAX)
		c->r->damage[c->r->damages] = *d;
	c->r->damages++;
}

/* Its records are there and have numbers; whose they were is lost. */
static void
count_nameless(struct prove_count *c, const struct store_batch *b)
{
	const struct batch_header *h = &b->header;
	struct store_damage d = {.number = h->number,
	    .from = h->first_rec,
	    .to = h->first_rec + h->records,
	    .segment_id = b->segment_id,
	    .segment = h->segment};

	snprintf(
	    d.why, sizeof(d.why), "its streams are not defined in the segment");
	note_damage(c, &d);
	c->r->unreadable += h->records;
	c->unattributed += h->records;
}

static void
count_batch(struct prove_count *c, struct reader_batch *b)
{
	const struct batch_header *h = &b->batch.header;
	uint32_t i;

	c->r->batches++;
	if (h->kind != BATCH_DATA)
		return;
	c->r->records += h->records;
	count_records(c, h);
	if (reader_resolve(c->reader, b))
		count_nameless(c, &b->batch);
	else
		for (i = 0; i < b->ranges; i++)
			count_range(c, &b->range[i], h->first_rec);
}

static void
count_damage(struct prove_count *c, const struct store_damage *d)
{
	uint64_t from = d->from;

	if (from < c->opening.next_rec)
		from = c->opening.next_rec;
	if (from >= d->to)
		return;
	c->lost = mem_grow(c->lost, c->losts + 1, sizeof(*c->lost));
	c->lost[c->losts++] =
	    (struct prove_count_lost){.from = from, .to = d->to};
}

static int
count_one(struct prove_count *c, struct store_cursor *cur)
{
	struct reader_batch *b = mem_new(sizeof(*b));
	struct store_damage d;
	int rc;

	buf_init(&b->copy, (size_t)BATCH_STORED_MAX + (2 << 20));
	rc = store_cursor_next(cur, true, &b->copy, &b->batch, &d);
	if (!rc && b->batch.header.number >= c->state->next_number)
		rc = ERR_NOENT;
	if (rc == ERR_CORRUPT && d.from < c->state->next_rec) {
		count_damage(c, &d);
		note_damage(c, &d);
	} else if (!rc) {
		count_batch(c, b);
	}
	reader_batch_free(b);
	return rc == ERR_CORRUPT ? 0 : rc;
}

static int
count_all(struct prove_count *c, uint64_t first_number)
{
	struct store_cursor *cur;
	int rc = store_cursor_open_number(c->store, first_number, &cur);

	if (rc)
		return rc;
	while (!rc)
		rc = *c->stop ? ERR_STATE : count_one(c, cur);
	store_cursor_close(cur);
	return rc == ERR_NOENT ? 0 : rc;
}

/* ---- what cannot be read ---- */

static int
see_quarantine(void *arg, const struct store_batch *b)
{
	struct prove_count *c = arg;
	struct cursor in;
	struct entry e;

	cursor_init(&in, b->payload);
	while (entry_next(&in, &e) == 1) {
		if (e.type == ENTRY_QUARANTINE) {
			c->aside = mem_grow(
			    c->aside, c->asides + 1, sizeof(*c->aside));
			c->aside[c->asides++] = (struct prove_count_aside){
			    .from = e.u.quarantine.from,
			    .to = e.u.quarantine.to,
			    .count = e.u.quarantine.count};
		}
		entry_fini(&e);
	}
	return 0;
}

static void
read_quarantines(struct prove_count *c)
{
	size_t n, i;
	struct store_segment *row = segments_list(c->store, &n);

	for (i = 0; i < n; i++)
		store_segment_controls(c->store, row[i].id,
		    c->state->next_number, see_quarantine, c);
	free(row);
}

/*
 * How many records there were in [from, to), as a cursor that had settled none
 * of it counts them: an entry says how many its numbers held, and what no
 * entry has, the numbers say.
 */
static uint64_t
records_in(
    struct prove_count *c, uint64_t from, uint64_t to, uint64_t *not_aside)
{
	uint64_t records = 0, covered = 0, n, first, last;
	struct ivset seen;
	size_t i;

	ivset_init(&seen, SIZE_MAX);
	for (i = 0; i < c->asides; i++) {
		const struct prove_count_aside *q = &c->aside[i];

		first = q->from > from ? q->from : from;
		last = q->to < to ? q->to : to;
		n = 0;
		if (first < last)
			ivset_add(&seen, first, last, &n);
		covered += n;
		records += n < q->count ? n : q->count;
	}
	ivset_fini(&seen);
	*not_aside = to - from - covered;
	return records + *not_aside;
}

static void
count_lost(struct prove_count *c, const struct prove_count_lost *l)
{
	uint64_t open, records = records_in(c, l->from, l->to, &open);
	size_t i;

	c->r->unreadable += records;
	c->r->not_set_aside += open;
	c->unattributed += records;
	for (i = 0; i < c->state->cursors.n; i++) {
		const struct cursors_target *t = c->state->cursors.target[i];
		struct prove_target *p = &c->r->target[i];
		uint64_t first =
		    l->from < t->start_rec ? t->start_rec : l->from;

		if (first >= l->to)
			continue;
		p->stored += records_in(c, first, l->to, &open);
		p->pending += cursors_pending_in(t, first, l->to);
	}
}

int
prove_count_run(struct prove_count *c)
{
	uint64_t first_number = 0;
	size_t i;
	int rc;

	if (!store_segments(c->store, NULL, 0))
		return 0; /* nothing was ever written */
	rc = read_opening(c, &first_number);
	if (rc)
		return *c->stop ? ERR_STATE : rc;
	for (i = 0; i < c->state->cursors.n; i++)
		begin_target(c, i);
	rc = count_all(c, first_number);
	if (!rc && c->losts)
		read_quarantines(c);
	for (i = 0; !rc && i < c->losts; i++)
		count_lost(c, &c->lost[i]);
	return rc;
}
