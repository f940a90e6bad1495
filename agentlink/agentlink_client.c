/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: a record goes to the sender, and now and then, and
 * whenever somebody waits, agentlink_client_run lets engine and wire work.
 * What can go wrong: the connection ends (the engine says when the next one
 * is due), the outbox is full (send waits), the outbox breaks (every call
 * returns its error).
 */
#include "agentlink/agentlink.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agentlink/agentlink_material.h"
#include "agentlink/agentlink_sender.h"
#include "agentlink/agentlink_wire.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"

#define SERVERS_MAX 16
#define STEP_MS 200 /* the longest single wait */
#define DELAY_MS 100u /* records wait so long for company */
#define EVERY 256u /* records between two looks at the connection */

struct agentlink_client {
	char *server_text;
	const char *server[SERVERS_MAX];
	unsigned servers;
	struct tls_config *tls;
	struct agentlink_sender *sender;
	struct agentlink_engine *engine;
	struct agentlink_wire wire;
	bool is_told; /* the engine knows that the wire is ready */
	bool is_started;
	uint64_t gathered_ms; /* since when records are gathered */
	unsigned since_look;
	char why[AGENTLINK_EVENT_TEXT_SIZE + 64];
};

static struct agentlink_time
time_now(void)
{
	struct now now = clock_now();
	return (struct agentlink_time){now.mono_us / 1000, now.wall_ns};
}

/* ---- life
 * --------------------------------------------------------------------- */

static int
split_servers(struct agentlink_client *c, const char *servers)
{
	c->server_text = strdup(servers ? servers : "");
	if (!c->server_text)
		return ERR_NOMEM;
	char *rest = c->server_text;
	for (char *one; (one = strsep(&rest, ","));) {
		if (c->servers == SERVERS_MAX)
			return ERR_LIMIT;
		if (*one)
			c->server[c->servers++] = one;
	}
	return c->servers ? 0 : ERR_INVAL;
}

static int
open_parts(struct agentlink_client *c,
    const struct agentlink_client_settings *given, char *why, size_t why_size)
{
	struct agentlink_settings settings = {
	    .servers = c->servers,
	    .backoff_max_ms = given->backoff_max_ms,
	    .held_max = given->outbox ? 0 : given->outbox_max,
	    .keep_max = 1u << 20,
	};
	int rc = agentlink_material_load(given->certificate, given->key,
	    given->ca, &settings, why, why_size, &c->tls);
	if (rc)
		return rc;
	agentlink_wire_init(&c->wire, c->tls);
	rc = agentlink_sender_open(&settings, given->outbox, given->outbox_max,
	    why, why_size, &c->sender);
	if (!rc)
		c->engine = agentlink_sender_engine(c->sender);
	return rc;
}

int
agentlink_client_open(const struct agentlink_client_settings *settings,
    char *why, size_t why_size, struct agentlink_client **out)
{
	char unused[512];
	if (!why || !why_size) {
		why = unused;
		why_size = sizeof(unused);
	}
	struct agentlink_client *c = calloc(1, sizeof(*c));
	if (!c)
		return ERR_NOMEM;
	agentlink_wire_init(&c->wire, NULL);
	int rc = split_servers(c, settings->servers);
	if (rc)
		snprintf(why, why_size, "servers: HOST:PORT[,HOST:PORT]");
	if (!rc)
		rc = open_parts(c, settings, why, why_size);
	if (rc) {
		agentlink_client_close(c);
		return rc;
	}
	*out = c;
	return 0;
}

void
agentlink_client_close(struct agentlink_client *c)
{
	if (!c)
		return;
	if (c->engine && c->is_started) {
		agentlink_engine_stop(c->engine, time_now());
		const void *ptr;
		size_t len;
		agentlink_engine_drain(c->engine, time_now(), &ptr, &len);
		agentlink_wire_write(&c->wire, bytes_of(ptr, len));
		agentlink_wire_finish(&c->wire);
	}
	agentlink_wire_fini(&c->wire);
	agentlink_sender_close(c->sender);
	tls_config_free(c->tls);
	free(c->server_text);
	free(c);
}

/* ---- work
 * ------------------------------------------------------------------------ */

static void
disconnected(struct agentlink_client *c, int code)
{
	char text[sizeof(c->wire.why)];
	memcpy(text, c->wire.why, sizeof(text));
	agentlink_wire_close(&c->wire);
	c->is_told = false;
	agentlink_engine_on_disconnected(c->engine, code, text, time_now());
}

static void
act(struct agentlink_client *c, const struct agentlink_event *event)
{
	int rc;
	switch (event->type) {
	case AGENTLINK_EVENT_CONNECT:
		rc = agentlink_wire_connect(
		    &c->wire, c->server[event->server], time_now().mono_ms);
		if (rc)
			disconnected(c, rc);
		break;
	case AGENTLINK_EVENT_CLOSE:
		agentlink_wire_finish(&c->wire);
		c->is_told = false;
		break;
	case AGENTLINK_EVENT_FAILED:
		snprintf(c->why, sizeof(c->why), "%.60s: %s",
		    c->server[event->server], event->text);
		break;
	case AGENTLINK_EVENT_READY:
		c->why[0] = '\0';
		break;
	case AGENTLINK_EVENT_LOST:
		snprintf(c->why, sizeof(c->why), "%s", event->text);
		break;
	default:
		break;
	}
}

static void
take_events(struct agentlink_client *c)
{
	struct agentlink_event event;
	while (agentlink_sender_next(c->sender, &event))
		act(c, &event);
}

