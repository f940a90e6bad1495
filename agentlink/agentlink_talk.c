/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages that come from a spool: one function a type.
 */
#include "agentlink/agentlink_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/pack/pack.h"

#define LATER_MS 1000u /* after "not now" without a time */
#define REST_MS 30000u /* of a stream that was refused */

/* A spool's words, made fit for one line. */
static void
copy_text(
    char to[AGENTLINK_EVENT_TEXT_SIZE], const char *code, struct bytes text)
{
	int n = snprintf(to, AGENTLINK_EVENT_TEXT_SIZE, "%s", code);
	if (!text.len || n < 0 || n + 3 >= AGENTLINK_EVENT_TEXT_SIZE)
		return;
	size_t room = (size_t)(AGENTLINK_EVENT_TEXT_SIZE - n - 3);
	size_t len = text.len < room ? text.len : room;
	char *p = to + n;
	*p++ = ':';
	*p++ = ' ';
	for (size_t i = 0; i < len; i++)
		*p++ = text.ptr[i] < ' ' || text.ptr[i] == 0x7f
		    ? '?'
		    : (char)text.ptr[i];
	*p = '\0';
}

static void
note(struct agentlink_engine *e, const struct agentlink_stream *s,
    const char *what, struct bytes text)
{
	struct agentlink_event *event =
	    agentlink_events_add(e, AGENTLINK_EVENT_NOTE);
	event->stream = s ? s->number : 0;
	char line[AGENTLINK_EVENT_TEXT_SIZE];
	snprintf(line, sizeof(line), "%s%s%s", s ? s->name : "", s ? ": " : "",
	    what);
	copy_text(event->text, line, text);
}

/* ---- in --------------------------------------------------------------------
 */

static void
broken(struct agentlink_engine *e, const char *text)
{
	agentlink_say_error(e, AGENTLINK_CODE_MALFORMED, text);
	agentlink_round_fail(e, ERR_FORMAT, text, 0);
}

static void
on_hello_ok(struct agentlink_engine *e, const struct agentlink_msg *m,
    struct agentlink_time now)
{
	const struct agentlink_hello_ok *h = &m->u.hello_ok;
	if (e->phase != AGENTLINK_PHASE_HELLO) {
		broken(e, "HELLO_OK was not expected");
		return;
	}
	if (h->version != AGENTLINK_VERSION) {
		broken(e, "the spool chose a version we do not speak");
		return;
	}
	e->phase = AGENTLINK_PHASE_READY;
	e->limits = *h;
	e->limits.software = bytes_of(NULL, 0);
	if (e->limits.max_frame > AGENTLINK_FRAME_CEILING)
		e->limits.max_frame = AGENTLINK_FRAME_CEILING;
	if (e->limits.keepalive_ms < 1000)
		e->limits.keepalive_ms = 1000;
	e->spool = h->spool;
	e->credit_bytes = h->credit_bytes;
	e->credit_batches = h->credit_batches;
	e->counts.ready = true;
	struct agentlink_event *event =
	    agentlink_events_add(e, AGENTLINK_EVENT_READY);
	event->server = e->server;
	memcpy(event->spool, h->spool.byte, sizeof(event->spool));
	copy_text(event->text, "spool", h->software);
	agentlink_say_ping(e, now.wall_ns);
}

static struct agentlink_stream *
stream_of(struct agentlink_engine *e, uint32_t wire)
{
	if (!wire || wire > e->streams)
		return NULL;
	struct agentlink_stream *s = e->stream[wire - 1];
	return s->is_open ? s : NULL;
}

static void
on_stream_state(struct agentlink_engine *e, struct agentlink_stream *s,
    const struct agentlink_msg *m)
{
	const struct agentlink_stream_state *t = &m->u.stream_state;
	if (s->phase != AGENTLINK_STREAM_ASKED) {
		broken(e, "STREAM_STATE was not asked for");
		return;
	}
	if (t->code) {
		note(e, s, agentlink_code_text(t->code), t->text);
		s->phase = AGENTLINK_STREAM_RESTS;
		s->wait_ms = e->now_ms +
		    (t->code == AGENTLINK_CODE_LATER ? LATER_MS : REST_MS);
		s->is_open = false;
		return;
	}
	if (!uuid_equal(&t->epoch, &s->epoch)) {
		broken(e, "STREAM_STATE is of another epoch");
		return;
	}
	e->progressed = true;
	if (t->last < s->acked && s->marks &&
	    uuid_equal(&s->mark[s->marks - 1].spool, &e->spool))
		note(e, s, "the spool lacks what it had acknowledged",
		    bytes_of(NULL, 0));
	if (agentlink_stream_on_state(e, s, t->last, t->head) == ERR_FORK)
		note(e, s, "the spool knows another history; new epoch",
		    bytes_of(NULL, 0));
}

