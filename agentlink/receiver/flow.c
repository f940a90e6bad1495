/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/receiver/flow.h"

#include <stdlib.h>
#include <string.h>

#include "agentlink/receiver/flow_internal.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"

/* What an item costs beside its payload. */
#define ITEM_OVERHEAD 512u

void
flow_send_msg(struct flow *f, const struct ipc_msg *m)
{
	struct bytes part;

	buf_clear(&f->scratch);
	ipc_encode(&f->scratch, m);
	part = buf_bytes(&f->scratch);
	if (!f->scratch.err)
		f->events->send(m->type, &part, 1, f->arg);
}

static void
send_batch(struct flow *f, struct flow_item *item)
{
	struct bytes parts[2];

	buf_clear(&f->ranges);
	for (uint32_t i = 0; i < item->n; i++) {
		item->ranges[i].range.sid = item->ranges[i].stream->sid;
		ipc_range_encode(&f->ranges, &item->ranges[i].range);
	}
	item->batch.number = item->number;
	item->batch.n = item->n;
	item->batch.ranges = buf_bytes(&f->ranges);
	item->batch.chain_id = item->chain ? item->chain->id : 0;
	buf_clear(&f->scratch);
	ipc_batch_encode_head(&f->scratch, &item->batch);
	parts[0] = buf_bytes(&f->scratch);
	parts[1] = item->batch.payload;
	FAILPOINT("receiver-before-batch");
	if (!f->scratch.err && !f->ranges.err)
		f->events->send(IPC_BATCH, parts, 2, f->arg);
	FAILPOINT("receiver-after-batch");
}

static void
send_item(struct flow *f, struct flow_item *item)
{
	struct ipc_msg m = {.type = item->type};

	switch (item->type) {
	case IPC_BATCH:
		send_batch(f, item);
		return;
	case IPC_ADVANCE:
		m.u.advance = item->advance;
		m.u.advance.number = item->number;
		m.u.advance.sid = item->ranges[0].stream->sid;
		break;
	case IPC_SKIP:
		m.u.skip = item->skip;
		m.u.skip.number = item->number;
		m.u.skip.chain_id = item->chain->id;
		break;
	default:
		m.u.void_.number = item->number;
	}
	flow_send_msg(f, &m);
}

bool
flow_is_withdrawn(const struct flow_item *item, const struct flow_range *r)
{
	return r->cut != r->stream->cut && item->number >= r->stream->cut_at;
}

/*
 * What the keeper would refuse for sure, since it follows something refused,
 * is not shown to it: the agent has been told to send it again.
 */
static void
take_out_withdrawn(struct flow *f, struct flow_item *item)
{
	uint32_t out = 0;
	bool *keep;

	if (item->chain)
		return;
	for (uint32_t i = 0; i < item->n; i++)
		out += flow_is_withdrawn(item, &item->ranges[i]);
	/* Without memory the keeper is shown it, and refuses. */
	keep = out ? calloc(item->n, sizeof(*keep)) : NULL;
	if (!keep)
		return;
	for (uint32_t i = 0; i < item->n; i++)
		keep[i] = !flow_is_withdrawn(item, &item->ranges[i]);
	flow_reduce(f, item, keep);
	free(keep);
}

void
flow_pump(struct flow *f)
{
	struct flow_item *from = f->first;

	if (!f->connected || f->later)
		return;
	/* The usual case: all but the one just added are on their way. */
	if (f->last && f->last->number == f->sent_to)
		from = f->last;
	for (struct flow_item *i = from; i; i = i->next)
		if (i->number >= f->sent_to) {
			take_out_withdrawn(f, i);
			send_item(f, i);
			f->sent_to = i->number + 1;
		}
}

int
flow_new(const struct uuid *epoch, uint32_t slot, size_t pool_bytes,
    const struct flow_events *events, void *arg, struct flow **out)
{
	struct flow *f = calloc(1, sizeof(*f));

	if (!f)
		return ERR_NOMEM;
	f->events = events;
	f->arg = arg;
	f->epoch = *epoch;
	f->slot = slot;
	f->pool_bytes = pool_bytes;
	f->next_number = f->sent_to = 1;
	f->next_sid = f->next_chain = 1;
	buf_init(&f->scratch, IPC_MESSAGE_MAX);
	buf_init(&f->ranges, BATCH_RANGES_MAX);
	*out = f;
	return 0;
}

void
flow_free(struct flow *f)
{
	if (!f)
		return;
	while (f->first)
		flow_pop(f);
	for (int i = 0; i < FLOW_BUCKETS; i++)
		while (f->streams[i])
			flow_stream_close(f, f->streams[i], false);
	while (f->chains)
		flow_chain_close(f, f->chains);
	buf_fini(&f->scratch);
	buf_fini(&f->ranges);
	free(f);
}

void
flow_set_pool(struct flow *f, size_t pool_bytes)
{
	f->pool_bytes = pool_bytes;
}

void
flow_connected(struct flow *f)
{
	struct ipc_msg m = {.type = IPC_RECEIVER};
	struct ipc_msg replayed = {.type = IPC_REPLAYED};

	f->connected = true;
	m.u.receiver.slot = f->slot;
	m.u.receiver.epoch = f->epoch;
	flow_send_msg(f, &m);
	for (int i = 0; i < FLOW_BUCKETS; i++)
		for (struct flow_stream *s = f->streams[i]; s; s = s->next)
			flow_send_stream_open(f, s);
	for (struct flow_chain *c = f->chains; c; c = c->next)
		flow_send_chain_open(f, c);
	f->sent_to = 0;
	f->later = 0;
	FAILPOINT("receiver-before-replay");
	flow_pump(f);
	FAILPOINT("receiver-after-replay");
	if (!f->first)
		f->sent_to = f->next_number;
	flow_send_msg(f, &replayed);
	f->events->on_window(f->arg);
}

