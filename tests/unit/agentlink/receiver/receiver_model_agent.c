/* SPDX-License-Identifier: Apache-2.0 */
/* The agents of the model: they do what the protocol allows, and more. */
#include "tests/unit/agentlink/receiver/receiver_model.h"

#include <stdio.h>
#include <string.h>

#include "lib/digest/digest.h"
#include "lib/digest/digest_chain.h"
#include "tests/helpers/cmocka_all.h"

#define AHEAD 12 /* steps sent and not acknowledged */

void
model_agent_init(struct model *m)
{
	for (int a = 0; a < MODEL_AGENTS; a++)
		for (int s = 0; s < MODEL_STREAMS; s++) {
			struct model_course *c = &m->course[a][s];

			snprintf(c->name, sizeof(c->name), "s%d", s);
			c->key.name = bytes_of_str(c->name);
			c->key.origin.byte[0] = (uint8_t)(a + 1);
			c->key.epoch.byte[0] = 1;
		}
}

/* ---- batches ---- */

/* Columns of n records that only this place has, and their digest. */
static void
make_payload(const struct model_course *c, uint64_t first, uint32_t n,
    struct buf *raw, uint8_t digest[static DIGEST_SIZE])
{
	struct digest_sha256 *sha = NULL;
	struct batch_columns columns;
	uint32_t lens[64];
	char text[64];

	batch_columns_init(&columns, 1 << 16);
	for (uint32_t i = 0; i < n; i++) {
		lens[i] = (uint32_t)snprintf(text, sizeof(text), "%d %s %llu",
		    c->key.origin.byte[0], c->name,
		    (unsigned long long)first + i);
		batch_columns_add(&columns, 0, bytes_of(text, lens[i]));
	}
	assert_int_equal(digest_sha256_new(&sha), 0);
	assert_int_equal(
	    digest_records(sha, buf_bytes(&columns.records), lens, n, digest),
	    0);
	buf_init(raw, 1 << 16);
	assert_int_equal(batch_columns_encode(&columns, raw), 0);
	batch_columns_fini(&columns);
	digest_sha256_free(sha);
}

static void
add_step(struct model *m, struct model_course *c)
{
	struct model_step *prev = c->n ? &c->step[c->n - 1] : NULL;
	struct model_step *s = &c->step[c->n++];
	struct digest_sha256 *sha = NULL;
	uint8_t digest[DIGEST_SIZE];
	uint32_t n = (uint32_t)model_random(m, 6) + 1;
	struct buf raw;

	*s = (struct model_step){.first = prev ? prev->last + 1 : 1};
	s->last = s->first + n - 1;
	if (prev)
		memcpy(s->prev, prev->head, BATCH_HEAD_SIZE);
	s->advance = model_random(m, 12) == 0;
	if (s->advance) {
		for (int i = 0; i < BATCH_HEAD_SIZE; i++)
			s->head[i] = (uint8_t)model_random(m, 256);
		return;
	}
	make_payload(c, s->first, n, &raw, digest);
	assert_int_equal(digest_sha256_new(&sha), 0);
	digest_chain(sha, s->prev, s->first, n, digest, s->head);
	digest_sha256_free(sha);
	buf_fini(&raw);
}

/* ---- saying ---- */

static void
say_data(struct model_connection *c, int stream, const struct model_course *co,
    uint64_t first, uint32_t n, const uint8_t *prev, bool good)
{
	struct agentlink_msg m = {
	    .type = AGENTLINK_DATA, .stream = (uint32_t)stream + 1};
	struct agentlink_data *d = &m.u.data;
	struct model_queued *q;
	struct buf raw;

	make_payload(co, first, n, &raw, d->content_digest);
	d->first_seq = first;
	d->count = n;
	d->raw_len = (uint32_t)raw.len;
	memcpy(d->prev_head, prev, BATCH_HEAD_SIZE);
	d->content_digest[0] ^= good ? 0 : 1;
	q = model_queue_add(&c->in, buf_bytes(&raw));
	q->m = m;
	q->m.u.data.payload = bytes_of(q->bytes, q->len);
	buf_fini(&raw);
}

