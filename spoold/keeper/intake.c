/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/intake_state.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/stream_counts.h"

#define SWEEP_US (60ull * 1000000)

struct intake *
intake_new(uint64_t seed, size_t streams_bytes, struct counters *counters)
{
	struct intake *in = mem_new(sizeof(*in));

	in->seed = seed;
	in->counters = counters;
	in->last = &in->first;
	in->judged = mem_new(sizeof(*in->judged));
	streams_init(&in->streams, streams_bytes, seed);
	children_init(&in->children, seed);
	return in;
}

static void
free_link(struct intake *in, struct intake_link *l)
{
	intake_query_forget(in, l);
	htable_fini(&l->sids);
	htable_fini(&l->chains);
	free(l);
}

void
intake_free(struct intake *in)
{
	struct intake_link *l;
	struct intake_action a;

	if (!in)
		return;
	while ((l = in->links)) {
		in->links = l->next;
		free_link(in, l);
	}
	while (intake_next(in, &a)) {
		item_free(a.item);
		intake_action_done(&a);
	}
	streams_fini(&in->streams);
	children_fini(&in->children);
	free(in->judged);
	free(in);
}

struct streams *
intake_streams(struct intake *in)
{
	return &in->streams;
}

struct children *
intake_children(struct intake *in)
{
	return &in->children;
}

/* ---- credit ---- */

static void
send_credit(struct intake *in, struct intake_link *l)
{
	struct ipc_msg m = {.type = IPC_CREDIT};
	struct intake_link *other;
	uint64_t n = 0;

	for (other = in->links; other; other = other->next)
		n += other->introduced;
	if (!l->introduced || l->broken)
		return;
	m.u.credit.bytes = in->pool_bytes / (n ? n : 1);
	m.u.credit.batches = in->pool_bytes ? INTAKE_BATCHES : 0;
	intake_state_send(in, l->id, &m);
	if (in->pool_bytes)
		l->later = l->later_queued = false;
}

static void
send_credits(struct intake *in)
{
	struct intake_link *l;

	for (l = in->links; l; l = l->next)
		send_credit(in, l);
}

void
intake_on_room(struct intake *in, uint64_t pool_bytes)
{
	if (pool_bytes == in->pool_bytes)
		return;
	in->pool_bytes = pool_bytes;
	send_credits(in);
}

void
intake_on_tick(struct intake *in, struct intake_now now)
{
	struct intake_link *l;

	for (l = in->links; l; l = l->next)
		if (l->later && in->pool_bytes)
			send_credit(in, l);
	if (now.spool_us - in->swept_us < SWEEP_US)
		return;
	in->swept_us = now.spool_us;
	streams_sweep(&in->streams, now.spool_us);
}

/* ---- links and the gate ---- */

static size_t
slot_of(struct intake *in, uint32_t slot)
{
	size_t i;

	for (i = 0; i < in->slots; i++)
		if (in->slot[i].slot == slot)
			return i;
	if (in->slots == INTAKE_SLOTS_MAX)
		return INTAKE_SLOTS_MAX;
	in->slot[in->slots].slot = slot;
	return in->slots++;
}

/* All have replayed: queries are answered and new batches are read. */
static void
look_at_gate(struct intake *in)
{
	struct intake_link *l;
	size_t i;

	if (in->open || !in->listed)
		return;
	for (i = 0; i < in->slots; i++)
		if (in->slot[i].listed && !in->slot[i].done)
			return;
	in->open = true;
	for (l = in->links; l; l = l->next)
		if (l->paused) {
			l->paused = false;
			intake_state_push(in, INTAKE_RESUME, l->id);
		}
	intake_query_answer(in);
}

void
intake_on_receivers(struct intake *in, const uint32_t *slots, size_t n)
{
	size_t i, at;

	for (i = 0; i < in->slots; i++)
		in->slot[i].listed = false;
	for (i = 0; i < n; i++) {
		at = slot_of(in, slots[i]);
		if (at < INTAKE_SLOTS_MAX)
			in->slot[at].listed = true;
	}
	in->listed = true;
	look_at_gate(in);
}

static void
mark_done(struct intake *in, uint32_t slot)
{
	size_t at = slot_of(in, slot);

	if (at < INTAKE_SLOTS_MAX)
		in->slot[at].done = true;
	look_at_gate(in);
}

void
intake_on_link(struct intake *in, uint64_t link)
{
	struct intake_link *l = mem_new(sizeof(*l));

	l->id = link;
	htable_init(&l->sids, in->seed);
	htable_init(&l->chains, in->seed);
	l->next = in->links;
	in->links = l;
}

void
intake_on_closed(struct intake *in, uint64_t link)
{
	struct intake_link **p = &in->links, *l;

	while (*p && (*p)->id != link)
		p = &(*p)->next;
	l = *p;
	if (!l)
		return;
	*p = l->next;
	if (l->introduced)
		mark_done(in, l->slot);
	free_link(in, l);
	send_credits(in);
}

static void
on_receiver(
    struct intake *in, struct intake_link *l, const struct ipc_receiver *m)
{
	l->introduced = true;
	l->slot = m->slot;
	l->epoch = m->epoch;
	l->next_number = 1;
#ifdef MUTANT_ALREADY_BY_NUMBER
	for (size_t i = 0; i < in->pasts; i++)
		if (uuid_equal(&in->past[i].epoch, &m->epoch))
			l->stored_number = in->past[i].last_number;
#endif
	send_credits(in);
}

