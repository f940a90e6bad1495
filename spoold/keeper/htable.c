/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/htable.h"

#include <stdlib.h>
#include <string.h>

#include "spoold/keeper/mem.h"

#define FIRST_SLOTS 64

void
htable_init(struct htable *t, uint64_t seed)
{
	*t = (struct htable){.slots = FIRST_SLOTS, .seed = seed | 1};
	t->slot = mem_new(t->slots * sizeof(*t->slot));
}

void
htable_fini(struct htable *t)
{
	free(t->slot);
	*t = (struct htable){0};
}

static uint64_t
mix(uint64_t h, uint64_t x)
{
	__extension__ unsigned __int128 m =
	    (unsigned __int128)(h ^ x) * 0x9e3779b97f4a7c15ull;

	return (uint64_t)m ^ (uint64_t)(m >> 64) ^ h;
}

uint64_t
htable_hash(uint64_t hash, struct bytes x)
{
	uint64_t word;

	hash = mix(hash, x.len + 0x51ed27);
	for (; x.len >= sizeof(word); x.ptr += 8, x.len -= 8) {
		memcpy(&word, x.ptr, sizeof(word));
		hash = mix(hash, word);
	}
	word = 0;
	if (x.len)
		memcpy(&word, x.ptr, x.len);
	return mix(hash, word);
}

struct htable_node *
htable_find(const struct htable *t, uint64_t hash,
    bool (*is)(const struct htable_node *node, const void *key),
    const void *key)
{
	struct htable_node *n;

	for (n = t->slot[hash & (t->slots - 1)]; n; n = n->next)
		if (n->hash == hash && is(n, key))
			return n;
	return NULL;
}

static void
put(struct htable *t, struct htable_node *node)
{
	struct htable_node **slot = &t->slot[node->hash & (t->slots - 1)];

	node->next = *slot;
	*slot = node;
}

static void
grow(struct htable *t)
{
	struct htable_node **old = t->slot, *n, *next;
	size_t i, slots = t->slots;

	t->slots *= 2;
	t->slot = mem_new(t->slots * sizeof(*t->slot));
	for (i = 0; i < slots; i++)
		for (n = old[i]; n; n = next) {
			next = n->next;
			put(t, n);
		}
	free(old);
}

void
htable_add(struct htable *t, struct htable_node *node, uint64_t hash)
{
	if (t->n >= t->slots)
		grow(t);
	node->hash = hash;
	put(t, node);
	t->n++;
}

void
htable_remove(struct htable *t, struct htable_node *node)
{
	struct htable_node **p = &t->slot[node->hash & (t->slots - 1)];

	while (*p != node)
		p = &(*p)->next;
	*p = node->next;
	t->n--;
}

struct htable_node *
htable_next(const struct htable *t, const struct htable_node *node)
{
	size_t i = 0;

	if (node && node->next)
		return node->next;
	if (node)
		i = (node->hash & (t->slots - 1)) + 1;
	for (; i < t->slots; i++)
		if (t->slot[i])
			return t->slot[i];
	return NULL;
}
