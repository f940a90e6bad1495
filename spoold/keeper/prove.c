/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/prove.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/ledger.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/reader.h"

void
prove_state_copy(struct prove_state *to, uint64_t next_number,
    uint64_t next_rec, const struct counters *counters,
    const struct cursors *cursors)
{
	struct entry e;
	size_t i;

	*to = (struct prove_state){
	    .next_number = next_number, .next_rec = next_rec};
	for (i = 0; i < counters->n; i++)
		*counters_of(&to->counters,
		    bytes_of_str(counters->row[i].name)) = counters->row[i];
	for (i = 0; i < cursors->n; i++) {
		e = cursors_entry(cursors->target[i]);
		cursors_apply(&to->cursors, &e);
	}
}

void
prove_state_fini(struct prove_state *s)
{
	counters_fini(&s->counters);
	cursors_fini(&s->cursors);
}

/* The count, and what it starts from. */
struct count {
	struct store *store;
	const struct prove_state *state;
	const _Atomic bool *stop;
	struct prove_result *r;
	struct reader *reader; /* resolves streams */
	struct ledger opening; /* the oldest segment's full checkpoint */
	struct counters counted;
};

/* ---- the opening checkpoint ---- */

/* Only the checkpoint that opens the segment, not what happened since. */
static int
see_opening(void *arg, const struct store_batch *b)
{
	struct count *c = arg;
	struct cursor in;
	struct entry e;
	int rc;

	cursor_init(&in, b->payload);
	while ((rc = entry_next(&in, &e)) == 1) {
		bool end = e.type == ENTRY_CHECKPOINT_END;
		struct buf one;

		buf_init(&one, SIZE_MAX);
		entry_encode(&one, &e);
		entry_fini(&e);
		rc = ledger_on_control(
		    &c->opening, b->header.number, buf_bytes(&one));
		buf_fini(&one);
		if (rc < 0)
			return rc;
		if (end)
			return 1; /* that is all of it */
	}
	return rc;
}

/*
 * A segment's checkpoint may be spread over several control batches; only the
 * first entry of each piece may be about listeners, so `delta` never matters.
 */
static int
read_opening(struct count *c, const struct store_segment *s)
{
	int rc = store_segment_controls(
	    c->store, s->id, c->state->next_number, see_opening, c);

	return rc == 1 ? 0 : rc ? rc : ERR_NOENT;
}

/* ---- counting ---- */

static struct prove_target *
begin_target(struct count *c, const struct cursors_target *t, size_t i)
{
	struct prove_target *p = &c->r->target[i];
	const struct cursors_target *then =
	    cursors_find(&c->opening.cursors, bytes_of_str(t->name));
	uint64_t opening_rec = c->opening.next_rec;
	size_t k;

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
	return p;
}

static void
count_records(struct count *c, uint64_t from, uint64_t to)
{
	size_t i;

	for (i = 0; i < c->state->cursors.n; i++) {
		const struct cursors_target *t = c->state->cursors.target[i];
		struct prove_target *p = &c->r->target[i];
		uint64_t first = from < t->start_rec ? t->start_rec : from;

		if (first >= to || to <= c->opening.next_rec)
			continue;
		p->stored += to - first;
		p->pending += cursors_pending_in(t, first, to);
	}
}

static int
count_batch(struct count *c, struct reader_batch *b)
{
	const struct batch_header *h = &b->batch.header;
	struct counters_row *row;
	uint32_t i;

	c->r->batches++;
	if (h->kind != BATCH_DATA)
		return 0;
	c->r->records += h->records;
	count_records(c, h->first_rec, h->first_rec + h->records);
	if (reader_resolve(c->reader, b)) {
		c->r->cannot_tell = true;
		return 0;
	}
	for (i = 0; i < b->ranges; i++) {
		row = counters_of(&c->counted, b->range[i].def->listener);
		row->stored += b->range[i].range.count;
	}
	return 0;
}

