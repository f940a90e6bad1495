/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a receiver numbers: BATCH, ADVANCE, SKIP, VOID.
 *
 * The usual course: the number is the next one, every range is new, the batch
 * becomes an item for the writer.  What can go wrong: all ranges are durable
 * (ALREADY); all were accepted, not all are durable (an empty item, so that
 * COMMITTED comes in its turn); some are not new (REFUSED, the window is shut);
 * there is no room (LATER, the window is shut).
 */
#include "spoold/keeper/intake_state.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/codec/agentlink_msg.h"
#include "spoold/keeper/judge.h"
#include "spoold/keeper/stream_counts.h"

/* ---- batches of direct agents ---- */

static bool
is_sound(const struct ipc_batch *m)
{
	return m->n && m->n <= IPC_RANGES_MAX && m->records &&
	    m->records <= BATCH_RECORDS_MAX && m->raw_len <= BATCH_RAW_MAX &&
	    m->payload.len && m->payload.len <= BATCH_STORED_MAX &&
	    m->ranges.len <= BATCH_RANGES_MAX && m->codec <= BATCH_CODEC_ZSTD &&
	    m->lane <= BATCH_LANE_URGENT;
}

static bool
range_is_sound(const struct ipc_range *r)
{
	return r->count && r->first_seq &&
	    r->first_seq <= UINT64_MAX - r->count &&
	    r->path.len <= BATCH_PATH_MAX;
}

static void
judge_range(struct intake *in, struct intake_link *l, struct intake_judged *j)
{
	struct ipc_range *r = &j->in[j->n];
	struct intake_sid *s = intake_state_sid(l, r->sid);

	j->sid[j->n] = s;
	j->range[j->n] = (struct judge_range){
	    .stream = s ? s->stream : NULL,
	    .asker = s ? s->serial : 0,
	    .told = s && s->told,
	    .first_seq = r->first_seq,
	    .count = r->count,
	    .prev_head = r->prev_head,
	    .head = r->head,
	};
	j->what[j->n] = judge_one(&j->range[j->n], in->serial);
	j->count[j->what[j->n]]++;
	j->n++;
}

/* False: the message is not well formed. */
static bool
judge(struct intake *in, struct intake_link *l, const struct ipc_batch *m,
    struct intake_judged *j)
{
	struct cursor c;
	uint64_t records = 0;
	int rc;

	j->n = 0;
	memset(j->count, 0, sizeof(j->count));
	in->serial++;
	cursor_init(&c, m->ranges);
	while (j->n < m->n && (rc = ipc_range_next(&c, &j->in[j->n])) == 1) {
		if (!range_is_sound(&j->in[j->n]))
			return false;
		records += j->in[j->n].count;
		judge_range(in, l, j);
	}
	return j->n == m->n && records == m->records;
}

/* Record each other history once, and tell a person. */
static void
note_fork(struct intake *in, const struct judge_range *r, struct intake_now now)
{
	struct entry e = {.type = ENTRY_FORK};
	struct stream *st = r->stream;
	struct forks_note note;
	char text[FORKS_TEXT_SIZE];

	if (!memcmp(st->fork_head, r->head, BATCH_HEAD_SIZE))
		return;
	memcpy(st->fork_head, r->head, BATCH_HEAD_SIZE);
	if (!forks_due(&in->forks, &st->key.origin, now.spool_us, &note))
		return;
	e.u.fork.key = st->key;
	e.u.fork.seq = r->first_seq;
	memcpy(e.u.fork.head_known, st->accepted.head, BATCH_HEAD_SIZE);
	memcpy(e.u.fork.head_seen, r->prev_head, BATCH_HEAD_SIZE);
	e.u.fork.wall_ns = now.wall_ns;
	intake_state_entry(in, &e);
	forks_text(&note, &st->key.origin, r->first_seq, text, sizeof(text));
	intake_state_alarm(in, "FORK: %s", text);
}

/* A range of which nothing is stored, for its listener and its stream. */
static void
count_unstored(struct intake *in, const struct intake_sid *s,
    uint64_t duplicate, uint64_t refused)
{
	counters_unstored(in->counters, s->def->listener, duplicate, refused);
	if (s->stream)
		stream_counts_unstored(
		    &in->streams, s->stream, duplicate, refused);
}

/* Count what will not come again as it is, and answer range by range. */
static void
refuse_batch(struct intake *in, struct intake_link *l, uint64_t number,
    struct intake_judged *j, struct intake_now now)
{
	uint32_t i;

