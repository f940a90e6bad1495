/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes out now: streams are asked for, then each in turn sends what it
 * plans, as far as credits and the output allow.
 */
#include "agentlink/agentlink_state.h"

#include <stdlib.h>

#include "lib/base/err.h"

#define DATA_ROOM 512u /* DATA without path and payload, at the most */

static void
ask_for_stream(struct agentlink_engine *e, struct agentlink_stream *s)
{
	struct agentlink_msg m = {
	    .type = AGENTLINK_STREAM_OPEN,
	    .stream = s->number + 1,
	};
	agentlink_stream_ask(e, s, &m.u.stream_open);
	agentlink_msg_encode(&e->out, &m);
	s->phase = AGENTLINK_STREAM_ASKED;
	s->is_open = true;
}

int
agentlink_fill_load(struct agentlink_engine *e, struct agentlink_held *h,
    struct agentlink_batch *batch)
{
	if (h->is_stored)
		return e->settings.load
		    ? e->settings.load(e->settings.arg, h->ref, batch)
		    : ERR_STATE;
	batch->payload = h->payload;
	batch->payload_len = h->payload_len;
	batch->path = h->path;
	return 0;
}

static bool
fits(const struct agentlink_engine *e, const struct agentlink_held *h,
    const struct agentlink_batch *batch)
{
	size_t path = batch->path ? strlen(batch->path) : 0;
	const struct agentlink_hello_ok *l = &e->limits;
	return h->payload_len + path + DATA_ROOM <= l->max_frame &&
	    h->raw_len <= l->max_raw + (1u << 20) && h->count <= l->max_records;
}

static void
put_data(struct agentlink_engine *e, struct agentlink_stream *s,
    const struct agentlink_held *h, const struct agentlink_batch *batch)
{
	struct agentlink_data d = {
	    .first_seq = h->first_seq,
	    .count = h->count,
	    .codec = h->codec,
	    .flags = h->flags,
	    .raw_len = h->raw_len,
	    .event_min_ns = h->event_min_ns,
	    .event_max_ns = h->event_max_ns,
	    .severities = h->severities,
	    .path = bytes_of_str(batch->path),
	};
	memcpy(d.content_digest, h->digest, sizeof(d.content_digest));
	memcpy(d.prev_head, h->prev_head, sizeof(d.prev_head));
	struct buf head;
	buf_init(&head, AGENTLINK_FRAME_MAX);
	agentlink_data_encode_head(&head, &d);
	if (head.err)
		e->err = head.err;
	agentlink_frame_encode(&e->out, AGENTLINK_DATA, 0, s->number + 1,
	    buf_bytes(&head), bytes_of(batch->payload, h->payload_len));
	buf_fini(&head);
}

static bool
has_credit(const struct agentlink_engine *e, const struct agentlink_held *h)
{
	if (!e->credit_bytes || e->flying_batches >= e->credit_batches)
		return false;
	/* One that is longer than the whole window goes alone. */
	return !e->flying_batches ||
	    e->flying_bytes + h->payload_len <= e->credit_bytes;
}

/* One batch; false: not now. */
static bool
send_data(struct agentlink_engine *e, struct agentlink_stream *s,
    const struct agentlink_stream_plan *plan)
{
	struct agentlink_held *h = plan->held;
	if (e->is_draining || !has_credit(e, h))
		return false;
	struct agentlink_batch batch = {0};
	int rc = agentlink_fill_load(e, h, &batch);
	if (rc == ERR_CORRUPT) {
		agentlink_stream_give_up(e, s, h, ENTRY_ADVANCE_CORRUPT,
		    "the outbox's copy is damaged");
		return true;
	}
	if (rc) {
		agentlink_round_fail(e, rc, "the outbox cannot be read", 0);
		return false;
	}
	if (!fits(e, h, &batch)) {
		agentlink_stream_give_up(e, s, h, ENTRY_ADVANCE_LOST,
		    "the batch is over the spool's limits");
		return true;
	}
	put_data(e, s, h, &batch);
	agentlink_stream_flew(e, s, plan);
	return true;
}

static bool
send_next(struct agentlink_engine *e, struct agentlink_stream *s)
{
	if (s->phase != AGENTLINK_STREAM_RUNS || s->wait_ms)
		return false;
	struct agentlink_stream_plan plan;
	agentlink_stream_plan(e, s, &plan);
	if (plan.kind == AGENTLINK_STREAM_PLAN_DATA)
		return send_data(e, s, &plan);
	if (plan.kind == AGENTLINK_STREAM_PLAN_ADVANCE &&
	    (!e->credit_bytes || e->flying_batches >= e->credit_batches ||
		s->advanced_to))
		return false; /* it counts as a batch; one at a time */
	if (plan.kind == AGENTLINK_STREAM_PLAN_NONE) {
		if (s->close_wanted && agentlink_stream_is_drained(s)) {
			agentlink_say_stream_close(e, s);
			s->phase = AGENTLINK_STREAM_GONE;
		}
		return false;
	}
	struct agentlink_msg m = {
	    .type = AGENTLINK_ADVANCE, .stream = s->number + 1};
	m.u.advance = plan.advance;
	agentlink_msg_encode(&e->out, &m);
	agentlink_stream_flew(e, s, &plan);
	return true;
}

static void
ask_for_streams(struct agentlink_engine *e)
{
	uint32_t n = e->streams < e->limits.max_streams ? e->streams
							: e->limits.max_streams;
	for (uint32_t i = 0; i < n; i++)
		if (e->stream[i]->phase == AGENTLINK_STREAM_SHUT)
			ask_for_stream(e, e->stream[i]);
}

void
agentlink_fill_out(struct agentlink_engine *e)
{
	if (!e->is_draining)
		ask_for_streams(e);
	bool any = true;
	while (any) {
		any = false;
		for (uint32_t n = e->streams; n; n--) {
			if (e->phase != AGENTLINK_PHASE_READY ||
			    e->out.len >= AGENTLINK_STATE_OUT_TARGET ||
			    agentlink_events_is_crowded(e))
				return;
			e->turn = (e->turn + 1) % e->streams;
			any |= send_next(e, e->stream[e->turn]);
		}
	}
	if (e->out.err)
		agentlink_round_fail(e, e->out.err, NULL, 0);
}
