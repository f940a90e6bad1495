/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: a frame is decoded and fed to intake; intake's actions are
 * done: answers sent, items given to the writer.  What can go wrong: the
 * receiver dies: its socket is read to the end first, then intake is told; a
 * new socket for the same slot is not read before that.  A receiver that
 * breaks the protocol is cut off.
 */
#include "spoold/keeper/receivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/codec/kv.h"
#include "lib/link/chan.h"
#include "spoold/keeper/connections.h"
#include "spoold/keeper/mem.h"

#define LISTENERS_MAX 64

struct gauge {
	char listener[ENTRY_NAME_MAX + 1];
	uint64_t connections;
	uint64_t certificate_ends;
};

struct receiver_link {
	struct receiver_link *next;
	struct receivers *all;
	struct chan *chan;
	uint64_t id;
	uint32_t slot;
	bool waits; /* for the older link of its slot to end */
	bool broken;
	struct gauge gauge[LISTENERS_MAX];
	size_t gauges;
};

struct receivers {
	struct keeper *k;
	struct connections *connections;
	struct receiver_link *links;
	uint64_t last_id;
};

struct receivers *
receivers_new(struct keeper *k)
{
	struct receivers *r = mem_new(sizeof(*r));

	r->k = k;
	r->connections = connections_new(k->seed);
	return r;
}

static struct receiver_link *
find(const struct receivers *r, uint64_t id)
{
	struct receiver_link *l = r->links;

	while (l && l->id != id)
		l = l->next;
	return l;
}

/* ---- reports ---- */

/* NULL if this receiver has told nothing of it. */
static struct gauge *
gauge_of(struct receiver_link *l, const char *listener)
{
	size_t i;

	for (i = 0; i < l->gauges; i++)
		if (!strcmp(l->gauge[i].listener, listener))
			return &l->gauge[i];
	return NULL;
}

static void
set_gauge(struct receiver_link *l, const char *listener, uint64_t x)
{
	struct gauge *g = gauge_of(l, listener);

	if (!g && l->gauges < LISTENERS_MAX) {
		g = &l->gauge[l->gauges++];
		snprintf(g->listener, sizeof(g->listener), "%s", listener);
	}
	if (g)
		g->connections = x;
}

static void
set_certificate(struct receiver_link *l, const char *listener, uint64_t x)
{
	struct gauge *g = gauge_of(l, listener);

	if (g)
		g->certificate_ends = x;
	keeper_note_certificate(l->all->k, "listener", listener, x);
}

static void
note_descriptors(
    struct receiver_link *l, const char *listener, uint64_t lacking)
{
	char about[ALARMS_ABOUT];

	snprintf(about, sizeof(about), "listener %s in receiver-%u", listener,
	    l->slot);
	if (lacking)
		keeper_alarm_stands(l->all->k, about,
		    "DESCRIPTORS_SHORT: %s has no descriptor left and turns "
		    "connections away; raise the limit of open files",
		    about);
	else
		keeper_alarm_ends(l->all->k, about, "DESCRIPTORS_SHORT");
}

/* Not the first of this agent; the receiver sees to it that it is seldom. */
static void
note_mismatches(
    struct receivers *r, const char *listener, const char *agent, uint64_t n)
{
	struct entry e = {.type = ENTRY_ALARM};
	struct uuid id;
	char text[160];

	if (uuid_parse(bytes_of_str(agent), &id))
		return;
	snprintf(text, sizeof(text),
	    "agent %s of listener %s sent %llu batches that are not what their "
	    "digests say",
	    agent, listener, (unsigned long long)n);
	keeper_alarm(r->k, "DIGEST: %s", text);
	e.u.alarm = (struct entry_alarm){.kind = ENTRY_ALARM_DIGEST,
	    .wall_ns = keeper_now(r->k).wall_ns,
	    .text = bytes_of_str(text)};
	keeper_entry(r->k, &e, NULL, NULL);
}

