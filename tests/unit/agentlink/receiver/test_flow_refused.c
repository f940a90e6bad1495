/* SPDX-License-Identifier: Apache-2.0 */
/* The line to the keeper when it refuses, or has it already. */
#include "tests/unit/agentlink/receiver/flow_rig.h"

#include "lib/base/err.h"
#include "tests/helpers/cmocka_all.h"

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
	world.n_sent = 0;
	assert_int_equal(refuse(1, "g"), 0);
	assert_int_equal(world.sent[0].type, IPC_VOID);
	assert_int_equal(world.sent[0].number, 1);
	assert_int_equal(say(IPC_COMMITTED, 1), 0);
	assert_int_equal(world.durable[0], 0);
	assert_int_equal(world.refused[0], 1);
	assert_true(flow_is_idle(world.flow));
	flow_stream_close(world.flow, s, false);
}

/* A refused range, and three batches that were behind it. */
static void
refuse_and_resume(struct flow_stream **s)
{
	flow_connected(world.flow);
	s[0] = open_stream(0);
	s[1] = open_stream(1);
	add(1, 1, &s[0]); /* number 1: was taken */
	add(2, 1, &s[0]); /* 2: will be refused */
	add(3, 2, s); /* 3: with a range of another stream */
	add(4, 1, &s[0]); /* 4 */
	world.n_sent = 0;
	assert_int_equal(refuse(2, "g"), 0);
}

static void
what_is_behind_a_refused_range_is_withdrawn(void **state)
{
	struct flow_stream *s[2];

	(void)state;
	refuse_and_resume(s);
	assert_int_equal(world.refused[0], 1);
	assert_int_equal(world.n_sent, 3);
	assert_int_equal(world.sent[0].type, IPC_VOID);
	assert_int_equal(world.sent[1].type, IPC_BATCH);
	assert_int_equal(world.sent[1].number, 3);
	assert_int_equal(world.sent[1].n, 1);
	assert_int_equal(world.sent[2].type, IPC_VOID);
	/* What comes from there on again is not. */
	add(2, 1, &s[0]);
	assert_int_equal(world.sent[3].type, IPC_BATCH);
	assert_int_equal(world.sent[3].number, 5);
	assert_int_equal(say(IPC_COMMITTED, 5), 0);
	assert_int_equal(world.durable[0], 2);
	assert_int_equal(world.durable[1], 3);
	flow_stream_close(world.flow, s[0], false);
	flow_stream_close(world.flow, s[1], false);
}

static void
what_was_before_a_refused_range_is_not_withdrawn(void **state)
{
	struct flow_stream *s[2];

	(void)state;
	refuse_and_resume(s);
	flow_disconnected(world.flow);
	world.n_sent = 0;
	flow_connected(world.flow);
	/* RECEIVER, two STREAM_OPEN, numbers 1 to 4, REPLAYED. */
	assert_int_equal(world.sent[3].type, IPC_BATCH);
	assert_int_equal(world.sent[3].number, 1);
	assert_int_equal(world.sent[4].type, IPC_VOID);
	assert_int_equal(world.sent[5].n, 1);
	assert_int_equal(world.sent[6].type, IPC_VOID);
	flow_stream_close(world.flow, s[0], false);
	flow_stream_close(world.flow, s[1], false);
}

static void
what_cannot_be_made_anew_is_refused_for_now(void **state)
{
	struct flow_stream *s[2];

	(void)state;
	world.rebuild_rc = ERR_NOMEM;
	refuse_and_resume(s);
	assert_int_equal(world.sent[1].type, IPC_VOID);
	assert_int_equal(world.refused[0], 1);
	assert_int_equal(world.refused[1], 1);
	flow_stream_close(world.flow, s[0], false);
	flow_stream_close(world.flow, s[1], false);
}

/* A keeper that refuses and finds nothing wrong would do so for ever. */
static void
a_refusal_without_a_reason_is_not_believed(void **state)
{
	struct flow_stream *s;

	(void)state;
	flow_connected(world.flow);
	s = open_stream(0);
	add(1, 1, &s);
	assert_int_equal(refuse(1, "n"), ERR_FORMAT);
	flow_stream_close(world.flow, s, false);
}

/* In a replay only the answer with the head says whose history it is. */
static void
already_in_a_replay_acknowledges_nothing_the_answer_does(void **state)
{
	struct flow_stream *s;

	(void)state;
	flow_connected(world.flow);
	s = open_stream(0);
	add(1, 1, &s);
	assert_int_equal(say(IPC_ALREADY, 1), 0);
	assert_int_equal(world.durable[0], 0);
	assert_true(flow_is_idle(world.flow));
	assert_int_equal(answer(0, 1), 0);
	assert_int_equal(world.durable[0], 1);
	flow_stream_close(world.flow, s, false);
}

/*
 * The keeper ends a link with more than that, and all agents of the receiver
 * would pay for it, again after each replay.
 */
static void
no_more_streams_are_opened_than_the_keeper_bears(void **state)
{
	static struct flow_stream *s[IPC_SIDS_MAX];
	struct flow_stream_open open = {.key = {.name = bytes_of_str("one")}};
	struct flow_stream *more;

	(void)state;
	for (uint32_t i = 0; i < IPC_SIDS_MAX; i++)
		s[i] = open_stream(0);
	assert_int_equal(
	    flow_stream_open(world.flow, &open, NULL, &more), ERR_LIMIT);
	flow_stream_close(world.flow, s[0], false);
	s[0] = open_stream(0);
	for (uint32_t i = 0; i < IPC_SIDS_MAX; i++)
		flow_stream_close(world.flow, s[i], false);
}

int
main(void)
{
#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, flow_rig_set_up, flow_rig_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_refused_batch_comes_again_without_what_is_not_new),
	    TEST(a_batch_with_nothing_new_becomes_void),
	    TEST(what_is_behind_a_refused_range_is_withdrawn),
	    TEST(what_was_before_a_refused_range_is_not_withdrawn),
	    TEST(what_cannot_be_made_anew_is_refused_for_now),
	    TEST(a_refusal_without_a_reason_is_not_believed),
	    TEST(already_in_a_replay_acknowledges_nothing_the_answer_does),
	    TEST(no_more_streams_are_opened_than_the_keeper_bears),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
