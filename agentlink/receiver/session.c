/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/receiver/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"

#define LINGER_MS 2000u
#define REFUSAL_SAY_MS 60000u /* between two lines about refusals */
/* Beyond the credit; borne before the peer is cut off. */
#define PATIENCE_BATCHES 8u
#define PATIENCE_BYTES (8u * 1024 * 1024)

static void
send_frame(struct session *s, struct buf *b)
{
	struct bytes part = buf_bytes(b);
	int rc = b->err ? b->err : link_write(s->link, &part, 1);

	/* A peer that does not read its acknowledgements is no peer. */
	if (rc && s->state != SESSION_CLOSING) {
		log_info("%s %s: cannot send: %s", s->identity,
		    link_peer(s->link), err_text(rc));
		s->state = SESSION_CLOSING;
		link_close(s->link, 0);
	}
}

void
session_send(struct session *s, const struct agentlink_msg *m)
{
	struct buf b;

	if (s->state == SESSION_CLOSING || s->state == SESSION_TLS)
		return;
	buf_init(&b, AGENTLINK_FRAME_MAX);
	agentlink_msg_encode(&b, m);
	/* Nothing but HELLO_OK may come before HELLO_OK. */
	if (s->greeted)
		grease_apply(&s->receiver->grease, &b);
	send_frame(s, &b);
	buf_fini(&b);
}

void
session_fail(struct session *s, enum agentlink_code code, const char *text)
{
	struct agentlink_msg m = {.type = AGENTLINK_ERROR};

	if (s->state == SESSION_CLOSING)
		return;
	log_warn("%s %s: %s: %s", *s->identity ? s->identity : "?",
	    link_peer(s->link), agentlink_code_name((uint16_t)code), text);
	m.u.error.code = (uint16_t)code;
	m.u.error.fatal = true;
	m.u.error.text = bytes_of_str(text);
	session_send(s, &m);
	s->state = SESSION_CLOSING;
	link_close(s->link, LINGER_MS);
}

void
session_goodbye(struct session *s, enum agentlink_code code, uint32_t retry_ms)
{
	struct agentlink_msg m = {.type = AGENTLINK_GOODBYE};

	if (s->state == SESSION_CLOSING)
		return;
	m.u.goodbye.code = (uint16_t)code;
	m.u.goodbye.retry_after_ms = retry_ms;
	session_send(s, &m);
	s->state = SESSION_CLOSING;
	link_close(s->link, LINGER_MS);
}

static void
unlist(struct session *s)
{
	struct receiver *r = s->receiver;

	if (s->prev)
		s->prev->next = s->next;
	else
		r->sessions = s->next;
	if (s->next)
		s->next->prev = s->prev;
	for (struct session **p = &r->dirty; *p; p = &(*p)->next_dirty)
		if (*p == s) {
			*p = s->next_dirty;
			break;
		}
}

void
session_free(struct session *s)
{
	struct receiver *r = s->receiver;

	unlist(s);
	presence_left(s);
	if (s->counted_auth)
		r->authenticated--;
	else
		r->unauthenticated--;
	s->listener->connections--;
	sources_close(r->sources, s->host);
	agent_close_streams(s);
	chain_close(s);
	link_free(s->link);
	free(s);
	if (!r->stopping)
		listener_resume_all(r);
}

void
session_mark_dirty(struct session *s)
{
	if (s->dirty)
		return;
	s->dirty = true;
	s->next_dirty = s->receiver->dirty;
	s->receiver->dirty = s;
}

void
session_tell_credit(struct session *s)
{
	struct agentlink_msg m = {.type = AGENTLINK_CREDIT};

	if (s->state != SESSION_OPEN)
		return;
	receiver_credit(
	    s->receiver, &m.u.credit.credit_bytes, &m.u.credit.credit_batches);
	if (m.u.credit.credit_bytes == s->credit_bytes &&
	    m.u.credit.credit_batches == s->credit_batches)
		return;
	s->credit_bytes = m.u.credit.credit_bytes;
	s->credit_batches = m.u.credit.credit_batches;
	session_send(s, &m);
}

void
session_flush(struct session *s)
{
	s->dirty = false;
	if (s->state != SESSION_OPEN)
		return;
	if (s->spool)
		chain_flush(s);
	else
		agent_flush(s, loop_now_ms(s->receiver->loop), false);
}

