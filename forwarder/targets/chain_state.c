/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parent and child compare notes (RULES.md 8).
 *
 * The parent says which intervals of our numbers it has, each with the content
 * digest of the batch that ends it.  What it has and we know by the same
 * digest is delivered.  A digest that differs, or numbers that we have never
 * given out, mean that we are not who the parent knows: we take a new
 * incarnation and send all that is pending under it.  What we have as
 * delivered and the parent lacks is owed again.
 */
#include <stdlib.h>
#include <string.h>

#include "forwarder/targets/chain_internal.h"
#include "forwarder/targets/chain_position.h"
#include "lib/base/err.h"

static void
be_new(struct target *t, const char *why)
{
	target_host_new_incarnation(t->host, why);
	/* The keeper answers with a new state, which starts us again. */
	target_host_fail(t->host, TARGET_RETRY, "INCARNATION", why, 0);
}

/* Leave in `settled` only what this incarnation has handed over. */
static void
forget_earlier(struct target *t)
{
	struct chain_position p;
	size_t i;

	if (chain_position_decode(t->opaque, &p) ||
	    !uuid_equal(&p.incarnation, &t->incarnation)) {
		chain_position_note(
		    &p, &t->settled, t->start_rec, &t->incarnation);
		chain_position_encode(&p, t->opaque);
		target_host_settle(
		    t->host, ENTRY_TERM_DELIVERED, 0, 0, t->opaque);
	}
	if (p.base)
		ivset_remove(&t->settled, 0, p.base, NULL);
	for (i = 0; i < CHAIN_POSITION_EXTRA; i++)
		if (p.extra[i].to)
			ivset_remove(
			    &t->settled, p.extra[i].from, p.extra[i].to, NULL);
}

/* The first part of [*from, end) that the parent lacks: [*from, *to). */
static bool
next_lacking(const struct target *t, uint64_t *from, uint64_t end, uint64_t *to)
{
	*from = ivset_first_gap(&t->parents, *from);
	if (*from >= end)
		return false;
	*to = end;
	ivset_first_in(&t->parents, *from, to);
	if (*to > end)
		*to = end;
	return true;
}

/* Say SKIP for the part of [from, end) that the parent lacks. */
static void
say_rest(struct target *t, uint64_t from, uint64_t end, uint8_t reason)
{
	for (uint64_t to; next_lacking(t, &from, end, &to); from = to)
		chain_say_skip(
		    t, from, to - from, (enum entry_skip_reason)reason);
}

void
chain_on_hole(struct target *t, uint64_t from, uint64_t to, uint8_t reason)
{
	if (reason < ENTRY_SKIP_HOLE || reason > ENTRY_SKIP_GIVEN_UP)
		reason = ENTRY_SKIP_HOLE;
	/* A set that is full forgets: then the keeper is asked again. */
	ivset_add(&t->holes[reason], from, to, NULL);
	if (t->phase == CHAIN_UP)
		chain_say_skip(
		    t, from, to - from, (enum entry_skip_reason)reason);
}

/* Holes that came while the parent was away; they are no loss of custody. */
static void
say_holes(struct target *t)
{
	for (uint8_t r = ENTRY_SKIP_HOLE; r <= ENTRY_SKIP_GIVEN_UP; r++)
		for (size_t i = 0; i < t->holes[r].n; i++) {
			uint64_t from = t->holes[r].iv[i].from;
			uint64_t to = t->holes[r].iv[i].to;

			say_rest(t, from, to, r);
			ivset_remove(&t->settled, from, to, NULL);
		}
}

/*
 * What of [from, end) is not there.  A set that is full remembers less: the
 * rest is found when all of this is owed again, and the two compare anew.
 */
static void
note_lost(struct target *t, uint64_t from, uint64_t end, struct ivset *lost)
{
	for (uint64_t to; next_lacking(t, &from, end, &to); from = to)
		ivset_add(lost, from, to, NULL);
}

