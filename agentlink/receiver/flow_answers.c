/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper says, and what follows from it. */
#include <stdlib.h>
#include <string.h>

#include "agentlink/receiver/flow.h"
#include "agentlink/receiver/flow_internal.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"

/*
 * ALREADY is judged by where a range ends, and in a replay the keeper does not
 * know whose history that is; the STREAM_STATE that is to come has the head.
 */
static void
range_durable(struct flow *f, struct flow_stream *s, uint64_t seq,
    const struct proof *proof)
{
	if (s->asked && proof_msg(proof)->type == IPC_ALREADY)
		return;
	/* What a restarted keeper is told that the agent has been told. */
	if (seq > s->open.acked)
		s->open.acked = seq;
	if (s->owner)
		f->events->on_durable(s->owner, seq, proof);
}

/* Tell every sender of an item that its records are durable. */
static void
tell_durable(
    struct flow *f, const struct flow_item *item, const struct proof *proof)
{
	if (item->chain && item->type != IPC_VOID) {
		bool skip = item->type == IPC_SKIP;
		uint64_t from =
		    skip ? item->skip.from : item->batch.chain_first_rec;
		uint64_t count = skip ? item->skip.count : item->batch.records;

		if (item->chain->owner)
			f->events->on_chain_durable(item->chain->owner, from,
			    from + count, (uint32_t)item->batch.payload.len,
			    proof);
		return;
	}
	if (item->type == IPC_ADVANCE)
		range_durable(
		    f, item->ranges[0].stream, item->advance.to, proof);
	if (item->type != IPC_BATCH)
		return;
	for (uint32_t i = 0; i < item->n; i++) {
		const struct ipc_range *r = &item->ranges[i].range;

		range_durable(f, item->ranges[i].stream,
		    r->first_seq + r->count - 1, proof);
	}
}

static int
committed(struct flow *f, uint64_t number, const struct proof *proof)
{
	if (number >= f->sent_to)
		return ERR_FORMAT; /* more than was ever sent */
	FAILPOINT("receiver-committed");
	while (f->first && f->first->number <= number) {
		tell_durable(f, f->first, proof);
		flow_pop(f);
	}
	f->events->on_window(f->arg);
	return 0;
}

/*
 * ALREADY and VOID speak of one number.  They come in order too, because the
 * keeper judges in order; but COMMITTED of those before it may come later, so
 * the item is only marked: it becomes VOID, which any COMMITTED passes over.
 */
static int
already(struct flow *f, uint64_t number, const struct proof *proof)
{
	struct flow_item *item = f->first;

	while (item && item->number < number)
		item = item->next;
	if (!item || item->number != number)
		return ERR_FORMAT;
	tell_durable(f, item, proof);
	item->type = IPC_VOID;
	f->bytes -= item->charged;
	item->charged = 0;
	flow_item_give_payload(item, NULL, 0);
	/* Nothing before it is unanswered: it need not wait. */
	while (f->first && f->first->type == IPC_VOID &&
	    f->first->number < f->sent_to && !f->first->charged)
		flow_pop(f);
	f->events->on_window(f->arg);
	return 0;
}

/* Drop the ranges that are not kept and close the gaps. */
static void
drop_ranges(struct flow *f, struct flow_item *item, const bool *keep)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < item->n; i++) {
		struct flow_range *r = &item->ranges[i];

		if (keep[i]) {
			item->ranges[left++] = *r;
			continue;
		}
		free((void *)(uintptr_t)r->range.path.ptr);
		flow_stream_unref(f, r->stream);
	}
	item->n = left;
}

/*
 * Nothing of this stream that was given so far and is numbered as this item or
 * later is wanted any more; its sender is told where to go on.
 */
static void
cut_stream(struct flow *f, struct flow_item *item, const struct flow_range *r,
    const struct ipc_range_verdict *v)
{
	struct flow_stream *s = r->stream;

	if (flow_is_withdrawn(item, r))
		return; /* it has been */
	s->cut++;
	s->cut_at = item->number;
	if (s->owner)
		f->events->on_refused(s->owner, &r->range, v);
}

/* It was new, and there is no memory for it. */
static void
refuse_for_now(struct flow *f, struct flow_item *item, struct flow_range *r)
{
	struct ipc_range_verdict v = {.code = AGENTLINK_CODE_LATER};

	cut_stream(f, item, r, &v);
}

void
flow_reduce(struct flow *f, struct flow_item *item, bool *keep)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < item->n; i++)
		kept += keep[i];
	if (kept == item->n)
		return;
	if (!kept || item->type != IPC_BATCH ||
	    f->events->rebuild(item, keep, f->arg)) {
		for (uint32_t i = 0; i < item->n; i++)
			if (keep[i])
				refuse_for_now(f, item, &item->ranges[i]);
		memset(keep, 0, item->n * sizeof(*keep));
		item->type = IPC_VOID;
		flow_item_give_payload(item, NULL, 0);
	}
	drop_ranges(f, item, keep);
}

/*
 * Say no to the senders of what is not new; keep[i]: range i is new.  A
 * durable one only leaves the batch, and a STREAM answer says so.
 */
