/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the socket becomes readable, up to ACCEPTS connections
 * are taken, on_accept gets each.  What can go wrong: the process has no
 * descriptor left (EMFILE) or the machine has none (ENFILE); the socket then
 * stays readable, and asking again at once would burn the processor.  So the
 * listener rests for REST_MS.  One reserve descriptor is given up for a
 * moment to take one waiting connection and close it: its peer turns to
 * another server instead of waiting without a word.  The reserve is a
 * duplicate of the socket, because a sandboxed role can open nothing.
 * A peer may be gone before it is accepted: that is nobody's error.
 */
#include "config.h"

#include "lib/loop/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/err.h"

#define ACCEPTS 32 /* in one turn, so that the others get theirs */
#define REST_MS 100
#define BACKLOG 1024

struct tcp_listener {
	int fd;
	int reserve; /* -1 while there is none */
	struct loop_poll *poll;
	struct loop_timer *rest;
	struct tcp_listener_events events;
	void *arg;
	uint64_t refused;
	bool paused;
	bool calling; /* inside a callback: freeing waits for its end */
	bool closing;
};

static void
watch(struct tcp_listener *t)
{
	bool idle = t->paused || loop_timer_is_active(t->rest);

	loop_poll_set(t->poll, idle ? 0 : LOOP_READABLE);
}

static void
on_rested(void *arg)
{
	watch(arg);
}

static void
destroy(struct tcp_listener *t)
{
	loop_poll_free(t->poll);
	loop_timer_free(t->rest);
	if (t->reserve >= 0)
		close(t->reserve);
	close(t->fd);
	free(t);
}

/* Take one waiting connection with the reserve, and close it. */
static void
refuse_one(struct tcp_listener *t)
{
	int fd;

	if (t->reserve >= 0) {
		close(t->reserve);
		fd = accept4(t->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			close(fd);
			t->refused++;
		}
	}
	t->reserve = fcntl(t->fd, F_DUPFD_CLOEXEC, 0);
}

static void
be_full(struct tcp_listener *t)
{
	refuse_one(t);
	loop_timer_start(t->rest, REST_MS, 0);
	watch(t);
	if (t->events.on_full)
		t->events.on_full(t->arg);
}

static bool
is_passing(int errnum)
{
	return errnum == EINTR || errnum == ECONNABORTED || errnum == EPROTO ||
	    errnum == EPERM;
}

/* False when there is no further connection to take in this turn. */
static bool
accept_one(struct tcp_listener *t)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int fd = accept4(t->fd, (struct sockaddr *)&peer, &len,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		t->events.on_accept(fd, &peer, len, t->arg);
		return true;
	}
	if (is_passing(errno))
		return true;
	if (errno == EAGAIN)
		return false;
	if (errno == EMFILE || errno == ENFILE) {
		be_full(t);
	} else {
		loop_timer_start(t->rest, REST_MS, 0);
		watch(t);
	}
	return false;
}

static void
on_readable(unsigned events, void *arg)
{
	struct tcp_listener *t = arg;

	(void)events;
	t->calling = true;
	for (int i = 0; i < ACCEPTS; i++)
		if (!accept_one(t) || t->closing || t->paused)
			break;
	t->calling = false;
	if (t->closing)
		destroy(t);
}

int
tcp_listener_new(struct loop *l, int fd,
    const struct tcp_listener_events *events, void *arg,
    struct tcp_listener **out)
{
	struct tcp_listener *t = calloc(1, sizeof(*t));
	int rc = ERR_NOMEM;

	if (!t)
		return rc;
	t->events = *events;
	t->arg = arg;
	t->fd = fd;
	t->reserve = -1;
	if (listen(fd, BACKLOG)) {
		rc = err_of_errno(errno);
		goto fail;
	}
	rc = loop_timer_new(l, on_rested, t, &t->rest);
	if (rc)
		goto fail;
	rc = loop_poll_new(l, fd, on_readable, t, &t->poll);
	if (rc)
		goto fail;
	t->reserve = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	watch(t);
	*out = t;
	return 0;
fail:
	loop_timer_free(t->rest);
	free(t);
	return rc;
}

void
tcp_listener_pause(struct tcp_listener *t)
{
	t->paused = true;
	watch(t);
}

void
tcp_listener_resume(struct tcp_listener *t)
{
	t->paused = false;
	watch(t);
}

uint64_t
tcp_listener_refused(const struct tcp_listener *t)
{
	return t->refused;
}

void
tcp_listener_free(struct tcp_listener *t)
{
	if (!t)
		return;
	t->closing = true;
	if (!t->calling)
		destroy(t);
}
