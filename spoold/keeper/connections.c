/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/connections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/codec/agentlink_msg.h"
#include "spoold/keeper/htable.h"
#include "spoold/keeper/mem.h"

/* Something that connections are counted by: identity, listener, source. */
struct group {
	struct htable_node node;
	char what; /* 'i', 'l', 's' */
	char name[IPC_HOST_MAX + 1];
	uint64_t n;
	struct connection *newest; /* of an identity */
};

struct connection {
	struct htable_node node;
	uint64_t link, number, since_us;
	struct group *identity, *listener, *source;
	struct connection *next; /* of the same identity */
};

struct connections {
	struct htable by_number, groups;
};

struct connections *
connections_new(uint64_t seed)
{
	struct connections *c = mem_new(sizeof(*c));

	htable_init(&c->by_number, seed);
	htable_init(&c->groups, seed);
	return c;
}

/* ---- groups ---- */

struct group_key {
	char what;
	struct bytes name;
};

static bool
is_group(const struct htable_node *node, const void *key)
{
	const struct group *g = (const struct group *)node;
	const struct group_key *k = key;

	return g->what == k->what && bytes_equal_str(k->name, g->name);
}

static struct group *
group_of(struct connections *c, char what, struct bytes name)
{
	struct group_key key = {what, name};
	uint64_t h = htable_hash(c->groups.seed, bytes_of(&what, 1));
	struct group *g;

	h = htable_hash(h, name);
	g = (struct group *)htable_find(&c->groups, h, is_group, &key);
	if (g)
		return g;
	g = mem_new(sizeof(*g));
	g->what = what;
	snprintf(g->name, sizeof(g->name), "%.*s", (int)name.len,
	    name.len ? (const char *)name.ptr : "");
	htable_add(&c->groups, &g->node, h);
	return g;
}

static void
leave(struct connections *c, struct group *g)
{
	if (--g->n)
		return;
	htable_remove(&c->groups, &g->node);
	free(g);
}

/* ---- connections ---- */

static uint64_t
hash_of(const struct connections *c, const uint64_t key[2])
{
	return htable_hash(c->by_number.seed, bytes_of(key, 16));
}

static bool
is_connection(const struct htable_node *node, const void *key)
{
	const struct connection *x = (const struct connection *)node;
	const uint64_t *k = key;

	return x->link == k[0] && x->number == k[1];
}

static struct connection *
find(const struct connections *c, uint64_t link, uint64_t number)
{
	const uint64_t key[2] = {link, number};

	return (struct connection *)htable_find(
	    &c->by_number, hash_of(c, key), is_connection, key);
}

static void
drop(struct connections *c, struct connection *x)
{
	struct connection **p = &x->identity->newest;

	while (*p != x)
		p = &(*p)->next;
	*p = x->next;
	leave(c, x->identity);
	leave(c, x->listener);
	leave(c, x->source);
	htable_remove(&c->by_number, &x->node);
	free(x);
}

static struct connection *
insert(struct connections *c, uint64_t link, const struct ipc_connected *m)
{
	const uint64_t key[2] = {link, m->connection};
	struct connection *x = mem_new(sizeof(*x));
	char id[UUID_TEXT_SIZE + 1];
	struct connection **p;

	snprintf(id, sizeof(id), "%c%s", m->is_spool ? 's' : 'a',
	    uuid_format(&m->id, (char[UUID_TEXT_SIZE]){0}));
	x->link = link;
	x->number = m->connection;
	x->since_us = m->since_us;
	x->identity = group_of(c, 'i', bytes_of_str(id));
	x->listener = group_of(c, 'l', m->listener);
	x->source = group_of(c, 's', m->host);
	x->identity->n++;
	x->listener->n++;
	x->source->n++;
	p = &x->identity->newest;
	while (*p && (*p)->since_us > x->since_us)
		p = &(*p)->next;
	x->next = *p;
	*p = x;
	htable_add(&c->by_number, &x->node, hash_of(c, key));
	return x;
}

/* Who has to go because x has come; NULL: nobody. */
static struct connection *
one_too_many(const struct connections *c, struct connection *x,
    const struct connections_limits *limits, uint16_t *code)
{
	struct connection *oldest = x->identity->newest;

	while (oldest->next)
		oldest = oldest->next;
	*code = AGENTLINK_CODE_TAKEN_OVER;
	if (x->identity->n > CONNECTIONS_PER_IDENTITY)
		return oldest;
	*code = AGENTLINK_CODE_LIMIT;
	if (c->by_number.n > limits->all || x->listener->n > limits->listener ||
	    x->source->n > limits->source)
		return x;
	return NULL;
}

bool
connections_add(struct connections *c, uint64_t link,
    const struct ipc_connected *m, const struct connections_limits *limits,
    struct connections_displaced *out)
{
	struct connection *x;

	if (find(c, link, m->connection))
		return false;
	x = one_too_many(c, insert(c, link, m), limits, &out->code);
	if (!x)
		return false;
	out->link = x->link;
	out->connection = x->number;
	drop(c, x);
	return true;
}

void
connections_remove(struct connections *c, uint64_t link, uint64_t connection)
{
	struct connection *x = find(c, link, connection);

	if (x)
		drop(c, x);
}

void
connections_forget(struct connections *c, uint64_t link)
{
	struct htable_node *node = htable_next(&c->by_number, NULL), *next;

	for (; node; node = next) {
		next = htable_next(&c->by_number, node);
		if (((struct connection *)node)->link == link)
			drop(c, (struct connection *)node);
	}
}

void
connections_free(struct connections *c)
{
	struct htable_node *node;

	if (!c)
		return;
	while ((node = htable_next(&c->by_number, NULL)))
		drop(c, (struct connection *)node);
	htable_fini(&c->by_number);
	htable_fini(&c->groups);
	free(c);
}

uint64_t
connections_count(const struct connections *c)
{
	return c->by_number.n;
}
