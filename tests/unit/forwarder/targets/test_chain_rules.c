/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a child makes of its parent's CHAIN_STATE and CHAIN_NACK (RULES.md 8):
 * chain_state.c and chain_send.c without a pump and without a connection.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarder/targets/chain_internal.h"
#include "forwarder/targets/target.h"
#include "tests/helpers/cmocka_all.h"

#define SAID_MAX 16

/* What it has said to the parent and to its host. */
static struct said {
	struct agentlink_msg skip[SAID_MAX];
	size_t skips;
	struct entry_settled settled[SAID_MAX];
	size_t settles;
	struct iv lost[SAID_MAX];
	unsigned lost_messages, losts, incarnations, ups;
	uint64_t query, unreadable;
	char failed[64];
} said;

/* ---- the host ---- */

void
chain_say(struct target *t, const struct agentlink_msg *m)
{
	(void)t;
	assert_int_equal(m->type, AGENTLINK_SKIP);
	assert_true(said.skips < SAID_MAX);
	said.skip[said.skips++] = *m;
}

void
target_host_settle(struct target_host *h, enum entry_term term, uint64_t from,
    uint64_t to, const uint8_t *opaque)
{
	(void)h;
	(void)opaque;
	if (from >= to)
		return;
	assert_true(said.settles < SAID_MAX);
	said.settled[said.settles++] = (struct entry_settled){
	    .term = (uint8_t)term, .from = from, .to = to};
}

void
target_host_fail(struct target_host *h, enum target_verdict verdict,
    const char *code, const char *text, uint32_t retry_after_ms)
{
	(void)h;
	(void)verdict;
	(void)text;
	(void)retry_after_ms;
	snprintf(said.failed, sizeof(said.failed), "%s", code);
}

void
target_host_unreadable(
    struct target_host *h, uint64_t first_rec, const char *why)
{
	said.unreadable = first_rec;
	target_host_fail(h, TARGET_HOLD, "BATCH_DAMAGED", why, 0);
}

void
target_host_query(struct target_host *h, uint64_t last_rec)
{
	(void)h;
	said.query = last_rec;
}

void
target_host_new_incarnation(struct target_host *h, const char *why)
{
	(void)h;
	(void)why;
	said.incarnations++;
}

void
target_host_pending_again(struct target_host *h, const struct ivset *lost)
{
	(void)h;
	said.lost_messages++;
	for (size_t i = 0; i < lost->n; i++) {
		assert_true(said.losts < SAID_MAX);
		said.lost[said.losts++] = lost->iv[i];
	}
}

void
target_host_up(struct target_host *h)
{
	(void)h;
	said.ups++;
}

bool
target_host_is_settled(struct target_host *h, uint64_t rec)
{
	(void)h;
	(void)rec;
	return false;
}

bool
target_host_pace(struct target_host *h, size_t bytes)
{
	(void)h;
	(void)bytes;
	return true;
}

void
target_host_more(struct target_host *h)
{
	(void)h;
}

/* There is no connection. */
struct link *
call_link(const struct call *c)
{
	(void)c;
	return NULL;
}

struct loop *
target_host_loop(struct target_host *h)
{
	(void)h;
	return NULL;
}

const struct target_stream *
target_host_stream(struct target_host *h, uint32_t id)
{
	(void)h;
	(void)id;
	return NULL;
}

/* ---- a child that has handed over [1, settled) and has given out to 100 ----
 */

static struct target child;

static int
setup(void **state)
{
	memset(&said, 0, sizeof(said));
	memset(&child, 0, sizeof(child));
	ivset_init(&child.settled, 1024);
	ivset_init(&child.parents, 1024);
	for (size_t i = 0; i <= ENTRY_SKIP_GIVEN_UP; i++)
		ivset_init(&child.holes[i], 1024);
	memset(&child.incarnation, 7, sizeof(child.incarnation));
	child.start_rec = 1;
	child.next_rec = 101;
	child.phase = CHAIN_ASKED;
	*state = &child;
	return 0;
}

