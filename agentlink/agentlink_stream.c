/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is held of a stream, what is durable, and what is to be sent next.
 *
 * Held batches are a ring in sequence order.  Those up to `acked` are kept a
 * while in case the spool comes back without them.  `cursor` walks over the
 * sequence numbers: where a batch is held that this spool lacks, it is DATA;
 * where none is held, or another spool has it, it is ADVANCE (RULES.md 2).
 */
#include "agentlink/agentlink_state.h"

#include <stdlib.h>

#include "lib/base/err.h"

void
agentlink_stream_free(struct agentlink_engine *e, struct agentlink_stream *s)
{
	if (!s)
		return;
	while (s->held_n)
		agentlink_held_drop_first(e, s);
	free(s->held);
	free(s->name);
	free(s);
}

/* ---- heads at boundaries --------------------------------------------------
 */

/* The head after seq, where we know it. */
static bool
known_head(const struct agentlink_engine *e, const struct agentlink_stream *s,
    uint64_t seq, uint8_t *head)
{
	const uint8_t *from = NULL;
	static const uint8_t zero[DIGEST_CHAIN_SIZE];
	struct agentlink_held *h = agentlink_held_covering(s, seq);
	struct agentlink_held *next = agentlink_held_find(s, seq + 1);
	if (seq == s->next_seq - 1)
		from = s->next_head;
	else if (seq == s->acked)
		from = s->acked_head;
	else if (next)
		from = next->prev_head;
	else if (!seq)
		from = zero;
	for (unsigned i = 0; !from && i < s->marks; i++)
		if (s->mark[i].to == seq)
			from = s->mark[i].head;
	if (from) {
		memcpy(head, from, DIGEST_CHAIN_SIZE);
		return true;
	}
	if (!h || agentlink_held_end(h) != seq)
		return false;
	agentlink_held_head_after(e, h, head);
	return true;
}

static bool
head_differs(const struct agentlink_engine *e, const struct agentlink_stream *s,
    uint64_t seq, const uint8_t *head)
{
	uint8_t ours[DIGEST_CHAIN_SIZE];
	return known_head(e, s, seq, ours) &&
	    memcmp(ours, head, sizeof(ours)) != 0;
}

/* ---- acknowledged ----------------------------------------------------------
 */

/* Keep what was acknowledged only while there is room for it. */
static void
release_acked(struct agentlink_engine *e, struct agentlink_stream *s)
{
	while (s->held_n && e->kept_bytes > e->settings.keep_max) {
		struct agentlink_held *h = agentlink_held_at(s, 0);
		if (agentlink_held_end(h) > s->acked || h->in_flight)
			break;
		e->kept_bytes -= h->payload_len;
		agentlink_held_drop_first(e, s);
	}
}

/* Count the held batches of old_acked+1..acked as acknowledged. */
static void
settle(
    struct agentlink_engine *e, struct agentlink_stream *s, uint64_t old_acked)
{
	struct agentlink_counts *c = &e->counts;
	for (size_t i = agentlink_held_count_from(s, old_acked); i < s->held_n;
	     i++) {
		struct agentlink_held *h = agentlink_held_at(s, i);
		if (agentlink_held_end(h) > s->acked)
			break;
		c->held_records -= h->count;
		c->held_batches--;
		c->held_bytes -= h->payload_len;
		e->kept_bytes += h->payload_len;
		if (h->give_up)
			continue;
		c->records += h->count;
		c->bytes += h->bytes;
		c->batches++;
		s->fresh_records += h->count;
	}
}