static void
say_step(struct model_connection *c, int stream, const struct model_course *co,
    const struct model_step *s)
{
	struct agentlink_msg m = {
	    .type = AGENTLINK_ADVANCE, .stream = (uint32_t)stream + 1};

	if (!s->advance) {
		say_data(c, stream, co, s->first,
		    (uint32_t)(s->last - s->first + 1), s->prev, true);
		return;
	}
	m.u.advance.from = s->first;
	m.u.advance.to = s->last;
	m.u.advance.reason = ENTRY_ADVANCE_LOST;
	memcpy(m.u.advance.head, s->head, BATCH_HEAD_SIZE);
	model_queue_add(&c->in, bytes_of(NULL, 0))->m = m;
}

static void
say_open(struct model_connection *c, int stream, const struct model_course *co)
{
	struct agentlink_msg m = {
	    .type = AGENTLINK_STREAM_OPEN, .stream = (uint32_t)stream + 1};

	m.u.stream_open = (struct agentlink_stream_open){.epoch = co->key.epoch,
	    .next_seq = 1,
	    .acked = co->acked,
	    .name = co->key.name};
	model_queue_add(&c->in, bytes_of(NULL, 0))->m = m;
	c->asked[stream] = true;
}

static void
say_close(struct model_connection *c, int stream)
{
	struct agentlink_msg m = {
	    .type = AGENTLINK_STREAM_CLOSE, .stream = (uint32_t)stream + 1};

	model_queue_add(&c->in, bytes_of(NULL, 0))->m = m;
	c->asked[stream] = c->open[stream] = false;
}

/* Of another history. */
static void
say_lie(struct model_connection *c, int stream, struct model_course *co,
    uint64_t first, uint32_t n)
{
	static const uint8_t other[BATCH_HEAD_SIZE] = {9};

	co->bogus[first + n - 1] = true;
	say_data(c, stream, co, first, n, other, true);
}

/* A wrong digest, another history, a gap, a repeat, bounds that were never. */
static void
misbehave(struct model *m, struct model_connection *c, int stream,
    struct model_course *co)
{
	const struct model_step *any = &co->step[model_random(m, co->at + 1)];
	uint32_t n;

	if (co->at + 1 >= co->n)
		return;
	n = (uint32_t)(any->last - any->first + 1);
	switch (model_random(m, 6)) {
	case 0:
		say_data(c, stream, co, any->first, n, any->prev, false);
		break;
	case 1: /* behind what was sent so far, in time or not */
		if (any == &co->step[co->at])
			say_lie(c, stream, co, any->first, n);
		break;
	case 2:
		say_step(c, stream, co, &co->step[co->at + 1]);
		break;
	case 3:
		say_step(c, stream, co, any);
		break;
	case 4: /* inside of two batches */
		if (n > 1)
			say_lie(c, stream, co, any->first + 1, n);
		break;
	default:
		if (n > 1)
			say_lie(c, stream, co, any->first, n - 1);
	}
}

static size_t
unacked(const struct model_course *c)
{
	size_t n = 0;

	while (n < c->at && c->step[c->at - 1 - n].first > c->acked)
		n++;
	return n;
}

static void
forward(struct model *m, struct model_connection *c, int stream,
    struct model_course *co)
{
	if (unacked(co) >= AHEAD)
		return;
	if (co->at == co->n) {
		if (m->quiet || co->n == MODEL_STEPS)
			return;
		add_step(m, co);
	}
	say_step(c, stream, co, &co->step[co->at++]);
}

void
model_agent_act(struct model *m, struct model_connection *c)
{
	int stream = (int)model_random(m, MODEL_STREAMS);
	struct model_course *co = &m->course[c->agent][stream];

	if (!c->asked[stream])
		say_open(c, stream, co);
	else if (!c->open[stream])
		return;
	else if (m->quiet || model_random(m, 12))
		forward(m, c, stream, co);
	else if (model_random(m, 6))
		misbehave(m, c, stream, co);
	else
		say_close(c, stream);
}

/* ---- hearing ---- */

