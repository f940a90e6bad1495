/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the supervisor gives a socket, the forwarder says TARGET,
 * is told its state, asks for work.  What can go wrong: it dies: the link ends
 * once its last messages were read, and what it had not settled is handed out
 * anew over the next one, which is not read before that.  A link ends late
 * when a job of the pool still works for it.
 */
#include "spoold/keeper/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "spoold/keeper/dispatch_state.h"
#include "spoold/keeper/mem.h"

#define RATE_EVERY_MS 1000
#define RATE_WEIGHT 0.2

static void
take_rates(void *arg)
{
	struct dispatch *d = arg;
	struct dispatch_link *l;

	for (l = d->links; l; l = l->next) {
		double now = (double)(l->settled - l->settled_before) *
		    (1000.0 / RATE_EVERY_MS);

		l->settled_before = l->settled;
		l->state.rate += RATE_WEIGHT * (now - l->state.rate);
	}
}

struct dispatch *
dispatch_new(struct keeper *k)
{
	struct dispatch *d = mem_new(sizeof(*d));

	d->k = k;
	if (loop_timer_new(k->loop, take_rates, d, &d->timer))
		abort();
	loop_timer_start(d->timer, RATE_EVERY_MS, RATE_EVERY_MS);
	return d;
}

static void
free_link(struct dispatch_link *l)
{
	chan_free(l->chan);
	dispatch_work_drop(l);
	free(l);
}

static struct dispatch_link *
find(const struct dispatch *d, const char *name)
{
	struct dispatch_link *l = d->links, *oldest = NULL;

	for (; l; l = l->next)
		if (!strcmp(l->name, name))
			oldest = l; /* the newest is first */
	return oldest;
}

/* The next link of the same name may be read now. */
static void
let_next(struct dispatch *d, const char *name)
{
	struct dispatch_link *l = find(d, name);

	if (l && l->waits && !l->ended) {
		l->waits = false;
		chan_resume(l->chan);
	}
}

void
dispatch_end(struct dispatch_link *l, const char *why)
{
	struct dispatch *d = l->all;
	struct dispatch_link **p = &d->links;
	char name[sizeof(l->name)];

	if (why && !l->ended)
		log_warn("forwarder %s: the link ends: %s", l->name, why);
	l->ended = true;
	chan_free(l->chan);
	l->chan = NULL;
	if (l->reading || l->queries)
		return; /* comes here again when the job is done */
	if (why)
		return; /* within a callback: see sweep */
	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	memcpy(name, l->name, sizeof(name));
	free_link(l);
	let_next(d, name);
}

/* Links that ended within a callback of their own. */
static void
sweep(struct dispatch *d)
{
	struct dispatch_link *l = d->links, *next;

	for (; l; l = next) {
		next = l->next;
		if (l->ended && !l->reading && !l->queries)
			dispatch_end(l, NULL);
	}
}

static void
on_message(uint16_t type, struct bytes payload, int fd, void *arg)
{
	struct dispatch_link *l = arg;
	struct dispatch *d = l->all;
	struct ipc_msg m;

	if (fd >= 0)
		close(fd); /* forwarders have none to pass */
	if (ipc_decode(type, payload, &m))
		dispatch_end(l, "a message that is not well formed");
	else
		dispatch_say_on_message(l, &m);
	sweep(d);
}

static void
on_drained(void *arg)
{
	struct dispatch_link *l = arg;
	struct dispatch *d = l->all;

	dispatch_work_kick(l);
	sweep(d);
}

static void
on_closed(int rc, void *arg)
{
	struct dispatch_link *l = arg;

	log_debug("link to forwarder %s: %s", l->name, err_text(rc));
	dispatch_end(l, NULL);
}

static const struct chan_events chan_events = {
    .on_message = on_message,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

void
dispatch_on_link(struct dispatch *d, struct bytes name, int fd)
{
	struct dispatch_link *l = mem_new(sizeof(*l));
	int rc;

	snprintf(l->name, sizeof(l->name), "%.*s", (int)name.len,
	    (const char *)name.ptr);
	rc = chan_new(d->k->loop, fd, &chan_events, l, &l->chan);
	if (rc) {
		log_error("no link to forwarder %s: %s", l->name, err_text(rc));
		free(l);
		return;
	}
	l->all = d;
	snprintf(l->state.state, sizeof(l->state.state), "ok");
	dispatch_work_start(l);
	l->waits = find(d, l->name) != NULL;
	if (l->waits)
		chan_pause(l->chan);
	l->next = d->links;
	d->links = l;
}

/* ---- what happens elsewhere ---- */

void
dispatch_on_durable(struct dispatch *d)
{
	struct dispatch_link *l = d->links, *next;

	for (; l; l = next) {
		next = l->next;
		dispatch_work_kick(l);
	}
	sweep(d);
}

void
dispatch_on_target(struct dispatch *d, const char *name)
{
	struct dispatch_link *l = find(d, name);

	if (!l || !l->introduced || l->ended)
		return;
	l->target = cursors_find(&d->k->cursors, bytes_of_str(name));
	dispatch_say_state(l);
	if (!l->ended)
		dispatch_work_restart(l);
	sweep(d);
}

void
dispatch_on_saved(struct dispatch *d, const char *name,
    const uint8_t opaque[ENTRY_OPAQUE_SIZE])
{
	struct dispatch_link *l = find(d, name);
	struct ipc_msg m = {.type = IPC_DURABLE};

	if (!l || !l->answered || l->ended ||
	    (l->target && l->target->first_unlogged) ||
	    !memcmp(l->told, opaque, ENTRY_OPAQUE_SIZE))
		return;
	memcpy(l->told, opaque, ENTRY_OPAQUE_SIZE);
	memcpy(m.u.durable.opaque, opaque, ENTRY_OPAQUE_SIZE);
	dispatch_say(l, &m);
	sweep(d);
}

void
dispatch_on_renamed(struct dispatch *d, const char *name)
{
	struct dispatch_link *l;

	for (l = d->links; l; l = l->next)
		if (!strcmp(l->name, name)) {
			l->target = NULL;
			dispatch_end(l, "its target has gone");
		}
	sweep(d);
}

int
dispatch_control(
    struct dispatch *d, const char *name, enum ipc_control_what what)
{
	struct dispatch_link *l = find(d, name);
	struct ipc_msg m = {.type = IPC_CONTROL};

	if (!l || !l->introduced || l->ended)
		return ERR_NOENT;
	m.u.control.what = (uint8_t)what;
	dispatch_say(l, &m);
	if (!l->ended)
		dispatch_work_kick(l);
	sweep(d);
	return 0;
}

void
dispatch_release(struct dispatch *d)
{
	struct dispatch_link *l;

	for (l = d->links; l; l = l->next)
		if (!l->reading && l->reader)
			reader_release(l->reader);
}

void
dispatch_stop(struct dispatch *d)
{
	d->stopping = true;
}

void
dispatch_state(
    struct dispatch *d, const char *name, struct dispatch_state *state)
{
	struct dispatch_link *l = find(d, name);

	*state = (struct dispatch_state){.looks = l && l->looks};
	if (!l || l->ended)
		return;
	*state = l->state;
	state->looks = l->looks;
	state->connected = l->introduced;
	state->window_bytes = l->window_bytes;
	state->sent_bytes = l->sent_bytes;
}
