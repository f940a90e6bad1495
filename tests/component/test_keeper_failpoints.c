/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real keeper is killed at its named fail points, and started again.
 * Needs a build with --enable-failpoints; skipped otherwise.
 */
#include "config.h"

#include <signal.h>

#include "tests/component/keeper_rig.h"
#include "tests/helpers/cmocka_all.h"

/* Each fail point has a spool of its own. */
static struct keeper_rig *
fresh(void **state)
{
	keeper_rig_teardown(state);
	keeper_rig_setup(state);
	return *state;
}

/* A keeper that will die there, and an agent of it. */
static void
start_until(struct keeper_rig *r, const char *failpoint, struct keeper_peer *p,
    struct keeper_agent *a)
{
	r->failpoint = failpoint;
	keeper_rig_start(r, 1);
	r->failpoint = NULL;
	keeper_rig_agent(r, p, a, 1);
}

/*
 * Killed at a named place: nothing acknowledged is lost, nothing is there
 * twice, and what was settled and told DURABLE stays settled.
 */
static void
die_at(struct keeper_rig *r, const char *name)
{
	struct keeper_peer in, out;
	struct keeper_agent a;
	uint64_t n, acked = 0;

	start_until(r, name, &in, &a);
	keeper_rig_connect(r, "archive", &out);
	for (n = 1; n <= 500 && acked == n - 1; n++) {
		keeper_peer_batch(&in, n, &a, 10);
		while (acked < n && keeper_peer_next(&in))
			if (in.msg.type == IPC_COMMITTED)
				acked = in.msg.u.number.number;
		keeper_peer_settle(
		    &out, 1, acked * 10 + 1, ENTRY_TERM_DELIVERED);
	}
	assert_true(keeper_rig_died(r));
	keeper_peer_close(&in);
	keeper_peer_close(&out);
	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	assert_true(a.seq >= acked * 10);
	keeper_rig_prove(r);
	keeper_peer_close(&in);
	keeper_rig_kill(r);
}

static void
killed_at_any_named_place_it_keeps_its_promise(void **state)
{
	static const char *const name[] = {"keeper-before-commit:3",
	    "keeper-after-commit:2", "keeper-after-commit:3",
	    "keeper-before-post:2", "keeper-before-committed:3",
	    "keeper-after-committed:2", "keeper-after-stored:2",
	    "keeper-before-meta:2", "keeper-after-meta:1"};
	size_t i;

#ifndef WITH_FAILPOINTS
	skip();
#endif
	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		die_at(fresh(state), name[i]);
}

/* Three segments are filled and settled; it dies when it gives one back. */
static void
die_giving_back(struct keeper_rig *r, const char *failpoint)
{
	struct keeper_peer in, out;
	struct keeper_agent a;

	start_until(r, failpoint, &in, &a);
	keeper_rig_fill(&in, &a, 70, 2 * KEEPER_RIG_MIB);
	assert_int_equal(keeper_rig_spool(r, "segments"), 3);
	keeper_rig_connect(r, "archive", &out);
	keeper_peer_stored(&out);
	keeper_peer_settle(&out, 1, 701, ENTRY_TERM_DELIVERED);
	assert_true(keeper_rig_died(r));
	keeper_peer_close(&in);
	keeper_peer_close(&out);
}

/*
 * RECYCLE is in the log and its segment is not gone, perhaps without its key:
 * a target that begins with the oldest record must not be owed what lies
 * there.
 */
static void
a_recycle_in_the_log_is_finished_whoever_comes_then(void **state)
{
	static const char *const name[] = {"keeper-before-recycle",
	    "store-recycle-begin", "store-recycle-keys",
	    "store-recycle-renamed"};
	struct keeper_rig *r;
	struct keeper_peer out;
	int64_t begins;
	size_t i;

#ifndef WITH_FAILPOINTS
	skip();
#endif
	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		r = fresh(state);
		die_giving_back(r, name[i]);
		r->targets[1] = "late";
		r->oldest = true;
		keeper_rig_start(r, 1);
		keeper_rig_connect(r, "late", &out);
		keeper_peer_stored(&out);
		begins = keeper_rig_target(r, "late", "start_rec");
		assert_true(begins > 1 && begins < 701);
		assert_int_equal(out.msg.u.stored.first_rec, begins);
		keeper_peer_settle(
		    &out, (uint64_t)begins, 701, ENTRY_TERM_DELIVERED);
		keeper_rig_wait_target(r, "late", "pending", 0);
		assert_int_equal(
		    keeper_rig_target(r, "late", "delivered"), 701 - begins);
		keeper_rig_prove(r);
		keeper_peer_close(&out);
	}
}

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, keeper_rig_setup, keeper_rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(killed_at_any_named_place_it_keeps_its_promise),
	    TEST(a_recycle_in_the_log_is_finished_whoever_comes_then),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
