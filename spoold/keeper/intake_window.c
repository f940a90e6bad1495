/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window of a link: whose turn it is, and the answers that open or shut
 * it.
 */
#include "spoold/keeper/intake_state.h"

#include "spoold/keeper/judge.h"

bool
intake_window_is_turn(struct intake *in, struct intake_link *l, uint64_t number)
{
	if (!l->started && number) {
		l->started = true;
		l->next_number = number;
	}
	if (number == l->next_number)
		return true;
	if (l->shut)
		return false;
	/* What was ALREADY before our restart leaves holes in a replay. */
	if (number > l->next_number && !l->replayed) {
		l->next_number = number;
		return true;
	}
	intake_state_broken(in, l, "a number out of turn");
	return false;
}

void
intake_window_taken(struct intake_link *l)
{
	l->shut = false;
	l->next_number++;
}

void
intake_window_shut(struct intake_link *l)
{
#ifndef MUTANT_ALREADY_BY_NUMBER
	l->shut = true;
#else
	l->next_number++;
#endif
}

void
intake_window_answer(struct intake *in, struct intake_link *l,
    enum ipc_type type, uint64_t number)
{
	struct ipc_msg m = {.type = (uint16_t)type};

	m.u.number.number = number;
	intake_state_send(in, l->id, &m);
	if (type == IPC_LATER) {
		intake_window_shut(l);
		l->later = true;
	} else {
		intake_window_taken(l);
	}
}

/* It costs memory as well, so nobody may have any number of them wait. */
void
intake_window_nothing(struct intake *in, struct intake_link *l, uint64_t number)
{
	struct item *it;

	if (l->queued >= INTAKE_WAITING) {
		intake_window_answer(in, l, IPC_LATER, number);
		return;
	}
	it = item_new(ITEM_NOTHING);
	it->ordered = true;
	it->link = l->id;
	it->number = number;
	intake_state_submit(in, it);
	intake_window_taken(l);
}

void
intake_window_refuse(struct intake *in, struct intake_link *l, uint64_t number,
    const struct ipc_range_verdict *v, uint32_t n)
{
	struct ipc_msg m = {.type = IPC_REFUSED};
	struct buf verdicts;
	uint32_t i;

	buf_init(&verdicts, IPC_MESSAGE_MAX);
	for (i = 0; i < n; i++)
		ipc_range_verdict_encode(&verdicts, &v[i]);
	m.u.refused = (struct ipc_refused){
	    .number = number, .n = n, .verdicts = buf_bytes(&verdicts)};
	intake_state_send(in, l->id, &m);
	buf_fini(&verdicts);
	intake_window_shut(l);
}

void
intake_window_refuse_one(struct intake *in, struct intake_link *l,
    uint64_t number, enum judge_what what, const struct stream *st)
{
	struct ipc_range_verdict v;

	judge_verdict(what, st, &v);
	intake_window_refuse(in, l, number, &v, 1);
}