void
agentlink_stream_mark(struct agentlink_engine *e, struct agentlink_stream *s,
    uint64_t seq, const uint8_t *head, const struct uuid *spool)
{
	if (seq <= s->acked)
		return;
	uint64_t old = s->acked;
	s->acked = seq;
	if (s->next_seq <= seq) {
		s->next_seq = seq + 1;
		memcpy(s->next_head, head, DIGEST_CHAIN_SIZE);
	}
	memcpy(s->acked_head, head, DIGEST_CHAIN_SIZE);
	if (!s->marks || !uuid_equal(&s->mark[s->marks - 1].spool, spool)) {
		if (s->marks == AGENTLINK_STATE_MARKS_MAX) {
			/* The two oldest become one, told by the second. */
			memmove(&s->mark[0], &s->mark[1],
			    sizeof(s->mark) - sizeof(s->mark[0]));
			s->marks--;
		}
		s->mark[s->marks++].spool = *spool;
	}
	struct agentlink_mark *m = &s->mark[s->marks - 1];
	m->to = seq;
	memcpy(m->head, head, DIGEST_CHAIN_SIZE);
	settle(e, s, old);
	s->fresh_spool = *spool;
	if (!s->is_dirty)
		e->dirty++;
	s->is_dirty = true;
	release_acked(e, s);
}

/* The highest boundary at or below seq whose head is known. */
static uint64_t
boundary(const struct agentlink_stream *s, uint64_t seq)
{
	if (seq >= s->next_seq)
		seq = s->next_seq - 1;
	struct agentlink_held *h = agentlink_held_covering(s, seq);
	if (h && agentlink_held_end(h) > seq)
		return h->first_seq - 1;
	return seq;
}

/* Sent and not acknowledged, from this on: no more. */
static void
land(struct agentlink_engine *e, struct agentlink_stream *s, uint64_t from,
    uint64_t to)
{
	if (s->advanced_to && s->advanced_to >= from && s->advanced_to <= to) {
		s->advanced_to = 0;
		e->flying_batches--;
	}
	size_t i = agentlink_held_count_from(s, from);
	for (i = i ? i - 1 : 0; i < s->held_n; i++) {
		struct agentlink_held *h = agentlink_held_at(s, i);
		if (agentlink_held_end(h) > to)
			break;
		if (!h->in_flight || h->first_seq < from)
			continue;
		h->in_flight = false;
		e->flying_bytes -= h->payload_len;
		e->flying_batches--;
	}
}

void
agentlink_stream_on_ack(
    struct agentlink_engine *e, struct agentlink_stream *s, uint64_t seq)
{
	seq = boundary(s, seq);
	if (seq <= s->confirmed)
		return;
	land(e, s, s->confirmed + 1, seq);
	s->confirmed = seq;
	uint8_t head[DIGEST_CHAIN_SIZE];
	if (seq > s->acked && known_head(e, s, seq, head))
		agentlink_stream_mark(e, s, seq, head, &e->spool);
	else
		release_acked(e, s);
}

bool
agentlink_stream_is_drained(const struct agentlink_stream *s)
{
	return s->acked + 1 == s->next_seq;
}

/* ---- a new epoch -----------------------------------------------------------
 */

/* Put the i-th batch into the new numbering. */
static void
renumber_one(struct agentlink_engine *e, struct agentlink_stream *s,
    struct agentlink_held *h)
{
	h->first_seq = s->next_seq;
	h->in_flight = false;
	h->nacks = 0;
	memcpy(h->prev_head, s->next_head, DIGEST_CHAIN_SIZE);
	s->next_seq += h->count;
	agentlink_held_head_after(e, h, s->next_head);
}

void
agentlink_stream_renumber(struct agentlink_engine *e,
    struct agentlink_stream *s, const struct uuid *epoch)
{
	land(e, s, 0, UINT64_MAX);
	while (s->held_n &&
	    agentlink_held_end(agentlink_held_at(s, 0)) <= s->acked) {
		e->kept_bytes -= agentlink_held_at(s, 0)->payload_len;
		agentlink_held_drop_first(e, s);
	}
	s->epoch = *epoch;
	s->acked = 0;
	s->marks = 0;
	s->next_seq = 1;
	memset(s->acked_head, 0, sizeof(s->acked_head));
	memset(s->next_head, 0, sizeof(s->next_head));
	uint64_t committed = s->committed;
	s->committed = 0;
	for (size_t i = 0; i < s->held_n; i++) {
		struct agentlink_held *h = agentlink_held_at(s, i);
		bool may_go = agentlink_held_end(h) <= committed;
		renumber_one(e, s, h);
		if (may_go)
			s->committed = agentlink_held_end(h);
	}
	agentlink_round_forget_stream(s);
}

