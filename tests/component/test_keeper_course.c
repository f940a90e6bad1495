/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real keeper over longer courses: segments that fill and go, the quota,
 * damage on the disk, targets that come and go.
 */
#include <signal.h>
#include <string.h>

#include "tests/component/keeper_rig.h"
#include "tests/helpers/cmocka_all.h"

#define MIB KEEPER_RIG_MIB

/* Take work and settle it until `to` is settled. */
static void
drain(struct keeper_peer *p, uint64_t to)
{
	uint64_t end;

	do {
		keeper_peer_stored(p);
		end = p->msg.u.stored.first_rec + p->msg.u.stored.records;
		keeper_peer_settle(
		    p, p->msg.u.stored.first_rec, end, ENTRY_TERM_DELIVERED);
	} while (end < to);
}

/* The rig's opaque bytes are where it has settled up to. */
static void
await_durable(struct keeper_peer *p, uint64_t to)
{
	do
		keeper_peer_expect(p, IPC_DURABLE);
	while (memcmp(p->msg.u.durable.opaque, &to, sizeof(to)) != 0);
}

static void
segments_that_every_target_has_are_given_back(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer in, out;
	struct keeper_agent a;

	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	keeper_rig_fill(&in, &a, 130, 2 * MIB);
	assert_true(keeper_rig_spool(r, "segments") >= 4);
	keeper_rig_prove(r);
	keeper_rig_connect(r, "archive", &out);
	drain(&out, 1301);
	keeper_rig_wait_spool(r, "segments", 1);
	keeper_rig_prove(r);
	keeper_rig_wait_target(r, "archive", "delivered", 1300);
	await_durable(&out, 1301);
	keeper_rig_kill(r);
	keeper_peer_close(&in);
	keeper_peer_close(&out);
	keeper_rig_start(r, 1);
	assert_int_equal(keeper_rig_target(r, "archive", "delivered"), 1300);
	assert_int_equal(keeper_rig_target(r, "archive", "pending"), 0);
	keeper_rig_agent(r, &in, &a, 1);
	assert_int_equal(a.seq, 1300);
	keeper_rig_prove(r);
	keeper_peer_close(&in);
}

static void
lose_custody(struct keeper_peer *p, uint64_t from, uint64_t to)
{
	keeper_peer_lost(p, (struct iv){from, to}, (struct iv){from, to});
}

static void
expect_hole(struct keeper_peer *p, uint64_t from, uint64_t to, uint8_t reason)
{
	keeper_peer_expect(p, IPC_HOLE);
	assert_int_equal(p->msg.u.interval.from, from);
	assert_int_equal(p->msg.u.interval.to, to);
	assert_int_equal(p->msg.u.interval.reason, reason);
}

/* RULES.md 8: owed again where it is still held, given up where it is not. */
static void
what_a_parent_lost_is_owed_again_where_it_is_held(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer in, out;
	struct keeper_agent a;

	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	keeper_rig_fill(&in, &a, 100, 2 * MIB);
	keeper_rig_connect(r, "archive", &out);
	drain(&out, 1001);
	keeper_rig_wait_spool(r, "segments", 1);
	await_durable(&out, 1001);
	/* The first ten went with their segment, the last ten did not. */
	lose_custody(&out, 1, 11);
	expect_hole(&out, 1, 11, ENTRY_SKIP_GIVEN_UP);
	keeper_peer_expect(&out, IPC_TARGET_STATE);
	lose_custody(&out, 991, 1001);
	keeper_peer_expect(&out, IPC_TARGET_STATE);
	keeper_peer_stored(&out);
	assert_int_equal(out.msg.u.stored.first_rec, 991);
	assert_int_equal(keeper_rig_target(r, "archive", "pending"), 10);
	keeper_peer_settle(&out, 991, 1001, ENTRY_TERM_DELIVERED);
	keeper_rig_wait_target(r, "archive", "delivered", 1000);
	keeper_rig_prove(r);
	keeper_peer_close(&in);
	keeper_peer_close(&out);
}

/*
 * Else the first could be delivered, and the target look drained, before the
 * second is known.
 */