/* "LISTENER.what" or "LISTENER.what.AGENT": a number. */
static void
on_pair(struct receiver_link *l, const char *key, uint64_t x)
{
	static const char mismatches[] = ".digest_mismatches.";
	struct receivers *r = l->all;
	const char *dot = strchr(key, '.');
	char name[ENTRY_NAME_MAX + 1];
	struct counters *counters = &r->k->counters;

	if (!dot || dot - key > ENTRY_NAME_MAX)
		return;
	snprintf(name, sizeof(name), "%.*s", (int)(dot - key), key);
	if (!strcmp(dot, ".connections")) {
		set_gauge(l, name, x);
	} else if (!strcmp(dot, ".refused_records") && x) {
		counters_unstored(counters, bytes_of_str(name), 0, x);
	} else if (!strcmp(dot, ".duplicate_records") && x) {
		counters_unstored(counters, bytes_of_str(name), x, 0);
		counters_of(counters, bytes_of_str(name))->acknowledged += x;
	} else if (!strcmp(dot, ".certificate_ends")) {
		set_certificate(l, name, x);
	} else if (!strcmp(dot, ".no_descriptors")) {
		note_descriptors(l, name, x);
	} else if (!strncmp(dot, mismatches, sizeof(mismatches) - 1)) {
		note_mismatches(r, name, dot + sizeof(mismatches) - 1, x);
	}
}

static void
on_report(struct receiver_link *l, struct bytes encoded)
{
	const char *identity;
	struct kv *kv;
	uint64_t x;
	size_t i;

	if (kv_decode(encoded, &kv))
		return;
	if (!kv_get_str(kv, "identity", &identity))
		uuid_parse(bytes_of_str(identity), &l->all->k->known_as);
	for (i = 0; i < kv_count(kv); i++)
		if (!kv_get_u64(kv, kv_key_at(kv, i), &x))
			on_pair(l, kv_key_at(kv, i), x);
	kv_free(kv);
}

uint64_t
receivers_connections(const struct receivers *r, const char *listener)
{
	struct receiver_link *l;
	const struct gauge *g;
	uint64_t n = 0;

	for (l = r->links; l; l = l->next)
		if ((g = gauge_of(l, listener)))
			n += g->connections;
	return n;
}

uint64_t
receivers_certificate(const struct receivers *r, const char *listener)
{
	struct receiver_link *l;
	const struct gauge *g;

	for (l = r->links; l; l = l->next)
		if ((g = gauge_of(l, listener)))
			return g->certificate_ends;
	return 0;
}

/* ---- links ---- */

static void
cut_off(struct receiver_link *l, const char *why)
{
	if (l->broken)
		return;
	l->broken = true;
	log_error("receiver %u is cut off: %s", (unsigned)l->slot, why);
	/* It is restarted, or sees the end and exits; either comes back. */
	chan_free(l->chan);
	l->chan = NULL;
}

static void
send_to(struct receivers *r, uint64_t id, uint16_t type, struct bytes message)
{
	struct receiver_link *l = find(r, id);
	int rc;

	if (!l || !l->chan)
		return;
	rc = chan_send(l->chan, type, &message, 1, -1);
	if (rc && rc != ERR_CLOSED)
		cut_off(l, err_text(rc));
}

/* What agents are told in HELLO_OK. */
static void
introduce(struct receiver_link *l)
{
	const struct entry_identity *id = &l->all->k->identity;
	struct ipc_msg m = {.type = IPC_SPOOL};
	struct buf b;

	m.u.spool.spool = id->spool;
	m.u.spool.incarnation = id->incarnation;
	m.u.spool.floor_ns = keeper_floor_ns(l->all->k);
	buf_init(&b, 256);
	ipc_encode(&b, &m);
	send_to(l->all, l->id, IPC_SPOOL, buf_bytes(&b));
	buf_fini(&b);
}

/* ---- connections ---- */

static struct connections_limits
limits_of(const struct settings *s, struct bytes listener)
{
	struct connections_limits limits = {
	    s->connections, s->connections, UINT64_MAX};
	size_t i;

	for (i = 0; i < s->listeners; i++) {
		if (!bytes_equal_str(listener, s->listener[i].name))
			continue;
		if (s->listener[i].max_connections)
			limits.listener = s->listener[i].max_connections;
		if (s->listener[i].max_per_source)
			limits.source = s->listener[i].max_per_source;
	}
	return limits;
}

/* One of all receivers' connections has to go: its receiver is told. */
static void
on_connected(struct receiver_link *l, const struct ipc_connected *connected)
{
	struct receivers *r = l->all;
	struct connections_limits limits =
	    limits_of(r->k->settings, connected->listener);
	struct connections_displaced d;
	struct ipc_msg m = {.type = IPC_DISPLACED};
	struct buf b;

	if (!connections_add(r->connections, l->id, connected, &limits, &d))
		return;
	m.u.displaced.connection = d.connection;
	m.u.displaced.code = d.code;
	buf_init(&b, 64);
	ipc_encode(&b, &m);
	send_to(r, d.link, IPC_DISPLACED, buf_bytes(&b));
	buf_fini(&b);
}

