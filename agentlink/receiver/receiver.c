/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life cycle of the parts, and what happens between a session and the flow.
 *
 * The usual course: sessions call receiver_store within a turn of the loop;
 * at the end of the turn acknowledgements leave and the gathered batch is
 * sealed if it is due.  What can go wrong: the pool is full, so all sessions
 * are held (their links are not read) until the keeper has answered.
 */
#include "agentlink/receiver/receiver.h"

#include <stdio.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agentlink/receiver/session.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/digest/digest.h"

#define RECORD_MAX (1024u * 1024)
#define LACKING_MS 3000u /* since a connection was turned away */

struct now
receiver_now(const struct receiver *r)
{
	(void)r;
	return clock_now();
}

struct digest_sha256 *
receiver_sha(struct receiver *r)
{
	return r->sha;
}

void
receiver_credit(const struct receiver *r, uint32_t *bytes, uint32_t *batches)
{
	size_t n = r->authenticated ? r->authenticated : 1;
	size_t share = r->pool_bytes / n;

	if (!flow_is_connected(r->flow) || !flow_window(r->flow)) {
		*bytes = *batches = 0;
		return;
	}
	/* One frame is guaranteed: a batch may be unanswered at any time. */
	if (share > RECEIVER_CREDIT_BYTES)
		share = RECEIVER_CREDIT_BYTES;
	if (share < 64 * 1024)
		share = 64 * 1024;
	*bytes = (uint32_t)share;
	*batches = RECEIVER_CREDIT_BATCHES;
}

/* ---- storing
 * ----------------------------------------------------------------- */

void
receiver_seal(struct receiver *r)
{
	struct now now = receiver_now(r);
	struct flow_item *item = NULL;
	int rc;

	if (gather_is_empty(r->gather))
		return;
	rc = gather_seal(r->gather, &now, &item);
	if (rc) {
		/* The agents send again after we come back. */
		log_error("cannot seal a batch: %s", err_text(rc));
		abort();
	}
	flow_add(r->flow, item);
}

/* A large batch is stored in the very form it came in. */
static int
store_as_it_is(struct receiver *r, struct flow_stream *stream,
    const struct ipc_range *range, const struct agentlink_data *data)
{
	struct flow_item *item = NULL;
	struct now now = receiver_now(r);
	uint8_t *payload = malloc(data->payload.len + 1);
	int rc = payload ? flow_item_new(1, &item) : ERR_NOMEM;

	if (!rc)
		rc = flow_item_set_range(item, 0, stream, range);
	if (rc) {
		free(payload);
		flow_drop(r->flow, item);
		return rc;
	}
	memcpy(payload, data->payload.ptr, data->payload.len);
	flow_item_give_payload(item, payload, data->payload.len);
	item->batch.codec = data->codec;
	item->batch.records = data->count;
	item->batch.raw_len = data->raw_len;
	item->batch.received_first_ns = now.wall_ns;
	item->batch.received_last_ns = now.wall_ns;
	item->batch.event_min_ns = data->event_min_ns;
	item->batch.event_max_ns = data->event_max_ns;
	memcpy(item->batch.content_digest, data->content_digest,
	    BATCH_DIGEST_SIZE);
	gather_note_stored(r->gather, data->payload.len, &now);
	flow_add(r->flow, item);
	return 0;
}

int
receiver_store(struct receiver *r, struct flow_stream *stream,
    const struct ipc_range *range, const struct agentlink_data *data,
    const struct batch_columns_view *view)
{
	struct now now;
	int rc;

	/* What is gathered has no event times: those stay where they are. */
	if (data->raw_len >= GATHER_SMALL_BYTES ||
	    view->flags & BATCH_COLUMNS_EVENT) {
		receiver_seal(r); /* what came before stays before */
		return store_as_it_is(r, stream, range, data);
	}
	now = receiver_now(r);
	rc = gather_add(r->gather, stream, range, view, &now);
	if (!rc && gather_is_full(r->gather))
		receiver_seal(r);
	return rc;
}