bool
session_is_waiting(const struct session *s)
{
	return !s->credit_bytes || s->unacked.bytes >= s->credit_bytes ||
	    s->unacked.batches >= s->credit_batches;
}

bool
session_within_credit(struct session *s)
{
	const struct agent_window_use *u = &s->unacked;

	/* The window may have shrunk since what is here was sent. */
	if ((u->batches < s->credit_batches + PATIENCE_BATCHES ||
		u->batches < RECEIVER_CREDIT_BATCHES + PATIENCE_BATCHES) &&
	    (u->bytes < s->credit_bytes + PATIENCE_BYTES ||
		u->bytes < RECEIVER_CREDIT_BYTES + PATIENCE_BYTES))
		return true;
	session_fail(s, AGENTLINK_CODE_CREDIT,
	    "far more was sent than the credit allows");
	return false;
}

/* ---- HELLO ------------------------------------------------------------------
 */

/* Newest first: the third connection of one identity ends the oldest. */
static void
take_over(struct session *s)
{
	struct session *oldest = NULL;
	int n = 0;

	for (struct session *x = s->receiver->sessions; x; x = x->next)
		if (x != s && x->state == SESSION_OPEN &&
		    x->spool == s->spool && uuid_equal(&x->id, &s->id)) {
			oldest = x;
			n++;
		}
	if (n >= RECEIVER_PER_IDENTITY)
		session_fail(oldest, AGENTLINK_CODE_TAKEN_OVER,
		    "a newer connection of this identity has come");
}

static void
answer_hello(struct session *s)
{
	struct receiver *r = s->receiver;
	struct agentlink_msg m = {.type = AGENTLINK_HELLO_OK};
	struct agentlink_hello_ok *ok = &m.u.hello_ok;

	receiver_credit(r, &s->credit_bytes, &s->credit_batches);
	ok->version = AGENTLINK_VERSION;
	ok->capabilities = AGENTLINK_CAP_CHAIN | AGENTLINK_CAP_ADVANCE;
	/* Who the certificate says that we are; any other has no UUID. */
	ok->spool = s->listener->has_own ? s->listener->own : r->spool;
	ok->incarnation = r->incarnation;
	ok->wall_ns = receiver_now(r).wall_ns;
	ok->max_frame = AGENTLINK_FRAME_MAX;
	ok->max_raw = AGENTLINK_RAW_MAX;
	ok->max_record = AGENTLINK_RECORD_MAX;
	ok->max_records = AGENTLINK_RECORDS_MAX;
	ok->max_streams = AGENTLINK_STREAMS_MAX;
	ok->keepalive_ms = RECEIVER_KEEPALIVE_MS;
	ok->credit_bytes = s->credit_bytes;
	ok->credit_batches = s->credit_batches;
	ok->software = bytes_of_str(PACKAGE_STRING);
	session_send(s, &m);
	s->greeted = true;
}

static void
on_hello(struct session *s, const struct agentlink_hello *h)
{
	struct receiver *r = s->receiver;

	if (h->min_version > AGENTLINK_VERSION ||
	    h->max_version < AGENTLINK_VERSION) {
		session_fail(s, AGENTLINK_CODE_VERSION,
		    "this spool speaks agentlink version 1");
		return;
	}
	if (!uuid_equal(&h->agent, &s->id)) {
		session_fail(s, AGENTLINK_CODE_IDENTITY,
		    "HELLO names another identity than the certificate");
		return;
	}
	/* The list may have changed since the handshake. */
	if (listener_denies(s->listener, &s->id, s->print)) {
		session_fail(s, AGENTLINK_CODE_DENIED,
		    "this identity is on the deny list");
		return;
	}
	if (r->authenticated >= r->max_connections) {
		session_fail(s, AGENTLINK_CODE_LIMIT, "too many connections");
		return;
	}
	r->unauthenticated--;
	r->authenticated++;
	s->counted_auth = true;
	s->state = SESSION_OPEN;
	listener_resume_all(r); /* for the next stranger */
	take_over(s);
	answer_hello(s);
	presence_came(s);
	log_debug("%s %s: connected", s->identity, link_peer(s->link));
}

