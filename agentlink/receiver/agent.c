/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's half of a session: streams, DATA, ADVANCE, acknowledgements. */
#include <stdlib.h>
#include <string.h>

#include "agentlink/receiver/session.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "lib/digest/digest_chain.h"

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
	m.u.ack.seq = st->window.durable;
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
	if (!repeat || !s->unacked.batches)
		return;
	/* Work is pending: say again how far it is, so nobody gives up. */
	for (uint32_t i = 0; i < s->streams_cap; i++) {
		struct session_stream *st = s->streams[i];

		if (st && st->answered && st->window.n &&
		    now_ms - st->acked_ms >= RECEIVER_ACK_REPEAT_MS)
			send_ack(st, now_ms);
	}
}

static void
mark(struct session_stream *st)
{
	if (!st->dirty) {
		st->dirty = true;
		st->next_dirty = st->session->dirty_streams;
		st->session->dirty_streams = st;
	}
	session_mark_dirty(st->session);
}

/* ---- NACK
 * ------------------------------------------------------------------------ */

static void
nack(struct session_stream *st, enum agentlink_code code, uint64_t first_seq)
{
	struct agentlink_msg m = {.type = AGENTLINK_NACK, .stream = st->number};

	st->window.nacked = true;
	m.u.nack.code = (uint16_t)code;
	m.u.nack.first_seq = first_seq;
	m.u.nack.resume_at = st->window.next_seq;
	memcpy(m.u.nack.head, st->window.head, BATCH_HEAD_SIZE);
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

	agent_window_fini(&st->window);
	while (*p && *p != st)
		p = &(*p)->next_dirty;
	if (*p)
		*p = st->next_dirty;
	flow_stream_close(s->receiver->flow, st->flow, final);
	s->streams[st->number - 1] = NULL;
	s->streams_open--;
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
	int rc;

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
	st->window.use = &s->unacked;
	s->streams[number - 1] = st;
	s->streams_open++;
	rc = open_flow(s, st, o);
	if (rc == ERR_LIMIT) {
		free_stream(st, false);
		refuse_stream(s, number, AGENTLINK_CODE_STREAM_LIMIT);
	} else if (rc) {
		session_fail(s, AGENTLINK_CODE_INTERNAL, "out of memory");
	}
}

/* The first answer opens the stream; later ones tell how far it is durable. */
static void
first_answer(struct session_stream *st, const struct ipc_stream_state *state)
{
	struct agentlink_msg m = {
	    .type = AGENTLINK_STREAM_STATE, .stream = st->number};

	st->answered = true;
	agent_window_begin(&st->window, state->last, state->head);
	m.u.stream_state.code = AGENTLINK_CODE_OK;
	m.u.stream_state.flags = state->is_new ? AGENTLINK_STREAM_NEW : 0;
	m.u.stream_state.epoch = st->epoch;
	m.u.stream_state.last = state->last;
	memcpy(m.u.stream_state.head, state->head, BATCH_HEAD_SIZE);
	session_send(st->session, &m);
}

/*
 * The keeper was asked again.  If it lacks what it had (a disk that lied, a
 * tail set aside), or has what this connection did not send, the agent is told
 * at once: it compares the head, as with the first answer.
 */
static void
later_answer(struct session_stream *st, const struct ipc_stream_state *state,
    const struct proof *proof)
{
	struct agent_window *w = &st->window;
	uint64_t next_seq = w->next_seq;

	switch (agent_window_answer(w, state->last, state->head, proof)) {
	case AGENT_WINDOW_LESS:
		nack(st, AGENTLINK_CODE_GAP, next_seq);
		break;
	case AGENT_WINDOW_OTHER:
		nack(st, AGENTLINK_CODE_TAKEN_OVER, next_seq);
		mark(st);
		break;
	case AGENT_WINDOW_SAME:
		mark(st);
	}
}

void
agent_on_stream_state(void *owner, const struct proof *proof)
{
	const struct ipc_stream_state *state =
	    &proof_msg(proof)->u.stream_state;
	struct session_stream *st = owner;

	if (state->code != AGENTLINK_CODE_OK && st->answered) {
		/* A restarted keeper has no room for it any more. */
		session_fail(st->session, (enum agentlink_code)state->code,
		    "a stream that was open cannot stay so");
	} else if (state->code != AGENTLINK_CODE_OK) {
		refuse_stream(
		    st->session, st->number, (enum agentlink_code)state->code);
		free_stream(st, false);
	} else if (st->answered) {
		later_answer(st, state, proof);
	} else {
		first_answer(st, state);
	}
}

