/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams and chains of a connection: opened, answered, closed.
 *
 * The usual course: STREAM_OPEN finds or makes the stream, and is answered at
 * once when nothing of it is queued; with the answer the connection has the
 * stream.  What can go wrong: something of it is queued, or a receiver has not
 * replayed yet; then the answer waits, and batches of the connection are taken
 * only where they follow or repeat (judge.c).
 */
#include "spoold/keeper/intake_state.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/codec/agentlink_msg.h"
#include "spoold/keeper/mem.h"

static void
send_state(struct intake *in, const struct intake_sid *s, uint16_t code)
{
	struct ipc_msg m = {.type = IPC_STREAM_STATE};

	m.u.stream_state = (struct ipc_stream_state){
	    .sid = s->sid, .code = code, .is_new = s->is_new};
	if (s->stream) {
		m.u.stream_state.last = s->stream->durable.seq;
		memcpy(m.u.stream_state.head, s->stream->durable.head,
		    BATCH_HEAD_SIZE);
	}
	intake_state_send(in, s->link->id, &m);
}

static struct intake_sid *
new_sid(
    struct intake *in, struct intake_link *l, const struct ipc_stream_open *m)
{
	struct intake_sid *s = mem_new(sizeof(*s));

	s->link = l;
	s->sid = m->sid;
	s->serial = ++in->serial;
	s->def = sdef_new(&m->key, m->listener, m->peer, m->identity, m->path);
	htable_add(&l->sids, &s->node,
	    htable_hash(l->sids.seed, bytes_of(&m->sid, sizeof(m->sid))));
	return s;
}

static void
stop_waiting(struct intake *in, struct intake_sid *s)
{
	struct intake_sid **p = &in->waiting_sids;

	if (!s->waiting)
		return;
	while (*p != s)
		p = &(*p)->next_waiting;
	*p = s->next_waiting;
	s->waiting = false;
}

static void
drop_sid(struct intake *in, struct intake_sid *s)
{
	stop_waiting(in, s);
	if (s->stream) {
		if (s->stream->owner == s->serial)
			s->stream->owner = 0;
		streams_close(&in->streams, s->stream);
	}
	htable_remove(&s->link->sids, &s->node);
	sdef_unref(s->def);
	free(s);
}

/* A stream new to this spool starts where the agent says. */
static int
find_or_make(struct intake *in, struct intake_sid *s,
    const struct ipc_stream_open *m, struct intake_now now)
{
	struct stream *st = streams_find(&in->streams, &m->key);
	int rc;

	if (!st) {
		rc = streams_add(
		    &in->streams, &m->key, m->listener, now.spool_us, &st);
		if (rc)
			return rc;
		st->accepted.seq = m->next_seq ? m->next_seq - 1 : 0;
		memcpy(st->accepted.head, m->head, BATCH_HEAD_SIZE);
		st->durable = st->accepted;
		st->start_seq = st->accepted.seq + 1;
	}
	s->is_new = !st->stored;
	rc = streams_open(&in->streams, st);
	if (!rc) {
		s->stream = st;
		streams_set_peer(st, m->peer);
	}
	return rc;
}

/* Asked again under a number that is open: a fresh answer. */
void
intake_query_stream_open(struct intake *in, struct intake_link *l,
    const struct ipc_stream_open *m, struct intake_now now)
{
	struct intake_sid *s = intake_state_sid(l, m->sid);

	if (!s && l->sids.n >= IPC_SIDS_MAX) {
		intake_state_broken(in, l, "too many streams on one link");
		return;
	}
	if (!s)
		s = new_sid(in, l, m);
	if (m->sid & IPC_SID_CHAINED)
		return;
	if (!s->stream && find_or_make(in, s, m, now)) {
		send_state(in, s, AGENTLINK_CODE_STREAM_LIMIT);
		return;
	}
	if (!s->waiting) {
		s->waiting = true;
		s->next_waiting = in->waiting_sids;
		in->waiting_sids = s;
	}
	intake_query_answer(in);
}

static void
note_closed(struct intake *in, struct stream *st, const struct intake_sid *s)
{
	struct entry e = {.type = ENTRY_STREAM_CLOSED};
	struct item *it;

	if (st->closed || !st->stored || st->owner != s->serial)
		return;
	st->closed = true;
	it = item_new(ITEM_ENTRIES);
	it->ordered = true; /* behind the batches of the stream */
	e.u.stream_closed.key = st->key;
	entry_encode(&it->entries, &e);
	intake_state_submit(in, it);
}

void
intake_query_stream_close(
    struct intake *in, struct intake_link *l, const struct ipc_stream_close *m)
{
	struct intake_sid *s = intake_state_sid(l, m->sid);