/* ---- what comes
 * ---------------------------------------------------------------- */

static void
answer_ping(struct session *s, const struct agentlink_ping *ping)
{
	struct agentlink_msg m = {.type = AGENTLINK_PONG};

	m.u.pong.t1 = ping->t1;
	m.u.pong.t2 = m.u.pong.t3 = receiver_now(s->receiver).wall_ns;
	session_send(s, &m);
}

static void
message(struct session *s, const struct agentlink_msg *m)
{
	if (s->state == SESSION_HELLO) {
		if (m->type == AGENTLINK_HELLO)
			on_hello(s, &m->u.hello);
		else
			session_fail(s, AGENTLINK_CODE_MALFORMED,
			    "the first message is not HELLO");
		return;
	}
	switch (m->type) {
	case AGENTLINK_PING:
		answer_ping(s, &m->u.ping);
		break;
	case AGENTLINK_PONG:
	case AGENTLINK_STATUS:
		break;
	case AGENTLINK_GOODBYE:
		s->state = SESSION_CLOSING;
		link_close(s->link, LINGER_MS);
		break;
	case AGENTLINK_ERROR:
		log_warn("%s %s: says error %s", s->identity,
		    link_peer(s->link), agentlink_code_name(m->u.error.code));
		if (!m->u.error.fatal)
			break;
		s->state = SESSION_CLOSING;
		link_close(s->link, LINGER_MS);
		break;
	default:
		if (s->spool)
			chain_message(s, m);
		else
			agent_message(s, m);
	}
}

static void
frame(struct session *s, const struct agentlink_frame *f)
{
	struct agentlink_msg m;
	int rc = agentlink_msg_decode(f, &m);

	s->seen_ms = loop_now_ms(s->receiver->loop);
	if (rc == ERR_UNSUPPORTED) {
		if (f->flags & AGENTLINK_CRITICAL)
			session_fail(s, AGENTLINK_CODE_UNKNOWN_TYPE,
			    "a critical message of unknown type");
		return;
	}
	if (rc)
		session_fail(s, AGENTLINK_CODE_MALFORMED,
		    "a message is not well formed");
	else
		message(s, &m);
}

static size_t
on_data(struct bytes data, void *arg)
{
	struct session *s = arg;
	struct agentlink_frame f;
	size_t used, total = 0;
	int rc = 0;

	while (s->state != SESSION_CLOSING && !link_is_paused(s->link)) {
		rc = agentlink_frame_decode(
		    bytes_of(data.ptr + total, data.len - total),
		    AGENTLINK_FRAME_MAX, &f, &used, NULL);
		if (rc != 1)
			break;
		total += used;
		frame(s, &f);
		receiver_apply_window(s->receiver);
	}
	if (s->state == SESSION_CLOSING)
		return data.len;
	if (rc < 0) {
		session_fail(s,
		    rc == ERR_LIMIT ? AGENTLINK_CODE_TOO_LARGE
				    : AGENTLINK_CODE_MALFORMED,
		    "a frame is not well formed or too long");
		return data.len;
	}
	if (total < data.len && !link_is_paused(s->link))
		link_progress_start(
		    s->link, LINK_PROGRESS_BYTES, LINK_PROGRESS_MS);
	else
		link_progress_stop(s->link);
	return total;
}

/* ---- the connection
 * ------------------------------------------------------------- */

static void
on_ready(void *arg)
{
	struct session *s = arg;
	struct tls *tls = link_tls(s->link);
	char id[UUID_TEXT_SIZE];
	enum tls_identity kind;

	s->opened_ms = s->seen_ms = loop_now_ms(s->receiver->loop);
	s->state = SESSION_HELLO;
	if (tls_peer_identity(tls, &kind, &s->id) ||
	    tls_peer_fingerprint(tls, s->print)) {
		session_fail(s, AGENTLINK_CODE_IDENTITY,
		    "the certificate has no identity");
		return;
	}
	s->spool = kind == TLS_IDENTITY_SPOOL;
	snprintf(s->identity, sizeof(s->identity), "spool:%s:%s",
	    s->spool ? "spool" : "agent", uuid_format(&s->id, id));
	if (listener_denies(s->listener, &s->id, s->print))
		session_fail(s, AGENTLINK_CODE_DENIED,
		    "this identity is on the deny list");
}

