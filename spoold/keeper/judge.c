/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/judge.h"

#include <string.h>

#include "lib/codec/agentlink_msg.h"

/* Where the stream stands for this batch: what it has tried so far counts. */
static struct streams_place *
place_of(struct stream *st, uint64_t trial)
{
	if (st->trial_of != trial) {
		st->trial_of = trial;
		st->trial = st->accepted;
	}
	return &st->trial;
}

static bool
same_head(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, BATCH_HEAD_SIZE);
}

/* It ends at or below what was accepted. */
static enum judge_what
repeated(const struct judge_range *r, uint64_t last)
{
	const struct stream *st = r->stream;

	if (last == st->accepted.seq && !same_head(r->head, st->accepted.head))
		return JUDGE_FORK;
	if (last == st->durable.seq && !same_head(r->head, st->durable.head))
		return JUDGE_FORK;
	if (last == st->durable.seq)
		return JUDGE_DURABLE;
	if (last == st->accepted.seq)
		return JUDGE_QUEUED;
	if (r->told)
		return JUDGE_TAKEN;
	return last < st->durable.seq ? JUDGE_DURABLE : JUDGE_UNSURE;
}

enum judge_what
judge_one(const struct judge_range *r, uint64_t trial)
{
	struct streams_place *at;
	uint64_t last = r->first_seq + r->count - 1;
	bool taken;

	if (!r->stream)
		return JUDGE_UNKNOWN;
	if (last <= r->stream->accepted.seq)
		return repeated(r, last);
	at = place_of(r->stream, trial);
	taken = r->stream->owner && r->stream->owner != r->asker;
	if (r->first_seq > at->seq + 1)
		return taken ? JUDGE_TAKEN : JUDGE_GAP;
	if (r->first_seq <= at->seq)
		return taken ? JUDGE_TAKEN : JUDGE_PARTIAL;
	if (!same_head(r->prev_head, at->head))
		return JUDGE_FORK;
	at->seq = last;
	memcpy(at->head, r->head, BATCH_HEAD_SIZE);
	return JUDGE_NEW;
}

void
judge_accept(const struct judge_range *r)
{
	struct stream *st = r->stream;

	if (!st->stored && st->accepted.seq + 1 == r->first_seq)
		st->start_seq = r->first_seq;
	st->stored = true;
	st->closed = false; /* it goes on after all */
	st->accepted.seq = r->first_seq + r->count - 1;
	memcpy(st->accepted.head, r->head, BATCH_HEAD_SIZE);
}

void
judge_verdict(
    enum judge_what what, const struct stream *st, struct ipc_range_verdict *v)
{
	static const uint16_t code[] = {
	    [JUDGE_NEW] = AGENTLINK_CODE_OK,
	    [JUDGE_DURABLE] = AGENTLINK_CODE_OK,
	    [JUDGE_QUEUED] = AGENTLINK_CODE_LATER,
	    [JUDGE_UNSURE] = AGENTLINK_CODE_LATER,
	    [JUDGE_PARTIAL] = AGENTLINK_CODE_PARTIAL,
	    [JUDGE_GAP] = AGENTLINK_CODE_GAP,
	    [JUDGE_FORK] = AGENTLINK_CODE_FORK,
	    [JUDGE_TAKEN] = AGENTLINK_CODE_TAKEN_OVER,
	    [JUDGE_UNKNOWN] = AGENTLINK_CODE_NOT_OPEN,
	};

	*v = (struct ipc_range_verdict){
	    .code = code[what], .durable = what == JUDGE_DURABLE};
	if (st) {
		v->last = st->accepted.seq;
		memcpy(v->head, st->accepted.head, BATCH_HEAD_SIZE);
	}
}