	for (i = 0; i < j->n; i++) {
		judge_verdict(j->what[i], j->range[i].stream, &j->verdict[i]);
		if (j->what[i] == JUDGE_FORK)
			note_fork(in, &j->range[i], now);
		if (j->what[i] == JUDGE_NEW || j->what[i] == JUDGE_QUEUED ||
		    !j->sid[i])
			continue;
		if (j->what[i] == JUDGE_DURABLE)
			count_unstored(in, j->sid[i], j->in[i].count, 0);
		else
			count_unstored(in, j->sid[i], 0, j->in[i].count);
	}
	intake_window_refuse(in, l, number, j->verdict, j->n);
}

/* A receiver that replays repeats itself: that is no repeat of an agent. */
static void
count_repeats(struct intake *in, struct intake_link *l, struct intake_judged *j)
{
	struct counters_row *row;
	uint32_t i;

	if (!l->replayed)
		return;
	for (i = 0; i < j->n; i++) {
		count_unstored(in, j->sid[i], j->in[i].count, 0);
		row = counters_of(in->counters, j->sid[i]->def->listener);
		row->acknowledged += j->in[i].count;
	}
}

static void
accept(struct intake *in, struct intake_link *l, const struct ipc_batch *m,
    struct intake_judged *j)
{
	struct item *it = item_of_batch(m);
	uint32_t i;

	it->link = l->id;
	for (i = 0; i < j->n; i++) {
		judge_accept(&j->range[i]);
		it->range[i].def = sdef_ref(j->sid[i]->def);
		it->range[i].stream = j->range[i].stream;
		it->range[i].range.flags |= BATCH_RANGE_HEAD;
		j->range[i].stream->queued++;
	}
	intake_state_submit(in, it);
	intake_window_taken(l);
}

/* Neither the quota nor the memory for what waits may be overrun. */
static bool
has_room(const struct intake *in, const struct intake_link *l, uint64_t bytes)
{
	return in->pool_bytes && l->queued < INTAKE_BATCHES &&
	    in->queued_bytes + bytes <= in->pool_bytes + INTAKE_OVERRUN;
}

static void
direct(struct intake *in, struct intake_link *l, const struct ipc_batch *m,
    struct intake_now now)
{
	struct intake_judged *j = in->judged;

	if (!judge(in, l, m, j)) {
		intake_state_broken(in, l, "a batch with bad ranges");
		return;
	}
#ifdef MUTANT_ALREADY_BY_NUMBER
	if (m->number <= l->stored_number) {
		intake_window_answer(in, l, IPC_ALREADY, m->number);
		return;
	}
#endif
	if (j->count[JUDGE_DURABLE] == j->n) {
		count_repeats(in, l, j);
		intake_window_answer(in, l, IPC_ALREADY, m->number);
	} else if (j->count[JUDGE_DURABLE] + j->count[JUDGE_QUEUED] == j->n) {
		intake_window_nothing(in, l, m->number);
	} else if (j->count[JUDGE_QUEUED] || j->count[JUDGE_UNSURE]) {
		/* It can be judged once that is durable. */
		intake_window_answer(in, l, IPC_LATER, m->number);
		l->later_queued = true;
	} else if (!has_room(in, l, m->payload.len)) {
		intake_window_answer(in, l, IPC_LATER, m->number);
	} else if (j->count[JUDGE_NEW] == j->n) {
		accept(in, l, m, j);
	} else {
		refuse_batch(in, l, m->number, j, now);
	}
}

/* ---- batches of a child spool ---- */

static void
accept_chained(struct intake *in, struct intake_link *l,
    const struct ipc_batch *m, struct child *ch)
{
	struct item *it = item_of_batch(m);
	struct ipc_range r;
	struct cursor c;
	uint32_t i;

	it->link = l->id;
	it->chained = true;
	it->child = ch;
	it->chain = (struct batch_chain){.child = ch->child,
	    .incarnation = ch->incarnation,
	    .first_rec = m->chain_first_rec,
	    .count = m->records};
	cursor_init(&c, m->ranges);
	for (i = 0; i < m->n && ipc_range_next(&c, &r) == 1; i++) {
		it->range[i].def = sdef_ref(intake_state_sid(l, r.sid)->def);
		it->range[i].range.flags |= BATCH_RANGE_CHAINED;
	}
	ch->queued++;
	intake_state_submit(in, it);
	intake_window_taken(l);
}

