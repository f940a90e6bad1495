/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: start gives CONNECT, on_connected sends HELLO, HELLO_OK
 * makes READY, every stream is asked for (STREAM_OPEN) and goes on from what
 * the spool has (STREAM_STATE); then DATA goes out as credits allow and ACK
 * comes back.
 * What can go wrong: the connection ends at any byte.  Then all that is not
 * acknowledged is still held, the next server of the round or the back-off
 * comes, and STREAM_STATE tells where to go on.  A spool that asks for a
 * pause (DRAIN, GOODBYE) is given it.
 */
#include "agentlink/agentlink_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"

#define OUT_LIMIT (2 * (size_t)AGENTLINK_FRAME_CEILING)
#define DEADLINE_NEVER UINT64_MAX
#define HELLO_WITHIN_MS 30000u
#define SILENCE_MS 90000u /* of a spool that was asked with PING */
#define KEEPALIVE_MS 30000u /* until HELLO_OK says another */
#define HEALTHY_MS 10000u /* then the back-off begins anew */

const char *
agentlink_result_text(int code)
{
	return err_text(code);
}

static int
random_of_library(void *arg, void *ptr, size_t len)
{
	(void)arg;
	return digest_random(ptr, len);
}

/* Made fit for HELLO: printable, and not too long. */
static char *
copy_text(const char *text)
{
	char *copy = strndup(text, AGENTLINK_TEXT_MAX);
	for (char *p = copy; p && *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return copy;
}

static int
take_settings(
    struct agentlink_engine *e, const struct agentlink_settings *settings)
{
	e->settings = *settings;
	struct agentlink_settings *t = &e->settings;
	if (!t->servers)
		t->servers = 1;
	if (!t->held_max)
		t->held_max = 64u << 20;
	if (!t->held_batches_max)
		t->held_batches_max = 65536;
	if (!t->random)
		t->random = random_of_library;
	e->software = copy_text(t->software ? t->software : "agentlink");
	e->host = copy_text(t->host ? t->host : "");
	uint64_t seed;
	int rc = t->random(t->arg, &seed, sizeof(seed));
	if (rc)
		return rc;
	agentlink_backoff_init(&e->backoff, t->backoff_max_ms, seed);
	rc = t->random(t->arg, t->boot, sizeof(t->boot));
	if (rc)
		return rc;
	return e->software && e->host ? 0 : ERR_NOMEM;
}

int
agentlink_engine_new(
    const struct agentlink_settings *settings, struct agentlink_engine **out)
{
	if (settings->servers > AGENTLINK_STATE_SERVERS_MAX)
		return ERR_INVAL;
	struct agentlink_engine *e = calloc(1, sizeof(*e));
	if (!e)
		return ERR_NOMEM;
	buf_init(&e->out, OUT_LIMIT);
	e->clock_delay_ns = -1;
	int rc = digest_sha256_new(&e->sha);
	if (!rc)
		rc = take_settings(e, settings);
	if (rc) {
		agentlink_engine_free(e);
		return rc;
	}
	*out = e;
	return 0;
}

void
agentlink_engine_free(struct agentlink_engine *e)
{
	if (!e)
		return;
	e->settings.release = NULL;
	for (uint32_t i = 0; i < e->streams; i++)
		agentlink_stream_free(e, e->stream[i]);
	free(e->stream);
	free(e->software);
	free(e->host);
	digest_sha256_free(e->sha);
	buf_fini(&e->out);
	free(e);
}

/* ---- events -------------------------------------------------------------- */

struct agentlink_event *
agentlink_engine_event(
    struct agentlink_engine *e, enum agentlink_event_type type)
{
	/*
	 * Feeding stops when half of the queue is full, and one frame makes
	 * few events; past the end the last one is written over, which can
	 * only be a note.
	 */
	if (e->event_n == AGENTLINK_STATE_EVENTS)
		e->event_n--;
	unsigned at = (e->event_at + e->event_n++) % AGENTLINK_STATE_EVENTS;
	e->event[at] = (struct agentlink_event){.type = type};
	if (type == AGENTLINK_EVENT_EPOCH)
		e->epochs_due++;
	return &e->event[at];
}

bool
agentlink_engine_is_crowded(const struct agentlink_engine *e)
{
	return e->event_n > AGENTLINK_STATE_EVENTS / 2;
}

static void
tell_acked(struct agentlink_engine *e, struct agentlink_stream *s,
    struct agentlink_event *event)
{
	s->is_dirty = false;
	e->dirty--;
	*event = (struct agentlink_event){
	    .type = AGENTLINK_EVENT_ACKED,
	    .stream = s->number,
	    .to = s->acked,
	    .records = s->fresh_records,
	};
	s->fresh_records = 0;
	memcpy(event->head, s->acked_head, sizeof(event->head));
	memcpy(event->epoch, s->epoch.byte, sizeof(event->epoch));
	memcpy(event->spool, s->fresh_spool.byte, sizeof(event->spool));
}

void
agentlink_engine_tell_acked(
    struct agentlink_engine *e, struct agentlink_stream *s)
{
	if (s->is_dirty)
		tell_acked(
		    e, s, agentlink_engine_event(e, AGENTLINK_EVENT_ACKED));
}

static bool
next_acked(struct agentlink_engine *e, struct agentlink_event *event)
{
	for (uint32_t i = 0; e->dirty && i < e->streams; i++)
		if (e->stream[i]->is_dirty) {
			tell_acked(e, e->stream[i], event);
			return true;
		}
	return false;
}

bool
agentlink_engine_next(struct agentlink_engine *e, struct agentlink_event *event)
{
	if (next_acked(e, event))
		return true;
	if (!e->event_n)
		return false;
	*event = e->event[e->event_at];
	e->event_at = (e->event_at + 1) % AGENTLINK_STATE_EVENTS;
	e->event_n--;
	if (event->type == AGENTLINK_EVENT_EPOCH)
		e->epochs_due--;
	return true;
}

/* ---- connections --------------------------------------------------------- */

static void
forget_connection(struct agentlink_engine *e)
{
	for (uint32_t i = 0; i < e->streams; i++)
		agentlink_stream_reset(e->stream[i]);
	e->spool = (struct uuid){0};
	e->counts.ready = false;
	e->progressed = e->is_draining = false;
	e->credit_bytes = e->credit_batches = 0;
	e->flying_bytes = e->flying_batches = 0;
	e->pinged_ms = 0;
	e->forks = 0;
}

static void
connect_to(struct agentlink_engine *e, unsigned server)
{
	e->server = server;
	e->tried |= UINT32_C(1) << server;
	e->phase = AGENTLINK_PHASE_CONNECT;
	agentlink_engine_event(e, AGENTLINK_EVENT_CONNECT)->server = server;
}

/* The first server that was not tried in this round and may be. */
static bool
connect_next(struct agentlink_engine *e)
{
	for (unsigned i = 0; i < e->settings.servers; i++)
		if (!(e->tried >> i & 1) && e->not_before_ms[i] <= e->now_ms) {
			connect_to(e, i);
			return true;
		}
	return false;
}

/* A round is over: wait, and begin with the preferred server again. */
static void
rest(struct agentlink_engine *e)
{
	e->tried = 0;
	e->phase = AGENTLINK_PHASE_WAIT;
	uint64_t at = e->now_ms + agentlink_backoff_next(&e->backoff);
	uint64_t soonest = DEADLINE_NEVER;
	for (unsigned i = 0; i < e->settings.servers; i++)
		if (e->not_before_ms[i] < soonest)
			soonest = e->not_before_ms[i];
	e->connect_ms = soonest > at ? soonest : at;
}

/* What comes after a connection; `event` (may be NULL) is told when. */
static void
go_on(struct agentlink_engine *e, struct agentlink_event *event)
{
	bool was_good = e->progressed;
	if (was_good && e->now_ms - e->since_ms >= HEALTHY_MS)
		agentlink_backoff_reset(&e->backoff);
	bool is_over = e->is_stopping || e->phase == AGENTLINK_PHASE_IDLE;
	forget_connection(e);
	if (is_over) {
		e->phase = AGENTLINK_PHASE_IDLE;
		return;
	}
	uint64_t not_before = e->not_before_ms[e->server];
	if (not_before > e->now_ms && was_good)
		e->tried = 0; /* it asked us to go: to another at once */
	if (was_good && not_before <= e->now_ms)
		rest(e);
	else if (!connect_next(e))
		rest(e);
	if (event && e->phase == AGENTLINK_PHASE_WAIT)
		event->retry_ms = e->connect_ms - e->now_ms;
}

static struct agentlink_event *
failed(struct agentlink_engine *e, int code, const char *text)
{
	struct agentlink_event *event =
	    agentlink_engine_event(e, AGENTLINK_EVENT_FAILED);
	event->server = e->server;
	event->code = code;
	snprintf(event->text, sizeof(event->text), "%s",
	    text && *text ? text : err_text(code));
	return event;
}

void
agentlink_engine_fail(
    struct agentlink_engine *e, int code, const char *text, uint64_t retry_ms)
{
	if (e->phase < AGENTLINK_PHASE_HELLO)
		return;
	if (retry_ms)
		e->not_before_ms[e->server] = e->now_ms + retry_ms;
	agentlink_engine_event(e, AGENTLINK_EVENT_CLOSE);
	go_on(e, failed(e, code, text));
}

void
agentlink_engine_on_connected(
    struct agentlink_engine *e, struct agentlink_time now)
{
	if (e->phase != AGENTLINK_PHASE_CONNECT)
		return;
	e->now_ms = now.mono_ms;
	e->phase = AGENTLINK_PHASE_HELLO;
	buf_clear(&e->out);
	e->since_ms = e->heard_ms = e->said_ms = e->now_ms;
	e->limits = (struct agentlink_hello_ok){.keepalive_ms = KEEPALIVE_MS};
	agentlink_say_hello(e);
}

void
agentlink_engine_on_disconnected(struct agentlink_engine *e, int code,
    const char *text, struct agentlink_time now)
{
	if (e->phase < AGENTLINK_PHASE_CONNECT)
		return;
	e->now_ms = now.mono_ms;
	buf_clear(&e->out);
	go_on(e, failed(e, code ? code : ERR_CLOSED, text));
}

void
agentlink_engine_start(struct agentlink_engine *e, struct agentlink_time now)
{
	if (e->phase != AGENTLINK_PHASE_IDLE)
		return;
	e->now_ms = now.mono_ms;
	e->is_stopping = false;
	e->tried = 0;
	if (!connect_next(e))
		rest(e);
}

void
agentlink_engine_stop(struct agentlink_engine *e, struct agentlink_time now)
{
	e->now_ms = now.mono_ms;
	e->is_stopping = true;
	if (e->phase >= AGENTLINK_PHASE_HELLO)
		agentlink_say_goodbye(e);
	if (e->phase >= AGENTLINK_PHASE_CONNECT)
		agentlink_engine_event(e, AGENTLINK_EVENT_CLOSE);
	/* What is in `out` may still be drained; the rest is over. */
	e->phase = AGENTLINK_PHASE_IDLE;
	e->counts.ready = false;
}

/* ---- bytes --------------------------------------------------------------- */

size_t
agentlink_engine_feed(struct agentlink_engine *e, const void *ptr, size_t len,
    struct agentlink_time now)
{
	e->now_ms = now.mono_ms;
	size_t done = 0;
	while (e->phase >= AGENTLINK_PHASE_HELLO &&
	    !agentlink_engine_is_crowded(e)) {
		struct agentlink_frame frame;
		size_t used;
		int rc = agentlink_frame_decode(
		    bytes_of((const uint8_t *)ptr + done, len - done),
		    AGENTLINK_FRAME_MAX, &frame, &used, NULL);
		if (rc < 0) {
			agentlink_say_error(e, AGENTLINK_CODE_MALFORMED,
			    "a frame is not well formed");
			agentlink_engine_fail(
			    e, rc, "the spool sent a malformed frame", 0);
			return len;
		}
		if (!rc)
			break;
		e->heard_ms = e->now_ms;
		agentlink_talk_on_frame(e, &frame, now);
		done += used;
	}
	return e->phase < AGENTLINK_PHASE_HELLO ? len : done;
}

void
agentlink_engine_drain(struct agentlink_engine *e, struct agentlink_time now,
    const void **ptr, size_t *len)
{
	e->now_ms = now.mono_ms;
	if (e->phase == AGENTLINK_PHASE_READY && !e->epochs_due)
		agentlink_say_fill(e);
	struct bytes b = buf_bytes(&e->out);
	*ptr = b.ptr;
	*len = e->epochs_due ? 0 : b.len;
}

void
agentlink_engine_sent(struct agentlink_engine *e, size_t len)
{
	if (!len)
		return;
	e->said_ms = e->now_ms;
	buf_consume(&e->out, len < e->out.len ? len : e->out.len);
}

/* ---- time ---------------------------------------------------------------- */

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
ping_due(const struct agentlink_engine *e)
{
	uint64_t quiet = earlier(e->said_ms, e->heard_ms);
	if (e->pinged_ms > quiet)
		quiet = e->pinged_ms;
	return quiet + e->limits.keepalive_ms;
}

uint64_t
agentlink_engine_deadline(const struct agentlink_engine *e)
{
	if (e->phase == AGENTLINK_PHASE_WAIT)
		return e->connect_ms;
	if (e->phase == AGENTLINK_PHASE_HELLO)
		return e->since_ms + HELLO_WITHIN_MS;
	if (e->phase != AGENTLINK_PHASE_READY)
		return DEADLINE_NEVER;
	uint64_t at = earlier(ping_due(e), e->heard_ms + SILENCE_MS);
	if (e->is_draining)
		at = earlier(at, e->drain_ms);
	for (uint32_t i = 0; i < e->streams; i++)
		if (e->stream[i]->wait_ms)
			at = earlier(at, e->stream[i]->wait_ms);
	return at;
}

static void
on_timer_ready(struct agentlink_engine *e, struct agentlink_time now)
{
	if (e->now_ms >= e->heard_ms + SILENCE_MS) {
		agentlink_engine_fail(
		    e, ERR_TIMEOUT, "the spool has been silent", 0);
		return;
	}
	if (e->is_draining &&
	    (e->now_ms >= e->drain_ms || !e->flying_batches)) {
		agentlink_say_goodbye(e);
		agentlink_engine_fail(
		    e, ERR_CLOSED, "the spool asked us to leave", 0);
		return;
	}
	if (e->now_ms >= ping_due(e))
		agentlink_say_ping(e, now.wall_ns);
	for (uint32_t i = 0; i < e->streams; i++) {
		struct agentlink_stream *s = e->stream[i];
		if (!s->wait_ms || s->wait_ms > e->now_ms)
			continue;
		s->wait_ms = 0;
		if (s->phase == AGENTLINK_STREAM_RESTS)
			s->phase = AGENTLINK_STREAM_SHUT;
	}
}

void
agentlink_engine_on_timer(struct agentlink_engine *e, struct agentlink_time now)
{
	e->now_ms = now.mono_ms;
	if (e->phase == AGENTLINK_PHASE_WAIT && e->now_ms >= e->connect_ms) {
		if (!connect_next(e))
			rest(e);
	} else if (e->phase == AGENTLINK_PHASE_HELLO &&
	    e->now_ms >= e->since_ms + HELLO_WITHIN_MS) {
		agentlink_engine_fail(
		    e, ERR_TIMEOUT, "the spool did not answer HELLO", 0);
	} else if (e->phase == AGENTLINK_PHASE_READY) {
		on_timer_ready(e, now);
	}
}

void
agentlink_engine_counts(
    const struct agentlink_engine *e, struct agentlink_counts *counts)
{
	*counts = e->counts;
	uint64_t held = e->counts.held_batches;
	counts->unsent_batches =
	    held > e->flying_batches ? held - e->flying_batches : 0;
}

bool
agentlink_engine_is_drained(const struct agentlink_engine *e)
{
	for (uint32_t i = 0; i < e->streams; i++)
		if (!agentlink_stream_is_drained(e->stream[i]))
			return false;
	return true;
}
