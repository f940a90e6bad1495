/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's half of a session: streams, DATA, ADVANCE, acknowledgements. */
#include <stdlib.h>
#include <string.h>

#include "agentlink/receiver/agent_window.h"
#include "agentlink/receiver/session.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "lib/digest/digest_chain.h"

/* Batches beyond the credit that are borne before the peer is cut off. */
#define CREDIT_PATIENCE 8u

static struct session_stream *
find(struct session *s, uint32_t number)
{
	if (!number || number > s->streams_cap)
		return NULL;
	return s->streams[number - 1];
}

/* ---- acknowledgements: only with a proof in hand
 * ------------------------------- */

static void
send_ack(struct session_stream *st, uint64_t now_ms)
{
	struct session *s = st->session;
	struct agentlink_msg m = {.type = AGENTLINK_ACK, .stream = st->number};

	receiver_credit(s->receiver, &s->credit_bytes, &s->credit_batches);
	m.u.ack.seq = st->durable;
	m.u.ack.credit_bytes = s->credit_bytes;
	m.u.ack.credit_batches = s->credit_batches;
	st->acked_ms = now_ms;
	FAILPOINT("receiver-before-ack");
	session_send(s, &m);
	FAILPOINT("receiver-after-ack");
}

void
agent_flush(struct session *s, uint64_t now_ms, bool repeat)
{
	while (s->dirty_streams) {
		struct session_stream *st = s->dirty_streams;

		s->dirty_streams = st->next_dirty;
		st->dirty = false;
		if (st->answered)
			send_ack(st, now_ms);
	}
	if (!repeat || !s->unacked_batches)
		return;
	/* Work is pending: say again how far it is, so nobody gives up. */
	for (uint32_t i = 0; i < s->streams_cap; i++) {
		struct session_stream *st = s->streams[i];

		if (st && st->answered && st->pending_n &&
		    now_ms - st->acked_ms >= RECEIVER_ACK_REPEAT_MS)
			send_ack(st, now_ms);
	}
}

/* ---- NACK
 * ------------------------------------------------------------------------ */

static void
nack(struct session_stream *st, enum agentlink_code code, uint64_t first_seq)
{
	struct agentlink_msg m = {.type = AGENTLINK_NACK, .stream = st->number};

	/* Told again only if it is to go back further. */
	if (st->nacked && st->next_seq >= st->told_seq)
		return;
	st->nacked = true;
	st->told_seq = st->next_seq;
	agent_window_uncount(st, st->next_seq);
	m.u.nack.code = (uint16_t)code;
	m.u.nack.first_seq = first_seq;
	m.u.nack.resume_at = st->next_seq;
	memcpy(m.u.nack.head, st->head, BATCH_HEAD_SIZE);
	m.u.nack.text = bytes_of_str(agentlink_code_text((uint16_t)code));
	log_info("%s: stream %u: NACK %s at %llu", st->session->identity,
	    st->number, agentlink_code_name((uint16_t)code),
	    (unsigned long long)first_seq);
	session_send(st->session, &m);
}

/* ---- streams
 * ---------------------------------------------------------------------- */

static void
free_stream(struct session_stream *st, bool final)
{
	struct session *s = st->session;
	struct session_stream **p = &s->dirty_streams;

	agent_window_uncount(st, 0);
	while (*p && *p != st)
		p = &(*p)->next_dirty;
	if (*p)
		*p = st->next_dirty;
	flow_stream_close(s->receiver->flow, st->flow, final);
	s->streams[st->number - 1] = NULL;
	s->streams_open--;
	free(st->pending);
	free(st);
}

void
agent_close_streams(struct session *s)
{
	for (uint32_t i = 0; i < s->streams_cap; i++)
		if (s->streams[i])
			free_stream(s->streams[i], false);
	free(s->streams);
	s->streams = NULL;
	s->streams_cap = 0;
}

static void
refuse_stream(struct session *s, uint32_t number, enum agentlink_code code)
{
	struct agentlink_msg m = {
	    .type = AGENTLINK_STREAM_STATE, .stream = number};

	m.u.stream_state.code = (uint16_t)code;
	m.u.stream_state.text =
	    bytes_of_str(agentlink_code_text((uint16_t)code));
	session_send(s, &m);
}

static int
room_for(struct session *s, uint32_t number)
{
	uint32_t cap = s->streams_cap ? s->streams_cap : 4;
	struct session_stream **streams;

	while (cap < number)
		cap *= 2;
	if (cap == s->streams_cap)
		return 0;
	streams = realloc(s->streams, cap * sizeof(struct session_stream *));
	if (!streams)
		return ERR_NOMEM;
	memset(streams + s->streams_cap, 0,
	    (cap - s->streams_cap) * sizeof(struct session_stream *));
	s->streams = streams;
	s->streams_cap = cap;
	return 0;
}

