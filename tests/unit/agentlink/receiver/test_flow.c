/* SPDX-License-Identifier: Apache-2.0 */
/* The line to the keeper, driven by plain calls. */
#include "tests/unit/agentlink/receiver/flow_rig.h"

#include "lib/base/err.h"
#include "tests/helpers/cmocka_all.h"

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
	assert_int_equal(answer(0, 3), 0);
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
	assert_int_equal(answer(0, 0), 0);
	assert_int_equal(answer(1, 0), 0);
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
#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, flow_rig_set_up, flow_rig_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(nothing_is_acknowledged_before_it_is_committed),
	    TEST(a_commit_of_what_was_never_sent_is_not_believed),
	    TEST(a_restarted_keeper_is_sent_everything_unanswered_in_order),
	    TEST(already_for_a_later_number_does_not_settle_the_earlier),
	    TEST(later_stops_the_line_until_credit_comes),
	    TEST(a_closed_stream_stays_until_its_batches_are_answered),
	    TEST(the_window_is_the_smaller_of_pool_and_credit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
