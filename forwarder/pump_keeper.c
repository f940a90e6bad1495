/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper says to a pump. */
#include <stdlib.h>
#include <string.h>

#include "forwarder/pump_internal.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/digest/digest_origin.h"

/* ---- streams
 * ------------------------------------------------------------------------ */

void
pump_forget_streams(struct target_host *h)
{
	for (size_t i = 0; i < PUMP_STREAM_BUCKETS; i++)
		while (h->streams[i]) {
			struct pump_stream *s = h->streams[i];

			h->streams[i] = s->next;
			free(s->mem);
			free(s);
		}
}

const struct target_stream *
target_host_stream(struct target_host *h, uint32_t id)
{
	struct pump_stream *s = h->streams[id % PUMP_STREAM_BUCKETS];

	while (s && s->stream.id != id)
		s = s->next;
	return s ? &s->stream : NULL;
}

static struct bytes
copy_to(uint8_t **mem, struct bytes x)
{
	struct bytes copy = bytes_of(*mem, x.len);

	if (x.len)
		memcpy(*mem, x.ptr, x.len);
	*mem += x.len;
	return copy;
}

static int
define(struct target_host *h, const struct ipc_stream_def *d)
{
	struct pump_stream *s = calloc(1, sizeof(*s));
	uint8_t *to;

	if (!s)
		return ERR_NOMEM;
	s->mem = malloc(d->name.len + d->listener.len + d->peer.len +
	    d->identity.len + d->path.len + 1);
	if (!s->mem) {
		free(s);
		return ERR_NOMEM;
	}
	to = s->mem;
	s->stream.id = d->id;
	s->stream.origin = d->origin;
	s->stream.epoch = d->epoch;
	s->stream.name = copy_to(&to, d->name);
	s->stream.listener = copy_to(&to, d->listener);
	s->stream.peer = copy_to(&to, d->peer);
	s->stream.identity = copy_to(&to, d->identity);
	s->stream.path = copy_to(&to, d->path);
	s->stream.wanted = pump_settings_wants(h, s->stream.name);
	digest_origin_prefix(
	    h->sha, &d->origin, s->stream.name, &d->epoch, s->stream.id_prefix);
	s->next = h->streams[d->id % PUMP_STREAM_BUCKETS];
	h->streams[d->id % PUMP_STREAM_BUCKETS] = s;
	return 0;
}

/* ---- batches
 * -------------------------------------------------------------------------- */

static size_t
window_bytes(const struct target_host *h)
{
	return h->class->window_bytes ? h->class->window_bytes
				      : PUMP_WINDOW_BYTES;
}

static uint32_t
window_batches(const struct target_host *h)
{
	return h->class->window_batches ? h->class->window_batches
					: PUMP_WINDOW_BATCHES;
}

/*
 * What the keeper may send ahead: a target that has not come up gets no more
 * than a batch, or each dead one would hold a whole window in memory.
 */
void
pump_ask(struct target_host *h)
{
	struct ipc_msg work = {.type = IPC_WORK};

	if (h->is_open || !h->has_state)
		return;
	h->is_open = h->up;
	work.u.work.bytes = window_bytes(h);
	work.u.work.batches = h->up ? window_batches(h) : 1;
	pump_send_msg(h, &work);
}

static int
copy_batch(const struct ipc_stored *in, struct pump_batch **out)
{
	struct pump_batch *b = calloc(1, sizeof(*b));
	struct target_batch *t;
	uint8_t *to;

	if (!b)
		return ERR_NOMEM;
	b->mem = malloc(in->ranges.len + in->payload.len + 1);
	if (!b->mem) {
		free(b);
		return ERR_NOMEM;
	}
	to = b->mem;
	t = &b->batch;
	t->first_rec = in->first_rec;
	t->records = in->records;
	t->raw_len = in->raw_len;
	t->codec = in->codec;
	t->lane = in->lane;
	t->received_first_ns = in->received_first_ns;
	t->received_last_ns = in->received_last_ns;
	t->event_min_ns = in->event_min_ns;
	t->event_max_ns = in->event_max_ns;
	memcpy(t->content_digest, in->content_digest, BATCH_DIGEST_SIZE);
	t->ranges = copy_to(&to, in->ranges);
	t->payload = copy_to(&to, in->payload);
	b->cost = in->ranges.len + in->payload.len;
	b->left = in->records;
	*out = b;
	return 0;
}

