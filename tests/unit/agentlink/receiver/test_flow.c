/* SPDX-License-Identifier: Apache-2.0 */
/* The line to the keeper, driven by plain calls; the test is the keeper. */
#include "tests/helpers/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "agentlink/receiver/flow.h"
#include "lib/base/err.h"

#define MOST 256

struct sent {
	uint16_t type;
	uint64_t number; /* of BATCH, ADVANCE, VOID */
	uint32_t sid; /* of STREAM_OPEN */
	uint32_t n; /* ranges of a BATCH */
};

/* What the flow has said, to the keeper and to the senders. */
static struct world {
	struct flow *flow;
	struct sent sent[MOST];
	size_t n_sent;
	uint64_t durable[8]; /* by owner */
	uint32_t refused[8];
	uint32_t rebuilt;
	int rebuild_rc;
} world;

static int owners[8];

static size_t
index_of(const void *owner)
{
	return (size_t)((const int *)owner - owners);
}

static void
on_send(uint16_t type, const struct bytes *parts, size_t n, void *arg)
{
	struct sent *s = &world.sent[world.n_sent++];
	struct ipc_msg m;
	struct buf b;

	(void)arg;
	assert_true(world.n_sent < MOST);
	buf_init(&b, IPC_MESSAGE_MAX);
	for (size_t i = 0; i < n; i++)
		buf_add_bytes(&b, parts[i]);
	assert_int_equal(ipc_decode(type, buf_bytes(&b), &m), 0);
	*s = (struct sent){.type = type};
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
on_chain_durable(
    void *owner, uint64_t from, uint64_t to, const struct proof *proof)
{
	(void)from;
	(void)proof;
	world.durable[index_of(owner)] = to;
}

static void
on_chain_refused(void *owner, uint64_t first_rec, enum agentlink_code code)
{
	(void)first_rec;
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

static int
set_up(void **state)
{
	struct uuid epoch = {.byte = {1}};

	(void)state;
	memset(&world, 0, sizeof(world));
	assert_int_equal(
	    flow_new(&epoch, 0, 1 << 20, &events, NULL, &world.flow), 0);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	flow_free(world.flow);
	return 0;
}

/* ---- the keeper's part
 * ------------------------------------------------------------ */

static int
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

static int
say(uint16_t type, uint64_t number)
{
	struct ipc_msg m = {.type = type};

	m.u.number.number = number;
	return feed(&m);
}

static int
credit(uint64_t bytes, uint32_t batches)
{
	struct ipc_msg m = {.type = IPC_CREDIT};

	m.u.credit.bytes = bytes;
	m.u.credit.batches = batches;
	return feed(&m);
}

/* One verdict a range: 'n' new, 'd' durable already, 'g' gap. */
static int
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

static struct flow_stream *
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

/* A batch of one record for each stream. */
static void
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

static size_t
count_sent(uint16_t type)
{
	size_t n = 0;

	for (size_t i = 0; i < world.n_sent; i++)
		n += world.sent[i].type == type;
	return n;
}

static void
nothing_is_acknowledged_before_it_is_committed(void **state)
{
	struct flow_stream *s;

	(void)state;
	flow_connected(world.flow);
	s = open_stream(0);
	add(1, 1, &s);
	add(2, 1, &s);
	assert_int_equal(world.durable[0], 0);
	assert_int_equal(say(IPC_COMMITTED, 1), 0);
	assert_int_equal(world.durable[0], 1);
	assert_int_equal(say(IPC_COMMITTED, 2), 0);
	assert_int_equal(world.durable[0], 2);
	assert_true(flow_is_idle(world.flow));
	flow_stream_close(world.flow, s, false);
}

static void
a_commit_of_what_was_never_sent_is_not_believed(void **state)
{
	struct flow_stream *s;

	(void)state;
	flow_connected(world.flow);
	s = open_stream(0);
	add(1, 1, &s);
	assert_int_equal(say(IPC_COMMITTED, 2), ERR_FORMAT);
	assert_int_equal(world.durable[0], 0);
	assert_int_equal(say(IPC_ALREADY, 2), ERR_FORMAT);
	flow_stream_close(world.flow, s, false);
}

static void
a_restarted_keeper_is_sent_everything_unanswered_in_order(void **state)
{
	struct flow_stream *s;
	uint64_t next = 2;

	(void)state;
	flow_connected(world.flow);
	s = open_stream(0);
	for (uint64_t i = 1; i <= 5; i++)
		add(i, 1, &s);
	assert_int_equal(say(IPC_COMMITTED, 1), 0);
	flow_disconnected(world.flow);
	add(6, 1, &s); /* the agent goes on */
	world.n_sent = 0;
	flow_connected(world.flow);
	assert_int_equal(world.sent[0].type, IPC_RECEIVER);
	assert_int_equal(world.sent[1].type, IPC_STREAM_OPEN);
	for (size_t i = 2; i < world.n_sent - 1; i++) {
		assert_int_equal(world.sent[i].type, IPC_BATCH);
		assert_int_equal(world.sent[i].number, next++);
	}
	assert_int_equal(next, 7);
	assert_int_equal(world.sent[world.n_sent - 1].type, IPC_REPLAYED);
	/* It knew 2 and 3 already: their number is settled, no other. */
	assert_int_equal(say(IPC_ALREADY, 2), 0);
	assert_int_equal(say(IPC_ALREADY, 3), 0);
	assert_int_equal(world.durable[0], 3);
	assert_int_equal(flow_unanswered(world.flow), 3);
	assert_int_equal(say(IPC_COMMITTED, 6), 0);
	assert_int_equal(world.durable[0], 6);
	flow_stream_close(world.flow, s, false);
}

static void
already_for_a_later_number_does_not_settle_the_earlier(void **state)
{
	struct flow_stream *s[2];

	(void)state;
	flow_connected(world.flow);
	s[0] = open_stream(0);
	s[1] = open_stream(1);
	add(1, 1, &s[0]);
	add(1, 1, &s[1]);
	assert_int_equal(say(IPC_ALREADY, 2), 0);
	assert_int_equal(world.durable[1], 1);
	assert_int_equal(world.durable[0], 0);
	assert_false(flow_is_idle(world.flow));
	assert_int_equal(say(IPC_COMMITTED, 2), 0);
	assert_int_equal(world.durable[0], 1);
	flow_stream_close(world.flow, s[0], false);
	flow_stream_close(world.flow, s[1], false);
}

static void
a_refused_batch_comes_again_without_what_is_not_new(void **state)
{
	struct flow_stream *s[3];

	(void)state;
	flow_connected(world.flow);
	for (int i = 0; i < 3; i++)
		s[i] = open_stream(i);
	add(1, 3, s);
	add(2, 1, &s[0]);
	world.n_sent = 0;
	assert_int_equal(refuse(1, "ndg"), 0);
	assert_int_equal(world.rebuilt, 1);
	/* The durable range is asked about: only a STREAM answer may ack. */
	assert_int_equal(world.sent[0].type, IPC_STREAM_OPEN);
	assert_int_equal(world.refused[1], 0);
	assert_int_equal(world.refused[2], 1);
	/* Number 1 again, with one range, and everything after it. */
	assert_int_equal(world.sent[1].type, IPC_BATCH);
	assert_int_equal(world.sent[1].number, 1);
	assert_int_equal(world.sent[1].n, 1);
	assert_int_equal(world.sent[2].number, 2);
	assert_int_equal(say(IPC_COMMITTED, 2), 0);
	assert_int_equal(world.durable[0], 2);
	assert_int_equal(world.durable[1], 0);
	for (int i = 0; i < 3; i++)
		flow_stream_close(world.flow, s[i], false);
}

static void
a_batch_with_nothing_new_becomes_void(void **state)
{
	struct flow_stream *s;

	(void)state;
	flow_connected(world.flow);
	s = open_stream(0);
	add(5, 1, &s);
	add(6, 1, &s);
	world.n_sent = 0;
	assert_int_equal(refuse(1, "g"), 0);
	assert_int_equal(world.sent[0].type, IPC_VOID);
	assert_int_equal(world.sent[0].number, 1);
	assert_int_equal(world.sent[1].type, IPC_BATCH);
	assert_int_equal(refuse(2, "g"), 0);
	assert_int_equal(say(IPC_COMMITTED, 2), 0);
	assert_int_equal(world.durable[0], 0);
	assert_int_equal(world.refused[0], 2);
	assert_true(flow_is_idle(world.flow));
	flow_stream_close(world.flow, s, false);
}

static void
later_stops_the_line_until_credit_comes(void **state)
{
	struct flow_stream *s;

	(void)state;
	flow_connected(world.flow);
	assert_int_equal(credit(1 << 20, 100), 0);
	s = open_stream(0);
	add(1, 1, &s);
	add(2, 1, &s);
	assert_int_equal(say(IPC_LATER, 2), 0);
	assert_int_equal(flow_window(world.flow), 0);
	world.n_sent = 0;
	add(3, 1, &s);
	assert_int_equal(count_sent(IPC_BATCH), 0);
	assert_int_equal(credit(1 << 20, 100), 0);
	assert_int_equal(count_sent(IPC_BATCH), 2);
	assert_int_equal(world.sent[0].number, 2);
	assert_int_equal(world.sent[1].number, 3);
	assert_true(flow_window(world.flow) > 0);
	flow_stream_close(world.flow, s, false);
}

static void
a_closed_stream_stays_until_its_batches_are_answered(void **state)
{
	struct flow_stream *s;

	(void)state;
	flow_connected(world.flow);
	s = open_stream(0);
	add(1, 1, &s);
	flow_stream_close(world.flow, s, true);
	assert_int_equal(count_sent(IPC_STREAM_CLOSE), 0);
	/* A restarted keeper still learns whose the batch is. */
	flow_disconnected(world.flow);
	world.n_sent = 0;
	flow_connected(world.flow);
	assert_int_equal(count_sent(IPC_STREAM_OPEN), 1);
	assert_int_equal(say(IPC_COMMITTED, 1), 0);
	assert_int_equal(count_sent(IPC_STREAM_CLOSE), 1);
	assert_int_equal(world.durable[0], 0); /* nobody is told */
}

static void
the_window_is_the_smaller_of_pool_and_credit(void **state)
{
	(void)state;
	flow_connected(world.flow);
	assert_int_equal(flow_window(world.flow), 0); /* no credit yet */
	assert_int_equal(credit(1000, 4), 0);
	assert_int_equal(flow_window(world.flow), 1000);
	assert_int_equal(credit(1u << 30, 4), 0);
	assert_int_equal(flow_window(world.flow), 1 << 20);
	assert_int_equal(credit(0, 0), 0);
	assert_int_equal(flow_window(world.flow), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(nothing_is_acknowledged_before_it_is_committed),
	    TEST(a_commit_of_what_was_never_sent_is_not_believed),
	    TEST(a_restarted_keeper_is_sent_everything_unanswered_in_order),
	    TEST(already_for_a_later_number_does_not_settle_the_earlier),
	    TEST(a_refused_batch_comes_again_without_what_is_not_new),
	    TEST(a_batch_with_nothing_new_becomes_void),
	    TEST(later_stops_the_line_until_credit_comes),
	    TEST(a_closed_stream_stays_until_its_batches_are_answered),
	    TEST(the_window_is_the_smaller_of_pool_and_credit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
