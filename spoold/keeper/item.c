/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/item.h"

#include <stdlib.h>
#include <string.h>

#include "spoold/keeper/mem.h"

struct item *
item_new(enum item_kind kind)
{
	struct item *it = mem_new(sizeof(*it));

	it->kind = kind;
	buf_init(&it->entries, BATCH_STORED_MAX);
	return it;
}

void
item_free(struct item *it)
{
	uint32_t i;

	if (!it)
		return;
	for (i = 0; i < it->ranges; i++)
		sdef_unref(it->range[i].def);
	free(it->range);
	free(it->memory);
	buf_fini(&it->entries);
	free(it);
}

static void
fill_ranges(struct item *it, struct bytes encoded)
{
	struct ipc_range in;
	struct cursor c;
	uint32_t i = 0;

	cursor_init(&c, encoded);
	while (i < it->ranges && ipc_range_next(&c, &in) == 1) {
		struct batch_range *r = &it->range[i++].range;

		r->first_seq = in.first_seq;
		r->count = in.count;
		r->flags = in.flags &
		    (BATCH_RANGE_GAP_BEFORE | BATCH_RANGE_RESTART |
			BATCH_RANGE_CONTINUATION | BATCH_RANGE_HEAD);
		r->severities = in.severities;
		memcpy(r->head, in.head, BATCH_HEAD_SIZE);
		r->path = in.path;
	}
}

struct item *
item_of_batch(const struct ipc_batch *m)
{
	struct item *it = item_new(ITEM_BATCH);
	struct bytes copy;

	it->ordered = true;
	it->number = m->number;
	it->memory = mem_grow(NULL, m->ranges.len + m->payload.len, 1);
	if (m->ranges.len)
		memcpy(it->memory, m->ranges.ptr, m->ranges.len);
	if (m->payload.len)
		memcpy(
		    it->memory + m->ranges.len, m->payload.ptr, m->payload.len);
	copy = bytes_of(it->memory, m->ranges.len);
	memcpy(it->content_digest, m->content_digest, BATCH_DIGEST_SIZE);
	it->data = (struct store_data){
	    .lane = (enum batch_lane)m->lane,
	    .codec = (enum batch_codec)m->codec,
	    .records = m->records,
	    .raw_len = m->raw_len,
	    .received_first_ns = m->received_first_ns,
	    .received_last_ns = m->received_last_ns,
	    .event_min_ns = m->event_min_ns,
	    .event_max_ns = m->event_max_ns,
	    .content_digest = it->content_digest,
	    .payload = bytes_of(it->memory + m->ranges.len, m->payload.len),
	};
	it->ranges = m->n;
	it->range = mem_new(m->n * sizeof(*it->range));
	fill_ranges(it, copy);
	return it;
}

size_t
item_size(const struct item *it)
{
	if (it->kind != ITEM_BATCH)
		return it->entries.len;
	return it->data.payload.len + it->ranges * (size_t)64;
}

void
item_list_init(struct item_list *l)
{
	l->first = NULL;
	l->last = &l->first;
	l->n = 0;
}

void
item_list_add(struct item_list *l, struct item *it)
{
	it->next = NULL;
	*l->last = it;
	l->last = &it->next;
	l->n++;
}

struct item *
item_list_take(struct item_list *l)
{
	struct item *it = l->first;

	if (it) {
		l->first = it->next;
		l->n--;
		if (!l->first)
			l->last = &l->first;
		it->next = NULL;
	}
	return it;
}

void
item_list_put_before(struct item_list *to, struct item_list *from)
{
	item_list_put_behind(from, to);
	item_list_put_behind(to, from);
}

void
item_list_put_behind(struct item_list *to, struct item_list *from)
{
	if (!from->first)
		return;
	*to->last = from->first;
	to->last = from->last;
	to->n += from->n;
	item_list_init(from);
}

void
item_list_free(struct item_list *l)
{
	struct item *it;

	while ((it = item_list_take(l)))
		item_free(it);
}
