/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real keeper, driven through its sockets: what it acknowledges, what it
 * hands out, what it remembers when it is killed.
 */
#include <signal.h>

#include "tests/component/keeper_rig.h"
#include "tests/helpers/cmocka_all.h"

static void
a_batch_is_committed_handed_out_and_settled(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer in, out;
	struct keeper_agent a;

	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	keeper_peer_batch(&in, 1, &a, 5);
	keeper_peer_committed(&in, 1);
	keeper_rig_forwarder(r, "archive", &out);
	keeper_peer_target(&out, "archive");
	assert_int_equal(out.msg.u.target_state.start_rec, 1);
	assert_int_equal(out.msg.u.target_state.next_rec, 6);
	keeper_peer_work(&out, 1 << 20, 16);
	keeper_peer_expect(&out, IPC_STREAM_DEF);
	assert_memory_equal(out.msg.u.stream_def.name.ptr, "log", 3);
	keeper_peer_expect(&out, IPC_STORED);
	assert_int_equal(out.msg.u.stored.first_rec, 1);
	assert_int_equal(out.msg.u.stored.records, 5);
	assert_memory_equal(
	    out.msg.u.stored.payload.ptr, "payload of log to 5", 19);
	assert_int_equal(keeper_rig_target(r, "archive", "pending"), 5);
	keeper_peer_settle(&out, 1, 6, ENTRY_TERM_DELIVERED);
	keeper_peer_expect(&out, IPC_DURABLE);
	assert_int_equal(keeper_rig_target(r, "archive", "delivered"), 5);
	assert_int_equal(keeper_rig_target(r, "archive", "pending"), 0);
	keeper_rig_prove(r);
	keeper_peer_close(&in);
	keeper_peer_close(&out);
	assert_int_equal(keeper_rig_stop(r), 0);
}

static void
what_was_committed_is_there_after_a_kill(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer in, out;
	struct keeper_agent a;
	uint64_t n;

	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	for (n = 1; n <= 20; n++)
		keeper_peer_batch(&in, n, &a, 10);
	keeper_peer_committed(&in, 20);
	keeper_rig_kill(r);
	keeper_peer_close(&in);
	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	assert_int_equal(a.seq, 200);
	keeper_peer_batch(&in, 21, &a, 10);
	keeper_peer_committed(&in, 21);
	keeper_rig_forwarder(r, "archive", &out);
	keeper_peer_target(&out, "archive");
	keeper_peer_work(&out, 1 << 20, 64);
	for (n = 1; n <= 210; n += 10) {
		keeper_peer_stored(&out);
		if (n <= 200)
			assert_int_equal(out.msg.u.stored.first_rec, n);
	}
	keeper_rig_prove(r);
	keeper_peer_close(&in);
	keeper_peer_close(&out);
}

/* Replayed after a kill: what is durable is ALREADY, the rest is taken. */
static void
a_replay_is_judged_by_its_ranges(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_agent a, again;
	struct keeper_peer in;

	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	again = a;
	keeper_peer_batch(&in, 1, &a, 10);
	keeper_peer_batch(&in, 2, &a, 10);
	keeper_peer_committed(&in, 2);
	keeper_rig_kill(r);
	keeper_peer_close(&in);
	keeper_rig_start(r, 1);
	keeper_rig_receiver(r, 0, &in);
	keeper_peer_introduce(&in, 0, 1);
	keeper_peer_open(&in, &again);
	keeper_peer_batch(&in, 1, &again, 10);
	keeper_peer_expect(&in, IPC_ALREADY);
	assert_int_equal(in.msg.u.number.number, 1);
	keeper_peer_batch(&in, 2, &again, 10);
	keeper_peer_expect(&in, IPC_ALREADY);
	keeper_peer_batch(&in, 3, &again, 10);
	keeper_peer_expect(&in, IPC_COMMITTED);
	assert_int_equal(in.msg.u.number.number, 3);
	keeper_peer_replayed(&in);
	keeper_peer_expect(&in, IPC_STREAM_STATE);
	assert_int_equal(in.msg.u.stream_state.last, 30);
	keeper_rig_prove(r);
	keeper_peer_close(&in);
}

/* A settled position survives a kill: by meta, or by the log alone. */
static void
what_was_settled_is_not_handed_out_again(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer in, out;
	struct keeper_agent a;

	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	keeper_peer_batch(&in, 1, &a, 10);
	keeper_peer_batch(&in, 2, &a, 10);
	keeper_peer_committed(&in, 2);
	keeper_rig_forwarder(r, "archive", &out);
	keeper_peer_target(&out, "archive");
	keeper_peer_work(&out, 1 << 20, 64);
	keeper_peer_stored(&out);
	keeper_peer_stored(&out);
	keeper_peer_settle(&out, 1, 11, ENTRY_TERM_DELIVERED);
	keeper_peer_expect(&out, IPC_DURABLE);
	keeper_rig_kill(r);
	keeper_peer_close(&in);
	keeper_peer_close(&out);
	keeper_rig_start(r, 0);
	assert_int_equal(keeper_rig_target(r, "archive", "delivered"), 10);
	keeper_rig_forwarder(r, "archive", &out);
	keeper_peer_target(&out, "archive");
	keeper_peer_work(&out, 1 << 20, 64);
	keeper_peer_stored(&out);
	assert_int_equal(out.msg.u.stored.first_rec, 11);
	keeper_rig_prove(r);
	assert_int_equal(keeper_rig_stop(r), 0);
	keeper_peer_close(&out);
	keeper_rig_start(r, 0);
	assert_int_equal(keeper_rig_target(r, "archive", "pending"), 10);
	keeper_rig_prove(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_batch_is_committed_handed_out_and_settled, keeper_rig_setup,
		keeper_rig_teardown),
	    cmocka_unit_test_setup_teardown(
		what_was_committed_is_there_after_a_kill, keeper_rig_setup,
		keeper_rig_teardown),
	    cmocka_unit_test_setup_teardown(a_replay_is_judged_by_its_ranges,
		keeper_rig_setup, keeper_rig_teardown),
	    cmocka_unit_test_setup_teardown(
		what_was_settled_is_not_handed_out_again, keeper_rig_setup,
		keeper_rig_teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
