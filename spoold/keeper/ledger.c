/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/stream_counts.h"

#define DEFS_MAX (16u << 20)

void
ledger_init(struct ledger *l, uint64_t seed)
{
	*l = (struct ledger){.next_number = 1, .next_rec = 1};
	streams_init(&l->streams, SIZE_MAX, seed);
	children_init(&l->children, seed);
}

static void
drop_defs(struct ledger *l)
{
	size_t i;

	for (i = 0; i < l->defs; i++)
		sdef_unref(l->def[i].def);
	l->defs = 0;
}

void
ledger_fini(struct ledger *l)
{
	drop_defs(l);
	free(l->def);
	free(l->recycle);
	streams_fini(&l->streams);
	children_fini(&l->children);
	counters_fini(&l->counters);
	cursors_fini(&l->cursors);
}

void
ledger_on_segment(struct ledger *l, const struct uuid *segment)
{
	drop_defs(l);
	l->segment = *segment;
}

static int
define(struct ledger *l, const struct entry_stream_def *e)
{
	size_t i;

	if (!e->ref || e->ref > DEFS_MAX)
		return ERR_FORMAT;
	if (e->ref >= l->defs) {
		l->def = mem_grow(l->def, e->ref + 1, sizeof(*l->def));
		for (i = l->defs; i <= e->ref; i++)
			l->def[i] = (struct ledger_def){0};
		l->defs = e->ref + 1;
	}
	sdef_unref(l->def[e->ref].def);
	l->def[e->ref] = (struct ledger_def){
	    .def =
		sdef_new(&e->key, e->listener, e->peer, e->identity, e->path)};
	return 0;
}

/* A stream whose state the log gives; the table here has no limit. */
static int
stream_of(struct ledger *l, const struct entry_stream_key *key,
    struct bytes listener, struct stream **out)
{
	*out = streams_find(&l->streams, key);
	if (*out)
		return 0;
	return streams_add(
	    &l->streams, key, listener, l->identity.spool_time_us, out);
}

static void
move(struct stream *st, uint64_t seq, const uint8_t *head)
{
	st->accepted.seq = seq;
	memcpy(st->accepted.head, head, BATCH_HEAD_SIZE);
	st->durable = st->accepted;
	st->stored = true;
}

static int
on_stream_state(struct ledger *l, const struct entry_stream_state *e)
{
	struct stream *st;
	int rc = stream_of(l, &e->key, e->listener, &st);

	if (rc)
		return rc;
	st->start_seq = e->start_seq;
	st->seen_us = e->seen_us;
	st->closed = e->closed;
	streams_set_peer(st, e->peer);
	stream_counts_apply(&l->streams, st, &e->counts, true);
	move(st, e->last, e->head);
	return 0;
}

/* Of a stream that is not known any more nothing is counted. */
static void
on_stream_counters(struct ledger *l, const struct entry_stream_counters *e)
{
	struct stream *st = streams_find(&l->streams, &e->key);

	if (st)
		stream_counts_apply(&l->streams, st, &e->counts, false);
}

static int
on_advance(struct ledger *l, const struct entry_advance *e)
{
	struct stream *st;
	int rc = stream_of(l, &e->key, e->listener, &st);

	if (rc)
		return rc;
	if (!st->stored)
		st->start_seq = e->from;
	st->closed = false;
	st->seen_us = l->identity.spool_time_us;
	if (e->to > st->durable.seq || !st->stored)
		move(st, e->to, e->head);
	return 0;
}

static int
on_child_state(struct ledger *l, const struct entry_child_state *e)
{
	struct child *ch;
	int rc = children_take(&l->children, &e->child, &e->incarnation,
	    l->identity.spool_time_us, &ch);

	return rc ? rc : children_set_decode(&ch->durable, e->n, e->intervals);
}

static int
on_skip(struct ledger *l, const struct entry_skip *e)
{
	static const uint8_t no_digest[BATCH_DIGEST_SIZE];
	struct child *ch;
	int rc = children_take(&l->children, &e->child, &e->incarnation,
	    l->identity.spool_time_us, &ch);

	if (rc || !e->count)
		return rc;
	return children_set_add(
	    &ch->durable, e->from, e->from + e->count, no_digest);
}