static void
all_that_a_parent_lost_is_owed_at_once(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer out;
	uint64_t n;

	keeper_rig_start_with(r, 5);
	keeper_rig_take(r, "archive", &out, 5);
	keeper_peer_settle(&out, 1, 41, ENTRY_TERM_DELIVERED);
	await_durable(&out, 41);
	/* Said twice: the second is answered by the same state. */
	keeper_peer_lost(&out, (struct iv){1, 11}, (struct iv){21, 31});
	keeper_peer_lost(&out, (struct iv){1, 11}, (struct iv){21, 31});
	keeper_peer_expect(&out, IPC_TARGET_STATE);
	assert_int_equal(keeper_rig_target(r, "archive", "pending"), 30);
	/* The last one was on its way: it is forgotten there, and comes too. */
	for (n = 1; n <= 41; n += 20) {
		keeper_peer_stored(&out);
		assert_int_equal(out.msg.u.stored.first_rec, n);
	}
	keeper_peer_settle(&out, 1, 11, ENTRY_TERM_DELIVERED);
	keeper_peer_settle(&out, 21, 31, ENTRY_TERM_DELIVERED);
	keeper_peer_settle(&out, 41, 51, ENTRY_TERM_DELIVERED);
	keeper_rig_wait_target(r, "archive", "delivered", 50);
	keeper_rig_prove(r);
	keeper_peer_close(&out);
}

/* Send batches until there is no more credit; returns the last number. */
static uint64_t
fill(struct keeper_peer *p, struct keeper_agent *a, uint32_t bytes)
{
	uint64_t n;

	for (n = 1;; n++) {
		keeper_peer_large(p, n, a, 10, bytes);
		do {
			assert_true(keeper_peer_next(p));
			if (p->msg.type == IPC_CREDIT && !p->msg.u.credit.bytes)
				return n;
		} while (p->msg.type == IPC_CREDIT);
		assert_int_equal(p->msg.type, IPC_COMMITTED);
		assert_int_equal(p->msg.u.number.number, n);
	}
}

static void
at_the_quota_ingest_stops_and_goes_on_when_there_is_room(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer in, out;
	struct keeper_agent a, before;
	uint64_t n;

	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	n = fill(&in, &a, 4 * MIB - 4096);
	assert_true(n > 150);
	/* The last one waits or was committed; the next is told LATER. */
	before = a;
	keeper_peer_batch(&in, n + 1, &a, 10);
	do
		assert_true(keeper_peer_next(&in));
	while (in.msg.type == IPC_COMMITTED || in.msg.type == IPC_CREDIT);
	assert_int_equal(in.msg.type, IPC_LATER);
	assert_int_equal(in.msg.u.number.number, n + 1);
	assert_true(keeper_rig_spool(r, "used_bytes") <=
	    keeper_rig_spool(r, "quota_bytes"));
	keeper_rig_connect(r, "archive", &out);
	drain(&out, 10 * (n - 1) + 1);
	/* Credit comes again, and the same number is taken. */
	do
		assert_true(keeper_peer_next(&in));
	while (in.msg.type != IPC_CREDIT || !in.msg.u.credit.bytes);
	keeper_peer_batch(&in, n + 1, &before, 10);
	keeper_peer_committed(&in, n + 1);
	keeper_rig_prove(r);
	keeper_peer_close(&in);
	keeper_peer_close(&out);
	assert_int_equal(keeper_rig_stop(r), 0);
}

