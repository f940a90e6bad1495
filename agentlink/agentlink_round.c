/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: each server of a round is tried once, in order; a round
 * that is over waits as the back-off says.  What can go wrong: a spool asks
 * for a pause, then it is left out for so long.
 */
#include "agentlink/agentlink_state.h"

#include <stdio.h>

#include "lib/base/err.h"

#define HEALTHY_MS 10000u /* then the back-off begins anew */

void
agentlink_round_forget_stream(struct agentlink_stream *s)
{
	if (s->phase != AGENTLINK_STREAM_GONE)
		s->phase = AGENTLINK_STREAM_SHUT;
	s->is_open = false;
	s->wait_ms = s->advanced_to = 0;
	s->cursor = s->confirmed = 0;
	for (size_t i = 0; i < s->held_n; i++)
		agentlink_held_at(s, i)->in_flight = false;
}

static void
forget_connection(struct agentlink_engine *e)
{
	for (uint32_t i = 0; i < e->streams; i++)
		agentlink_round_forget_stream(e->stream[i]);
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
	agentlink_events_add(e, AGENTLINK_EVENT_CONNECT)->server = server;
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
	uint64_t soonest = UINT64_MAX;
	for (unsigned i = 0; i < e->settings.servers; i++)
		if (e->not_before_ms[i] < soonest)
			soonest = e->not_before_ms[i];
	e->connect_ms = soonest > at ? soonest : at;
}

void
agentlink_round_go(struct agentlink_engine *e)
{
	if (!connect_next(e))
		rest(e);
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
	else
		agentlink_round_go(e);
	if (event && e->phase == AGENTLINK_PHASE_WAIT)
		event->retry_ms = e->connect_ms - e->now_ms;
}

static struct agentlink_event *
failed(struct agentlink_engine *e, int code, const char *text)
{
	struct agentlink_event *event =
	    agentlink_events_add(e, AGENTLINK_EVENT_FAILED);
	event->server = e->server;
	event->code = code;
	snprintf(event->text, sizeof(event->text), "%s",
	    text && *text ? text : err_text(code));
	return event;
}

void
agentlink_round_fail(
    struct agentlink_engine *e, int code, const char *text, uint64_t retry_ms)
{
	if (e->phase < AGENTLINK_PHASE_HELLO)
		return;
	if (retry_ms)
		e->not_before_ms[e->server] = e->now_ms + retry_ms;
	agentlink_events_add(e, AGENTLINK_EVENT_CLOSE);
	go_on(e, failed(e, code, text));
}

void
agentlink_round_over(struct agentlink_engine *e, int code, const char *text)
{
	go_on(e, failed(e, code, text));
}