void
receiver_apply_window(struct receiver *r)
{
	bool full = flow_unanswered_bytes(r->flow) + gather_bytes(r->gather) >=
	    r->pool_bytes;

	if (full == r->held)
		return;
	/* Let go only when a quarter is free, so as not to flutter. */
	if (!full && flow_unanswered_bytes(r->flow) > r->pool_bytes / 4 * 3)
		return;
	r->held = full;
	for (struct session *s = r->sessions, *next; s; s = next) {
		next = s->next;
		if (full)
			link_pause(s->link);
		else
			link_resume(s->link);
	}
}

/* ---- turns of the loop
 * ---------------------------------------------------------- */

static bool
everybody_waits(const struct receiver *r)
{
	for (const struct session *s = r->sessions; s; s = s->next)
		if (s->unacked.batches && !session_is_waiting(s))
			return false;
	return true;
}

static void
seal_if_due(struct receiver *r)
{
	struct now now = receiver_now(r);
	bool idle = flow_is_idle(r->flow);
	uint64_t in_ms = 0;

	if (gather_is_empty(r->gather))
		return;
	if (gather_is_due(
		r->gather, idle, idle && everybody_waits(r), &now, &in_ms)) {
		loop_timer_stop(r->gather_timer);
		receiver_seal(r);
	} else if (!loop_timer_is_active(r->gather_timer)) {
		loop_timer_start(r->gather_timer, in_ms, 0);
	}
}

void
receiver_tell(struct receiver *r, const struct ipc_msg *m)
{
	struct bytes part;
	struct buf b;

	if (!r->keeper)
		return;
	buf_init(&b, IPC_MESSAGE_MAX);
	ipc_encode(&b, m);
	part = buf_bytes(&b);
	if (!b.err)
		chan_send(r->keeper, m->type, &part, 1, -1);
	buf_fini(&b);
}

void
receiver_count(struct receiver *r, uint64_t *counter, uint64_t n)
{
	*counter += n;
	r->counted = true;
}

void
receiver_note_mismatch(
    struct receiver *r, struct listener *l, const struct uuid *id)
{
	mismatches_note(&r->mismatches, id, l->name);
	r->counted = true;
}

/* Agents with wrong digests, and who this spool is by its certificate. */
static void
add_alarms(struct receiver *r, struct kv *kv)
{
	const struct mismatches_row *row;
	char key[96], id[UUID_TEXT_SIZE];
	uint64_t n;

	while (
	    (row = mismatches_due(&r->mismatches, loop_now_ms(r->loop), &n))) {
		snprintf(key, sizeof(key), "%s.digest_mismatches.%s",
		    row->listener, uuid_format(&row->id, id));
		kv_add_u64(kv, key, n);
	}
	for (size_t i = 0; i < r->n_listeners; i++)
		if (r->listeners[i]->seen && r->listeners[i]->has_own) {
			kv_add_str(kv, "identity",
			    uuid_format(&r->listeners[i]->own, id));
			break;
		}
}

/* What the keeper shows of a listener besides its counts. */
static void
report_state(const struct receiver *r, const struct listener *l, struct kv *kv)
{
	int64_t ends =
	    l->seen && l->tls ? tls_config_expires(l->tls) : INT64_MAX;
	bool lacks =
	    l->lacked_ms && loop_now_ms(r->loop) - l->lacked_ms < LACKING_MS;
	char key[80];

	snprintf(key, sizeof(key), "%s.certificate_ends", l->name);
	kv_add_u64(kv, key, ends > 0 && ends < INT64_MAX ? (uint64_t)ends : 0);
	snprintf(key, sizeof(key), "%s.no_descriptors", l->name);
	kv_add_u64(kv, key, lacks);
}