static int
judge_ranges(struct flow *f, struct flow_item *item,
    const struct ipc_refused *refused, bool *keep)
{
	struct ipc_range_verdict v;
	struct cursor c;
	uint32_t kept = 0;

	cursor_init(&c, refused->verdicts);
	for (uint32_t i = 0; i < item->n; i++) {
		struct flow_range *r = &item->ranges[i];

		if (ipc_range_verdict_next(&c, &v) != 1)
			return ERR_FORMAT;
		keep[i] = v.code == AGENTLINK_CODE_OK && !v.durable;
		kept += keep[i];
		if (v.durable && r->stream->owner)
			flow_stream_query(f, r->stream);
		if (!keep[i] && !v.durable)
			cut_stream(f, item, r, &v);
	}
	if (kept == item->n)
		return ERR_FORMAT; /* refused for no reason */
	/* What is new of a stream that was cut goes with it. */
	for (uint32_t i = 0; i < item->n; i++)
		if (flow_is_withdrawn(item, &item->ranges[i]))
			keep[i] = false;
	return 0;
}

static int
refuse_chain(
    struct flow *f, struct flow_item *item, const struct ipc_refused *refused)
{
	uint64_t first = item->type == IPC_SKIP ? item->skip.from
						: item->batch.chain_first_rec;
	struct ipc_range_verdict v;
	struct cursor c;
	bool *none;

	cursor_init(&c, refused->verdicts);
	if (ipc_range_verdict_next(&c, &v) != 1)
		return ERR_FORMAT;
	none = calloc(item->n + 1, sizeof(*none));
	if (!none)
		return ERR_NOMEM;
	if (item->chain->owner) {
		f->events->on_chain_refused(item->chain->owner, first,
		    (uint32_t)item->batch.payload.len,
		    (enum agentlink_code)v.code);
		if (v.code == AGENTLINK_CODE_PARTIAL)
			flow_chain_query(f, item->chain);
	}
	item->type = IPC_VOID;
	drop_ranges(f, item, none);
	flow_item_give_payload(item, NULL, 0);
	free(none);
	return 0;
}

static int
refuse_ranges(
    struct flow *f, struct flow_item *item, const struct ipc_refused *refused)
{
	bool *keep = calloc(item->n + 1, sizeof(*keep));
	int rc;

	if (!keep)
		return ERR_NOMEM;
	rc = judge_ranges(f, item, refused, keep);
	if (!rc)
		flow_reduce(f, item, keep);
	free(keep);
	return rc;
}

/*
 * The window is closed at this number: it comes again, rebuilt or void, and
 * everything after it.
 */
static int
refused(struct flow *f, const struct ipc_refused *refused)
{
	struct flow_item *item = f->first;
	int rc;

	while (item && item->number < refused->number)
		item = item->next;
	if (!item || item->number != refused->number ||
	    item->number >= f->sent_to)
		return ERR_FORMAT;
	if (item->type == IPC_VOID)
		return ERR_FORMAT;
	rc = item->chain ? refuse_chain(f, item, refused)
			 : refuse_ranges(f, item, refused);
	if (rc)
		return rc;
	f->sent_to = refused->number;
	flow_pump(f);
	return 0;
}

static int
later(struct flow *f, uint64_t number)
{
	if (number >= f->sent_to)
		return ERR_FORMAT;
	f->later = number;
	f->sent_to = number;
	f->events->on_window(f->arg);
	return 0;
}

static void
credit(struct flow *f, const struct ipc_credit *c)
{
	f->credit_bytes = c->bytes;
	f->credit_batches = c->batches;
	if (c->bytes && c->batches && f->later) {
		f->later = 0;
		flow_pump(f);
	}
	f->events->on_window(f->arg);
}

static int
stream_state(struct flow *f, const struct proof *proof)
{
	struct flow_stream *s =
	    flow_find_stream(f, proof_msg(proof)->u.stream_state.sid);

	if (s)
		s->asked = false;
	if (s && s->owner)
		f->events->on_stream_state(s->owner, proof);
	return 0;
}

static int
chain_state(struct flow *f, const struct proof *proof)
{
	struct flow_chain *c =
	    flow_find_chain(f, proof_msg(proof)->u.chain_state.chain_id);

	if (c && c->owner)
		f->events->on_chain_state(c->owner, proof);
	return 0;
}

static int
feed_proof(struct flow *f, uint16_t type, struct bytes payload)
{
	struct proof *proof = NULL;
	int rc = proof_decode(type, payload, &proof);

	if (rc)
		return rc;
	switch (type) {
	case IPC_COMMITTED:
		rc = committed(f, proof_msg(proof)->u.number.number, proof);
		break;
	case IPC_ALREADY:
		rc = already(f, proof_msg(proof)->u.number.number, proof);
		break;
	case IPC_STREAM_STATE:
		rc = stream_state(f, proof);
		break;
	default:
		rc = chain_state(f, proof);
	}
	proof_free(proof);
	return rc;
}

int
flow_feed(struct flow *f, uint16_t type, struct bytes payload)
{
	struct ipc_msg m;
	int rc;

	switch (type) {
	case IPC_COMMITTED:
	case IPC_ALREADY:
	case IPC_STREAM_STATE:
	case IPC_CHAIN_STATE:
		return feed_proof(f, type, payload);
	case IPC_REFUSED:
	case IPC_LATER:
	case IPC_CREDIT:
		break;
	default:
		return ERR_FORMAT;
	}
	rc = ipc_decode(type, payload, &m);
	if (rc)
		return rc;
	if (type == IPC_REFUSED)
		return refused(f, &m.u.refused);
	if (type == IPC_LATER)
		return later(f, m.u.number.number);
	credit(f, &m.u.credit);
	return 0;
}