static void
on_message(uint16_t type, struct bytes payload, int fd, void *arg)
{
	struct receiver_link *l = arg;
	struct receivers *r = l->all;
	struct ipc_msg m;

	if (fd >= 0)
		close(fd); /* receivers have none to pass */
	if (ipc_decode(type, payload, &m))
		cut_off(l, "a message that is not well formed");
	else if (type == IPC_REPORT)
		on_report(l, m.u.kv.kv);
	else if (type == IPC_CONNECTED)
		on_connected(l, &m.u.connected);
	else if (type == IPC_DISCONNECTED)
		connections_remove(
		    r->connections, l->id, m.u.disconnected.connection);
	else
		intake_on_message(r->k->intake, l->id, &m, keeper_now(r->k));
	if (type == IPC_RECEIVER && l->chan)
		introduce(l);
	receivers_act(r);
}

/* The next link of the slot may be read now. */
static void
let_next(struct receivers *r, uint32_t slot)
{
	struct receiver_link *l, *oldest = NULL;

	for (l = r->links; l; l = l->next)
		if (l->slot == slot)
			oldest = l; /* newest first in the list */
	if (oldest && oldest->waits) {
		oldest->waits = false;
		intake_on_link(r->k->intake, oldest->id);
		chan_resume(oldest->chan);
	}
}

static void
end_link(struct receivers *r, struct receiver_link *l)
{
	struct receiver_link **p = &r->links;
	uint32_t slot = l->slot;
	bool known = !l->waits;

	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	chan_free(l->chan);
	connections_forget(r->connections, l->id);
	if (known)
		intake_on_closed(r->k->intake, l->id);
	free(l);
	let_next(r, slot);
	receivers_act(r);
}

static void
on_closed(int rc, void *arg)
{
	struct receiver_link *l = arg;

	log_debug("link to receiver %u: %s", (unsigned)l->slot, err_text(rc));
	end_link(l->all, l);
}

static const struct chan_events chan_events = {
    .on_message = on_message,
    .on_closed = on_closed,
};

void
receivers_on_link(struct receivers *r, uint32_t slot, int fd)
{
	struct receiver_link *l = mem_new(sizeof(*l)), *other;
	int rc = chan_new(r->k->loop, fd, &chan_events, l, &l->chan);

	if (rc) {
		log_error(
		    "no link to receiver %u: %s", (unsigned)slot, err_text(rc));
		free(l);
		return;
	}
	l->all = r;
	l->id = ++r->last_id;
	l->slot = slot;
	for (other = r->links; other; other = other->next)
		if (other->slot == slot)
			l->waits = true;
	l->next = r->links;
	r->links = l;
	if (l->waits) {
		chan_pause(l->chan);
		return;
	}
	intake_on_link(r->k->intake, l->id);
	receivers_act(r);
}

/* ---- what intake wants ---- */

static void
act(struct receivers *r, struct intake_action *a)
{
	struct receiver_link *l = find(r, a->link);

	switch (a->what) {
	case INTAKE_SEND:
		send_to(r, a->link, a->type, buf_bytes(&a->message));
		break;
	case INTAKE_SUBMIT:
		writer_submit(r->k->writer, a->item);
		break;
	case INTAKE_PAUSE:
		if (l && l->chan)
			chan_pause(l->chan);
		break;
	case INTAKE_RESUME:
		if (l && l->chan)
			chan_resume(l->chan);
		break;
	case INTAKE_CLOSE:
		if (l)
			cut_off(l, a->text);
		break;
	case INTAKE_ALARM:
		keeper_alarm(r->k, "%s", a->text);
		break;
	}
}

/* One that was cut off: it gets no on_closed. */
static struct receiver_link *
broken_link(struct receivers *r)
{
	struct receiver_link *l = r->links;

	while (l && !l->broken)
		l = l->next;
	return l;
}

void
receivers_act(struct receivers *r)
{
	struct intake_action a;
	struct receiver_link *l;

	while (intake_next(r->k->intake, &a)) {
		act(r, &a);
		intake_action_done(&a);
	}
	l = broken_link(r);
	if (l)
		end_link(r, l); /* which comes here again */
}

void
receivers_send_committed(struct receivers *r, struct committed *list)
{
	struct committed *c;

	while ((c = list)) {
		list = c->next;
		send_to(r, c->link, IPC_COMMITTED, buf_bytes(&c->message));
		committed_free(c);
	}
	receivers_act(r);
}

void
receivers_flush(struct receivers *r, unsigned wait_ms)
{
	struct receiver_link *l;

	for (l = r->links; l; l = l->next)
		if (l->chan)
			chan_flush(l->chan, wait_ms);
}
