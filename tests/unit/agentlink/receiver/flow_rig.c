/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agentlink/receiver/flow_rig.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "tests/helpers/cmocka_all.h"

struct flow_rig world;
static int owners[8];

static size_t
index_of(const void *owner)
{
	return (size_t)((const int *)owner - owners);
}

static void
on_send(uint16_t type, const struct bytes *parts, size_t n, void *arg)
{
	struct flow_rig_sent *s = &world.sent[world.n_sent++];
	struct ipc_msg m;
	struct buf b;

	(void)arg;
	assert_true(world.n_sent < FLOW_RIG_MOST);
	buf_init(&b, IPC_MESSAGE_MAX);
	for (size_t i = 0; i < n; i++)
		buf_add_bytes(&b, parts[i]);
	assert_int_equal(ipc_decode(type, buf_bytes(&b), &m), 0);
	*s = (struct flow_rig_sent){.type = type};
	if (type == IPC_BATCH) {
		s->number = m.u.batch.number;
		s->n = m.u.batch.n;
	} else if (type == IPC_ADVANCE) {
		s->number = m.u.advance.number;
	} else if (type == IPC_VOID) {
		s->number = m.u.void_.number;
	} else if (type == IPC_STREAM_OPEN) {
		s->sid = m.u.stream_open.sid;
	}
	buf_fini(&b);
}

static void
on_stream_state(void *owner, const struct proof *proof)
{
	world.durable[index_of(owner)] = proof_msg(proof)->u.stream_state.last;
}

static void
on_durable(void *owner, uint64_t seq, const struct proof *proof)
{
	assert_non_null(proof);
	world.durable[index_of(owner)] = seq;
}

static void
on_refused(void *owner, const struct ipc_range *range,
    const struct ipc_range_verdict *verdict)
{
	(void)range;
	(void)verdict;
	world.refused[index_of(owner)]++;
}

static void
on_chain_state(void *owner, const struct proof *proof)
{
	(void)owner;
	(void)proof;
}

static void
on_chain_durable(void *owner, uint64_t from, uint64_t to, uint32_t bytes,
    const struct proof *proof)
{
	(void)from;
	(void)bytes;
	(void)proof;
	world.durable[index_of(owner)] = to;
}

static void
on_chain_refused(
    void *owner, uint64_t first_rec, uint32_t bytes, enum agentlink_code code)
{
	(void)first_rec;
	(void)bytes;
	(void)code;
	world.refused[index_of(owner)]++;
}

static void
on_window(void *arg)
{
	(void)arg;
}

static int
rebuild(struct flow_item *item, const bool *keep, void *arg)
{
	(void)arg;
	world.rebuilt++;
	item->batch.records = 0;
	for (uint32_t i = 0; i < item->n; i++)
		if (keep[i])
			item->batch.records += item->ranges[i].range.count;
	return world.rebuild_rc;
}

static const struct flow_events events = {
    .send = on_send,
    .on_stream_state = on_stream_state,
    .on_durable = on_durable,
    .on_refused = on_refused,
    .on_chain_state = on_chain_state,
    .on_chain_durable = on_chain_durable,
    .on_chain_refused = on_chain_refused,
    .on_window = on_window,
    .rebuild = rebuild,
};

int
flow_rig_set_up(void **state)
{
	struct uuid epoch = {.byte = {1}};

	(void)state;
	memset(&world, 0, sizeof(world));
	assert_int_equal(
	    flow_new(&epoch, 0, 1 << 20, &events, NULL, &world.flow), 0);
	return 0;
}

int
flow_rig_tear_down(void **state)
{
	(void)state;
	flow_free(world.flow);
	return 0;
}

/* ---- the keeper's part
 * ------------------------------------------------------------ */

int
feed(const struct ipc_msg *m)
{
	struct buf b;
	int rc;

	buf_init(&b, IPC_MESSAGE_MAX);
	ipc_encode(&b, m);
	assert_int_equal(b.err, 0);
	rc = flow_feed(world.flow, m->type, buf_bytes(&b));
	buf_fini(&b);
	return rc;
}

int
say(uint16_t type, uint64_t number)
{
	struct ipc_msg m = {.type = type};

	m.u.number.number = number;
	return feed(&m);
}

int
credit(uint64_t bytes, uint32_t batches)
{
	struct ipc_msg m = {.type = IPC_CREDIT};

	m.u.credit.bytes = bytes;
	m.u.credit.batches = batches;
	return feed(&m);
}

int
answer(size_t i, uint64_t last)
{
	struct ipc_msg m = {.type = IPC_STREAM_STATE};

	for (size_t at = 0; at < world.n_sent; at++)
		if (world.sent[at].type == IPC_STREAM_OPEN && !i--) {
			m.u.stream_state.sid = world.sent[at].sid;
			m.u.stream_state.last = last;
			return feed(&m);
		}
	return ERR_NOENT;
}

int
refuse(uint64_t number, const char *verdicts)
{
	struct ipc_msg m = {.type = IPC_REFUSED};
	struct buf b;
	int rc;

	buf_init(&b, 4096);
	m.u.refused.number = number;
	m.u.refused.n = (uint32_t)strlen(verdicts);
	for (const char *v = verdicts; *v; v++) {
		struct ipc_range_verdict verdict = {
		    .code = *v == 'g' ? AGENTLINK_CODE_GAP : AGENTLINK_CODE_OK,
		    .durable = *v == 'd',
		};

		ipc_range_verdict_encode(&b, &verdict);
	}
	m.u.refused.verdicts = buf_bytes(&b);
	rc = feed(&m);
	buf_fini(&b);
	return rc;
}

/* ---- the senders' part
 * --------------------------------------------------------------- */

struct flow_stream *
open_stream(int owner)
{
	struct flow_stream_open open = {
	    .key = {.name = bytes_of_str("app")},
	    .listener = bytes_of_str("agents"),
	    .peer = bytes_of_str("127.0.0.1:1"),
	    .identity = bytes_of_str("spool:agent:x"),
	    .next_seq = 1,
	};
	struct flow_stream *s = NULL;

	assert_int_equal(
	    flow_stream_open(world.flow, &open, &owners[owner], &s), 0);
	return s;
}

void
add(uint64_t seq, size_t n, struct flow_stream **streams)
{
	struct flow_item *item = NULL;
	uint8_t *payload = malloc(BATCH_COLUMNS_HEADER_SIZE);

	assert_int_equal(flow_item_new((uint32_t)n, &item), 0);
	for (size_t i = 0; i < n; i++) {
		struct ipc_range r = {
		    .first_seq = seq, .count = 1, .flags = BATCH_RANGE_HEAD};

		assert_int_equal(
		    flow_item_set_range(item, (uint32_t)i, streams[i], &r), 0);
	}
	memset(payload, 0, BATCH_COLUMNS_HEADER_SIZE);
	flow_item_give_payload(item, payload, BATCH_COLUMNS_HEADER_SIZE);
	item->batch.records = (uint32_t)n;
	item->batch.raw_len = BATCH_COLUMNS_HEADER_SIZE;
	flow_add(world.flow, item);
}

size_t
count_sent(uint16_t type)
{
	size_t n = 0;

	for (size_t i = 0; i < world.n_sent; i++)
		n += world.sent[i].type == type;
	return n;
}
