/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: loop_poll_set starts libuv's watcher, which calls back
 * while the descriptor is ready.  What can go wrong: after an error on the
 * descriptor (a connection that was reset) libuv stops the watcher by itself
 * although bytes may still be there to read.  So it is started again until
 * the owner, whose read or write meets the error, sets it to 0 or frees it.
 */
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/loop/loop_uv.h"

struct loop_poll {
	uv_poll_t uv;
	void (*on_events)(unsigned events, void *arg);
	void *arg;
	unsigned wanted;
	bool closing;
};

static void on_uv_poll(uv_poll_t *uv, int status, int events);

static int
start(struct loop_poll *p)
{
	int events = 0;

	if (p->wanted & LOOP_READABLE)
		events |= UV_READABLE;
	if (p->wanted & LOOP_WRITABLE)
		events |= UV_WRITABLE;
	return loop_uv_err(uv_poll_start(&p->uv, events, on_uv_poll));
}

static void
on_uv_poll(uv_poll_t *uv, int status, int events)
{
	struct loop_poll *p = uv->data;
	unsigned got = 0;

	if (status < 0 || (events & UV_READABLE))
		got |= LOOP_READABLE;
	if (status < 0 || (events & UV_WRITABLE))
		got |= LOOP_WRITABLE;
	got &= p->wanted;
	if (got)
		p->on_events(got, p->arg);
	if (status < 0 && !p->closing && p->wanted)
		start(p);
}

int
loop_poll_new(struct loop *l, int fd,
    void (*on_events)(unsigned events, void *arg), void *arg,
    struct loop_poll **out)
{
	struct loop_poll *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return ERR_NOMEM;
	rc = uv_poll_init(&l->uv, &p->uv, fd);
	if (rc < 0) {
		free(p);
		return loop_uv_err(rc);
	}
	p->uv.data = p;
	p->on_events = on_events;
	p->arg = arg;
	*out = p;
	return 0;
}

int
loop_poll_set(struct loop_poll *p, unsigned events)
{
	if (events == p->wanted)
		return 0;
	p->wanted = events;
	if (events)
		return start(p);
	return loop_uv_err(uv_poll_stop(&p->uv));
}

void
loop_poll_free(struct loop_poll *p)
{
	if (!p)
		return;
	p->closing = true;
	uv_close((uv_handle_t *)&p->uv, loop_uv_gone);
}