static void
on_ack(struct agentlink_engine *e, struct agentlink_stream *s,
    const struct agentlink_msg *m)
{
	e->credit_bytes = m->u.ack.credit_bytes;
	e->credit_batches = m->u.ack.credit_batches;
	if (!s || s->phase != AGENTLINK_STREAM_RUNS)
		return;
	if (m->u.ack.seq >= s->cursor && m->u.ack.seq > s->confirmed) {
		broken(e, "ACK is past what was sent");
		return;
	}
	uint64_t before = s->confirmed;
	agentlink_stream_on_ack(e, s, m->u.ack.seq);
	if (s->confirmed > before)
		e->progressed = true;
}

/* The spool finds our bytes wrong: look at our own copy. */
static bool
own_copy_is_good(struct agentlink_engine *e, struct agentlink_held *h)
{
	struct agentlink_batch batch = {0};
	if (agentlink_fill_load(e, h, &batch))
		return false;
	struct buf raw;
	buf_init(&raw, BATCH_RAW_MAX);
	struct pack *p = NULL;
	struct bytes columns = bytes_of(batch.payload, h->payload_len);
	int rc = 0;
	if (h->codec == BATCH_CODEC_ZSTD) {
		rc = pack_new(1, &p);
		if (!rc)
			rc = pack_unpack(
			    p, columns, h->raw_len, BATCH_RAW_MAX, &raw);
		columns = buf_bytes(&raw);
	}
	struct batch_columns_view view;
	if (!rc)
		rc = batch_columns_decode(columns, 1, &view);
	if (!rc && view.count != h->count)
		rc = ERR_FORMAT;
	uint8_t digest[DIGEST_SIZE];
	if (!rc) {
		struct batch_columns_iter it;
		batch_columns_iter_init(&it, &view, NULL);
		digest_sha256_start(e->sha);
		while (batch_columns_iter_next(&it)) {
			uint32_t len = (uint32_t)it.record.len;
			rc |= digest_records_add(e->sha, it.record, &len, 1);
		}
		digest_sha256_finish(e->sha, digest);
	}
	pack_free(p);
	buf_fini(&raw);
	return !rc && !memcmp(digest, h->digest, sizeof(digest));
}

static void
on_bad_copy(struct agentlink_engine *e, struct agentlink_stream *s,
    const struct agentlink_nack *n)
{
	struct agentlink_held *h = agentlink_held_find(s, n->first_seq);
	if (!h) {
		broken(e, "NACK is of no batch of ours");
		return;
	}
	if (!own_copy_is_good(e, h)) {
		agentlink_stream_give_up(
		    e, s, h, ENTRY_ADVANCE_CORRUPT, "our own copy is damaged");
	} else if (++h->nacks > AGENTLINK_STATE_RESEND_MAX) {
		h->nacks = 0;
		agentlink_say_error(
		    e, n->code, "our copy is good, and refused again");
		agentlink_round_fail(e, ERR_DIGEST,
		    "the spool refuses a batch that is good here", 0);
		return;
	}
	agentlink_stream_rewind(e, s, n->resume_at, n->head);
}

static void
on_too_large(struct agentlink_engine *e, struct agentlink_stream *s,
    const struct agentlink_nack *n)
{
	struct agentlink_held *h = agentlink_held_find(s, n->first_seq);
	if (!h) {
		broken(e, "NACK is of no batch of ours");
		return;
	}
	agentlink_stream_give_up(e, s, h, ENTRY_ADVANCE_LOST,
	    "the batch is over the spool's limits");
	agentlink_stream_rewind(e, s, n->resume_at, n->head);
}

static void
on_nack(struct agentlink_engine *e, struct agentlink_stream *s,
    const struct agentlink_msg *m)
{
	const struct agentlink_nack *n = &m->u.nack;
	if (s->phase != AGENTLINK_STREAM_RUNS)
		return;
	if (n->code != AGENTLINK_CODE_LATER && n->code != AGENTLINK_CODE_CREDIT)
		note(e, s, agentlink_code_text(n->code), n->text);
	switch (n->code) {
	case AGENTLINK_CODE_GAP:
	case AGENTLINK_CODE_PARTIAL:
		agentlink_stream_rewind(e, s, n->resume_at, n->head);
		break;
	case AGENTLINK_CODE_FORK:
		agentlink_stream_fork(e, s);
		break;
	case AGENTLINK_CODE_DIGEST:
	case AGENTLINK_CODE_MALFORMED:
		on_bad_copy(e, s, n);
		break;
	case AGENTLINK_CODE_TOO_LARGE:
		on_too_large(e, s, n);
		break;
	case AGENTLINK_CODE_LATER:
	case AGENTLINK_CODE_CREDIT:
		if (!agentlink_stream_rewind(e, s, n->resume_at, n->head))
			s->wait_ms = e->now_ms + LATER_MS;
		break;
	case AGENTLINK_CODE_NOT_OPEN:
		agentlink_stream_reopen(e, s);
		break;
	default:
		agentlink_round_fail(
		    e, ERR_STATE, agentlink_code_text(n->code), 0);
	}
}