static void
damage_is_set_aside_and_the_rest_is_handed_out(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer out;
	json_t *bad;

	keeper_rig_start_with(r, 3);
	assert_int_equal(keeper_rig_stop(r), 0);
	keeper_rig_damage(r, 20);
	keeper_rig_start(r, 0);
	bad = keeper_rig_result(r, "verify", NULL);
	assert_true(json_is_false(json_object_get(bad, "ok")));
	/* Nobody was there to unpack the other two. */
	assert_int_equal(
	    json_integer_value(json_object_get(bad, "inspected")), 0);
	assert_int_equal(
	    json_integer_value(json_object_get(bad, "unchecked")), 2);
	json_decref(bad);
	keeper_rig_connect(r, "archive", &out);
	keeper_peer_stored(&out);
	assert_int_equal(out.msg.u.stored.first_rec, 1);
	keeper_peer_expect(&out, IPC_HOLE);
	assert_int_equal(out.msg.u.interval.from, 11);
	assert_int_equal(out.msg.u.interval.to, 21);
	assert_int_equal(out.msg.u.interval.reason, ENTRY_SKIP_QUARANTINED);
	keeper_peer_stored(&out);
	assert_int_equal(out.msg.u.stored.first_rec, 21);
	keeper_peer_settle(&out, 1, 11, ENTRY_TERM_DELIVERED);
	keeper_peer_settle(&out, 21, 31, ENTRY_TERM_DELIVERED);
	keeper_rig_wait_target(r, "archive", "delivered", 20);
	assert_int_equal(keeper_rig_target(r, "archive", "quarantined"), 10);
	assert_int_equal(keeper_rig_target(r, "archive", "pending"), 0);
	await_durable(&out, 31);
	/* A parent that asks for it is told so, and nothing is owed. */
	lose_custody(&out, 11, 21);
	expect_hole(&out, 11, 21, ENTRY_SKIP_HOLE);
	keeper_peer_expect(&out, IPC_TARGET_STATE);
	assert_int_equal(keeper_rig_target(r, "archive", "pending"), 0);
	keeper_peer_close(&out);
	keeper_rig_kill(r);
	keeper_rig_start(r, 0);
	assert_int_equal(keeper_rig_target(r, "archive", "quarantined"), 10);
	assert_int_equal(keeper_rig_target(r, "archive", "pending"), 0);
}

/* The same where the first that is owed is the one that is damaged. */
static void
damage_at_the_place_to_begin_is_counted_too(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer out;

	keeper_rig_start_with(r, 3);
	keeper_rig_take(r, "archive", &out, 3);
	keeper_peer_settle(&out, 1, 11, ENTRY_TERM_DELIVERED);
	await_durable(&out, 11);
	keeper_peer_close(&out);
	keeper_rig_kill(r);
	keeper_rig_damage(r, 20);
	keeper_rig_start(r, 0);
	keeper_rig_connect(r, "archive", &out);
	keeper_peer_stored(&out);
	assert_int_equal(out.msg.u.stored.first_rec, 21);
	keeper_peer_settle(&out, 21, 31, ENTRY_TERM_DELIVERED);
	keeper_rig_wait_target(r, "archive", "delivered", 20);
	assert_int_equal(keeper_rig_target(r, "archive", "quarantined"), 10);
	assert_int_equal(keeper_rig_target(r, "archive", "pending"), 0);
	keeper_peer_close(&out);
}

static void
a_target_comes_pauses_and_goes_by_its_name(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer in, out;
	struct keeper_agent a;

	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	keeper_peer_batch(&in, 1, &a, 10);
	keeper_peer_committed(&in, 1);
	/* A new name begins at the next record. */
	r->targets[1] = "siem";
	keeper_rig_reload(r);
	keeper_rig_wait_target(r, "siem", "start_rec", 11);
	assert_int_equal(keeper_rig_target(r, "siem", "pending"), 0);
	/* Paused, it gets nothing; resumed, all. */
	json_decref(keeper_rig_result(
	    r, "target.pause", json_pack("{s:s}", "name", "archive")));
	keeper_rig_connect(r, "archive", &out);
	assert_true(out.msg.u.target_state.paused);
	keeper_peer_silent(&out, 50);
	json_decref(keeper_rig_result(
	    r, "target.resume", json_pack("{s:s}", "name", "archive")));
	keeper_peer_expect(&out, IPC_CONTROL);
	keeper_peer_stored(&out);
	keeper_peer_close(&out);
	/* What is configured is not removed; what is not is an orphan. */
	keeper_rig_refused(r, "target.remove",
	    json_pack("{s:s, s:b}", "name", "archive", "yes", 1),
	    "TARGET_CONFIGURED");
	r->targets[0] = "siem";
	r->targets[1] = NULL;
	keeper_rig_reload(r);
	keeper_rig_refused(r, "target.remove",
	    json_pack("{s:s}", "name", "archive"), "NOT_CONFIRMED");
	assert_int_equal(keeper_rig_target(r, "archive", "pending"), 10);
	json_decref(keeper_rig_result(r, "target.rename",
	    json_pack("{s:s, s:s}", "old", "archive", "new", "elsewhere")));
	assert_int_equal(keeper_rig_target(r, "archive", "pending"), -1);
	assert_int_equal(keeper_rig_target(r, "elsewhere", "pending"), 10);
	json_decref(keeper_rig_result(r, "target.remove",
	    json_pack("{s:s, s:b}", "name", "elsewhere", "yes", 1)));
	keeper_rig_refused(r, "target", json_pack("{s:s}", "name", "elsewhere"),
	    "TARGET_UNKNOWN");
	keeper_rig_prove(r);
	keeper_peer_close(&in);
	keeper_rig_kill(r);
	keeper_rig_start(r, 0);
	assert_int_equal(keeper_rig_target(r, "elsewhere", "pending"), -1);
	assert_int_equal(keeper_rig_target(r, "siem", "start_rec"), 11);
}