	if (!s)
		return;
	if (m->final && s->stream)
		note_closed(in, s->stream, s);
	drop_sid(in, s);
}

/* ---- chains ---- */

static void
send_chain(struct intake *in, const struct intake_chain *c, uint16_t code)
{
	struct ipc_msg m = {.type = IPC_CHAIN_STATE};
	struct buf intervals;

	buf_init(&intervals, IPC_MESSAGE_MAX);
	if (c->child)
		children_set_encode(&c->child->durable, &intervals);
	m.u.chain_state = (struct ipc_chain_state){
	    .chain_id = c->chain_id,
	    .code = code,
	    .n = c->child ? (uint32_t)c->child->durable.n : 0,
	    .intervals = buf_bytes(&intervals),
	};
	intake_state_send(in, c->link->id, &m);
	buf_fini(&intervals);
}

static void
stop_waiting_chain(struct intake *in, struct intake_chain *c)
{
	struct intake_chain **p = &in->waiting_chains;

	if (!c->waiting)
		return;
	while (*p != c)
		p = &(*p)->next_waiting;
	*p = c->next_waiting;
	c->waiting = false;
}

static void
wait_chain(struct intake *in, struct intake_chain *c)
{
	if (c->waiting)
		return;
	c->waiting = true;
	c->next_waiting = in->waiting_chains;
	in->waiting_chains = c;
}

static void
drop_chain(struct intake *in, struct intake_chain *c)
{
	stop_waiting_chain(in, c);
	if (c->child)
		c->child->opens--;
	htable_remove(&c->link->chains, &c->node);
	free(c);
}

static struct intake_chain *
new_chain(struct intake_link *l, const struct ipc_chain_open *m)
{
	struct intake_chain *c = mem_new(sizeof(*c));

	c->link = l;
	c->chain_id = m->chain_id;
	htable_add(&l->chains, &c->node,
	    htable_hash(
		l->chains.seed, bytes_of(&m->chain_id, sizeof(m->chain_id))));
	return c;
}

/* Asked again on a chain that is open: a fresh answer. */
void
intake_query_chain_open(struct intake *in, struct intake_link *l,
    const struct ipc_chain_open *m, struct intake_now now)
{
	struct intake_chain *c = intake_state_chain(l, m->chain_id);
	struct child *ch;

	if (!m->chain_id || (!c && l->chains.n >= IPC_CHAINS_MAX)) {
		intake_state_broken(in, l, "a chain that cannot be opened");
		return;
	}
	if (!c)
		c = new_chain(l, m);
	c->next_rec = m->next_rec;
	if (children_take(
		&in->children, &m->child, &m->incarnation, now.spool_us, &ch)) {
		send_chain(in, c, AGENTLINK_CODE_LIMIT);
		return;
	}
	ch->opens++;
	if (c->child)
		c->child->opens--;
	c->child = ch;
	wait_chain(in, c);
	intake_query_answer(in);
}

void
intake_query_chain_close(
    struct intake *in, struct intake_link *l, uint32_t chain_id)
{
	struct intake_chain *c = intake_state_chain(l, chain_id);

	if (c)
		drop_chain(in, c);
}

/* ---- answers ---- */

static void
answer_sids(struct intake *in)
{
	struct intake_sid **p = &in->waiting_sids, *s;

	while ((s = *p)) {
		if (s->stream->queued) {
			p = &s->next_waiting;
			continue;
		}
		*p = s->next_waiting;
		s->waiting = false;
		s->stream->owner = s->serial;
		s->told = true;
		s->is_new = s->is_new && !s->stream->stored;
		send_state(in, s, AGENTLINK_CODE_OK);
	}
}

static void
answer_chains(struct intake *in)
{
	struct intake_chain **p = &in->waiting_chains, *c;

	while ((c = *p)) {
		if (c->child->queued) {
			p = &c->next_waiting;
			continue;
		}
		*p = c->next_waiting;
		c->waiting = false;
		send_chain(in, c,
		    c->next_rec < children_set_end(&c->child->durable)
			? AGENTLINK_CODE_INCARNATION
			: AGENTLINK_CODE_OK);
	}
}

void
intake_query_answer(struct intake *in)
{
	if (!in->open)
		return;
	answer_sids(in);
	answer_chains(in);
}

void
intake_query_forget(struct intake *in, struct intake_link *l)
{
	struct htable_node *node = htable_next(&l->sids, NULL), *next;

	for (; node; node = next) {
		next = htable_next(&l->sids, node);
		drop_sid(in, (struct intake_sid *)node);
	}
	for (node = htable_next(&l->chains, NULL); node; node = next) {
		next = htable_next(&l->chains, node);
		drop_chain(in, (struct intake_chain *)node);
	}
}