static int
teardown(void **state)
{
	struct target *t = *state;

	ivset_fini(&t->settled);
	ivset_fini(&t->parents);
	for (size_t i = 0; i <= ENTRY_SKIP_GIVEN_UP; i++)
		ivset_fini(&t->holes[i]);
	free(t->intervals);
	chain_forget_flight(t);
	return 0;
}

/* The incarnation began with nothing settled; since then all of it was. */
static void
hand_over(struct target *t, uint64_t to)
{
	static const struct agentlink_chain_state nothing;

	chain_on_parent_state(t, &nothing);
	assert_int_equal(said.ups, 1);
	ivset_add(&t->settled, 1, to, NULL);
	memset(&said, 0, sizeof(said));
}

/* The parent says that it has [from, to), which ends with that digest. */
static void
parent_has(struct target *t, uint64_t from, uint64_t to, uint8_t digest)
{
	struct agentlink_chain_interval i = {.from = from, .to = to};
	struct agentlink_chain_state s = {.n = 1};
	struct buf b;

	memset(i.digest, digest, sizeof(i.digest));
	buf_init(&b, 4096);
	agentlink_chain_interval_encode(&b, &i);
	s.intervals = buf_bytes(&b);
	chain_on_parent_state(t, &s);
	buf_fini(&b);
}

static void
keeper_has(struct target *t, uint64_t last_rec, bool found, uint8_t digest)
{
	struct ipc_digest d = {.last_rec = last_rec, .found = found};

	memset(d.digest, digest, sizeof(d.digest));
	chain_on_own_digest(t, &d);
}

/* ---- CHAIN_STATE ---- */

static void
what_the_parent_has_by_the_same_digest_is_delivered(void **state)
{
	struct target *t = *state;

	parent_has(t, 1, 51, 5);
	assert_int_equal(said.query, 50);
	assert_int_equal(said.ups, 0);
	keeper_has(t, 50, true, 5);
	assert_int_equal(said.ups, 1);
	assert_int_equal(said.settles, 1);
	assert_int_equal(said.settled[0].term, ENTRY_TERM_DELIVERED);
	assert_int_equal(said.settled[0].from, 1);
	assert_int_equal(said.settled[0].to, 51);
	assert_int_equal(said.incarnations + said.losts, 0);
}

static void
another_digest_makes_a_new_incarnation(void **state)
{
	struct target *t = *state;

	parent_has(t, 1, 51, 5);
	keeper_has(t, 50, true, 6);
	assert_int_equal(said.incarnations, 1);
	assert_int_equal(said.ups + said.settles, 0);
}

static void
an_interval_that_ends_with_a_skip_has_no_digest_to_compare(void **state)
{
	struct target *t = *state;

	parent_has(t, 1, 51, 0);
	keeper_has(t, 50, true, 6);
	assert_int_equal(said.incarnations, 0);
	assert_int_equal(said.ups, 1);
}

static void
numbers_never_given_out_make_a_new_incarnation(void **state)
{
	struct target *t = *state;

	parent_has(t, 1, 102, 5);
	assert_int_equal(said.incarnations, 1);
	assert_int_equal(said.ups + said.settles, 0);
}

static void
the_parent_may_ask_for_a_new_incarnation(void **state)
{
	const struct agentlink_chain_state s = {
	    .code = AGENTLINK_CODE_INCARNATION};

	chain_on_parent_state(*state, &s);
	assert_int_equal(said.incarnations, 1);
	assert_int_equal(said.ups, 0);
}

static void
what_was_delivered_and_is_not_there_is_owed_again(void **state)
{
	struct target *t = *state;

	hand_over(t, 91);
	parent_has(t, 1, 51, 5);
	keeper_has(t, 50, true, 5);
	assert_int_equal(said.losts, 1);
	assert_int_equal(said.lost[0].from, 51);
	assert_int_equal(said.lost[0].to, 91);
	assert_string_equal(said.failed, "CUSTODY_LOST");
	assert_int_equal(said.ups, 0);
}