void
ledger_note_receiver(struct ledger *l, uint32_t slot, const struct uuid *epoch,
    uint64_t last_number)
{
	size_t i = 0;

	while (i < l->receivers && l->receiver[i].slot != slot)
		i++;
	if (i == LEDGER_RECEIVERS_MAX)
		return;
	if (i == l->receivers)
		l->receivers++;
	l->receiver[i] = (struct entry_receiver_state){
	    .slot = slot, .epoch = *epoch, .last_number = last_number};
}

/* Entries that a checkpoint is made of, and that tell no event. */
static bool
is_state(enum entry_type type)
{
	return type == ENTRY_IDENTITY || type == ENTRY_COUNTERS ||
	    type == ENTRY_TARGET_STATE || type == ENTRY_STREAM_STATE ||
	    type == ENTRY_CHILD_STATE || type == ENTRY_RECEIVER_STATE;
}

static int
on_begin(struct ledger *l, const struct entry_checkpoint *e)
{
	l->in_skipped = false;
	l->in_full = e->full;
	if (!e->full)
		return 0;
	if (l->skip_full && l->has_full) {
		l->in_skipped = true;
		return 0;
	}
	l->has_full = true;
	streams_clear(&l->streams);
	children_clear(&l->children);
	counters_clear(&l->counters);
	cursors_clear(&l->cursors);
	l->receivers = 0;
	if (e->next_rec > l->next_rec)
		l->next_rec = e->next_rec;
	return 0;
}

/* A delta tells the time only: the incarnation has an entry of its own. */
static void
on_identity(struct ledger *l, const struct entry_identity *e, bool delta)
{
	if (!delta)
		l->identity = *e;
	l->identity.spool_time_us = e->spool_time_us;
	l->identity.wall_ns = e->wall_ns;
}

static int
on_recycle(struct ledger *l, const struct entry_recycle *e)
{
	l->recycle = mem_grow(l->recycle, l->recycles + 1, sizeof(struct uuid));
	l->recycle[l->recycles++] = e->segment;
	return 0;
}

static int
on_quarantine(struct ledger *l, const struct entry *e)
{
	if (e->u.quarantine.to > l->next_rec)
		l->next_rec = e->u.quarantine.to;
	return cursors_apply(&l->cursors, e);
}

static int
on_again(struct ledger *l, uint64_t number, const struct entry *e)
{
	struct cursors_target *t =
	    cursors_find(&l->cursors, e->u.pending_again.target);

	if (t)
		t->again_number = number;
	return cursors_apply(&l->cursors, e);
}

static void
on_closed(struct ledger *l, const struct entry_stream_closed *e)
{
	struct stream *st = streams_find(&l->streams, &e->key);

	if (st)
		st->closed = true;
}

/*
 * The number tells whether meta's position is later than the log's.  A full
 * checkpoint says what was before it.
 */
static int
on_moved(struct ledger *l, uint64_t number, const struct entry *e)
{
	int rc = cursors_apply(&l->cursors, e);
	struct cursors_target *t = cursors_find(&l->cursors,
	    e->type == ENTRY_DELIVERED ? e->u.delivered.target
				       : e->u.target_state.name);

	if (t && !l->in_full)
		t->moved_number = number;
	return rc;
}