/* Go on behind `last`, which must be where a step ends, with this head. */
static void
seek(struct model_course *c, uint64_t last, const uint8_t *head)
{
	static const uint8_t zero[BATCH_HEAD_SIZE];

	c->at = 0;
	while (c->at < c->n && c->step[c->at].first <= last)
		c->at++;
	assert_true(last >= c->acked);
	if (c->at)
		assert_int_equal(last, c->step[c->at - 1].last);
	assert_memory_equal(
	    head, c->at ? c->step[c->at - 1].head : zero, BATCH_HEAD_SIZE);
}

/* Never inside a batch, never beyond what is on the disk. */
static void
check_ack(const struct model_course *c, uint64_t seq)
{
	size_t i = 0;

	assert_true(seq <= c->stored);
	while (i < c->n && c->step[i].last < seq)
		i++;
	if (seq)
		assert_int_equal(c->step[i].last, seq);
}

/*
 * It would go on behind something that it has taken for the stream and that
 * the keeper has not seen yet: a second NACK is to come.
 */
static bool
is_of_a_lie(const struct model_course *c, const struct agentlink_nack *n)
{
	size_t i = 0;

	while (i < c->n && c->step[i].last < n->resume_at - 1)
		i++;
	return c->bogus[n->resume_at - 1] &&
	    (i == c->n ||
		memcmp(n->head, c->step[i].head, BATCH_HEAD_SIZE) != 0);
}

static void
hear(struct model *m, struct model_connection *c, const struct agentlink_msg *g)
{
	int stream = (int)g->stream - 1;
	struct model_course *co = &m->course[c->agent][stream];

	if (g->type == AGENTLINK_ACK)
		check_ack(co, g->u.ack.seq);
	if (c->left || !c->asked[stream])
		return;
	if (g->type == AGENTLINK_STREAM_STATE) {
		assert_int_equal(g->u.stream_state.code, AGENTLINK_CODE_OK);
		check_ack(co, g->u.stream_state.last);
		seek(co, g->u.stream_state.last, g->u.stream_state.head);
		if (co->acked < g->u.stream_state.last)
			co->acked = g->u.stream_state.last;
		c->open[stream] = true;
	} else if (!c->open[stream]) {
		return; /* of the stream that had this number before */
	} else if (g->type == AGENTLINK_ACK && g->u.ack.seq > co->acked) {
		co->acked = g->u.ack.seq;
	} else if (g->type == AGENTLINK_NACK && !is_of_a_lie(co, &g->u.nack)) {
		seek(co, g->u.nack.resume_at - 1, g->u.nack.head);
	}
	/* An ACK may overtake where a NACK has sent us. */
	while (co->at < co->n && co->step[co->at].last <= co->acked)
		co->at++;
}

bool
model_agent_hear(struct model *m, struct model_connection *c)
{
	struct model_queued *q = model_queue_take(&c->out);

	if (!q)
		return false;
	hear(m, c, &q->m);
	model_queued_free(q);
	return true;
}

/* ---- connections ---- */

struct model_connection *
model_agent_connection(struct model *m, int agent)
{
	for (int i = 0; i < MODEL_CONNECTIONS; i++) {
		struct model_connection *c = &m->connection[i];

		if (c->used && !c->left && c->agent == agent)
			return c;
	}
	return NULL;
}

void
model_agent_connect(struct model *m, int agent)
{
	struct model_connection *old = model_agent_connection(m, agent), *c;
	int i = 0;

	while (i < MODEL_CONNECTIONS && m->connection[i].used)
		i++;
	if (i == MODEL_CONNECTIONS)
		return;
	if (old)
		old->left = true;
	c = &m->connection[i];
	memset(c, 0, sizeof(*c));
	c->used = true;
	c->agent = agent;
	c->receiver = (int)model_random(m, MODEL_RECEIVERS);
	c->s.receiver = &m->receiver[c->receiver].r;
	c->s.listener = &m->receiver[c->receiver].listener;
	c->s.state = SESSION_OPEN;
	c->s.id = m->course[agent][0].key.origin;
	model_queue_init(&c->in);
	model_queue_init(&c->out);
}

bool
model_agent_is_done(const struct model *m)
{
	for (int a = 0; a < MODEL_AGENTS; a++)
		for (int s = 0; s < MODEL_STREAMS; s++) {
			const struct model_course *c = &m->course[a][s];

			if (c->n && c->acked < c->step[c->n - 1].last)
				return false;
		}
	return true;
}