/* Every range speaks of a chained stream, and they add up. */
static bool
chained_is_sound(struct intake_link *l, const struct ipc_batch *m)
{
	struct intake_sid *s;
	struct ipc_range r;
	struct cursor c;
	uint64_t records = 0;
	uint32_t n = 0;

	cursor_init(&c, m->ranges);
	while (n < m->n && ipc_range_next(&c, &r) == 1) {
		s = intake_state_sid(l, r.sid);
		if (!s || !(r.sid & IPC_SID_CHAINED) || !range_is_sound(&r))
			return false;
		records += r.count;
		n++;
	}
	return n == m->n && records == m->records && m->chain_first_rec &&
	    m->chain_first_rec <= UINT64_MAX - m->records;
}

static void
count_chained(struct intake *in, struct intake_link *l,
    const struct ipc_batch *m, bool repeat)
{
	const struct intake_sid *s;
	struct ipc_range r;
	struct cursor c;
	uint32_t i;

	if (repeat && !l->replayed)
		return;
	cursor_init(&c, m->ranges);
	for (i = 0; i < m->n && ipc_range_next(&c, &r) == 1; i++) {
		s = intake_state_sid(l, r.sid);
		count_unstored(
		    in, s, repeat ? r.count : 0, repeat ? 0 : r.count);
	}
}

static void
chained(struct intake *in, struct intake_link *l, const struct ipc_batch *m)
{
	struct intake_chain *c = intake_state_chain(l, m->chain_id);
	uint64_t from = m->chain_first_rec, to = from + m->records;
	struct child *ch = c ? c->child : NULL;
	enum children_part part;

	if (!ch || !chained_is_sound(l, m)) {
		intake_state_broken(in, l, "a chain batch that is not sound");
		return;
	}
	part = children_part_of(&ch->accepted, from, to);
	if (children_part_of(&ch->durable, from, to) == CHILDREN_ALL) {
		count_chained(in, l, m, true);
		intake_window_answer(in, l, IPC_ALREADY, m->number);
	} else if (part == CHILDREN_ALL) {
		intake_window_nothing(in, l, m->number);
	} else if (part == CHILDREN_SOME) {
		count_chained(in, l, m, false);
		intake_window_refuse_one(in, l, m->number, JUDGE_PARTIAL, NULL);
	} else if (!has_room(in, l, m->payload.len)) {
		intake_window_answer(in, l, IPC_LATER, m->number);
	} else if (children_set_add(
		       &ch->accepted, from, to, m->content_digest)) {
		/* This child's affair: the others' window stays open. */
		intake_window_refuse_one(in, l, m->number, JUDGE_QUEUED, NULL);
	} else {
		accept_chained(in, l, m, ch);
	}
}

void
intake_numbered_batch(struct intake *in, struct intake_link *l,
    const struct ipc_batch *m, struct intake_now now)
{
	if (!is_sound(m)) {
		intake_state_broken(in, l, "a batch that is not sound");
		return;
	}
	if (!intake_window_is_turn(in, l, m->number))
		return;
	if (m->chain_id)
		chained(in, l, m);
	else
		direct(in, l, m, now);
}

/* ---- ADVANCE, SKIP, VOID ---- */

static void
note_rollback(struct intake *in, const struct stream *st,
    const struct ipc_advance *m, struct intake_now now)
{
	struct entry e = {.type = ENTRY_ALARM};
	char origin[UUID_TEXT_SIZE], text[160];

	snprintf(text, sizeof(text),
	    "agent %s had %llu to %llu acknowledged here and they are gone",
	    uuid_format(&st->key.origin, origin), (unsigned long long)m->from,
	    (unsigned long long)m->to);
	e.u.alarm = (struct entry_alarm){.kind = ENTRY_ALARM_ROLLBACK,
	    .from = m->from,
	    .to = m->to,
	    .wall_ns = now.wall_ns,
	    .text = bytes_of_str(text)};
	intake_state_entry(in, &e);
	intake_state_alarm(in, "ROLLBACK: %s", text);
}

