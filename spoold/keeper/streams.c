/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/streams.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/stream_counts.h"

struct streams_agent {
	struct htable_node node;
	struct uuid origin;
	uint32_t streams;
	uint32_t open;
};

struct streams_name {
	struct htable_node node;
	struct uuid origin;
	struct bytes name; /* lies behind */
	struct stream *epochs;
	uint32_t n;
};

uint64_t
streams_key_hash(uint64_t seed, const struct entry_stream_key *key)
{
	uint64_t h = htable_hash(seed, bytes_of(&key->origin, UUID_SIZE));

	h = htable_hash(h, bytes_of(&key->epoch, UUID_SIZE));
	return htable_hash(h, key->name);
}

bool
streams_key_equal(
    const struct entry_stream_key *a, const struct entry_stream_key *b)
{
	return uuid_equal(&a->origin, &b->origin) &&
	    uuid_equal(&a->epoch, &b->epoch) && bytes_equal(a->name, b->name);
}

void
streams_init(struct streams *s, size_t memory_max, uint64_t seed)
{
	*s = (struct streams){.memory_max = memory_max};
	htable_init(&s->by_key, seed);
	htable_init(&s->names, seed);
	htable_init(&s->agents, seed);
}

void
streams_clear(struct streams *s)
{
	struct stream *st = streams_next(s, NULL), *next;

	for (; st; st = next) {
		next = streams_next(s, st);
		streams_remove(s, st);
	}
}

void
streams_fini(struct streams *s)
{
	if (!s->by_key.slot)
		return;
	streams_clear(s);
	htable_fini(&s->by_key);
	htable_fini(&s->names);
	htable_fini(&s->agents);
}

static bool
is_stream(const struct htable_node *node, const void *key)
{
	return streams_key_equal(&((const struct stream *)node)->key, key);
}

struct stream *
streams_find(const struct streams *s, const struct entry_stream_key *key)
{
	return (struct stream *)htable_find(
	    &s->by_key, streams_key_hash(s->by_key.seed, key), is_stream, key);
}

static bool
is_agent(const struct htable_node *node, const void *key)
{
	return uuid_equal(&((const struct streams_agent *)node)->origin, key);
}

static struct streams_agent *
agent_of(struct streams *s, const struct uuid *origin)
{
	uint64_t h = htable_hash(s->agents.seed, bytes_of(origin, UUID_SIZE));
	struct streams_agent *a = (struct streams_agent *)htable_find(
	    &s->agents, h, is_agent, origin);

	if (!a) {
		a = mem_new(sizeof(*a));
		a->origin = *origin;
		htable_add(&s->agents, &a->node, h);
	}
	return a;
}

static bool
is_name(const struct htable_node *node, const void *key)
{
	const struct streams_name *n = (const struct streams_name *)node;
	const struct entry_stream_key *k = key;

	return uuid_equal(&n->origin, &k->origin) &&
	    bytes_equal(n->name, k->name);
}

static struct streams_name *
name_of(struct streams *s, const struct entry_stream_key *key)
{
	uint64_t h =
	    htable_hash(s->names.seed, bytes_of(&key->origin, UUID_SIZE));
	struct streams_name *n;

	h = htable_hash(h, key->name);
	n = (struct streams_name *)htable_find(&s->names, h, is_name, key);
	if (!n) {
		n = mem_new(sizeof(*n) + key->name.len);
		n->origin = key->origin;
		if (key->name.len)
			memcpy(n + 1, key->name.ptr, key->name.len);
		n->name = bytes_of(n + 1, key->name.len);
		htable_add(&s->names, &n->node, h);
	}
	return n;
}

static size_t
size_of(const struct entry_stream_key *key)
{
	return sizeof(struct stream) + sizeof(struct streams_name) +
	    sizeof(struct streams_agent) + 2 * key->name.len + 64;
}

/*
 * The epoch that has been silent the longest; of equals, as a replay may see
 * them, the one that was added first, which is the last in the list.
 */
static struct stream *
oldest_epoch(const struct streams_name *n)
{
	struct stream *st, *oldest = n->epochs;

	for (st = n->epochs; st; st = st->next_epoch)
		if (st->seen_us <= oldest->seen_us)
			oldest = st;
	return oldest;
}