int
agentlink_stream_fork(struct agentlink_engine *e, struct agentlink_stream *s)
{
	struct uuid epoch;
	int rc =
	    e->settings.random(e->settings.arg, epoch.byte, sizeof(epoch.byte));
	if (rc)
		return rc;
	uuid_mark_random(&epoch);
	agentlink_say_stream_close(e, s);
	agentlink_events_tell_acked(e, s);
	agentlink_stream_renumber(e, s, &epoch);
	struct agentlink_event *event =
	    agentlink_events_add(e, AGENTLINK_EVENT_EPOCH);
	event->stream = s->number;
	memcpy(event->epoch, epoch.byte, sizeof(event->epoch));
	if (++e->forks > AGENTLINK_STATE_FORKS_MAX)
		agentlink_round_fail(
		    e, ERR_FORK, "the spool knows another history again", 0);
	return ERR_FORK;
}

/* ---- what the spool has ----------------------------------------------------
 */

static void
run_from(struct agentlink_stream *s, uint64_t last)
{
	s->phase = AGENTLINK_STREAM_RUNS;
	s->confirmed = last;
	s->cursor = last + 1;
	s->wait_ms = 0;
}

/* Is there a batch of ours that ends right there? */
static bool
is_boundary(const struct agentlink_stream *s, uint64_t seq)
{
	struct agentlink_held *h = agentlink_held_covering(s, seq);
	return !h || agentlink_held_end(h) == seq;
}

int
agentlink_stream_on_state(struct agentlink_engine *e,
    struct agentlink_stream *s, uint64_t last, const uint8_t *head)
{
	if (last >= s->next_seq || head_differs(e, s, last, head))
		return agentlink_stream_fork(e, s);
	if (last > s->acked && !is_boundary(s, last))
		return agentlink_stream_fork(e, s);
	if (last > s->committed && last > s->acked)
		return agentlink_stream_fork(e, s);
	run_from(s, last);
	if (last > s->acked)
		agentlink_stream_mark(e, s, last, head, &e->spool);
	return 0;
}

int
agentlink_stream_rewind(struct agentlink_engine *e, struct agentlink_stream *s,
    uint64_t resume_at, const uint8_t *head)
{
	uint64_t last = resume_at - 1;
	if (!resume_at || last >= s->cursor || head_differs(e, s, last, head) ||
	    !is_boundary(s, last))
		return agentlink_stream_fork(e, s);
	land(e, s, resume_at, UINT64_MAX);
	s->cursor = resume_at;
	if (s->confirmed > last)
		s->confirmed = last;
	return 0;
}

void
agentlink_stream_ask(const struct agentlink_engine *e,
    const struct agentlink_stream *s, struct agentlink_stream_open *open)
{
	*open = (struct agentlink_stream_open){
	    .epoch = s->epoch,
	    .next_seq = s->acked + 1,
	    .acked = s->acked,
	    .name = bytes_of_str(s->name),
	};
	memcpy(open->head, s->acked_head, sizeof(open->head));
	/* What this spool has said it has, it is asked for again. */
	for (unsigned i = 0; i < s->marks; i++) {
		if (!uuid_equal(&s->mark[i].spool, &e->spool))
			continue;
		const struct agentlink_mark *before =
		    i ? &s->mark[i - 1] : NULL;
		open->next_seq = before ? before->to + 1 : 1;
		memset(open->head, 0, sizeof(open->head));
		if (before)
			memcpy(open->head, before->head, sizeof(open->head));
		return;
	}
}

/* ---- what is to be sent ----------------------------------------------------
 */