static void
on_pong(
    struct agentlink_engine *e, const struct agentlink_pong *p, int64_t wall_ns)
{
	int64_t delay = (wall_ns - p->t1) - (p->t3 - p->t2);
	if (delay < 0 || (e->clock_delay_ns >= 0 && delay > e->clock_delay_ns))
		return;
	e->clock_delay_ns = delay;
	e->counts.has_clock = true;
	e->counts.clock_offset_ns = (p->t2 - p->t1) / 2 + (p->t3 - wall_ns) / 2;
	e->counts.clock_error_ns = delay / 2;
}

static void
on_ping(
    struct agentlink_engine *e, const struct agentlink_ping *p, int64_t wall_ns)
{
	struct agentlink_msg m = {.type = AGENTLINK_PONG};
	m.u.pong.t1 = p->t1;
	m.u.pong.t2 = m.u.pong.t3 = wall_ns;
	agentlink_msg_encode(&e->out, &m);
}

static void
on_drain(struct agentlink_engine *e, const struct agentlink_drain *d)
{
	note(e, NULL, "the spool asks for a pause", d->text);
	e->is_draining = true;
	e->drain_ms =
	    e->flying_batches ? e->now_ms + d->deadline_ms : e->now_ms;
	e->not_before_ms[e->server] = e->now_ms + d->retry_after_ms;
}

/* The spool ends it, with a code. */
static void
on_end(struct agentlink_engine *e, uint16_t code, uint32_t retry_ms,
    struct bytes text)
{
	char line[AGENTLINK_EVENT_TEXT_SIZE];
	copy_text(line,
	    code ? agentlink_code_text(code) : "the spool said goodbye", text);
	bool is_refusal =
	    code == AGENTLINK_CODE_DENIED || code == AGENTLINK_CODE_IDENTITY;
	agentlink_round_fail(
	    e, is_refusal ? ERR_AUTH : ERR_CLOSED, line, retry_ms);
}

static void
on_error(struct agentlink_engine *e, const struct agentlink_error *t)
{
	if (t->fatal)
		on_end(
		    e, t->code ? t->code : AGENTLINK_CODE_INTERNAL, 0, t->text);
	else
		note(e, NULL, agentlink_code_text(t->code), t->text);
}

static void
on_stream_message(struct agentlink_engine *e, const struct agentlink_msg *m)
{
	struct agentlink_stream *s = stream_of(e, m->stream);
	if (m->type == AGENTLINK_ACK)
		on_ack(e, s, m);
	else if (!s)
		return; /* of an epoch that we have left */
	else if (m->type == AGENTLINK_NACK)
		on_nack(e, s, m);
	else
		on_stream_state(e, s, m);
}

void
agentlink_talk_on_frame(struct agentlink_engine *e,
    const struct agentlink_frame *frame, struct agentlink_time now)
{
	struct agentlink_msg m;
	int rc = agentlink_msg_decode(frame, &m);
	if (rc == ERR_UNSUPPORTED && frame->flags & AGENTLINK_CRITICAL) {
		agentlink_say_error(e, AGENTLINK_CODE_UNKNOWN_TYPE,
		    "a critical message of unknown type");
		agentlink_round_fail(e, ERR_VERSION,
		    "the spool sent a critical message of unknown type", 0);
	}
	if (rc == ERR_UNSUPPORTED)
		return;
	if (rc) {
		broken(e, "a message is not well formed");
		return;
	}
	if (e->phase == AGENTLINK_PHASE_HELLO && m.type != AGENTLINK_HELLO_OK &&
	    m.type != AGENTLINK_ERROR && m.type != AGENTLINK_GOODBYE) {
		broken(e, "the first message is not HELLO_OK");
		return;
	}
	switch (m.type) {
	case AGENTLINK_HELLO_OK:
		on_hello_ok(e, &m, now);
		break;
	case AGENTLINK_STREAM_STATE:
	case AGENTLINK_ACK:
	case AGENTLINK_NACK:
		on_stream_message(e, &m);
		break;
	case AGENTLINK_CREDIT:
		e->credit_bytes = m.u.credit.credit_bytes;
		e->credit_batches = m.u.credit.credit_batches;
		break;
	case AGENTLINK_PING:
		on_ping(e, &m.u.ping, now.wall_ns);
		break;
	case AGENTLINK_PONG:
		on_pong(e, &m.u.pong, now.wall_ns);
		break;
	case AGENTLINK_DRAIN:
		on_drain(e, &m.u.drain);
		break;
	case AGENTLINK_GOODBYE:
		on_end(e, m.u.goodbye.code, m.u.goodbye.retry_after_ms,
		    m.u.goodbye.text);
		break;
	case AGENTLINK_ERROR:
		on_error(e, &m.u.error);
		break;
	default:
		break; /* a known message that agents have no use for */
	}
}