/* Names of groups are looked up in the sandbox when it is read again. */
static void
a_reload_may_name_other_groups(void **state)
{
	struct keeper_rig *r = *state;

	keeper_rig_start(r, 0);
	r->viewers = "adm";
	keeper_rig_reload(r);
	assert_int_equal(keeper_rig_spool(r, "next_rec"), 1);
}

static void
what_was_rejected_counts_as_nothing_and_survives(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_agent a, old;
	struct keeper_peer in, out;
	json_t *status, *row;

	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	old = a;
	keeper_peer_batch(&in, 1, &a, 10);
	keeper_peer_committed(&in, 1);
	keeper_peer_batch(&in, 2, &old, 10); /* again */
	keeper_peer_expect(&in, IPC_ALREADY);
	a.seq += 5;
	keeper_peer_batch(&in, 3, &a, 10); /* a gap */
	keeper_peer_expect(&in, IPC_REFUSED);
	keeper_rig_prove(r);
	/* What is saved with a position is all of that moment. */
	keeper_rig_connect(r, "archive", &out);
	drain(&out, 11);
	await_durable(&out, 11);
	keeper_rig_kill(r);
	keeper_peer_close(&in);
	keeper_peer_close(&out);
	keeper_rig_start(r, 0);
	status = keeper_rig_result(r, "status", NULL);
	row = json_array_get(json_object_get(status, "listeners"), 0);
	assert_int_equal(
	    json_integer_value(json_object_get(row, "stored")), 10);
	assert_int_equal(
	    json_integer_value(json_object_get(row, "duplicate")), 10);
	assert_int_equal(
	    json_integer_value(json_object_get(row, "refused")), 10);
	assert_int_equal(
	    json_integer_value(json_object_get(row, "received")), 30);
	json_decref(status);
	keeper_rig_prove(r);
}

static void
a_stop_commits_what_is_queued(void **state)
{
	struct keeper_rig *r = *state;
	struct keeper_peer in;
	struct keeper_agent a;
	uint64_t n;

	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	for (n = 1; n <= 50; n++)
		keeper_peer_batch(&in, n, &a, 10);
	keeper_peer_committed(&in, 1);
	assert_int_equal(keeper_rig_stop(r), 0);
	n = in.msg.u.number.number;
	while (keeper_peer_next(&in))
		if (in.msg.type == IPC_COMMITTED)
			n = in.msg.u.number.number;
	keeper_peer_close(&in);
	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	assert_true(a.seq >= n * 10);
	keeper_rig_prove(r);
	keeper_peer_close(&in);
}

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, keeper_rig_setup, keeper_rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(segments_that_every_target_has_are_given_back),
	    TEST(what_a_parent_lost_is_owed_again_where_it_is_held),
	    TEST(all_that_a_parent_lost_is_owed_at_once),
	    TEST(at_the_quota_ingest_stops_and_goes_on_when_there_is_room),
	    TEST(damage_is_set_aside_and_the_rest_is_handed_out),
	    TEST(damage_at_the_place_to_begin_is_counted_too),
	    TEST(a_target_comes_pauses_and_goes_by_its_name),
	    TEST(a_reload_may_name_other_groups),
	    TEST(what_was_rejected_counts_as_nothing_and_survives),
	    TEST(a_stop_commits_what_is_queued),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
