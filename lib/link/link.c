/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: link_new, on_ready, many on_data, link_close or the
 * peer's end, on_closed, link_free.  Callbacks come only from the loop
 * (on_events, on_soon, on_deadline), never from within a call of the owner;
 * each ends in settle(), which tells what is due and frees what was freed
 * meanwhile.
 *
 * What can go wrong: TLS refuses the peer.  The alert says why, but a socket
 * that is closed with bytes unread is reset, and a reset can overtake the
 * alert; so the link says FIN, and reads and drops until the peer's end, for
 * a second at most.
 */
#include "config.h"

#include "lib/link/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/link/link_impl.h"

#define OUT_LIMIT ((size_t)8 << 20)
#define KEEP_LIMIT ((2U << 20) + (64U << 10))
#define ALERT_LINGER_MS 1000

int
link_pool_new(struct loop *l, struct link_pool **out)
{
	struct link_pool *p = malloc(sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	p->loop = l;
	p->kept = 0;
	*out = p;
	return 0;
}

void
link_pool_free(struct link_pool *p)
{
	free(p);
}

void
link_impl_watch(struct link *k)
{
	unsigned events = 0;

	if (!k->in_ended &&
	    (k->state == LINK_LINGER || (k->state != LINK_OVER && !k->paused)))
		events |= LOOP_READABLE;
	if (k->out.len)
		events |= LOOP_WRITABLE;
	loop_poll_set(k->poll, events);
}

static void
release_buffers(struct link *k)
{
	k->pool->kept -= k->kept_counted;
	k->kept_counted = 0;
	buf_release(&k->kept);
	buf_release(&k->out);
}

static void
destroy(struct link *k)
{
	release_buffers(k);
	loop_poll_free(k->poll);
	loop_timer_free(k->soon);
	loop_timer_free(k->deadline);
	tls_free(k->tls);
	close(k->fd);
	free(k);
}

/* Tell what is due to be told, and free what is to be freed. */
static void
settle(struct link *k)
{
	if (k->drain_due && !k->out.len && !k->closing &&
	    k->state == LINK_OPEN) {
		k->drain_due = false;
		if (k->events.on_drained)
			k->events.on_drained(k->arg);
	}
	if (k->state == LINK_OVER && !k->told && !k->closing) {
		k->told = true;
		release_buffers(k);
		k->events.on_closed(k->rc, k->why, k->arg);
	}
	k->calling--;
	if (k->closing)
		destroy(k);
	else
		link_impl_watch(k);
}

static void
stop_deadline(struct link *k)
{
	k->deadline_for = LINK_DEADLINE_NONE;
	if (k->deadline)
		loop_timer_stop(k->deadline);
}

void
link_impl_over(struct link *k, int rc, const char *why)
{
	if (k->state == LINK_OVER)
		return;
	k->state = LINK_OVER;
	k->rc = rc;
	if (why != k->why)
		snprintf(k->why, sizeof(k->why), "%s", why);
	stop_deadline(k);
	loop_timer_start(k->soon, 0, 0);
}

void
link_impl_ready(struct link *k)
{
	k->state = LINK_OPEN;
	stop_deadline(k);
	k->events.on_ready(k->arg);
}

static void
on_events(unsigned events, void *arg)
{
	struct link *k = arg;

	k->calling++;
	if (events & LOOP_WRITABLE)
		link_impl_write(k);
	if (events & LOOP_READABLE)
		link_impl_read(k);
	settle(k);
}

static void
on_soon(void *arg)
{
	struct link *k = arg;

	k->calling++;
	if (k->state == LINK_OPENING && !k->tls)
		link_impl_ready(k);
	if (!k->closing)
		link_impl_write(k);
	if (!k->closing && k->resume_due)
		link_impl_read(k);
	settle(k);
}

static void
check_progress(struct link *k)
{
	uint64_t got = k->counts.wire_in - k->progress_from;
	char why[LINK_WHY_SIZE];

	if (!k->progress_paused && got < k->progress_min) {
		snprintf(why, sizeof(why),
		    "%llu bytes in %u ms in the middle of a frame",
		    (unsigned long long)got, k->progress_ms);
		link_impl_over(k, ERR_TIMEOUT, why);
		return;
	}
	k->progress_from = k->counts.wire_in;
	k->progress_paused = k->paused;
	loop_timer_start(k->deadline, k->progress_ms, 0);
}

static void
on_deadline(void *arg)
{
	struct link *k = arg;

	k->calling++;
	switch (k->deadline_for) {
	case LINK_DEADLINE_HANDSHAKE:
		link_impl_over(k, ERR_TIMEOUT, "no TLS handshake in time");
		break;
	case LINK_DEADLINE_PROGRESS:
		check_progress(k);
		break;
	case LINK_DEADLINE_LINGER:
		link_impl_over(
		    k, !k->rc && k->out.len ? ERR_TIMEOUT : k->rc, k->why);
		break;
	case LINK_DEADLINE_NONE:
		break;
	}
	settle(k);
}

static int
set_deadline(struct link *k, enum link_deadline what, unsigned ms)
{
	if (!k->deadline) {
		int rc =
		    loop_timer_new(k->pool->loop, on_deadline, k, &k->deadline);

		if (rc)
			return rc;
	}
	k->deadline_for = what;
	loop_timer_start(k->deadline, ms, 0);
	return 0;
}

static void
linger(struct link *k, unsigned ms)
{
	k->state = LINK_LINGER;
	k->drain_due = false;
	k->fin_due = true;
	if (set_deadline(k, LINK_DEADLINE_LINGER, ms))
		link_impl_over(k, k->rc, k->why);
	link_impl_write(k);
	/* Callbacks, and what the loop watches for, follow in a turn. */
	if (!k->calling)
		loop_timer_start(k->soon, 0, 0);
}

void
link_impl_tls_failed(struct link *k)
{
	if (k->state == LINK_LINGER || k->state == LINK_OVER)
		return;
	k->rc = tls_is_refusal(tls_failure(k->tls)) ? ERR_AUTH : ERR_TLS;
	snprintf(k->why, sizeof(k->why), "%s", tls_why(k->tls));
	linger(k, ALERT_LINGER_MS);
}

int
link_new(struct link_pool *p, int fd, struct tls *tls,
    const struct link_events *events, void *arg, struct link **out)
{
	struct link *k = calloc(1, sizeof(*k));
	int rc = ERR_NOMEM;

	if (!k)
		return rc;
	k->pool = p;
	k->fd = fd;
	k->events = *events;
	k->arg = arg;
	k->keep_limit = KEEP_LIMIT;
	k->out_limit = OUT_LIMIT;
	buf_init(&k->kept, SIZE_MAX); /* keep_limit and out_limit bound them */
	buf_init(&k->out, SIZE_MAX);
	rc = loop_timer_new(p->loop, on_soon, k, &k->soon);
	if (rc)
		goto fail;
	rc = loop_poll_new(p->loop, fd, on_events, k, &k->poll);
	if (rc)
		goto fail;
	k->tls = tls;
	link_impl_set_options(fd);
	link_impl_name_peer(fd, k->peer);
	if (tls)
		link_impl_watch(k);
	loop_timer_start(k->soon, 0, 0); /* on_ready, or TLS's first words */
	*out = k;
	return 0;
fail:
	loop_timer_free(k->soon);
	free(k);
	return rc;
}

void
link_set_events(struct link *k, const struct link_events *events, void *arg)
{
	k->events = *events;
	k->arg = arg;
}

void
link_free(struct link *k)
{
	if (!k)
		return;
	k->closing = true;
	if (!k->calling)
		destroy(k);
}

void
link_close(struct link *k, unsigned linger_ms)
{
	if (k->state == LINK_LINGER || k->state == LINK_OVER)
		return;
	if (k->out_broken) {
		link_impl_over(k, ERR_CLOSED, k->why);
		return;
	}
	if (k->tls)
		tls_shutdown(k->tls);
	linger(k, linger_ms);
}

void
link_set_keep(struct link *k, size_t keep_bytes)
{
	k->keep_limit = keep_bytes;
}

void
link_pause(struct link *k)
{
	k->paused = true;
	k->progress_paused = true;
	link_impl_watch(k);
}

void
link_resume(struct link *k)
{
	if (!k->paused)
		return;
	k->paused = false;
	k->resume_due = true;
	loop_timer_start(k->soon, 0, 0);
}

bool
link_is_paused(const struct link *k)
{
	return k->paused;
}

bool
link_is_ready(const struct link *k)
{
	return k->state == LINK_OPEN;
}

struct tls *
link_tls(const struct link *k)
{
	return k->tls;
}

const char *
link_peer(const struct link *k)
{
	return k->peer;
}

void
link_counts(const struct link *k, struct link_counts *out)
{
	*out = k->counts;
}

int
link_set_handshake(struct link *k, unsigned within_ms)
{
	if (k->state != LINK_OPENING)
		return 0;
	if (within_ms)
		return set_deadline(k, LINK_DEADLINE_HANDSHAKE, within_ms);
	stop_deadline(k);
	return 0;
}

int
link_progress_start(struct link *k, size_t min_bytes, unsigned period_ms)
{
	if (k->state != LINK_OPEN || k->deadline_for == LINK_DEADLINE_PROGRESS)
		return 0;
	k->progress_min = min_bytes;
	k->progress_ms = period_ms;
	k->progress_from = k->counts.wire_in;
	k->progress_paused = k->paused;
	return set_deadline(k, LINK_DEADLINE_PROGRESS, period_ms);
}

void
link_progress_stop(struct link *k)
{
	if (k->deadline_for == LINK_DEADLINE_PROGRESS)
		stop_deadline(k);
}