static void
plan_advance(struct agentlink_engine *e, struct agentlink_stream *s,
    struct agentlink_stream_plan *plan, uint64_t to, uint8_t reason)
{
	plan->kind = AGENTLINK_STREAM_PLAN_ADVANCE;
	plan->advance = (struct agentlink_advance){
	    .from = s->cursor,
	    .to = to,
	    .reason = reason,
	};
	if (!known_head(e, s, to, plan->advance.head))
		plan->kind = AGENTLINK_STREAM_PLAN_NONE;
}

/* In the part that somebody has acknowledged: send again, or explain. */
static void
plan_acked(struct agentlink_engine *e, struct agentlink_stream *s,
    struct agentlink_stream_plan *plan)
{
	unsigned i = 0;
	while (i + 1 < s->marks && s->mark[i].to < s->cursor)
		i++;
	const struct agentlink_mark *m = &s->mark[i];
	if (!uuid_equal(&m->spool, &e->spool)) {
		plan_advance(e, s, plan, m->to, ENTRY_ADVANCE_ACKED_ELSEWHERE);
		plan->advance.spool = m->spool;
		return;
	}
	struct agentlink_held *h = agentlink_held_covering(s, s->cursor);
	if (h && h->first_seq == s->cursor) {
		plan->kind = AGENTLINK_STREAM_PLAN_DATA;
		plan->held = h;
		return;
	}
	size_t next = agentlink_held_count_from(s, s->cursor);
	uint64_t to = m->to;
	if (h)
		to = agentlink_held_end(h);
	else if (next < s->held_n &&
	    agentlink_held_at(s, next)->first_seq <= to)
		to = agentlink_held_at(s, next)->first_seq - 1;
	plan_advance(e, s, plan, to, ENTRY_ADVANCE_ACKED_HERE);
}

void
agentlink_stream_plan(struct agentlink_engine *e, struct agentlink_stream *s,
    struct agentlink_stream_plan *plan)
{
	*plan = (struct agentlink_stream_plan){0};
	if (s->cursor <= s->acked) {
		plan_acked(e, s, plan);
	} else if (s->cursor <= s->committed) {
		struct agentlink_held *h =
		    agentlink_held_covering(s, s->cursor);
		if (h) {
			plan->kind = AGENTLINK_STREAM_PLAN_DATA;
			plan->held = h;
		} else {
			size_t next = agentlink_held_count_from(s, s->cursor);
			uint64_t to = next < s->held_n
			    ? agentlink_held_at(s, next)->first_seq - 1
			    : s->committed;
			plan_advance(e, s, plan, to, ENTRY_ADVANCE_CORRUPT);
		}
	}
	if (plan->held && plan->held->give_up)
		plan_advance(e, s, plan, agentlink_held_end(plan->held),
		    plan->held->give_up);
}

void
agentlink_stream_flew(struct agentlink_engine *e, struct agentlink_stream *s,
    const struct agentlink_stream_plan *plan)
{
	if (plan->kind == AGENTLINK_STREAM_PLAN_ADVANCE) {
		s->cursor = plan->advance.to + 1;
		s->advanced_to = plan->advance.to;
		e->flying_batches++;
		return;
	}
	struct agentlink_held *h = plan->held;
	if (h->was_sent)
		e->counts.repeats += h->count;
	h->was_sent = h->in_flight = true;
	e->flying_bytes += h->payload_len;
	e->flying_batches++;
	s->cursor = agentlink_held_end(h) + 1;
}

void
agentlink_stream_give_up(struct agentlink_engine *e, struct agentlink_stream *s,
    struct agentlink_held *h, uint8_t reason, const char *text)
{
	if (h->give_up)
		return;
	h->give_up = reason;
	e->counts.lost += h->count;
	struct agentlink_event *event =
	    agentlink_events_add(e, AGENTLINK_EVENT_LOST);
	event->stream = s->number;
	event->from = h->first_seq;
	event->to = agentlink_held_end(h);
	event->records = h->count;
	size_t len = strnlen(text, sizeof(event->text) - 1);
	memcpy(event->text, text, len);
}

void
agentlink_stream_reopen(struct agentlink_engine *e, struct agentlink_stream *s)
{
	land(e, s, 0, UINT64_MAX);
	agentlink_round_forget_stream(s);
}
