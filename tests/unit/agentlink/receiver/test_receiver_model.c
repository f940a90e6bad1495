/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random courses of agents, receivers and the keeper, with kills of both.
 * Never an ACK inside a batch or beyond what is on the disk, never a record
 * twice or out of order there, and in the end everything is acknowledged.
 * SEED in the environment repeats one course, COURSES=N runs so many.
 */
#include "tests/unit/agentlink/receiver/receiver_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/digest/digest.h"
#include "tests/helpers/cmocka_all.h"

#define COURSES 40
#define EVENTS 6000
#define EVENTS_TO_END 400000

static struct model model;

uint64_t
model_random(struct model *m, uint64_t below)
{
	m->random = m->random * 6364136223846793005u + 1442695040888963407u;
	return (m->random >> 33) % below;
}

void
model_queue_init(struct model_queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

struct model_queued *
model_queue_add(struct model_queue *q, struct bytes bytes)
{
	struct model_queued *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->bytes = malloc(bytes.len + 1);
	assert_non_null(x->bytes);
	if (bytes.len)
		memcpy(x->bytes, bytes.ptr, bytes.len);
	x->len = bytes.len;
	*q->last = x;
	q->last = &x->next;
	return x;
}

struct model_queued *
model_queue_take(struct model_queue *q)
{
	struct model_queued *x = q->first;

	if (!x)
		return NULL;
	q->first = x->next;
	if (!q->first)
		q->last = &q->first;
	return x;
}

void
model_queued_free(struct model_queued *q)
{
	free(q->bytes);
	free(q);
}

void
model_queue_clear(struct model_queue *q)
{
	struct model_queued *x;

	while ((x = model_queue_take(q)))
		model_queued_free(x);
}

/* ---- what agent.c finds around it: session, receiver, link ---- */

static struct model_connection *
connection_of(const struct session *s)
{
	return (struct model_connection *)(uintptr_t)s;
}

void
session_send(struct session *s, const struct agentlink_msg *m)
{
	model_queue_add(&connection_of(s)->out, bytes_of(NULL, 0))->m = *m;
}

void
session_fail(struct session *s, enum agentlink_code code, const char *text)
{
	(void)s;
	fail_msg("a connection is ended: %s: %s",
	    agentlink_code_name((uint16_t)code), text);
}

bool
session_within_credit(struct session *s)
{
	(void)s;
	return true;
}

void
session_mark_dirty(struct session *s)
{
	s->dirty = true;
}

const char *
link_peer(const struct link *l)
{
	(void)l;
	return "192.0.2.1:1";
}

void
receiver_credit(const struct receiver *r, uint32_t *bytes, uint32_t *batches)
{
	(void)r;
	*bytes = 1 << 20;
	*batches = 64;
}

struct digest_sha256 *
receiver_sha(struct receiver *r)
{
	return r->sha;
}

void
receiver_count(struct receiver *r, uint64_t *counter, uint64_t n)
{
	(void)r;
	*counter += n;
}

void
receiver_note_mismatch(
    struct receiver *r, struct listener *l, const struct uuid *id)
{
	(void)r;
	(void)l;
	(void)id;
}

void
receiver_seal(struct receiver *r)
{
	struct now now = {.mono_us = 1};
	struct flow_item *item = NULL;

	if (gather_is_empty(r->gather))
		return;
	assert_int_equal(gather_seal(r->gather, &now, &item), 0);
	flow_add(r->flow, item);
}

int
receiver_store(struct receiver *r, struct flow_stream *stream,
    const struct ipc_range *range, const struct agentlink_data *data,
    const struct batch_columns_view *view)
{
	struct now now = {.mono_us = 1};
	int rc = gather_add(r->gather, stream, range, view, &now);

	(void)data;
	/* As if some batches were large, and as if time went by. */
	if (!rc && !model_random(&model, 3))
		receiver_seal(r);
	return rc;
}

/* ---- receivers ---- */

static void
flow_send(uint16_t type, const struct bytes *parts, size_t n, void *arg)
{
	struct model_receiver *r = arg;
	struct buf b;

	buf_init(&b, IPC_MESSAGE_MAX);
	for (size_t i = 0; i < n; i++)
		buf_add_bytes(&b, parts[i]);
	model_queue_add(&r->up, buf_bytes(&b))->type = type;
	buf_fini(&b);
}

static void
window_changed(void *arg)
{
	(void)arg;
}

static int
flow_rebuild(struct flow_item *item, const bool *keep, void *arg)
{
	struct model_receiver *r = arg;

	model.withdrawn++;
	if (!model_random(&model, 20))
		return ERR_NOMEM;
	return gather_rebuild(r->r.gather, item, keep);
}

static const struct flow_events events = {
    .send = flow_send,
    .on_stream_state = agent_on_stream_state,
    .on_durable = agent_on_durable,
    .on_refused = agent_on_refused,
    .on_window = window_changed,
    .rebuild = flow_rebuild,
};

static void
receiver_start(struct model *m, int slot)
{
	struct model_receiver *r = &m->receiver[slot];
	struct uuid epoch = {.byte = {(uint8_t)slot, ++r->epoch}};

	memset(&r->r, 0, sizeof(r->r));
	model_queue_init(&r->up);
	model_queue_init(&r->down);
	snprintf(r->listener.name, sizeof(r->listener.name), "agents");
	assert_int_equal(
	    flow_new(&epoch, (uint32_t)slot, 1 << 20, &events, r, &r->r.flow),
	    0);
	assert_int_equal(check_new(1 << 20, &r->r.check), 0);
	assert_int_equal(gather_new(r->r.check, r->r.flow, &r->r.gather), 0);
	assert_int_equal(digest_sha256_new(&r->r.sha), 0);
}

static void
connection_end(struct model_connection *c)
{
	agent_close_streams(&c->s);
	model_queue_clear(&c->in);
	model_queue_clear(&c->out);
	c->used = false;
}

static void
receiver_end(struct model *m, int slot)
{
	struct model_receiver *r = &m->receiver[slot];

	for (int i = 0; i < MODEL_CONNECTIONS; i++)
		if (m->connection[i].used && m->connection[i].receiver == slot)
			connection_end(&m->connection[i]);
	gather_free(r->r.gather);
	flow_free(r->r.flow);
	check_free(r->r.check);
	digest_sha256_free(r->r.sha);
	model_queue_clear(&r->up);
	model_queue_clear(&r->down);
}

/* What its end says to nobody is not said to the keeper either. */
static void
receiver_kill(struct model *m, int slot)
{
	model_keeper_closed(m, &m->receiver[slot]);
	receiver_end(m, slot);
	receiver_start(m, slot);
	model_keeper_link(m, &m->receiver[slot]);
}

static void
receiver_hears_keeper(struct model_receiver *r)
{
	struct model_queued *q = model_queue_take(&r->down);

	if (!q)
		return;
	assert_int_equal(
	    flow_feed(r->r.flow, q->type, bytes_of(q->bytes, q->len)), 0);
	model_queued_free(q);
}

static void
receiver_hears_agent(struct model_connection *c)
{
	struct model_queued *q = model_queue_take(&c->in);

	if (!q) {
		/* The end of the connection comes behind what was sent. */
		if (c->left)
			connection_end(c);
		return;
	}
	agent_message(&c->s, &q->m);
	model_queued_free(q);
}

static void
flush(struct model *m)
{
	for (int i = 0; i < MODEL_CONNECTIONS; i++)
		if (m->connection[i].used && m->connection[i].s.dirty) {
			m->connection[i].s.dirty = false;
			agent_flush(&m->connection[i].s, 1, false);
		}
}

/* ---- the course ---- */

static void
disturb(struct model *m)
{
	switch (model_random(m, 40)) {
	case 0:
		model_keeper_kill(m);
		model_keeper_start(m);
		break;
	case 1:
		receiver_kill(m, (int)model_random(m, MODEL_RECEIVERS));
		break;
	case 2:
	case 3:
	case 4:
		model_agent_connect(m, (int)model_random(m, MODEL_AGENTS));
		break;
	case 5:
		model_keeper_room(m, 0);
		break;
	default:
		model_keeper_room(m, 1 << 20);
	}
}

static void
event(struct model *m)
{
	struct model_receiver *r =
	    &m->receiver[model_random(m, MODEL_RECEIVERS)];
	struct model_connection *c =
	    &m->connection[model_random(m, MODEL_CONNECTIONS)];
	int agent = (int)model_random(m, MODEL_AGENTS);

	switch (model_random(m, 8)) {
	case 0:
		if (!model_agent_connection(m, agent))
			model_agent_connect(m, agent);
		else
			model_agent_act(m, model_agent_connection(m, agent));
		break;
	case 1:
		if (c->used)
			receiver_hears_agent(c);
		break;
	case 2:
		if (c->used)
			model_agent_hear(m, c);
		break;
	case 3:
		model_keeper_hear(m, r);
		break;
	case 4:
		receiver_hears_keeper(r);
		break;
	case 5:
		model_keeper_commit(m, model_random(m, 5));
		break;
	case 6:
		receiver_seal(&r->r);
		break;
	default:
		if (!model_random(m, 10))
			model_keeper_tick(m);
		else if (!m->quiet && !model_random(m, 4))
			disturb(m);
	}
	flush(m);
}

static void
course(uint64_t seed)
{
	struct model *m = &model;

	memset(m, 0, sizeof(*m));
	m->random = seed;
	m->now = (struct intake_now){.spool_us = 1000000};
	print_message("SEED=%llu\n", (unsigned long long)seed);
	model_agent_init(m);
	for (int i = 0; i < MODEL_RECEIVERS; i++)
		receiver_start(m, i);
	model_keeper_start(m);
	for (int i = 0; i < EVENTS; i++)
		event(m);
	m->quiet = true;
	model_keeper_room(m, 1 << 20);
	for (int i = 0; i < EVENTS_TO_END && !model_agent_is_done(m); i++)
		event(m);
	assert_true(model_agent_is_done(m));
	for (int i = 0; i < MODEL_RECEIVERS; i++)
		receiver_end(m, i);
	model_keeper_free(m);
	counters_fini(&m->counters);
}

static void
whatever_happens_acknowledgements_are_true(void **state)
{
	const char *seed = getenv("SEED"), *courses = getenv("COURSES");
	uint64_t n = courses ? strtoull(courses, NULL, 10) : COURSES;
	uint64_t refused = 0, repeated = 0, withdrawn = 0;

	(void)state;
	if (seed) {
		course(strtoull(seed, NULL, 10));
		return;
	}
	for (uint64_t i = 1; i <= n; i++) {
		course(i);
		refused += model.refused;
		repeated += model.repeated;
		withdrawn += model.withdrawn;
	}
	/* It has been where it can go wrong. */
	print_message("refused %llu, repeated %llu, made anew %llu\n",
	    (unsigned long long)refused, (unsigned long long)repeated,
	    (unsigned long long)withdrawn);
	assert_true(refused > 100);
	assert_true(repeated > 100);
	assert_true(withdrawn > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whatever_happens_acknowledgements_are_true),
	};

	log_setup("test_receiver_model", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
