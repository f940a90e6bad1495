/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/worker.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/link/chan.h"
#include "spoold/keeper/mem.h"

#define LOOK_MS 50 /* how often a job that waits looks at *stop */

struct worker {
	pthread_mutex_t lock;
	int fd; /* the newest that is not lent; -1: none */
};

struct worker *
worker_new(void)
{
	struct worker *w = mem_new(sizeof(*w));

	pthread_mutex_init(&w->lock, NULL);
	w->fd = -1;
	return w;
}

/* Put it there, and close what is in the way: `newer` wins. */
static void
put(struct worker *w, int fd, bool newer)
{
	int old;

	pthread_mutex_lock(&w->lock);
	old = newer || w->fd < 0 ? w->fd : fd;
	if (old != fd)
		w->fd = fd;
	pthread_mutex_unlock(&w->lock);
	if (old >= 0)
		close(old);
}

void
worker_on_link(struct worker *w, int fd)
{
	put(w, fd, true);
}

void
worker_give_back(struct worker *w, int fd)
{
	put(w, fd, false);
}

static int
look(struct worker *w)
{
	int fd;

	pthread_mutex_lock(&w->lock);
	fd = w->fd;
	w->fd = -1;
	pthread_mutex_unlock(&w->lock);
	return fd;
}

/* It died while nobody asked. */
static bool
is_dead(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) != 0; /* nothing can be readable but the end */
}

static uint64_t
now_ms(void)
{
	return clock_now().mono_us / 1000;
}

int
worker_take(
    struct worker *w, unsigned wait_ms, const _Atomic bool *stop, int *fd)
{
	uint64_t end = now_ms() + wait_ms;
	int got;

	while (!*stop) {
		got = look(w);
		if (got >= 0 && !is_dead(got)) {
			*fd = got;
			return 0;
		}
		if (got >= 0) {
			close(got);
			continue;
		}
		if (now_ms() >= end)
			return ERR_TIMEOUT;
		poll(NULL, 0, LOOK_MS);
	}
	return ERR_AGAIN;
}

int
worker_ask(int fd, const struct ipc_inspect *q)
{
	struct bytes parts[2];
	struct buf head;
	int rc;

	buf_init(&head, IPC_MESSAGE_MAX);
	ipc_inspect_encode_head(&head, q);
	parts[0] = buf_bytes(&head);
	parts[1] = q->payload;
	rc = head.err ? head.err
		      : chan_blocking_send(
			    fd, IPC_INSPECT, parts, 2, -1, WORKER_ANSWER_MS);
	buf_fini(&head);
	return rc;
}

static int
wait_for(int fd, uint64_t end, const _Atomic bool *stop)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (!*stop) {
		if (poll(&p, 1, LOOK_MS) > 0)
			return 0;
		if (now_ms() >= end)
			return ERR_TIMEOUT;
	}
	return ERR_AGAIN;
}

int
worker_answer(int fd, uint64_t id, unsigned wait_ms, const _Atomic bool *stop,
    struct buf *in, struct ipc_inspected *a)
{
	int stray = -1, rc = wait_for(fd, now_ms() + wait_ms, stop);
	struct ipc_msg m;
	uint16_t type;

	if (!rc)
		rc = chan_blocking_recv(fd, wait_ms, &type, in, &stray);
	if (rc)
		return rc;
	if (stray >= 0)
		close(stray);
	rc = ipc_decode(type, buf_bytes(in), &m);
	if (!rc && (type != IPC_INSPECTED || m.u.inspected.id != id))
		rc = ERR_FORMAT;
	if (!rc)
		*a = m.u.inspected;
	return rc;
}
