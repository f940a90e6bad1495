/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/children.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/mem.h"

/* Index of the first interval that ends at or after x. */
static size_t
lower(const struct children_set *set, uint64_t x)
{
	size_t lo = 0, hi = set->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (set->iv[mid].to < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

enum children_part
children_part_of(const struct children_set *set, uint64_t from, uint64_t to)
{
	size_t i = lower(set, from + 1);

	if (i == set->n || set->iv[i].from >= to)
		return CHILDREN_NONE;
	return set->iv[i].from <= from && set->iv[i].to >= to ? CHILDREN_ALL
							      : CHILDREN_SOME;
}

static void
insert(struct children_set *set, size_t at)
{
	if (set->n == set->cap) {
		set->cap = set->cap ? set->cap * 2 : 8;
		set->iv = mem_grow(set->iv, set->cap, sizeof(*set->iv));
	}
	memmove(
	    &set->iv[at + 1], &set->iv[at], (set->n - at) * sizeof(*set->iv));
	set->n++;
}

int
children_set_add(struct children_set *set, uint64_t from, uint64_t to,
    const uint8_t digest[BATCH_DIGEST_SIZE])
{
	size_t first = lower(set, from), end = first;
	struct entry_child_interval x = {.from = from, .to = to};

	memcpy(x.digest, digest, sizeof(x.digest));
	while (end < set->n && set->iv[end].from <= to)
		end++;
	if (end == first) {
		if (set->n >= CHILDREN_INTERVALS_MAX)
			return ERR_LIMIT;
		insert(set, first);
		set->iv[first] = x;
		return 0;
	}
	if (set->iv[first].from < from)
		x.from = set->iv[first].from;
	if (set->iv[end - 1].to >= to) {
		x.to = set->iv[end - 1].to;
		memcpy(x.digest, set->iv[end - 1].digest, sizeof(x.digest));
	}
	set->iv[first] = x;
	memmove(&set->iv[first + 1], &set->iv[end],
	    (set->n - end) * sizeof(*set->iv));
	set->n -= end - first - 1;
	return 0;
}

uint64_t
children_set_end(const struct children_set *set)
{
	return set->n ? set->iv[set->n - 1].to : 0;
}

void
children_set_encode(const struct children_set *set, struct buf *b)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		entry_child_interval_encode(b, &set->iv[i]);
}

int
children_set_decode(struct children_set *set, uint32_t n, struct bytes encoded)
{
	struct entry_child_interval x;
	struct cursor c;
	uint64_t end = 0;
	int rc;

	if (n > CHILDREN_INTERVALS_MAX)
		return ERR_FORMAT;
	set->n = 0;
	cursor_init(&c, encoded);
	while ((rc = entry_child_interval_next(&c, &x)) == 1) {
		if (x.from >= x.to || (set->n && x.from <= end) || set->n >= n)
			return ERR_FORMAT;
		end = x.to;
		insert(set, set->n);
		set->iv[set->n - 1] = x;
	}
	return rc ? rc : set->n == n ? 0 : ERR_FORMAT;
}

void
children_init(struct children *c, uint64_t seed)
{
	htable_init(&c->table, seed);
}

static void
drop(struct children *c, struct child *ch)
{
	htable_remove(&c->table, &ch->node);
	free(ch->accepted.iv);
	free(ch->durable.iv);
	free(ch);
}

void
children_clear(struct children *c)
{
	struct child *ch = children_next(c, NULL), *next;

	for (; ch; ch = next) {
		next = children_next(c, ch);
		drop(c, ch);
	}
}

void
children_fini(struct children *c)
{
	if (!c->table.slot)
		return;
	children_clear(c);
	htable_fini(&c->table);
}

struct key {
	const struct uuid *child, *incarnation;
};

static bool
is_child(const struct htable_node *node, const void *arg)
{
	const struct child *ch = (const struct child *)node;
	const struct key *k = arg;

	return uuid_equal(&ch->child, k->child) &&
	    uuid_equal(&ch->incarnation, k->incarnation);
}

static uint64_t
hash_of(const struct children *c, const struct key *k)
{
	uint64_t h = htable_hash(c->table.seed, bytes_of(k->child, UUID_SIZE));

	return htable_hash(h, bytes_of(k->incarnation, UUID_SIZE));
}

struct child *
children_find(const struct children *c, const struct uuid *child,
    const struct uuid *incarnation)
{
	struct key k = {child, incarnation};

	return (struct child *)htable_find(
	    &c->table, hash_of(c, &k), is_child, &k);
}

/* Room for one more incarnation of this child. */
static int
make_room(struct children *c, const struct uuid *child)
{
	struct child *ch = NULL, *oldest = NULL;
	size_t n = 0;

	while ((ch = children_next(c, ch))) {
		if (!uuid_equal(&ch->child, child))
			continue;
		n++;
		if (!ch->opens && !ch->queued &&
		    (!oldest || ch->seen_us < oldest->seen_us))
			oldest = ch;
	}
	if (n >= CHILDREN_INCARNATIONS_MAX) {
		if (!oldest)
			return ERR_LIMIT;
		drop(c, oldest);
	}
	return c->table.n >= CHILDREN_MAX ? ERR_LIMIT : 0;
}

int
children_take(struct children *c, const struct uuid *child,
    const struct uuid *incarnation, uint64_t now_us, struct child **out)
{
	struct child *ch = children_find(c, child, incarnation);
	struct key k = {child, incarnation};
	int rc;

	if (!ch) {
		rc = make_room(c, child);
		if (rc)
			return rc;
		ch = mem_new(sizeof(*ch));
		ch->child = *child;
		ch->incarnation = *incarnation;
		ch->seen_us = now_us;
		htable_add(&c->table, &ch->node, hash_of(c, &k));
	}
	*out = ch;
	return 0;
}

struct child *
children_next(const struct children *c, const struct child *ch)
{
	return (struct child *)htable_next(&c->table, ch ? &ch->node : NULL);
}