static void
accept_advance(struct intake *in, struct intake_link *l, struct intake_sid *s,
    const struct ipc_advance *m)
{
	struct entry e = {.type = ENTRY_ADVANCE};
	struct item *it = item_new(ITEM_ENTRIES);
	struct stream *st = s->stream;

	e.u.advance = (struct entry_advance){
	    .key = st->key,
	    .listener = s->def->listener,
	    .from = st->accepted.seq + 1,
	    .to = m->to,
	    .reason = m->reason,
	    .spool = m->spool,
	};
	memcpy(e.u.advance.head, m->head, BATCH_HEAD_SIZE);
	entry_encode(&it->entries, &e);
	it->ordered = true;
	it->link = l->id;
	it->number = m->number;
	it->stream = st;
	it->place.seq = m->to;
	memcpy(it->place.head, m->head, BATCH_HEAD_SIZE);
	st->accepted = it->place;
	st->stored = true;
	st->closed = false;
	st->queued++;
	intake_state_submit(in, it);
	intake_window_taken(l);
}

void
intake_numbered_advance(struct intake *in, struct intake_link *l,
    const struct ipc_advance *m, struct intake_now now)
{
	struct intake_sid *s = intake_state_sid(l, m->sid);
	struct stream *st = s ? s->stream : NULL;

	if (!m->from || m->from > m->to || m->to == UINT64_MAX ||
	    m->reason < ENTRY_ADVANCE_LOST ||
	    m->reason > ENTRY_ADVANCE_CORRUPT) {
		intake_state_broken(in, l, "an ADVANCE that is not sound");
		return;
	}
	if (!intake_window_is_turn(in, l, m->number))
		return;
	if (!st) {
		intake_window_refuse_one(in, l, m->number, JUDGE_UNKNOWN, NULL);
	} else if (m->to <= st->durable.seq) {
		intake_window_answer(in, l, IPC_ALREADY, m->number);
	} else if (m->to <= st->accepted.seq) {
		intake_window_nothing(in, l, m->number);
	} else if (m->from > st->accepted.seq + 1) {
		intake_window_refuse_one(in, l, m->number, JUDGE_GAP, st);
	} else if (!has_room(in, l, 0)) {
		intake_window_answer(in, l, IPC_LATER, m->number);
	} else {
		if (m->reason == ENTRY_ADVANCE_ACKED_HERE)
			note_rollback(in, st, m, now);
		accept_advance(in, l, s, m);
	}
}

static void
accept_skip(struct intake *in, struct intake_link *l, struct child *ch,
    const struct ipc_skip *m)
{
	struct entry e = {.type = ENTRY_SKIP};
	struct item *it = item_new(ITEM_ENTRIES);

	e.u.skip = (struct entry_skip){.child = ch->child,
	    .incarnation = ch->incarnation,
	    .from = m->from,
	    .count = m->count,
	    .reason = m->reason};
	entry_encode(&it->entries, &e);
	it->ordered = true;
	it->link = l->id;
	it->number = m->number;
	it->child = ch;
	it->skip_from = m->from;
	it->skip_to = m->from + m->count;
	ch->queued++;
	intake_state_submit(in, it);
	intake_window_taken(l);
}

void
intake_numbered_skip(struct intake *in, struct intake_link *l,
    const struct ipc_skip *m, struct intake_now now)
{
	static const uint8_t no_digest[BATCH_DIGEST_SIZE];
	struct intake_chain *c = intake_state_chain(l, m->chain_id);
	struct child *ch = c ? c->child : NULL;
	uint64_t to = m->from + m->count;

	(void)now;
	if (!ch || !m->from || !m->count || to < m->from ||
	    m->reason < ENTRY_SKIP_HOLE || m->reason > ENTRY_SKIP_GIVEN_UP) {
		intake_state_broken(in, l, "a SKIP that is not sound");
		return;
	}
	if (!intake_window_is_turn(in, l, m->number))
		return;
	if (children_part_of(&ch->durable, m->from, to) == CHILDREN_ALL)
		intake_window_answer(in, l, IPC_ALREADY, m->number);
	else if (children_part_of(&ch->accepted, m->from, to) == CHILDREN_ALL)
		intake_window_nothing(in, l, m->number);
	else if (!has_room(in, l, 0))
		intake_window_answer(in, l, IPC_LATER, m->number);
	else if (children_set_add(&ch->accepted, m->from, to, no_digest))
		intake_window_refuse_one(in, l, m->number, JUDGE_QUEUED, NULL);
	else
		accept_skip(in, l, ch, m);
}

void
intake_numbered_void(struct intake *in, struct intake_link *l, uint64_t number)
{
	if (intake_window_is_turn(in, l, number))
		intake_window_nothing(in, l, number);
}