static void
report(struct receiver *r)
{
	struct ipc_msg m = {.type = IPC_REPORT};
	struct kv *kv = NULL;
	struct buf b;
	char key[80];

	if (!r->keeper || kv_new(&kv))
		return;
	r->counted = false;
	for (size_t i = 0; i < r->n_listeners; i++) {
		struct listener *l = r->listeners[i];

		snprintf(key, sizeof(key), "%s.connections", l->name);
		kv_add_u64(kv, key, l->connections);
		snprintf(key, sizeof(key), "%s.refused_records", l->name);
		kv_add_u64(kv, key, l->refused_records);
		snprintf(key, sizeof(key), "%s.duplicate_records", l->name);
		kv_add_u64(kv, key, l->duplicate_records);
		l->refused_records = l->duplicate_records = 0;
		report_state(r, l, kv);
	}
	add_alarms(r, kv);
	buf_init(&b, KV_BYTES_MAX);
	kv_encode(kv, &b);
	m.u.kv.kv = buf_bytes(&b);
	if (!b.err)
		receiver_tell(r, &m);
	buf_fini(&b);
	kv_free(kv);
}

static void
on_turn(void *arg)
{
	struct receiver *r = arg;

	while (r->dirty) {
		struct session *s = r->dirty;

		r->dirty = s->next_dirty;
		session_flush(s);
	}
	seal_if_due(r);
	/* What stores nothing is counted before anybody can ask for it. */
	if (r->counted)
		report(r);
}

static void
on_gather_timer(void *arg)
{
	seal_if_due(arg);
}

static void
on_tick(void *arg)
{
	struct receiver *r = arg;
	uint64_t now_ms = loop_now_ms(r->loop);

	for (struct session *s = r->sessions, *next; s; s = next) {
		next = s->next;
		session_tick(s, now_ms);
	}
	sources_tidy(r->sources, now_ms);
	report(r);
	/* A keeper that died has a successor at once; ours has cut us off. */
	if (!r->keeper && r->keeper_left_ms &&
	    now_ms - r->keeper_left_ms > RECEIVER_KEEPER_MS) {
		log_error("no other keeper comes; starting anew");
		loop_stop(r->loop);
	}
}

/* ---- the line to the keeper
 * -------------------------------------------------------- */

static void
flow_send(uint16_t type, const struct bytes *parts, size_t n, void *arg)
{
	struct receiver *r = arg;

	/* A broken line is told by on_closed; the flow replays then. */
	if (r->keeper)
		chan_send(r->keeper, type, parts, n, -1);
}

static void
flow_window_changed(void *arg)
{
	struct receiver *r = arg;

	receiver_apply_window(r);
	for (struct session *s = r->sessions, *next; s; s = next) {
		next = s->next;
		/* Only opening and closing is told at once. */
		if ((s->credit_bytes == 0) != (flow_window(r->flow) == 0))
			session_tell_credit(s);
	}
}

static int
flow_rebuild(struct flow_item *item, const bool *keep, void *arg)
{
	struct receiver *r = arg;

	return gather_rebuild(r->gather, item, keep);
}

static const struct flow_events flow_events = {
    .send = flow_send,
    .on_stream_state = agent_on_stream_state,
    .on_durable = agent_on_durable,
    .on_refused = agent_on_refused,
    .on_chain_state = chain_on_state,
    .on_chain_durable = chain_on_durable,
    .on_chain_refused = chain_on_refused,
    .on_window = flow_window_changed,
    .rebuild = flow_rebuild,
};

static int
learn_spool(struct receiver *r, struct bytes payload)
{
	struct ipc_msg m;
	int rc = ipc_decode(IPC_SPOOL, payload, &m);

	if (rc)
		return rc;
	r->spool = m.u.spool.spool;
	r->incarnation = m.u.spool.incarnation;
	r->floor =
	    (struct clock_floor){m.u.spool.floor_ns, clock_now().mono_us};
	if (!r->spool_known && !r->stopping) {
		r->spool_known = true;
		listener_resume_all(r);
	}
	return 0;
}

static void
on_keeper_closed(int rc, void *arg)
{
	struct receiver *r = arg;

	log_warn("the keeper is gone (%s); agents stay and wait", err_text(rc));
	chan_free(r->keeper);
	r->keeper = NULL;
	r->keeper_left_ms = loop_now_ms(r->loop);
	flow_disconnected(r->flow);
}

