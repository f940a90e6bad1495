/* SPDX-License-Identifier: Apache-2.0 */
/* Streams and chains: what the batches of a flow speak of. */
#include <stdlib.h>
#include <string.h>

#include "agentlink/receiver/flow.h"
#include "agentlink/receiver/flow_internal.h"
#include "lib/base/err.h"

/* Copy a string to *mem, moving it on; returns the copy. */
static struct bytes
copy_to(uint8_t **mem, struct bytes s)
{
	struct bytes copy = bytes_of(*mem, s.len);

	if (s.len)
		memcpy(*mem, s.ptr, s.len);
	*mem += s.len;
	return copy;
}

void
flow_send_stream_open(struct flow *f, struct flow_stream *s)
{
	struct ipc_msg m = {.type = IPC_STREAM_OPEN};
	struct ipc_stream_open *o = &m.u.stream_open;

	o->sid = s->sid;
	o->key = s->open.key;
	o->listener = s->open.listener;
	o->peer = s->open.peer;
	o->identity = s->open.identity;
	o->path = s->open.path;
	o->next_seq = s->open.next_seq;
	o->acked = s->open.acked;
	memcpy(o->head, s->open.head, BATCH_HEAD_SIZE);
	s->asked = !s->open.chained;
	flow_send_msg(f, &m);
}

static int
keep_strings(struct flow_stream *s)
{
	struct flow_stream_open *o = &s->open;
	uint8_t *to;

	s->mem = malloc(o->key.name.len + o->listener.len + o->peer.len +
	    o->identity.len + o->path.len + 1);
	if (!s->mem)
		return ERR_NOMEM;
	to = s->mem;
	o->key.name = copy_to(&to, o->key.name);
	o->listener = copy_to(&to, o->listener);
	o->peer = copy_to(&to, o->peer);
	o->identity = copy_to(&to, o->identity);
	o->path = copy_to(&to, o->path);
	return 0;
}

int
flow_stream_open(struct flow *f, const struct flow_stream_open *open,
    void *owner, struct flow_stream **out)
{
	struct flow_stream *s;
	struct flow_stream **bucket;

	if (f->n_streams >= IPC_SIDS_MAX)
		return ERR_LIMIT;
	s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	s->open = *open;
	if (keep_strings(s)) {
		free(s);
		return ERR_NOMEM;
	}
	s->owner = owner;
	s->sid = f->next_sid;
	f->next_sid = f->next_sid % (IPC_SID_CHAINED - 1) + 1;
	if (open->chained)
		s->sid |= IPC_SID_CHAINED;
	bucket = &f->streams[s->sid % FLOW_BUCKETS];
	s->next = *bucket;
	*bucket = s;
	f->n_streams++;
	if (f->connected)
		flow_send_stream_open(f, s);
	*out = s;
	return 0;
}

bool
flow_stream_is(const struct flow_stream *s, const struct entry_stream_key *key)
{
	const struct entry_stream_key *own = &s->open.key;

	return uuid_equal(&own->origin, &key->origin) &&
	    uuid_equal(&own->epoch, &key->epoch) &&
	    bytes_equal(own->name, key->name);
}

void
flow_stream_query(struct flow *f, struct flow_stream *s)
{
	if (f->connected)
		flow_send_stream_open(f, s);
}

struct flow_stream *
flow_find_stream(struct flow *f, uint32_t sid)
{
	struct flow_stream *s = f->streams[sid % FLOW_BUCKETS];

	while (s && s->sid != sid)
		s = s->next;
	return s;
}

static void
forget_stream(struct flow *f, struct flow_stream *s)
{
	struct flow_stream **p = &f->streams[s->sid % FLOW_BUCKETS];
	struct ipc_msg m = {.type = IPC_STREAM_CLOSE};

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	f->n_streams--;
	m.u.stream_close.sid = s->sid;
	m.u.stream_close.final = s->final;
	if (f->connected)
		flow_send_msg(f, &m);
	free(s->mem);
	free(s);
}

void
flow_stream_close(struct flow *f, struct flow_stream *s, bool final)
{
	if (!s)
		return;
	s->owner = NULL;
	s->closed = true;
	s->final = final;
	if (!s->refs)
		forget_stream(f, s);
}

void
flow_stream_unref(struct flow *f, struct flow_stream *s)
{
	if (--s->refs == 0 && s->closed)
		forget_stream(f, s);
}

void
flow_send_chain_open(struct flow *f, const struct flow_chain *c)
{
	struct ipc_msg m = {.type = IPC_CHAIN_OPEN};

	m.u.chain_open = c->open;
	m.u.chain_open.chain_id = c->id;
	flow_send_msg(f, &m);
}

int
flow_chain_open(struct flow *f, const struct ipc_chain_open *open, void *owner,
    struct flow_chain **out)
{
	struct flow_chain *c;
	uint8_t *to;

	if (f->n_chains >= IPC_CHAINS_MAX)
		return ERR_LIMIT;
	c = calloc(1, sizeof(*c));
	if (!c)
		return ERR_NOMEM;
	c->mem = malloc(open->listener.len + open->peer.len + 1);
	if (!c->mem) {
		free(c);
		return ERR_NOMEM;
	}
	to = c->mem;
	c->open = *open;
	c->open.listener = copy_to(&to, open->listener);
	c->open.peer = copy_to(&to, open->peer);
	c->owner = owner;
	c->id = f->next_chain++;
	c->next = f->chains;
	f->chains = c;
	f->n_chains++;
	if (f->connected)
		flow_send_chain_open(f, c);
	*out = c;
	return 0;
}

void
flow_chain_query(struct flow *f, struct flow_chain *c)
{
	if (f->connected)
		flow_send_chain_open(f, c);
}

struct flow_chain *
flow_find_chain(struct flow *f, uint32_t id)
{
	struct flow_chain *c = f->chains;

	while (c && c->id != id)
		c = c->next;
	return c;
}

static void
forget_chain(struct flow *f, struct flow_chain *c)
{
	struct flow_chain **p = &f->chains;
	struct ipc_msg m = {.type = IPC_CHAIN_CLOSE};

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	f->n_chains--;
	m.u.chain_close.chain_id = c->id;
	if (f->connected)
		flow_send_msg(f, &m);
	free(c->mem);
	free(c);
}

void
flow_chain_close(struct flow *f, struct flow_chain *c)
{
	if (!c)
		return;
	c->owner = NULL;
	c->closed = true;
	if (!c->refs)
		forget_chain(f, c);
}

void
flow_chain_unref(struct flow *f, struct flow_chain *c)
{
	if (--c->refs == 0 && c->closed)
		forget_chain(f, c);
}
