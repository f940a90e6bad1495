/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/receiver/agent_window.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"

void
agent_window_mark(struct session_stream *st)
{
	if (!st->dirty) {
		st->dirty = true;
		st->next_dirty = st->session->dirty_streams;
		st->session->dirty_streams = st;
	}
	session_mark_dirty(st->session);
}

static struct session_pending *
pending_at(struct session_stream *st, uint32_t i)
{
	return &st->pending[(st->pending_at + i) % st->pending_cap];
}

static void
uncount(struct session_stream *st, struct session_pending *p)
{
	if (!p->counted)
		return;
	p->counted = false;
	st->session->unacked_bytes -= p->bytes;
	st->session->unacked_batches--;
}

/*
 * What is durable waits no longer.  A batch may have been taken although the
 * stream was refused after it: the stream goes on behind what is durable.
 */
static void
pop_pending(struct session_stream *st)
{
	while (st->pending_n) {
		struct session_pending *p = pending_at(st, 0);

		if (p->last_seq > st->durable)
			break;
		uncount(st, p);
		if (p->last_seq == st->durable && st->durable >= st->next_seq) {
			st->next_seq = st->durable + 1;
			memcpy(st->head, p->head, BATCH_HEAD_SIZE);
		}
		st->pending_at = (st->pending_at + 1) % st->pending_cap;
		st->pending_n--;
	}
}

/*
 * The one place where an agent's records become acknowledged: everything up
 * to seq is on stable storage, and `proof` is what says so.
 */
void
agent_window_acknowledge(
    struct session_stream *st, uint64_t seq, const struct proof *proof)
{
	(void)proof;
	if (seq > st->durable)
		st->durable = seq;
	pop_pending(st);
	/* Taken after a NACK and forgotten here: the keeper knows the head. */
	if (st->durable >= st->next_seq)
		flow_stream_query(st->session->receiver->flow, st->flow);
	agent_window_mark(st);
}

/* What a NACK sends back is outside the window; it may yet become durable. */
void
agent_window_uncount(struct session_stream *st, uint64_t seq)
{
	for (uint32_t i = 0; i < st->pending_n; i++)
		if (pending_at(st, i)->last_seq >= seq)
			uncount(st, pending_at(st, i));
}

static int
grow_pending(struct session_stream *st)
{
	uint32_t cap = st->pending_cap ? st->pending_cap * 2 : 4;
	struct session_pending *ring = calloc(cap, sizeof(*ring));

	if (!ring)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < st->pending_n; i++)
		ring[i] = *pending_at(st, i);
	free(st->pending);
	st->pending = ring;
	st->pending_cap = cap;
	st->pending_at = 0;
	return 0;
}

/*
 * What a NACK sent back comes again: as it was (a batch never changes), or in
 * another form, which takes the place of what it overlaps.
 */
static struct session_pending *
sent_back(struct session_stream *st, uint64_t first_seq, uint64_t last_seq)
{
	for (uint32_t i = st->pending_n; i--;) {
		struct session_pending *p = pending_at(st, i);

		if (!p->counted && p->last_seq == last_seq)
			return p;
	}
	while (st->pending_n) {
		struct session_pending *p = pending_at(st, st->pending_n - 1);

		if (p->counted || p->last_seq < first_seq)
			break;
		st->pending_n--;
	}
	return NULL;
}

int
agent_window_push(struct session_stream *st, uint64_t first_seq,
    uint64_t last_seq, uint32_t bytes,
    const uint8_t head[static BATCH_HEAD_SIZE])
{
	struct session_pending *p = sent_back(st, first_seq, last_seq);

	if (!p && st->pending_n == st->pending_cap && grow_pending(st))
		return ERR_NOMEM;
	if (!p)
		p = pending_at(st, st->pending_n++);
	*p = (struct session_pending){last_seq, bytes, .counted = true};
	memcpy(p->head, head, BATCH_HEAD_SIZE);
	st->session->unacked_bytes += bytes;
	st->session->unacked_batches++;
	return 0;
}