void
flow_disconnected(struct flow *f)
{
	f->connected = false;
	f->credit_bytes = 0;
	f->credit_batches = 0;
	f->events->on_window(f->arg);
}

bool
flow_is_connected(const struct flow *f)
{
	return f->connected;
}

/* ---- items ----------------------------------------------------------------
 */

int
flow_item_new(uint32_t n, struct flow_item **out)
{
	struct flow_item *item = calloc(1, sizeof(*item));

	if (!item)
		return ERR_NOMEM;
	item->ranges = calloc(n ? n : 1, sizeof(*item->ranges));
	if (!item->ranges) {
		free(item);
		return ERR_NOMEM;
	}
	item->n = n;
	item->type = IPC_BATCH;
	*out = item;
	return 0;
}

static void
item_free(struct flow_item *item)
{
	for (uint32_t i = 0; i < item->n; i++)
		free((void *)(uintptr_t)item->ranges[i].range.path.ptr);
	free(item->ranges);
	free((void *)(uintptr_t)item->batch.payload.ptr);
	free(item);
}

int
flow_item_set_range(struct flow_item *item, uint32_t i,
    struct flow_stream *stream, const struct ipc_range *range)
{
	struct flow_range *r = &item->ranges[i];
	uint8_t *path = NULL;

	if (range->path.len) {
		path = malloc(range->path.len);
		if (!path)
			return ERR_NOMEM;
		memcpy(path, range->path.ptr, range->path.len);
	}
	r->stream = stream;
	r->cut = stream->cut;
	stream->refs++;
	r->range = *range;
	r->range.path = bytes_of(path, range->path.len);
	return 0;
}

void
flow_item_set_chain(struct flow_item *item, struct flow_chain *chain)
{
	item->chain = chain;
	chain->refs++;
}

void
flow_item_give_payload(struct flow_item *item, uint8_t *payload, size_t len)
{
	free((void *)(uintptr_t)item->batch.payload.ptr);
	item->batch.payload = bytes_of(payload, len);
}

static void
raise_next(struct flow_chain *c, uint64_t next_rec)
{
	if (c->open.next_rec < next_rec)
		c->open.next_rec = next_rec;
}

void
flow_add(struct flow *f, struct flow_item *item)
{
	item->number = f->next_number++;
	/* A restarted keeper is told how far the child's numbers go. */
	if (item->chain && item->type == IPC_BATCH)
		raise_next(item->chain,
		    item->batch.chain_first_rec + item->batch.records);
	item->charged = item->batch.payload.len + ITEM_OVERHEAD +
	    item->n * sizeof(*item->ranges);
	if (f->last)
		f->last->next = item;
	else
		f->first = item;
	f->last = item;
	f->bytes += item->charged;
	f->items++;
	flow_pump(f);
}

void
flow_drop(struct flow *f, struct flow_item *item)
{
	if (!item)
		return;
	for (uint32_t i = 0; i < item->n; i++)
		if (item->ranges[i].stream)
			flow_stream_unref(f, item->ranges[i].stream);
	if (item->chain)
		flow_chain_unref(f, item->chain);
	item_free(item);
}

void
flow_pop(struct flow *f)
{
	struct flow_item *item = f->first;

	f->first = item->next;
	if (!f->first)
		f->last = NULL;
	f->bytes -= item->charged;
	f->items--;
	flow_drop(f, item);
}

int
flow_advance(
    struct flow *f, struct flow_stream *s, const struct agentlink_advance *a)
{
	struct flow_item *item = NULL;
	int rc = flow_item_new(1, &item);

	if (rc)
		return rc;
	item->type = IPC_ADVANCE;
	item->ranges[0].stream = s;
	item->ranges[0].cut = s->cut;
	s->refs++;
	item->ranges[0].range.first_seq = a->from;
	item->advance.from = a->from;
	item->advance.to = a->to;
	item->advance.reason = a->reason;
	item->advance.spool = a->spool;
	memcpy(item->advance.head, a->head, BATCH_HEAD_SIZE);
	flow_add(f, item);
	return 0;
}

int
flow_skip(struct flow *f, struct flow_chain *c, const struct agentlink_skip *s)
{
	struct flow_item *item = NULL;
	int rc = flow_item_new(0, &item);

	if (rc)
		return rc;
	item->type = IPC_SKIP;
	flow_item_set_chain(item, c);
	raise_next(c, s->from + s->count);
	item->skip.from = s->from;
	item->skip.count = s->count;
	item->skip.reason = s->reason;
	flow_add(f, item);
	return 0;
}

size_t
flow_window(const struct flow *f)
{
	size_t limit = f->pool_bytes;

	if (f->connected && f->credit_bytes < limit)
		limit = (size_t)f->credit_bytes;
	if (f->later || (f->connected && f->items >= f->credit_batches))
		return 0;
	return f->bytes < limit ? limit - f->bytes : 0;
}

bool
flow_is_idle(const struct flow *f)
{
	return !f->first;
}

size_t
flow_unanswered_bytes(const struct flow *f)
{
	return f->bytes;
}

uint32_t
flow_unanswered(const struct flow *f)
{
	return f->items;
}
