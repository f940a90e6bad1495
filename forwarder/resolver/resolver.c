/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: RESOLVE comes, waits for its turn, is looked up in a
 * thread, and ADDRESSES answers.  What can go wrong: the forwarder goes while
 * its question is in a thread; its link is then freed when the thread is
 * done.  A forwarder that asks too much is told to try again.
 */
#include "forwarder/resolver/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "lib/link/chan.h"

struct question {
	uint32_t id;
	uint16_t port;
	char host[LOOKUP_HOST_MAX + 1];
};

struct asker {
	struct asker *next;
	struct resolver *r; /* NULL: gone; not for threads */
	void (*run)(struct lookup *l);
	struct chan *chan;
	struct question waiting[RESOLVER_WAITING];
	unsigned n;
	bool busy; /* a thread has `lookup` */
	uint32_t id;
	struct lookup lookup;
};

struct resolver {
	struct loop *loop;
	void (*run)(struct lookup *l);
	struct asker *askers;
	unsigned n;
};

int
resolver_new(
    struct loop *loop, void (*run)(struct lookup *l), struct resolver **out)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return ERR_NOMEM;
	r->loop = loop;
	r->run = run;
	*out = r;
	return 0;
}

static void
drop(struct asker *a)
{
	struct resolver *r = a->r;
	struct asker **at = &r->askers;

	chan_free(a->chan);
	a->chan = NULL;
	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	r->n--;
	a->r = NULL;
	if (!a->busy)
		free(a);
}

static void
answer(struct asker *a, uint32_t id, const struct lookup *l)
{
	struct ipc_msg m = {.type = IPC_ADDRESSES};
	struct buf b;
	struct bytes part;
	int rc;

	m.u.addresses.id = id;
	m.u.addresses.code = (uint16_t)l->code;
	m.u.addresses.n = l->n;
	m.u.addresses.addresses = bytes_of(l->addresses, l->len);
	m.u.addresses.text = bytes_of_str(l->text);
	buf_init(&b, IPC_TEXT_MAX);
	ipc_encode(&b, &m);
	part = buf_bytes(&b);
	FAILPOINT("resolver-before-answer");
	rc = b.err ? b.err : chan_send(a->chan, m.type, &part, 1, -1);
	FAILPOINT("resolver-after-answer");
	buf_fini(&b);
	if (rc && rc != ERR_CLOSED) /* that is told by on_closed */
		log_error("cannot answer a forwarder: %s", err_text(rc));
}

static void next_question(struct asker *a);

/* In a thread. */
static void
run(void *arg)
{
	struct asker *a = arg;

	a->run(&a->lookup);
}

static void
on_done(int rc, void *arg)
{
	struct asker *a = arg;

	a->busy = false;
	if (!a->r) {
		free(a);
		return;
	}
	if (rc)
		a->lookup.code = LOOKUP_TRY_AGAIN;
	answer(a, a->id, &a->lookup);
	next_question(a);
}

static void
next_question(struct asker *a)
{
	struct question *q = &a->waiting[0];

	if (a->busy || !a->n)
		return;
	a->lookup = (struct lookup){.port = q->port};
	memcpy(a->lookup.host, q->host, sizeof(q->host));
	a->id = q->id;
	a->n--;
	memmove(q, q + 1, a->n * sizeof(*q));
	a->busy = true;
	if (loop_work_start(a->r->loop, run, on_done, a, NULL)) {
		a->busy = false;
		a->lookup.code = LOOKUP_TRY_AGAIN;
		snprintf(a->lookup.text, sizeof(a->lookup.text),
		    "the resolver has no memory");
		answer(a, a->id, &a->lookup);
		next_question(a);
	}
}

/* Nobody has to be asked for these. */
static bool
answer_at_once(struct asker *a, const struct ipc_resolve *m)
{
	struct lookup l = {.port = m->port, .code = LOOKUP_NOT_FOUND};

	if (!m->host.len || m->host.len > LOOKUP_HOST_MAX ||
	    memchr(m->host.ptr, '\0', m->host.len)) {
		snprintf(l.text, sizeof(l.text), "that is no name");
	} else if (a->n == RESOLVER_WAITING) {
		l.code = LOOKUP_TRY_AGAIN;
		snprintf(l.text, sizeof(l.text),
		    "too many names are being looked up");
	} else {
		return false;
	}
	answer(a, m->id, &l);
	return true;
}

static void
on_message(uint16_t type, struct bytes payload, int fd, void *arg)
{
	struct asker *a = arg;
	struct question *q;
	struct ipc_msg m;

	if (fd >= 0)
		close(fd);
	if (type != IPC_RESOLVE || ipc_decode(type, payload, &m)) {
		log_error("message %s of a forwarder: %s", ipc_type_name(type),
		    err_text(ERR_FORMAT));
		drop(a);
		return;
	}
	if (answer_at_once(a, &m.u.resolve))
		return;
	q = &a->waiting[a->n++];
	q->id = m.u.resolve.id;
	q->port = m.u.resolve.port;
	memcpy(q->host, m.u.resolve.host.ptr, m.u.resolve.host.len);
	q->host[m.u.resolve.host.len] = '\0';
	next_question(a);
}

static void
on_closed(int rc, void *arg)
{
	(void)rc;
	drop(arg);
}

static const struct chan_events events = {
    .on_message = on_message, .on_closed = on_closed};

int
resolver_connect(struct resolver *r, int fd)
{
	struct asker *a;
	int rc = ERR_NOMEM;

	if (r->n == RESOLVER_LINKS) {
		close(fd);
		return ERR_LIMIT;
	}
	a = calloc(1, sizeof(*a));
	if (a)
		rc = chan_new(r->loop, fd, &events, a, &a->chan);
	if (rc) {
		free(a);
		close(fd);
		return rc;
	}
	chan_set_limit(a->chan, (size_t)1 << 20);
	a->r = r;
	a->run = r->run;
	a->next = r->askers;
	r->askers = a;
	r->n++;
	return 0;
}

void
resolver_free(struct resolver *r)
{
	if (!r)
		return;
	while (r->askers)
		drop(r->askers);
	free(r);
}