static int
open_flow(struct session *s, struct session_stream *st,
    const struct agentlink_stream_open *o)
{
	struct flow_stream_open open = {
	    .key = {.origin = s->id, .epoch = o->epoch, .name = o->name},
	    .listener = bytes_of_str(s->listener->name),
	    .peer = bytes_of_str(link_peer(s->link)),
	    .identity = bytes_of_str(s->identity),
	    .next_seq = o->next_seq,
	    .acked = o->acked,
	};

	memcpy(open.head, o->head, BATCH_HEAD_SIZE);
	/* The question comes after what an earlier connection brought. */
	if (gather_holds(s->receiver->gather, &open.key))
		receiver_seal(s->receiver);
	return flow_stream_open(s->receiver->flow, &open, st, &st->flow);
}

static void
open_stream(
    struct session *s, uint32_t number, const struct agentlink_stream_open *o)
{
	struct session_stream *st;

	if (!number || number > AGENTLINK_STREAMS_MAX) {
		refuse_stream(s, number, AGENTLINK_CODE_STREAM_LIMIT);
		return;
	}
	if (find(s, number)) {
		session_fail(s, AGENTLINK_CODE_MALFORMED,
		    "a stream number is opened twice");
		return;
	}
	st = room_for(s, number) ? NULL : calloc(1, sizeof(*st));
	if (!st) {
		refuse_stream(s, number, AGENTLINK_CODE_LIMIT);
		return;
	}
	st->session = s;
	st->number = number;
	st->epoch = o->epoch;
	s->streams[number - 1] = st;
	s->streams_open++;
	if (open_flow(s, st, o))
		session_fail(s, AGENTLINK_CODE_INTERNAL, "out of memory");
}

/* The first answer opens the stream; later ones tell how far it is durable. */
static void
first_answer(struct session_stream *st, const struct ipc_stream_state *state)
{
	struct agentlink_msg m = {
	    .type = AGENTLINK_STREAM_STATE, .stream = st->number};

	st->answered = true;
	st->next_seq = state->last + 1;
	st->durable = state->last;
	memcpy(st->head, state->head, BATCH_HEAD_SIZE);
	m.u.stream_state.code = AGENTLINK_CODE_OK;
	m.u.stream_state.flags = state->is_new ? AGENTLINK_STREAM_NEW : 0;
	m.u.stream_state.epoch = st->epoch;
	m.u.stream_state.last = state->last;
	memcpy(m.u.stream_state.head, state->head, BATCH_HEAD_SIZE);
	session_send(st->session, &m);
}

void
agent_on_stream_state(void *owner, const struct proof *proof)
{
	const struct ipc_stream_state *state =
	    &proof_msg(proof)->u.stream_state;
	struct session_stream *st = owner;

	if (state->code != AGENTLINK_CODE_OK) {
		refuse_stream(
		    st->session, st->number, (enum agentlink_code)state->code);
		free_stream(st, false);
		return;
	}
	if (!st->answered) {
		first_answer(st, state);
		return;
	}
	if (state->last >= st->next_seq) {
		st->next_seq = state->last + 1;
		memcpy(st->head, state->head, BATCH_HEAD_SIZE);
	}
	agent_window_acknowledge(st, state->last, proof);
}

void
agent_on_durable(void *owner, uint64_t seq, const struct proof *proof)
{
	agent_window_acknowledge(owner, seq, proof);
}

void
agent_on_refused(void *owner, const struct ipc_range *range,
    const struct ipc_range_verdict *verdict)
{
	struct session_stream *st = owner;

	st->next_seq = verdict->last + 1;
	memcpy(st->head, verdict->head, BATCH_HEAD_SIZE);
	nack(st, (enum agentlink_code)verdict->code, range->first_seq);
}

/* ---- DATA
 * -------------------------------------------------------------------------- */

static enum agentlink_code
code_of(int rc)
{
	switch (rc) {
	case ERR_DIGEST:
		return AGENTLINK_CODE_DIGEST;
	case ERR_LIMIT:
		return AGENTLINK_CODE_TOO_LARGE;
	case ERR_UNSUPPORTED:
		return AGENTLINK_CODE_UNSUPPORTED;
	default:
		return AGENTLINK_CODE_MALFORMED;
	}
}

/*
 * After a NACK what follows the refused batch is not taken.  What comes before
 * it is a repeat: it has become durable since, or will.
 */
static bool
is_wanted(struct session_stream *st, const struct agentlink_data *d)
{
	if (d->first_seq == st->next_seq)
		st->nacked = false;
	return !st->nacked || d->first_seq < st->next_seq;
}

static int
check_data(struct session *s, const struct agentlink_data *d,
    struct batch_columns_view *view)
{
	struct check_claim claim = {
	    .codec = d->codec,
	    .raw_len = d->raw_len,
	    .records = d->count,
	    .ranges = 1,
	    .content_digest = d->content_digest,
	};
	int rc;

