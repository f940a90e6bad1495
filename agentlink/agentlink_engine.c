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

#include <stdlib.h>

#include "lib/base/err.h"

#define OUT_LIMIT (2 * (size_t)AGENTLINK_FRAME_CEILING)
#define DEADLINE_NEVER UINT64_MAX
#define HELLO_WITHIN_MS 30000u
#define SILENCE_MS 90000u /* of a spool that was asked with PING */
#define KEEPALIVE_MS 30000u /* until HELLO_OK says another */

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

bool
agentlink_engine_next(struct agentlink_engine *e, struct agentlink_event *event)
{
	return agentlink_events_take(e, event);
}

/* ---- connections --------------------------------------------------------- */

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
	agentlink_round_over(e, code ? code : ERR_CLOSED, text);
}

void
agentlink_engine_start(struct agentlink_engine *e, struct agentlink_time now)
{
	if (e->phase != AGENTLINK_PHASE_IDLE)
		return;
	e->now_ms = now.mono_ms;
	e->is_stopping = false;
	e->tried = 0;
	agentlink_round_go(e);
}

void
agentlink_engine_stop(struct agentlink_engine *e, struct agentlink_time now)
{
	e->now_ms = now.mono_ms;
	e->is_stopping = true;
	if (e->phase >= AGENTLINK_PHASE_HELLO)
		agentlink_say_goodbye(e);
	if (e->phase >= AGENTLINK_PHASE_CONNECT)
		agentlink_events_add(e, AGENTLINK_EVENT_CLOSE);
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
	    !agentlink_events_is_crowded(e)) {
		struct agentlink_frame frame;
		size_t used;
		int rc = agentlink_frame_decode(
		    bytes_of((const uint8_t *)ptr + done, len - done),
		    AGENTLINK_FRAME_MAX, &frame, &used, NULL);
		if (rc < 0) {
			agentlink_say_error(e, AGENTLINK_CODE_MALFORMED,
			    "a frame is not well formed");
			agentlink_round_fail(
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
		agentlink_fill_out(e);
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
		agentlink_round_fail(
		    e, ERR_TIMEOUT, "the spool has been silent", 0);
		return;
	}
	if (e->is_draining &&
	    (e->now_ms >= e->drain_ms || !e->flying_batches)) {
		agentlink_say_goodbye(e);
		agentlink_round_fail(
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
		agentlink_round_go(e);
	} else if (e->phase == AGENTLINK_PHASE_HELLO &&
	    e->now_ms >= e->since_ms + HELLO_WITHIN_MS) {
		agentlink_round_fail(
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