void
agent_on_durable(void *owner, uint64_t seq, const struct proof *proof)
{
	struct session_stream *st = owner;

	agent_window_acknowledge(&st->window, seq, proof);
	mark(st);
}

void
agent_on_refused(void *owner, const struct ipc_range *range,
    const struct ipc_range_verdict *verdict)
{
	struct session_stream *st = owner;

	if (verdict->code == AGENTLINK_CODE_NOT_OPEN) {
		session_fail(st->session, AGENTLINK_CODE_NOT_OPEN,
		    "a stream that was open cannot stay so");
		return;
	}
	if (verdict->code == AGENTLINK_CODE_LATER)
		agent_window_lost(&st->window, range->first_seq);
	else if (agent_window_refused(&st->window, range->first_seq,
		     verdict->last, verdict->head))
		flow_stream_query(st->session->receiver->flow, st->flow);
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

/* A batch as the keeper is told of it. */
static void
make_range(struct ipc_range *range, const struct agentlink_data *d,
    struct digest_sha256 *sha)
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
}

static void
refuse_data(struct session_stream *st, const struct agentlink_data *d,
    enum agentlink_code code)
{
	receiver_count(st->session->receiver,
	    &st->session->listener->refused_records, d->count);
	nack(st, code, d->first_seq);
}

/* It carries on where the stream stands. */
static void
take_data(struct session_stream *st, const struct agentlink_data *d)
{
	struct session *s = st->session;
	struct batch_columns_view view;
	struct ipc_range range = {0};
	int rc = check_data(s, d, &view);

	if (rc == ERR_DIGEST)
		receiver_note_mismatch(s->receiver, s->listener, &s->id);
	if (rc) {
		/* To resume at this very batch. */
		refuse_data(st, d, code_of(rc));
		return;
	}
	make_range(&range, d, receiver_sha(s->receiver));
	rc = agent_window_push(&st->window, d->first_seq + d->count - 1,
	    (uint32_t)d->payload.len, range.head);
	if (!rc)
		rc = receiver_store(s->receiver, st->flow, &range, d, &view);
	if (rc)
		session_fail(s, AGENTLINK_CODE_INTERNAL, err_text(rc));
}

static void
data(struct session_stream *st, const struct agentlink_data *d)
{
	if (!session_within_credit(st->session))
		return;
	switch (agent_window_judge(
	    &st->window, d->first_seq, d->first_seq + d->count - 1)) {
	case AGENT_WINDOW_TAKE:
		take_data(st, d);
		break;
	case AGENT_WINDOW_REPEAT:
		/* It needs no content: it is there, or on its way. */
		receiver_count(st->session->receiver,
		    &st->session->listener->duplicate_records, d->count);
		mark(st);
		break;
	case AGENT_WINDOW_IGNORE:
		break;
	case AGENT_WINDOW_GAP:
		refuse_data(st, d, AGENTLINK_CODE_GAP);
		break;
	case AGENT_WINDOW_PARTIAL:
		refuse_data(st, d, AGENTLINK_CODE_PARTIAL);
		break;
	}
}

static void
take_advance(struct session_stream *st, const struct agentlink_advance *a)
{
	struct session *s = st->session;

	receiver_seal(s->receiver); /* it comes after what was gathered */
	if (agent_window_push(&st->window, a->to, 0, a->head) ||
	    flow_advance(s->receiver->flow, st->flow, a))
		session_fail(s, AGENTLINK_CODE_INTERNAL, "out of memory");
}

static void
advance(struct session_stream *st, const struct agentlink_advance *a)
{
	struct session *s = st->session;

	if (a->from > a->to || !a->from) {
		session_fail(s, AGENTLINK_CODE_MALFORMED, "ADVANCE of nothing");
		return;
	}
	if (!session_within_credit(s))
		return;
	switch (agent_window_judge_advance(&st->window, a->from, a->to)) {
	case AGENT_WINDOW_TAKE:
		take_advance(st, a);
		break;
	case AGENT_WINDOW_REPEAT:
		mark(st);
		break;
	case AGENT_WINDOW_GAP:
		nack(st, AGENTLINK_CODE_GAP, a->from);
		break;
	case AGENT_WINDOW_IGNORE:
	case AGENT_WINDOW_PARTIAL:
		break;
	}
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