static void
on_closed(int rc, const char *why, void *arg)
{
	struct session *s = arg;

	if (rc == ERR_TLS || rc == ERR_AUTH || rc == ERR_TIMEOUT)
		log_info("%s: %s %s: closed: %s", s->listener->name,
		    s->identity, link_peer(s->link), why);
	else
		log_debug(
		    "%s %s: closed: %s", s->identity, link_peer(s->link), why);
	session_free(s);
}

static const struct link_events link_events = {
    .on_ready = on_ready,
    .on_data = on_data,
    .on_closed = on_closed,
};

static void
enlist(struct session *s)
{
	struct receiver *r = s->receiver;

	s->next = r->sessions;
	if (s->next)
		s->next->prev = s;
	r->sessions = s;
	r->unauthenticated++;
	s->listener->connections++;
	/* Too many strangers: the rest wait in the kernel's queue. */
	if (r->unauthenticated >= r->max_unauthenticated)
		listener_pause_all(r);
}

static int
begin(struct session *s, int fd)
{
	struct tls *tls = NULL;
	int rc = tls_new(s->listener->tls, NULL, &tls);

	if (rc) {
		close(fd);
		return rc;
	}
	tls_set_time(tls, clock_judge_ns(&s->receiver->floor, clock_now()));
	rc = link_new(s->receiver->pool, fd, tls, &link_events, s, &s->link);
	if (rc) {
		tls_free(tls);
		close(fd);
		return rc;
	}
	link_set_keep(
	    s->link, AGENTLINK_FRAME_MAX + AGENTLINK_FRAME_HEADER + 65536);
	return link_set_handshake(s->link, RECEIVER_HANDSHAKE_MS);
}

/* Once a minute for people; who comes too often shall not fill the log. */
static void
say_refused(const struct session *s, int rc)
{
	struct listener *l = s->listener;
	uint64_t now = loop_now_ms(s->receiver->loop);
	const char *why = l->connections >= l->max_connections
	    ? "max_connections is reached"
	    : rc == ERR_LIMIT
	    ? "max_per_source is reached, or it comes too often"
	    : err_text(rc);

	if (l->refusal_said_ms && now - l->refusal_said_ms < REFUSAL_SAY_MS) {
		log_debug("%s: %s refused: %s", l->name, s->host, why);
		return;
	}
	l->refusal_said_ms = now;
	log_warn("%s: %s refused: %s", l->name, s->host, why);
}

void
session_accept(struct listener *l, int fd, const struct sockaddr_storage *peer,
    socklen_t peer_len)
{
	struct receiver *r = l->receiver;
	struct session *s = calloc(1, sizeof(*s));
	int rc = s ? 0 : ERR_NOMEM;

	if (s) {
		s->receiver = r;
		s->listener = l;
		address_format_host(
		    (const struct sockaddr *)peer, peer_len, s->host);
		rc = l->connections >= l->max_connections
		    ? ERR_LIMIT
		    : sources_open(r->sources, s->host, l->max_per_source,
			  l->rate_per_source, r->receivers,
			  loop_now_ms(r->loop));
	}
	if (rc) {
		if (s)
			say_refused(s, rc);
		close(fd);
		free(s);
		return;
	}
	enlist(s);
	rc = begin(s, fd);
	if (rc) {
		log_warn("%s: %s: %s", l->name, s->host, err_text(rc));
		session_free(s);
	} else if (r->held) {
		link_pause(s->link);
	}
}

void
session_tick(struct session *s, uint64_t now_ms)
{
	if (s->state == SESSION_HELLO &&
	    now_ms - s->opened_ms > RECEIVER_HELLO_MS)
		session_fail(s, AGENTLINK_CODE_TIMEOUT, "no HELLO within 10 s");
	else if (s->state == SESSION_OPEN && !link_is_paused(s->link) &&
	    now_ms - s->seen_ms > RECEIVER_SILENCE_MS)
		session_fail(
		    s, AGENTLINK_CODE_TIMEOUT, "nothing heard for 120 s");
	else if (s->state == SESSION_OPEN && !s->spool)
		agent_flush(s, now_ms, true);
}