static struct streams_name *
find_name(const struct streams *s, const struct entry_stream_key *key)
{
	uint64_t h =
	    htable_hash(s->names.seed, bytes_of(&key->origin, UUID_SIZE));

	h = htable_hash(h, key->name);
	return (struct streams_name *)htable_find(&s->names, h, is_name, key);
}

/* Room for one more epoch of this name. */
static int
make_room(struct streams *s, const struct entry_stream_key *key)
{
	struct streams_name *n = find_name(s, key);
	struct stream *oldest;

	if (n && n->n >= STREAMS_EPOCHS_MAX) {
		oldest = oldest_epoch(n);
		if (oldest->opens || oldest->queued)
			return ERR_LIMIT;
		streams_remove(s, oldest);
	}
	return s->memory + size_of(key) > s->memory_max ? ERR_LIMIT : 0;
}

int
streams_add(struct streams *s, const struct entry_stream_key *key,
    struct bytes listener, uint64_t now_us, struct stream **out)
{
	int rc = make_room(s, key);
	struct stream *st;
	size_t len = listener.len;

	if (rc)
		return rc;
	st = mem_new(sizeof(*st) + key->name.len);
	st->key = *key;
	if (key->name.len)
		memcpy(st + 1, key->name.ptr, key->name.len);
	st->key.name = bytes_of(st + 1, key->name.len);
	if (len > ENTRY_NAME_MAX)
		len = ENTRY_NAME_MAX;
	if (len)
		memcpy(st->listener, listener.ptr, len);
	st->seen_us = now_us;
	st->of_name = name_of(s, key);
	st->next_epoch = st->of_name->epochs;
	st->of_name->epochs = st;
	st->of_name->n++;
	st->of_agent = agent_of(s, &key->origin);
	st->of_agent->streams++;
	htable_add(
	    &s->by_key, &st->node, streams_key_hash(s->by_key.seed, key));
	s->memory += size_of(key);
	*out = st;
	return 0;
}

static void
leave_name(struct streams *s, struct stream *st)
{
	struct streams_name *n = st->of_name;
	struct stream **p = &n->epochs;

	while (*p != st)
		p = &(*p)->next_epoch;
	*p = st->next_epoch;
	if (--n->n == 0) {
		htable_remove(&s->names, &n->node);
		free(n);
	}
}

static void
leave_agent(struct streams *s, struct stream *st)
{
	struct streams_agent *a = st->of_agent;

	a->open -= st->opens ? 1 : 0;
	if (--a->streams == 0) {
		htable_remove(&s->agents, &a->node);
		free(a);
	}
}

void
streams_remove(struct streams *s, struct stream *st)
{
	s->memory -= size_of(&st->key);
	s->generation++;
	stream_counts_forget(s, st);
	htable_remove(&s->by_key, &st->node);
	leave_name(s, st);
	leave_agent(s, st);
	free(st);
}

void
streams_set_peer(struct stream *st, struct bytes peer)
{
	size_t len = peer.len <= ENTRY_PEER_MAX ? peer.len : 0;

	if (len)
		memcpy(st->peer, peer.ptr, len);
	st->peer[len] = '\0';
}

int
streams_open(struct streams *s, struct stream *st)
{
	(void)s;
	if (!st->opens) {
		if (st->of_agent->open >= STREAMS_OPEN_MAX)
			return ERR_LIMIT;
		st->of_agent->open++;
	}
	st->opens++;
	return 0;
}

void
streams_close(struct streams *s, struct stream *st)
{
	if (--st->opens)
		return;
	st->of_agent->open--;
	if (!st->queued && !st->stored)
		streams_remove(s, st);
}

void
streams_sweep(struct streams *s, uint64_t now_us)
{
	struct stream *st = streams_next(s, NULL), *next;

	for (; st; st = next) {
		next = streams_next(s, st);
		if (st->closed && !st->opens && !st->queued &&
		    now_us >= st->seen_us &&
		    now_us - st->seen_us >= STREAMS_KEEP_US)
			streams_remove(s, st);
	}
}

struct stream *
streams_next(const struct streams *s, const struct stream *st)
{
	return (struct stream *)htable_next(&s->by_key, st ? &st->node : NULL);
}

size_t
streams_count(const struct streams *s)
{
	return s->by_key.n;
}