/* Else the first could be delivered again before the second is known. */
static void
all_that_was_lost_is_told_at_once(void **state)
{
	struct target *t = *state;

	hand_over(t, 91);
	parent_has(t, 21, 51, 5);
	keeper_has(t, 50, true, 5);
	assert_int_equal(said.lost_messages, 1);
	assert_int_equal(said.losts, 2);
	assert_int_equal(said.lost[0].from, 1);
	assert_int_equal(said.lost[0].to, 21);
	assert_int_equal(said.lost[1].from, 51);
	assert_int_equal(said.lost[1].to, 91);
}

/* What went to the parent under an earlier incarnation it does not owe. */
static void
an_earlier_incarnation_is_not_asked_for(void **state)
{
	static const struct agentlink_chain_state nothing;
	struct target *t = *state;

	hand_over(t, 91);
	memset(&t->incarnation, 8, sizeof(t->incarnation));
	chain_on_parent_state(t, &nothing);
	assert_int_equal(said.losts, 0);
	assert_int_equal(said.ups, 1);
}

static void
a_hole_that_came_while_the_parent_was_away_is_skipped(void **state)
{
	struct target *t = *state;

	hand_over(t, 61);
	t->phase = CHAIN_DOWN;
	chain_on_hole(t, 51, 61, ENTRY_SKIP_QUARANTINED);
	assert_int_equal(said.skips, 0);
	parent_has(t, 1, 51, 5);
	keeper_has(t, 50, true, 5);
	assert_int_equal(said.losts, 0);
	assert_int_equal(said.skips, 1);
	assert_int_equal(said.skip[0].u.skip.from, 51);
	assert_int_equal(said.skip[0].u.skip.count, 10);
	assert_int_equal(said.skip[0].u.skip.reason, ENTRY_SKIP_QUARANTINED);
	assert_int_equal(said.ups, 1);
	/* The parent has it now, and is not told again. */
	parent_has(t, 1, 61, 5);
	keeper_has(t, 60, false, 0);
	assert_int_equal(said.skips, 1);
	assert_int_equal(said.ups, 2);
}

/* ---- CHAIN_NACK ---- */

static void
a_digest_mismatch_is_for_the_worker_to_judge(void **state)
{
	struct target *t = *state;
	struct chain_flight *f = calloc(1, sizeof(*f));
	const struct agentlink_chain_nack n = {
	    .code = AGENTLINK_CODE_DIGEST, .first_rec = 51};

	*f = (struct chain_flight){.from = 51, .to = 61, .bytes = 9};
	t->first = t->last = f;
	t->flight_batches = 1;
	t->flight_bytes = 9;
	t->phase = CHAIN_UP;
	chain_on_nack(t, &n);
	/* It is settled by nobody here. */
	assert_int_equal(said.unreadable, 51);
	assert_int_equal(said.skips + said.settles, 0);
}

static void
a_partial_overlap_begins_anew_from_the_parents_intervals(void **state)
{
	const struct agentlink_chain_nack n = {
	    .code = AGENTLINK_CODE_PARTIAL, .first_rec = 51};

	chain_on_nack(*state, &n);
	assert_string_equal(said.failed, "PARTIAL");
	assert_int_equal(said.skips + said.settles, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_the_parent_has_by_the_same_digest_is_delivered),
	    TEST(another_digest_makes_a_new_incarnation),
	    TEST(an_interval_that_ends_with_a_skip_has_no_digest_to_compare),
	    TEST(numbers_never_given_out_make_a_new_incarnation),
	    TEST(the_parent_may_ask_for_a_new_incarnation),
	    TEST(what_was_delivered_and_is_not_there_is_owed_again),
	    TEST(all_that_was_lost_is_told_at_once),
	    TEST(an_earlier_incarnation_is_not_asked_for),
	    TEST(a_hole_that_came_while_the_parent_was_away_is_skipped),
	    TEST(a_digest_mismatch_is_for_the_worker_to_judge),
	    TEST(a_partial_overlap_begins_anew_from_the_parents_intervals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