static int
on_entry(struct ledger *l, uint64_t number, bool *delta, const struct entry *e)
{
	switch (e->type) {
	case ENTRY_CHECKPOINT_BEGIN:
		*delta = !e->u.checkpoint.full;
		return on_begin(l, &e->u.checkpoint);
	case ENTRY_CHECKPOINT_END:
		l->in_skipped = l->in_full = false;
		return 0;
	case ENTRY_IDENTITY:
		on_identity(l, &e->u.identity, *delta);
		return 0;
	case ENTRY_COUNTERS:
		counters_apply(&l->counters, &e->u.counters, !*delta);
		return 0;
	case ENTRY_STREAM_STATE:
		return on_stream_state(l, &e->u.stream_state);
	case ENTRY_STREAM_COUNTERS:
		on_stream_counters(l, &e->u.stream_counters);
		return 0;
	case ENTRY_CHILD_STATE:
		return on_child_state(l, &e->u.child_state);
	case ENTRY_RECEIVER_STATE:
		ledger_note_receiver(l, e->u.receiver_state.slot,
		    &e->u.receiver_state.epoch,
		    e->u.receiver_state.last_number);
		return 0;
	case ENTRY_STREAM_DEF:
		return define(l, &e->u.stream_def);
	case ENTRY_ADVANCE:
		return on_advance(l, &e->u.advance);
	case ENTRY_SKIP:
		return on_skip(l, &e->u.skip);
	case ENTRY_RECYCLE:
		return on_recycle(l, &e->u.recycle);
	case ENTRY_CLOCK:
		l->identity.spool_time_us = e->u.clock.spool_time_us;
		l->identity.wall_ns = e->u.clock.wall_ns;
		return 0;
	case ENTRY_INCARNATION:
		l->identity.incarnation = e->u.incarnation.incarnation;
		return 0;
	case ENTRY_STREAM_CLOSED:
		on_closed(l, &e->u.stream_closed);
		return 0;
	case ENTRY_QUARANTINE:
		return on_quarantine(l, e);
	case ENTRY_PENDING_AGAIN:
		return on_again(l, number, e);
	case ENTRY_DELIVERED:
	case ENTRY_TARGET_STATE:
		return on_moved(l, number, e);
	case ENTRY_FORK:
		l->forks++;
		return 0;
	case ENTRY_ALARM:
		l->alarms++;
		return 0;
	default:
		return cursors_apply(&l->cursors, e);
	}
}

int
ledger_on_control(struct ledger *l, uint64_t number, struct bytes entries)
{
	struct cursor c;
	struct entry e;
	bool delta = false;
	int rc;

	cursor_init(&c, entries);
	while ((rc = entry_next(&c, &e)) == 1) {
		if (!l->in_skipped || !is_state(e.type))
			rc = on_entry(l, number, &delta, &e);
		entry_fini(&e);
		if (rc < 0)
			return rc;
	}
	if (number >= l->next_number)
		l->next_number = number + 1;
	return rc;
}

/* A batch of the stream: where it stands, and what it has. */
static void
move_on(struct ledger *l, struct stream *st, const struct sdef *def,
    const struct batch_header *h, const struct batch_range *r)
{
	if (!st->stored)
		st->start_seq = r->first_seq;
	st->seen_us = l->identity.spool_time_us;
	st->closed = false;
	streams_set_peer(st, def->peer);
	stream_counts_stored(st, h->first_rec, r->count);
	move(st, r->first_seq + r->count - 1, r->head);
}

static int
on_range(struct ledger *l, const struct batch_header *h,
    const struct batch_range *r, bool chained)
{
	struct counters_row *row;
	struct ledger_def *d;
	int rc;

	if (!r->stream || r->stream >= l->defs || !l->def[r->stream].def)
		return ERR_FORMAT;
	d = &l->def[r->stream];
	row = counters_of(&l->counters, d->def->listener);
	row->received += r->count;
	row->stored += r->count;
	row->acknowledged += r->count;
	if (chained)
		return 0;
	if (!d->stream || d->generation != l->streams.generation) {
		rc = stream_of(l, &d->def->key, d->def->listener, &d->stream);
		if (rc)
			return rc;
		d->generation = l->streams.generation;
	}
	move_on(l, d->stream, d->def, h, r);
	return 0;
}

static int
on_chain(struct ledger *l, const struct batch_header *h,
    const struct batch_chain *chain)
{
	struct child *ch;
	int rc = children_take(&l->children, &chain->child, &chain->incarnation,
	    l->identity.spool_time_us, &ch);

	if (rc)
		return rc;
	ch->seen_us = l->identity.spool_time_us;
	return children_set_add(&ch->durable, chain->first_rec,
	    chain->first_rec + chain->count, h->content_digest);
}

int
ledger_on_data(
    struct ledger *l, const struct batch_header *h, struct bytes ranges)
{
	struct batch_ranges in;
	struct batch_range r;
	int rc = batch_ranges_begin(&in, ranges);

	if (!rc && in.chains)
		rc = on_chain(l, h, &in.chain);
	while (!rc && (rc = batch_ranges_next(&in, &r)) == 1)
		rc = on_range(l, h, &r, in.chains > 0);
	if (rc)
		return rc;
	l->next_number = h->number + 1;
	l->next_rec = h->first_rec + h->records;
	return 0;
}