/* What of it the keeper had as settled when the link came. */
static void
take_settled(struct target_host *h, const struct target_batch *b)
{
	uint64_t at = b->first_rec, end = b->first_rec + b->records;

	while (ivset_first_in(&h->before, at, &at) && at < end) {
		uint64_t to = ivset_first_gap(&h->before, at);

		to = to < end ? to : end;
		pump_must(ivset_add(&h->settled, at, to, NULL),
		    "note what is settled");
		at = to;
	}
}

static int
stored(struct target_host *h, const struct ipc_stored *in)
{
	struct pump_batch *b = NULL;
	int rc;

	if (!in->records)
		return ERR_FORMAT;
	/* Ours is the window: a keeper that does not keep it is broken. */
	if (h->window_used > 4 * window_bytes(h) ||
	    h->window_n >= 4 * window_batches(h))
		return ERR_LIMIT;
	rc = copy_batch(in, &b);
	if (rc)
		return rc;
	take_settled(h, &b->batch);
	b->left = in->records -
	    ivset_count_in(
		&h->settled, in->first_rec, in->first_rec + in->records);
	if (h->last)
		h->last->next = b;
	else
		h->first = b;
	h->last = b;
	h->window_used += b->cost;
	h->window_n++;
	pump_soon(h);
	pump_run(h);
	return 0;
}

static int
target_state(struct target_host *h, const struct ipc_target_state *state)
{
	bool first = !h->has_state;
	struct cursor c;
	int rc;

	h->class->reset(h->target);
	h->started = h->up = h->blocked = false;
	if (!first)
		pump_forget(h);
	cursor_init(&c, state->settled);
	ivset_decode(&c, &h->before);
	if (cursor_end(&c))
		return ERR_FORMAT;
	h->floor = (struct clock_floor){state->floor_ns, clock_now().mono_us};
	h->has_state = true;
	h->is_open = h->asks = false;
	h->paused = state->paused;
	rc = h->class->state ? h->class->state(h->target, state) : 0;
	if (rc) {
		target_host_fail(h, TARGET_HOLD, "STATE", err_text(rc), 0);
	} else {
		pump_start(h);
	}
	pump_ask(h);
	return 0;
}

static void
control(struct target_host *h, uint8_t what)
{
	if (what == IPC_CONTROL_PAUSE) {
		h->paused = true;
	} else if (what == IPC_CONTROL_RESUME) {
		h->paused = false;
		pump_start(h);
		pump_run(h);
	} else if (what == IPC_CONTROL_RETRY) {
		loop_timer_stop(h->retry);
		backoff_on_success(&h->backoff);
		pump_start(h);
	}
}

int
pump_on_keeper(struct target_host *h, uint16_t type, struct bytes payload)
{
	struct ipc_msg m;
	int rc = ipc_decode(type, payload, &m);

	if (rc)
		return rc;
	if (type == IPC_TARGET_STATE)
		return target_state(h, &m.u.target_state);
	if (!h->has_state)
		return ERR_STATE;
	switch (type) {
	case IPC_STREAM_DEF:
		return define(h, &m.u.stream_def);
	case IPC_STORED:
		return stored(h, &m.u.stored);
	case IPC_DURABLE:
		if (h->class->durable)
			h->class->durable(h->target, m.u.durable.opaque);
		return 0;
	case IPC_DIGEST:
		if (h->class->digest)
			h->class->digest(h->target, &m.u.digest);
		return 0;
	case IPC_CONTROL:
		control(h, m.u.control.what);
		return 0;
	case IPC_JUDGED:
		pump_on_judged(h, &m.u.judged);
		return 0;
	case IPC_HOLE:
		return h->class->hole
		    ? h->class->hole(h->target, m.u.interval.from,
			  m.u.interval.to, m.u.interval.reason)
		    : 0;
	default:
		return ERR_FORMAT;
	}
}