static void
on_keeper_message(uint16_t type, struct bytes payload, int fd, void *arg)
{
	struct receiver *r = arg;
	int rc;

	(void)fd; /* no message of the keeper's carries one */
	if (type == IPC_SPOOL)
		rc = learn_spool(r, payload);
	else if (type == IPC_DISPLACED)
		rc = presence_displaced(r, payload);
	else
		rc = flow_feed(r->flow, type, payload);
	if (rc && r->keeper) {
		log_error("message %s from the keeper: %s", ipc_type_name(type),
		    err_text(rc));
		on_keeper_closed(rc, r);
	}
}

static const struct chan_events keeper_events = {
    .on_message = on_keeper_message,
    .on_closed = on_keeper_closed,
};

void
receiver_connect(struct receiver *r, int fd)
{
	int rc;

	if (r->keeper) {
		chan_free(r->keeper);
		r->keeper = NULL;
		flow_disconnected(r->flow);
	}
	rc = chan_new(r->loop, fd, &keeper_events, r, &r->keeper);
	if (rc) {
		log_error(
		    "cannot use the line to the keeper: %s", err_text(rc));
		close(fd);
		return;
	}
	flow_connected(r->flow);
	presence_all(r);
	report(r);
}

/* ---- life cycle
 * --------------------------------------------------------------------- */

int
receiver_init(
    struct receiver *r, struct loop *loop, uint32_t slot, size_t pool_bytes)
{
	struct uuid epoch;
	int rc = digest_uuid(&epoch);

	*r = (struct receiver){.loop = loop, .pool_bytes = pool_bytes};
	memcpy(&r->grease.state, epoch.byte, sizeof(r->grease.state));
	r->receivers = 1;
	r->max_unauthenticated = 512;
	r->max_connections = 10000;
	if (!rc)
		rc = link_pool_new(loop, &r->pool);
	if (!rc)
		rc = flow_new(
		    &epoch, slot, pool_bytes, &flow_events, r, &r->flow);
	if (!rc)
		rc = check_new(RECORD_MAX, &r->check);
	if (!rc)
		rc = gather_new(r->check, r->flow, &r->gather);
	if (!rc)
		rc = sources_new(&r->sources);
	if (!rc)
		rc = digest_sha256_new(&r->sha);
	if (!rc)
		rc = loop_timer_new(loop, on_tick, r, &r->tick);
	if (!rc)
		rc = loop_timer_new(loop, on_gather_timer, r, &r->gather_timer);
	if (!rc)
		rc = loop_turn_new(loop, on_turn, r, &r->turn);
	if (!rc)
		loop_timer_start(r->tick, 1000, 1000);
	else
		receiver_fini(r);
	return rc;
}

void
receiver_fini(struct receiver *r)
{
	r->stopping = true;
	while (r->sessions)
		session_free(r->sessions);
	for (size_t i = 0; i < r->n_listeners; i++)
		listener_free(r->listeners[i]);
	r->n_listeners = 0;
	chan_free(r->keeper);
	r->keeper = NULL;
	gather_free(r->gather);
	flow_free(r->flow);
	check_free(r->check);
	sources_free(r->sources);
	digest_sha256_free(r->sha);
	loop_timer_free(r->tick);
	loop_timer_free(r->gather_timer);
	loop_turn_free(r->turn);
	link_pool_free(r->pool);
	*r = (struct receiver){0};
}

void
receiver_drain(struct receiver *r, uint32_t deadline_ms)
{
	struct agentlink_msg m = {.type = AGENTLINK_DRAIN};

	r->stopping = true;
	listener_pause_all(r);
	receiver_seal(r);
	m.u.drain.deadline_ms = deadline_ms;
	m.u.drain.retry_after_ms = 1000;
	for (struct session *s = r->sessions, *next; s; s = next) {
		next = s->next;
		session_send(s, &m);
	}
}
