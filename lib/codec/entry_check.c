/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/codec/entry_check.h"

#include "lib/base/err.h"

static int
verdict(bool good)
{
	return good ? 0 : ERR_FORMAT;
}

int
entry_check_intervals(struct bytes intervals, uint32_t n)
{
	struct entry_child_interval iv;
	struct cursor c;
	uint64_t end = 0;
	uint32_t i = 0;

	if (n > ENTRY_CHILD_INTERVALS_MAX)
		return ERR_FORMAT;
	cursor_init(&c, intervals);
	for (; entry_child_interval_next(&c, &iv) == 1; i++) {
		if (i && iv.from <= end)
			return ERR_FORMAT;
		end = iv.to;
	}
	return verdict(!cursor_end(&c) && i == n);
}

int
entry_check_settled(struct bytes settled, uint32_t n)
{
	struct entry_settled one;
	struct cursor c;
	uint32_t i = 0;

	cursor_init(&c, settled);
	while (entry_settled_next(&c, &one) == 1)
		i++;
	return verdict(!cursor_end(&c) && i == n);
}

int
entry_check_child_state(const struct entry *e)
{
	return entry_check_intervals(
	    e->u.child_state.intervals, e->u.child_state.n);
}

int
entry_check_stream_def(const struct entry *e)
{
	return verdict(e->u.stream_def.path.len % UUID_SIZE == 0);
}

int
entry_check_history(const struct entry *e)
{
	struct cursor c;
	unsigned i;

	cursor_init(&c, e->u.history.bytes);
	for (i = 0; i < ENTRY_HISTORY_HOURS; i++)
		cursor_varint(&c);
	return verdict(!cursor_end(&c));
}

int
entry_check_advance(const struct entry *e)
{
	const struct entry_advance *a = &e->u.advance;

	return verdict(a->from && a->from <= a->to && a->to < UINT64_MAX &&
	    a->reason >= ENTRY_ADVANCE_LOST &&
	    a->reason <= ENTRY_ADVANCE_CORRUPT);
}

int
entry_check_skip(const struct entry *e)
{
	const struct entry_skip *s = &e->u.skip;

	return verdict(s->count && s->from <= UINT64_MAX - s->count &&
	    s->reason >= ENTRY_SKIP_HOLE && s->reason <= ENTRY_SKIP_GIVEN_UP);
}

int
entry_check_give_up(const struct entry *e)
{
	const struct entry_give_up *g = &e->u.give_up;

	return verdict(g->term < ENTRY_TERMS && g->from <= g->to);
}

int
entry_check_delivered(const struct entry *e)
{
	return entry_check_settled(e->u.delivered.settled, e->u.delivered.n);
}

int
entry_check_quarantine(const struct entry *e)
{
	return verdict(e->u.quarantine.from <= e->u.quarantine.to);
}

int
entry_check_recycle(const struct entry *e)
{
	return verdict(e->u.recycle.first_rec <= e->u.recycle.next_rec);
}

int
entry_check_target(const struct entry *e)
{
	return verdict(e->u.target.action >= ENTRY_TARGET_ADDED &&
	    e->u.target.action <= ENTRY_TARGET_PROTOCOL);
}

int
entry_check_pending_again(const struct entry *e)
{
	return verdict(e->u.pending_again.from < e->u.pending_again.to);
}