static void
feed(struct agentlink_client *c)
{
	struct buf *in = &c->wire.in;
	while (in->len) {
		size_t used = agentlink_engine_feed(
		    c->engine, buf_ptr(in), in->len, time_now());
		/* Events may close the wire, and with it the buffer. */
		buf_consume(in, used);
		take_events(c);
		if (!used || !agentlink_wire_is_open(&c->wire))
			return;
	}
}

static void
drain(struct agentlink_client *c)
{
	for (;;) {
		const void *ptr;
		size_t len;
		agentlink_engine_drain(c->engine, time_now(), &ptr, &len);
		take_events(c);
		if (!agentlink_wire_is_ready(&c->wire))
			return;
		agentlink_engine_drain(c->engine, time_now(), &ptr, &len);
		size_t n = len
		    ? agentlink_wire_write(&c->wire, bytes_of(ptr, len))
		    : 0;
		agentlink_engine_sent(c->engine, n);
		if (!n)
			return;
	}
}

/* Seal what has waited long enough, or all of it. */
static int
seal(struct agentlink_client *c, bool is_all)
{
	struct bytes none = bytes_of(NULL, 0);
	if (!agentlink_sender_gathered(c->sender))
		return 0;
	if (!is_all && time_now().mono_ms - c->gathered_ms < DELAY_MS)
		return 0;
	int rc = agentlink_sender_seal(c->sender, NULL, 0, none, none);
	return rc ? rc : agentlink_sender_commit(c->sender);
}

static int
wait_ms_until(const struct agentlink_client *c, int wait_ms)
{
	uint64_t now = time_now().mono_ms;
	uint64_t at = agentlink_engine_deadline(c->engine);
	uint64_t left = at > now ? at - now : 0;
	if (wait_ms > STEP_MS)
		wait_ms = STEP_MS;
	return left < (uint64_t)wait_ms ? (int)left : wait_ms;
}

/* One round: wait, read, decide, write. */
static int
step(struct agentlink_client *c, int wait_ms)
{
	struct agentlink_wire *w = &c->wire;
	if (!c->is_started)
		agentlink_engine_start(c->engine, time_now());
	c->is_started = true;
	take_events(c);
	drain(c);
	int rc = 0;
	wait_ms = wait_ms_until(c, wait_ms);
	if (agentlink_wire_is_open(w))
		rc = agentlink_wire_run(w, wait_ms, time_now().mono_ms);
	else if (wait_ms > 0)
		poll(NULL, 0, wait_ms);
	if (!rc && agentlink_wire_is_ready(w) && !c->is_told) {
		c->is_told = true;
		agentlink_engine_on_connected(c->engine, time_now());
	}
	feed(c);
	if (rc && agentlink_wire_is_open(w))
		disconnected(c, rc);
	agentlink_engine_on_timer(c->engine, time_now());
	take_events(c);
	drain(c);
	return agentlink_sender_err(c->sender);
}

int
agentlink_client_run(struct agentlink_client *c, int wait_ms)
{
	int rc = seal(c, false);
	return rc && rc != ERR_FULL ? rc : step(c, wait_ms);
}

/* ---- records
 * ----------------------------------------------------------------------- */

int
agentlink_client_stream(
    struct agentlink_client *c, const char *name, uint32_t *stream)
{
	return agentlink_sender_stream(c->sender, name, stream);
}

static bool
is_past(uint64_t began_ms, int timeout_ms)
{
	return timeout_ms >= 0 &&
	    time_now().mono_ms - began_ms >= (uint64_t)timeout_ms;
}

int
agentlink_client_send(struct agentlink_client *c, uint32_t stream,
    const void *ptr, size_t len, int timeout_ms)
{
	uint64_t began = time_now().mono_ms;
	for (;;) {
		bool is_first = !agentlink_sender_gathered(c->sender);
		int rc = agentlink_sender_add(c->sender, stream, ptr, len);
		if (!rc) {
			if (is_first)
				c->gathered_ms = time_now().mono_ms;
			break;
		}
		if (rc != ERR_FULL)
			return rc;
		rc = seal(c, true);
		if (!rc)
			continue;
		if (rc != ERR_FULL)
			return rc;
		if (is_past(began, timeout_ms))
			return ERR_TIMEOUT;
		rc = step(c, STEP_MS);
		if (rc)
			return rc;
	}
	if (++c->since_look < EVERY)
		return 0;
	c->since_look = 0;
	return agentlink_client_run(c, 0);
}

int
agentlink_client_flush(struct agentlink_client *c, int timeout_ms)
{
	uint64_t began = time_now().mono_ms;
	for (;;) {
		int rc = seal(c, true);
		if (rc && rc != ERR_FULL)
			return rc;
		if (!rc && agentlink_engine_is_drained(c->engine))
			return 0;
		if (is_past(began, timeout_ms))
			return ERR_TIMEOUT;
		rc = step(c, STEP_MS);
		if (rc)
			return rc;
	}
}

int
agentlink_client_waiting(
    const struct agentlink_client *c, uint32_t stream, uint64_t *waiting)
{
	struct agentlink_stream_info info;
	int rc = agentlink_engine_stream_info(c->engine, stream, &info);
	if (!rc)
		*waiting = info.next_seq - 1 - info.acked +
		    agentlink_sender_gathered_of(c->sender, stream);
	return rc;
}

void
agentlink_client_counts(
    const struct agentlink_client *c, struct agentlink_counts *counts)
{
	agentlink_engine_counts(c->engine, counts);
}

const char *
agentlink_client_why(const struct agentlink_client *c)
{
	return c->why;
}