	if (d->count > AGENTLINK_RECORDS_MAX)
		return ERR_LIMIT;
	rc = check_batch(s->receiver->check, &claim, d->payload, view);
	if (!rc && view->records.len > AGENTLINK_RAW_MAX)
		rc = ERR_LIMIT;
	return rc;
}

/* The agent's numbering, as far as this connection knows it. */
static void
move_on(struct session_stream *st, struct ipc_range *range,
    const struct agentlink_data *d, struct digest_sha256 *sha)
{
	range->first_seq = d->first_seq;
	range->count = d->count;
	range->flags = BATCH_RANGE_HEAD |
	    (d->flags & (BATCH_RANGE_GAP_BEFORE | BATCH_RANGE_RESTART)) |
	    (d->path.len ? BATCH_RANGE_PATH : 0);
	range->severities = d->severities;
	range->path = d->path;
	memcpy(range->prev_head, d->prev_head, BATCH_HEAD_SIZE);
	digest_chain(sha, d->prev_head, d->first_seq, d->count,
	    d->content_digest, range->head);
	if (d->first_seq == st->next_seq) {
		st->next_seq += d->count;
		memcpy(st->head, range->head, BATCH_HEAD_SIZE);
	}
}

static void
data_fails(struct session_stream *st, const struct agentlink_data *d, int rc)
{
	struct listener *l = st->session->listener;

	/* A repeat needs no content: it is there. */
	if (d->first_seq + d->count - 1 <= st->durable) {
		agent_window_mark(st);
		return;
	}
	/* Resume at this very batch: the agent checks its own copy. */
	l->refused_records += d->count;
	if (rc == ERR_DIGEST)
		receiver_note_mismatch(
		    st->session->receiver, l, &st->session->id);
	if (!st->nacked && d->first_seq < st->next_seq) {
		st->next_seq = d->first_seq;
		memcpy(st->head, d->prev_head, BATCH_HEAD_SIZE);
	}
	nack(st, code_of(rc), d->first_seq);
}

static bool
within_credit(struct session *s)
{
	if (s->unacked_batches < s->credit_batches + CREDIT_PATIENCE ||
	    s->unacked_batches < 64 + CREDIT_PATIENCE)
		return true;
	session_fail(s, AGENTLINK_CODE_CREDIT,
	    "far more was sent than the credit allows");
	return false;
}

static void
data(struct session_stream *st, const struct agentlink_data *d)
{
	struct session *s = st->session;
	struct batch_columns_view view;
	struct ipc_range range = {0};
	int rc;

	if (!is_wanted(st, d) || !within_credit(s))
		return;
	if (d->first_seq > st->next_seq) {
		nack(st, AGENTLINK_CODE_GAP, d->first_seq);
		return;
	}
	rc = check_data(s, d, &view);
	if (rc) {
		data_fails(st, d, rc);
		return;
	}
	move_on(st, &range, d, receiver_sha(s->receiver));
	rc = agent_window_push(st, d->first_seq, d->first_seq + d->count - 1,
	    (uint32_t)d->payload.len, range.head);
	if (!rc)
		rc = receiver_store(s->receiver, st->flow, &range, d, &view);
	if (rc)
		session_fail(s, AGENTLINK_CODE_INTERNAL, err_text(rc));
}

static void
advance(struct session_stream *st, const struct agentlink_advance *a)
{
	struct session *s = st->session;

	if (a->from > a->to || !a->from) {
		session_fail(s, AGENTLINK_CODE_MALFORMED, "ADVANCE of nothing");
		return;
	}
	receiver_seal(s->receiver); /* it comes after what was gathered */
	if (a->to >= st->next_seq) {
		st->next_seq = a->to + 1;
		memcpy(st->head, a->head, BATCH_HEAD_SIZE);
	}
	st->nacked = false;
	if (agent_window_push(st, a->from, a->to, 0, a->head) ||
	    flow_advance(s->receiver->flow, st->flow, a))
		session_fail(s, AGENTLINK_CODE_INTERNAL, "out of memory");
}

void
agent_message(struct session *s, const struct agentlink_msg *m)
{
	struct session_stream *st = find(s, m->stream);

	if (m->type == AGENTLINK_STREAM_OPEN) {
		open_stream(s, m->stream, &m->u.stream_open);
		return;
	}
	if (m->type != AGENTLINK_STREAM_CLOSE && m->type != AGENTLINK_DATA &&
	    m->type != AGENTLINK_ADVANCE) {
		session_fail(s, AGENTLINK_CODE_UNSUPPORTED,
		    "this message is not for an agent to send");
		return;
	}
	if (!st || !st->answered) {
		session_fail(
		    s, AGENTLINK_CODE_NOT_OPEN, "the stream is not open");
		return;
	}
	if (m->type == AGENTLINK_DATA)
		data(st, &m->u.data);
	else if (m->type == AGENTLINK_ADVANCE)
		advance(st, &m->u.advance);
	else
		free_stream(
		    st, m->u.stream_close.flags & AGENTLINK_STREAM_FINAL);
}
