/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: connect() says EINPROGRESS, the socket becomes writable,
 * SO_ERROR tells how it went.  An outcome that is known at once is told in
 * the next turn, so that the caller has its handle before the callback.
 * What can go wrong: towards a dead port of this machine the kernel may pick
 * that very port as the source, and the socket is connected to itself.
 */
#include "config.h"

#include "lib/loop/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"

struct tcp_connect {
	int fd; /* -1 once it was handed over */
	int errnum; /* of a connect() that failed at once */
	struct loop_poll *poll;
	struct loop_timer *soon;
	void (*on_connected)(int rc, int fd, const char *why, void *arg);
	void *arg;
};

static bool
is_own_peer(int fd)
{
	struct sockaddr_storage here, there;
	socklen_t here_len = sizeof(here), there_len = sizeof(there);

	if (getsockname(fd, (struct sockaddr *)&here, &here_len) ||
	    getpeername(fd, (struct sockaddr *)&there, &there_len))
		return false;
	return here.ss_family != AF_UNIX && here_len == there_len &&
	    !memcmp(&here, &there, here_len);
}

static int
outcome(struct tcp_connect *c)
{
	int errnum = 0;
	socklen_t len = sizeof(errnum);

	if (c->errnum)
		return c->errnum;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &errnum, &len))
		return errno;
	if (errnum == 0 && is_own_peer(c->fd))
		return ECONNREFUSED;
	return errnum;
}

static void
finish(struct tcp_connect *c)
{
	int errnum = outcome(c);
	int fd = c->fd;

	loop_poll_free(c->poll);
	loop_timer_free(c->soon);
	c->poll = NULL;
	c->soon = NULL;
	c->fd = -1;
	if (errnum) {
		close(fd);
		c->on_connected(
		    err_of_errno(errnum), -1, strerrordesc_np(errnum), c->arg);
	} else {
		c->on_connected(0, fd, "", c->arg);
	}
}

static void
on_writable(unsigned events, void *arg)
{
	(void)events;
	finish(arg);
}

static void
on_soon(void *arg)
{
	finish(arg);
}

/* Begin, and watch for the end in the way that fits. */
static int
begin(struct tcp_connect *c, struct loop *l, const struct sockaddr *addr,
    socklen_t addr_len)
{
	int rc;

	rc = loop_timer_new(l, on_soon, c, &c->soon);
	if (rc)
		return rc;
	rc = loop_poll_new(l, c->fd, on_writable, c, &c->poll);
	if (rc)
		return rc;
	if (connect(c->fd, addr, addr_len) == 0) {
		loop_timer_start(c->soon, 0, 0);
		return 0;
	}
	if (errno == EINPROGRESS || errno == EINTR)
		return loop_poll_set(c->poll, LOOP_WRITABLE);
	c->errnum = errno;
	loop_timer_start(c->soon, 0, 0);
	return 0;
}

int
tcp_connect_new(struct loop *l, const struct sockaddr *addr, socklen_t addr_len,
    void (*on_connected)(int rc, int fd, const char *why, void *arg), void *arg,
    struct tcp_connect **out)
{
	struct tcp_connect *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return ERR_NOMEM;
	c->on_connected = on_connected;
	c->arg = arg;
	c->fd = socket(
	    addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0) {
		rc = err_of_errno(errno);
		goto fail;
	}
	rc = begin(c, l, addr, addr_len);
	if (rc)
		goto fail;
	*out = c;
	return 0;
fail:
	tcp_connect_free(c);
	return rc;
}

void
tcp_connect_free(struct tcp_connect *c)
{
	if (!c)
		return;
	loop_poll_free(c->poll);
	loop_timer_free(c->soon);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}