#ifdef MUTANT_ALREADY_BY_NUMBER
void
intake_past(struct intake *in, const struct entry_receiver_state *past)
{
	if (in->pasts < INTAKE_SLOTS_MAX)
		in->past[in->pasts++] = *past;
}
#endif

static void
on_replayed(struct intake *in, struct intake_link *l)
{
	l->replayed = true;
	mark_done(in, l->slot);
	if (!in->open) {
		l->paused = true;
		intake_state_push(in, INTAKE_PAUSE, l->id);
	}
}

static void
dispatch(struct intake *in, struct intake_link *l, const struct ipc_msg *m,
    struct intake_now now)
{
	switch (m->type) {
	case IPC_STREAM_OPEN:
		intake_query_stream_open(in, l, &m->u.stream_open, now);
		break;
	case IPC_STREAM_CLOSE:
		intake_query_stream_close(in, l, &m->u.stream_close);
		break;
	case IPC_CHAIN_OPEN:
		intake_query_chain_open(in, l, &m->u.chain_open, now);
		break;
	case IPC_CHAIN_CLOSE:
		intake_query_chain_close(in, l, m->u.chain_close.chain_id);
		break;
	case IPC_BATCH:
		intake_numbered_batch(in, l, &m->u.batch, now);
		break;
	case IPC_ADVANCE:
		intake_numbered_advance(in, l, &m->u.advance, now);
		break;
	case IPC_SKIP:
		intake_numbered_skip(in, l, &m->u.skip, now);
		break;
	case IPC_VOID:
		intake_numbered_void(in, l, m->u.void_.number);
		break;
	case IPC_REPLAYED:
		on_replayed(in, l);
		break;
	default:
		intake_state_broken(in, l, "a message that is not for us");
	}
}

void
intake_on_message(struct intake *in, uint64_t link, const struct ipc_msg *m,
    struct intake_now now)
{
	struct intake_link *l = intake_state_link(in, link);

	if (!l || l->broken)
		return;
	if (m->type == IPC_RECEIVER && !l->introduced)
		on_receiver(in, l, &m->u.receiver);
	else if (m->type == IPC_RECEIVER || !l->introduced)
		intake_state_broken(in, l, "RECEIVER is said once, and first");
	else
		dispatch(in, l, m, now);
}

/* ---- what has become durable ---- */

static void
range_is_durable(struct intake *in, const struct item *it,
    const struct item_range *r, struct intake_now now)
{
	struct counters_row *row = counters_of(in->counters, r->def->listener);
	struct stream *st = r->stream;
	uint64_t before;

	row->received += r->range.count;
	row->stored += r->range.count;
	row->acknowledged += r->range.count;
	if (!st)
		return;
	before = st->durable.seq;
	st->durable.seq = r->range.first_seq + r->range.count - 1;
	memcpy(st->durable.head, r->range.head, BATCH_HEAD_SIZE);
	st->seen_us = now.spool_us;
	st->queued--;
	stream_counts_stored(st, it->first_rec, r->range.count);
	stream_counts_durable(&in->streams, st, before);
}

static void
advance_is_durable(
    struct intake *in, const struct item *it, struct intake_now now)
{
	struct stream *st = it->stream;
	uint64_t before = st->durable.seq;

	st->durable = it->place;
	st->seen_us = now.spool_us;
	st->queued--;
	stream_counts_durable(&in->streams, st, before);
}

static void
child_is_durable(struct item *it, struct intake_now now)
{
	static const uint8_t no_digest[BATCH_DIGEST_SIZE];
	struct child *ch = it->child;

	/* It was in the accepted set, which has the limit. */
	if (it->kind == ITEM_BATCH)
		children_set_add(&ch->durable, it->chain.first_rec,
		    it->chain.first_rec + it->chain.count, it->content_digest);
	else
		children_set_add(
		    &ch->durable, it->skip_from, it->skip_to, no_digest);
	ch->seen_us = now.spool_us;
	ch->queued--;
}

/*
 * Who waits for something queued comes again after each step of the log: what
 * it waits for was queued before, so it is durable after as many steps.
 */
static void
look_at_later(struct intake *in, const struct item *it)
{
	struct intake_link *l;

	if (it->kind != ITEM_BATCH && !it->stream)
		return;
	for (l = in->links; l; l = l->next)
		if (l->later_queued)
			send_credit(in, l);
}

void
intake_on_durable(struct intake *in, struct item *it, struct intake_now now)
{
	struct intake_link *l = intake_state_link(in, it->link);
	uint32_t i;

	in->queued_bytes -= item_size(it);
	if (l) {
		l->queued--;
		l->queued_bytes -= item_size(it);
	}
	for (i = 0; i < it->ranges; i++)
		range_is_durable(in, it, &it->range[i], now);
	if (it->stream)
		advance_is_durable(in, it, now);
	if (it->child)
		child_is_durable(it, now);
	if (in->waiting_sids || in->waiting_chains)
		intake_query_answer(in);
	look_at_later(in, it);
}

bool
intake_next(struct intake *in, struct intake_action *a)
{
	struct intake_queued *q = in->first;

	if (!q)
		return false;
	in->first = q->next;
	if (!in->first)
		in->last = &in->first;
	*a = q->action;
	free(q);
	return true;
}

void
intake_action_done(struct intake_action *a)
{
	buf_fini(&a->message);
}

bool
intake_is_open(const struct intake *in)
{
	return in->open;
}