/*
 * What is settled here, but not there: custody was lost.  It is told in one
 * piece, or a part could be delivered again before the rest is known.
 */
static bool
tell_lost(struct target *t)
{
	struct ivset lost;
	bool any;

	forget_earlier(t);
	say_holes(t);
	ivset_init(&lost, ENTRY_INTERVALS_MAX);
	for (size_t i = 0; i < t->settled.n; i++)
		note_lost(t, t->settled.iv[i].from, t->settled.iv[i].to, &lost);
	any = lost.n;
	if (any)
		target_host_pending_again(t->host, &lost);
	ivset_fini(&lost);
	return any;
}

static void
go_up(struct target *t)
{
	if (tell_lost(t)) {
		target_host_fail(t->host, TARGET_RETRY, "CUSTODY_LOST",
		    "the parent lacks records that it had taken; they are "
		    "owed again",
		    0);
		return;
	}
	for (size_t i = 0; i < t->parents.n; i++)
		chain_settle(t, t->parents.iv[i].from, t->parents.iv[i].to);
	t->phase = CHAIN_UP;
	target_host_up(t->host);
}

static void
next_interval(struct target *t)
{
	const struct agentlink_chain_interval *i;

	if (t->at_interval == t->n_intervals) {
		go_up(t);
		return;
	}
	i = &t->intervals[t->at_interval];
	if (i->to > t->next_rec) {
		be_new(t,
		    "the parent has records that this spool has never given "
		    "out: it was restored or cloned");
		return;
	}
	target_host_query(t->host, i->to - 1);
}

void
chain_on_own_digest(struct target *t, const struct ipc_digest *d)
{
	static const uint8_t none[BATCH_DIGEST_SIZE];
	const struct agentlink_chain_interval *i;

	if (t->phase != CHAIN_RECONCILE || t->at_interval >= t->n_intervals)
		return;
	i = &t->intervals[t->at_interval];
	if (d->last_rec != i->to - 1)
		return;
	/*
	 * Not found: recycled, which it is only when it was delivered.  Zeros:
	 * the interval ends with a SKIP, which has nothing to compare, although
	 * a batch that was set aside may still be there.
	 */
	if (d->found && memcmp(i->digest, none, sizeof(none)) &&
	    memcmp(d->digest, i->digest, BATCH_DIGEST_SIZE)) {
		be_new(t,
		    "the parent has other records under our numbers: this "
		    "spool was restored or cloned");
		return;
	}
	t->at_interval++;
	next_interval(t);
}

static int
take_intervals(struct target *t, const struct agentlink_chain_state *state)
{
	ivset_clear(&t->parents);
	free(t->intervals);
	t->intervals = calloc(state->n + 1, sizeof(*t->intervals));
	t->n_intervals = t->at_interval = 0;
	if (!t->intervals)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < state->n; i++) {
		struct agentlink_chain_interval *x = &t->intervals[i];
		int rc;

		agentlink_chain_interval_at(state->intervals, i, x);
		rc = ivset_add(&t->parents, x->from, x->to, NULL);
		if (rc)
			return rc;
	}
	t->n_intervals = state->n;
	return 0;
}

void
chain_on_parent_state(
    struct target *t, const struct agentlink_chain_state *state)
{
	int rc;

	if (state->code == AGENTLINK_CODE_INCARNATION) {
		be_new(t, "the parent asks for a new incarnation");
		return;
	}
	if (state->code != AGENTLINK_CODE_OK) {
		target_host_fail(t->host, TARGET_RETRY,
		    agentlink_code_name(state->code),
		    agentlink_code_text(state->code), 0);
		return;
	}
	rc = take_intervals(t, state);
	if (rc) {
		target_host_fail(
		    t->host, TARGET_RETRY, "PROTOCOL", err_text(rc), 0);
		return;
	}
	t->credit_bytes = state->credit_bytes;
	t->credit_batches = state->credit_batches;
	t->phase = CHAIN_RECONCILE;
	next_interval(t);
}