/* Records that are numbered but cannot be read: settled as quarantined. */
static void
count_damage(struct count *c, const struct store_damage *d)
{
	if (d->from >= d->to)
		return;
	c->r->unreadable += d->to - d->from;
	c->r->cannot_tell = true; /* whose they were */
	count_records(c, d->from, d->to);
}

static int
count_all(struct count *c, const struct store_segment *oldest)
{
	struct store_cursor *cur;
	struct store_damage damage;
	int rc = store_cursor_open_number(c->store, oldest->first_number, &cur);

	if (rc)
		return rc;
	for (;;) {
		struct reader_batch *b = mem_new(sizeof(*b));

		buf_init(&b->copy, (size_t)BATCH_STORED_MAX + (2 << 20));
		rc = store_cursor_next(cur, true, &b->copy, &b->batch, &damage);
		if (rc == ERR_CORRUPT)
			count_damage(c, &damage);
		if (!rc && b->batch.header.number >= c->state->next_number)
			rc = ERR_NOENT;
		if (!rc)
			count_batch(c, b);
		reader_batch_free(b);
		if (*c->stop)
			rc = ERR_STATE;
		if (rc && rc != ERR_CORRUPT)
			break;
	}
	store_cursor_close(cur);
	return rc == ERR_NOENT ? 0 : rc;
}

/* ---- the equations ---- */

static void
judge_listener(struct count *c, const struct counters_row *live, size_t i)
{
	struct prove_listener *p = &c->r->listener[i];
	struct bytes name = bytes_of_str(live->name);

	p->name = live->name;
	p->received = live->received;
	p->duplicate = live->duplicate;
	p->refused = live->refused;
	p->counter_stored = live->stored;
	p->stored = counters_of(&c->opening.counters, name)->stored +
	    counters_of(&c->counted, name)->stored;
	p->holds = p->received == p->stored + p->duplicate + p->refused &&
	    p->stored == p->counter_stored;
	if (!p->holds)
		c->r->holds = false;
}

static void
judge_target(struct count *c, size_t i)
{
	struct prove_target *p = &c->r->target[i];
	uint64_t sum = p->pending;
	size_t k;

	for (k = 0; k < ENTRY_TERMS; k++)
		sum += p->term[k];
	p->holds = sum == p->stored;
	if (!p->holds)
		c->r->holds = false;
}

static int
count(struct count *c)
{
	const struct prove_state *s = c->state;
	struct store_segment oldest;
	size_t i;
	int rc;

	if (!store_segments(c->store, &oldest, 1))
		return 0; /* nothing was ever written */
	rc = read_opening(c, &oldest);
	if (rc)
		return rc;
	for (i = 0; i < s->cursors.n; i++)
		begin_target(c, s->cursors.target[i], i);
	rc = count_all(c, &oldest);
	for (i = 0; !rc && i < s->counters.n; i++)
		judge_listener(c, &s->counters.row[i], i);
	for (i = 0; !rc && i < s->cursors.n; i++)
		judge_target(c, i);
	return rc;
}

int
prove_run(struct store *store, const struct prove_state *s,
    const _Atomic bool *stop, struct prove_result *result)
{
	struct count c = {
	    .store = store, .state = s, .stop = stop, .r = result};
	int rc;

	*result = (struct prove_result){
	    .holds = true, .listeners = s->counters.n, .targets = s->cursors.n};
	result->listener = mem_new(s->counters.n * sizeof(*result->listener));
	result->target = mem_new(s->cursors.n * sizeof(*result->target));
	c.reader = reader_new(store);
	ledger_init(&c.opening, 1);
	rc = count(&c);
	reader_free(c.reader);
	ledger_fini(&c.opening);
	counters_fini(&c.counted);
	return rc;
}

void
prove_result_fini(struct prove_result *r)
{
	free(r->listener);
	free(r->target);
}
