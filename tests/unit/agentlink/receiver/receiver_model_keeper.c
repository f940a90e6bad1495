/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper of the model: the real intake over a log of nothing but places. */
#include "tests/unit/agentlink/receiver/receiver_model.h"

#include <string.h>

#include "tests/helpers/cmocka_all.h"

static struct model_receiver *
receiver_of(struct model *m, uint64_t link)
{
	for (int i = 0; i < MODEL_RECEIVERS; i++)
		if (m->receiver[i].link == link)
			return &m->receiver[i];
	return NULL;
}

/* Do what intake wants done. */
static void
act(struct model *m)
{
	struct model_receiver *r;
	struct intake_action a;

	while (intake_next(m->intake, &a)) {
		r = receiver_of(m, a.link);
		if (a.what == INTAKE_SUBMIT)
			item_list_add(&m->items, a.item);
		else if (a.what == INTAKE_SEND && r)
			model_queue_add(&r->down, buf_bytes(&a.message))->type =
			    a.type;
		else if (a.what == INTAKE_CLOSE)
			fail_msg("the keeper cut a receiver off: %s", a.text);
		if (r && a.what == INTAKE_PAUSE)
			r->paused = true;
		if (r && a.what == INTAKE_RESUME)
			r->paused = false;
		m->refused += a.what == INTAKE_SEND && a.type == IPC_REFUSED;
		m->repeated += a.what == INTAKE_SEND && a.type == IPC_ALREADY;
		intake_action_done(&a);
	}
}

/* ---- the log ---- */

static struct model_course *
course_of(struct model *m, const struct entry_stream_key *key)
{
	for (int a = 0; a < MODEL_AGENTS; a++)
		for (int s = 0; s < MODEL_STREAMS; s++) {
			const struct entry_stream_key *k = &m->course[a][s].key;

			if (uuid_equal(&k->origin, &key->origin) &&
			    bytes_equal(k->name, key->name))
				return &m->course[a][s];
		}
	fail_msg("a stream that nobody has");
	return NULL;
}

/* Records are stored once and without a hole, as the agent has them. */
static void
store_range(struct model *m, const struct item_range *r)
{
	struct model_course *c = course_of(m, &r->stream->key);

	assert_int_equal(r->range.first_seq, c->stored + 1);
	c->stored = r->range.first_seq + r->range.count - 1;
	memcpy(c->stored_head, r->range.head, BATCH_HEAD_SIZE);
}

static void
store(struct model *m, const struct item *it)
{
	struct model_course *c;

	for (uint32_t i = 0; i < it->ranges; i++)
		store_range(m, &it->range[i]);
	if (!it->stream)
		return;
	c = course_of(m, &it->stream->key);
	assert_true(it->place.seq > c->stored);
	c->stored = it->place.seq;
	memcpy(c->stored_head, it->place.head, BATCH_HEAD_SIZE);
}

static void
say_committed(struct model *m, uint64_t link, uint64_t number)
{
	struct model_receiver *r = receiver_of(m, link);
	struct ipc_msg msg = {.type = IPC_COMMITTED};
	struct buf b;

	if (!r || !number)
		return;
	msg.u.number.number = number;
	buf_init(&b, 64);
	ipc_encode(&b, &msg);
	model_queue_add(&r->down, buf_bytes(&b))->type = IPC_COMMITTED;
	buf_fini(&b);
}

void
model_keeper_commit(struct model *m, uint64_t n)
{
	struct {
		uint64_t link, number;
	} last[MODEL_RECEIVERS] = {{0}};
	struct item *it;

	for (; n && (it = item_list_take(&m->items)); n--) {
		store(m, it);
		intake_on_durable(m->intake, it, m->now);
		for (int i = 0; i < MODEL_RECEIVERS; i++)
			if (it->link && it->number &&
			    m->receiver[i].link == it->link) {
				last[i].link = it->link;
				last[i].number = it->number;
			}
		item_free(it);
	}
	for (int i = 0; i < MODEL_RECEIVERS; i++)
		say_committed(m, last[i].link, last[i].number);
	act(m);
}

/* ---- life ---- */

/* What the log has of each stream. */
static void
fill_streams(struct model *m)
{
	struct streams *streams = intake_streams(m->intake);
	struct stream *st;

	for (int a = 0; a < MODEL_AGENTS; a++)
		for (int s = 0; s < MODEL_STREAMS; s++) {
			struct model_course *c = &m->course[a][s];

			if (!c->stored)
				continue;
			assert_int_equal(
			    streams_add(streams, &c->key,
				bytes_of_str("agents"), m->now.spool_us, &st),
			    0);
			st->accepted.seq = c->stored;
			memcpy(
			    st->accepted.head, c->stored_head, BATCH_HEAD_SIZE);
			st->durable = st->accepted;
			st->start_seq = 1;
			st->stored = true;
		}
}

void
model_keeper_start(struct model *m)
{
	const uint32_t slots[MODEL_RECEIVERS] = {0, 1};

	item_list_init(&m->items);
	m->intake = intake_new(3, STREAMS_MEMORY_MAX, &m->counters);
	fill_streams(m);
	intake_on_room(m->intake, 1 << 20);
	for (int i = 0; i < MODEL_RECEIVERS; i++)
		model_keeper_link(m, &m->receiver[i]);
	intake_on_receivers(m->intake, slots, MODEL_RECEIVERS);
	act(m);
}

void
model_keeper_free(struct model *m)
{
	item_list_free(&m->items);
	intake_free(m->intake);
	m->intake = NULL;
}

void
model_keeper_kill(struct model *m)
{
	/* Some of it was on the disk, and nobody was told. */
	model_keeper_commit(m, model_random(m, 4));
	for (int i = 0; i < MODEL_RECEIVERS; i++) {
		struct model_receiver *r = &m->receiver[i];
		struct model_queued *q;

		/* What it had said is read, or lost with the socket. */
		while (model_random(m, 3) && (q = model_queue_take(&r->down))) {
			assert_int_equal(flow_feed(r->r.flow, q->type,
					     bytes_of(q->bytes, q->len)),
			    0);
			model_queued_free(q);
		}
		model_queue_clear(&r->down);
		model_queue_clear(&r->up);
		flow_disconnected(r->r.flow);
	}
	model_keeper_free(m);
}

void
model_keeper_link(struct model *m, struct model_receiver *r)
{
	r->link = ++m->links;
	r->paused = false;
	intake_on_link(m->intake, r->link);
	flow_connected(r->r.flow);
}

bool
model_keeper_hear(struct model *m, struct model_receiver *r)
{
	struct model_queued *q = r->paused ? NULL : model_queue_take(&r->up);
	struct ipc_msg msg;

	if (!q)
		return false;
	assert_int_equal(
	    ipc_decode(q->type, bytes_of(q->bytes, q->len), &msg), 0);
	intake_on_message(m->intake, r->link, &msg, m->now);
	act(m);
	model_queued_free(q);
	return true;
}

void
model_keeper_closed(struct model *m, struct model_receiver *r)
{
	r->paused = false;
	while (model_keeper_hear(m, r))
		continue;
	model_queue_clear(&r->down);
	intake_on_closed(m->intake, r->link);
	r->link = 0;
	act(m);
}

void
model_keeper_room(struct model *m, uint64_t bytes)
{
	intake_on_room(m->intake, bytes);
	act(m);
}

void
model_keeper_tick(struct model *m)
{
	m->now.spool_us += 1000000;
	intake_on_tick(m->intake, m->now);
	act(m);
}
