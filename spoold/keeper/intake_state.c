/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/intake_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "spoold/keeper/mem.h"

struct intake_link *
intake_state_link(struct intake *in, uint64_t id)
{
	struct intake_link *l = in->links;

	while (l && l->id != id)
		l = l->next;
	return l;
}

static bool
is_sid(const struct htable_node *node, const void *key)
{
	return ((const struct intake_sid *)node)->sid == *(const uint32_t *)key;
}

struct intake_sid *
intake_state_sid(struct intake_link *l, uint32_t sid)
{
	uint64_t h = htable_hash(l->sids.seed, bytes_of(&sid, sizeof(sid)));

	return (struct intake_sid *)htable_find(&l->sids, h, is_sid, &sid);
}

static bool
is_chain(const struct htable_node *node, const void *key)
{
	return ((const struct intake_chain *)node)->chain_id ==
	    *(const uint32_t *)key;
}

struct intake_chain *
intake_state_chain(struct intake_link *l, uint32_t id)
{
	uint64_t h = htable_hash(l->chains.seed, bytes_of(&id, sizeof(id)));

	return (struct intake_chain *)htable_find(&l->chains, h, is_chain, &id);
}

struct intake_action *
intake_state_push(struct intake *in, enum intake_do what, uint64_t link)
{
	struct intake_queued *q = mem_new(sizeof(*q));

	q->action.what = what;
	q->action.link = link;
	buf_init(&q->action.message, IPC_MESSAGE_MAX);
	*in->last = q;
	in->last = &q->next;
	return &q->action;
}

void
intake_state_send(struct intake *in, uint64_t link, const struct ipc_msg *m)
{
	struct intake_action *a = intake_state_push(in, INTAKE_SEND, link);

	a->type = m->type;
	ipc_encode(&a->message, m);
}

void
intake_state_submit(struct intake *in, struct item *it)
{
	struct intake_link *l = intake_state_link(in, it->link);

	it->of_intake = true;
	if (l) {
		l->queued++;
		l->queued_bytes += item_size(it);
		it->slot = l->slot;
		it->epoch = l->epoch;
	}
	in->queued_bytes += item_size(it);
	intake_state_push(in, INTAKE_SUBMIT, it->link)->item = it;
}

void
intake_state_entry(struct intake *in, const struct entry *e)
{
	struct item *it = item_new(ITEM_ENTRIES);

	entry_encode(&it->entries, e);
	intake_state_submit(in, it);
}

void
intake_state_alarm(struct intake *in, const char *fmt, ...)
{
	struct intake_action *a = intake_state_push(in, INTAKE_ALARM, 0);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->text, sizeof(a->text), fmt, ap);
	va_end(ap);
}

void
intake_state_broken(struct intake *in, struct intake_link *l, const char *why)
{
	struct intake_action *a;

	if (l->broken)
		return;
	l->broken = true;
	a = intake_state_push(in, INTAKE_CLOSE, l->id);
	snprintf(a->text, sizeof(a->text), "%s", why);
}
