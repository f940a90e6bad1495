/* SPDX-License-Identifier: Apache-2.0 */
/* The batches that are held of a stream: a ring in sequence order. */
#include "agentlink/agentlink_state.h"

#include <stdlib.h>

#include "lib/base/err.h"

uint64_t
agentlink_held_end(const struct agentlink_held *h)
{
	return h->first_seq + h->count - 1;
}

void
agentlink_held_head_after(const struct agentlink_engine *e,
    const struct agentlink_held *h, uint8_t *head)
{
	digest_chain(
	    e->sha, h->prev_head, h->first_seq, h->count, h->digest, head);
}

struct agentlink_held *
agentlink_held_at(const struct agentlink_stream *s, size_t i)
{
	return &s->held[(s->held_at + i) % s->held_cap];
}

size_t
agentlink_held_count_from(const struct agentlink_stream *s, uint64_t seq)
{
	size_t low = 0, high = s->held_n;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (agentlink_held_at(s, mid)->first_seq <= seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct agentlink_held *
agentlink_held_covering(const struct agentlink_stream *s, uint64_t seq)
{
	size_t n = agentlink_held_count_from(s, seq);
	if (!n)
		return NULL;
	struct agentlink_held *h = agentlink_held_at(s, n - 1);
	return agentlink_held_end(h) >= seq ? h : NULL;
}

struct agentlink_held *
agentlink_held_find(const struct agentlink_stream *s, uint64_t seq)
{
	struct agentlink_held *h = agentlink_held_covering(s, seq);
	return h && h->first_seq == seq ? h : NULL;
}

void
agentlink_held_drop_first(
    struct agentlink_engine *e, struct agentlink_stream *s)
{
	struct agentlink_held *h = agentlink_held_at(s, 0);
	if (h->is_stored && e->settings.release)
		e->settings.release(e->settings.arg, h->ref);
	if (!h->is_borrowed)
		free(h->payload);
	free(h->path);
	s->held_at = (s->held_at + 1) % s->held_cap;
	s->held_n--;
}

static int
grow(struct agentlink_stream *s)
{
	size_t cap = s->held_cap ? 2 * s->held_cap : 16;
	struct agentlink_held *held = calloc(cap, sizeof(*held));
	if (!held)
		return ERR_NOMEM;
	for (size_t i = 0; i < s->held_n; i++)
		held[i] = *agentlink_held_at(s, i);
	free(s->held);
	s->held = held;
	s->held_at = 0;
	s->held_cap = cap;
	return 0;
}

int
agentlink_held_push(struct agentlink_engine *e, struct agentlink_stream *s,
    struct agentlink_held *h)
{
	if (s->held_n == s->held_cap) {
		int rc = grow(s);
		if (rc)
			return rc;
	}
	s->held_n++;
	*agentlink_held_at(s, s->held_n - 1) = *h;
	s->next_seq = agentlink_held_end(h) + 1;
	agentlink_held_head_after(e, h, s->next_head);
	e->counts.held_records += h->count;
	e->counts.held_batches++;
	e->counts.held_bytes += h->payload_len;
	return 0;
}
