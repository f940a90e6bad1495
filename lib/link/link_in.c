/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the socket is read into a buffer that all links share,
 * on_data uses all of it, and the link keeps nothing.  If on_data leaves a
 * rest, it moves to k->kept, what is read next goes behind it, and on_data
 * sees both as one.  With TLS the same happens to plaintext.  What can go
 * wrong: many links keep a rest at once; then all read in small pieces, so
 * that the memory stays bounded.  The end may be a FIN without TLS's
 * close_notify, which anybody on the path can forge: that is no clean end.
 * A peer may make TLS answer (KeyUpdate) without ever reading: that ends it.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/err.h"
#include "lib/link/link_impl.h"

#define READ_BUDGET (1U << 20) /* in one turn, so that others get theirs */
#define KEPT_MUCH ((size_t)16 << 20) /* in the pool */
#define PIECE_SMALL (16U << 10) /* a shorter read emptied the socket */
/* Beyond what link_write puts in the queue: TLS's own answers. */
#define ANSWERS_MAX ((size_t)64 << 10)

static bool
may_deliver(const struct link *k)
{
	return !k->closing && !k->paused &&
	    (k->state == LINK_OPEN || k->state == LINK_OPENING);
}

static void
count_kept(struct link *k)
{
	k->pool->kept += k->kept.len - k->kept_counted;
	k->kept_counted = k->kept.len;
}

static size_t
piece(const struct link *k, size_t most)
{
	return k->pool->kept > KEPT_MUCH && most > PIECE_SMALL ? PIECE_SMALL
							       : most;
}

/* Where plaintext goes next; NULL when there is no memory for it. */
static uint8_t *
place(struct link *k, size_t *cap)
{
	size_t left;

	*cap = piece(k, LINK_PLAIN_SIZE);
	if (!k->kept.len)
		return k->pool->plain;
	left = k->kept.len < k->keep_limit ? k->keep_limit - k->kept.len : 1;
	if (*cap > left)
		*cap = left;
	return buf_reserve(&k->kept, *cap);
}

/* Keep the `n` bytes at ptr but for the first `used`. */
static void
keep(struct link *k, const uint8_t *ptr, size_t n, size_t used)
{
	if (k->kept.len)
		buf_consume(&k->kept, used);
	else
		buf_add(&k->kept, ptr + used, n - used);
	if (!k->kept.len && !k->kept.err)
		buf_release(&k->kept);
	count_kept(k);
	if (k->kept.err)
		link_impl_over(k, k->kept.err, "no memory for what came");
}

/* Show what is kept, or else the n bytes at ptr, to on_data. */
static void
show(struct link *k, const uint8_t *ptr, size_t n)
{
	struct bytes data =
	    k->kept.len ? buf_bytes(&k->kept) : bytes_of(ptr, n);
	size_t used = k->events.on_data(data, k->arg);

	assert(used <= data.len);
	k->counts.plain_in += used;
	if (k->closing || k->state == LINK_OVER)
		return;
	keep(k, ptr, n, used);
	if (k->kept.len >= k->keep_limit && !k->paused) {
		char why[LINK_WHY_SIZE];

		snprintf(why, sizeof(why), "more than %zu bytes in one piece",
		    k->keep_limit);
		link_impl_over(k, ERR_LIMIT, why);
	}
}

/* n bytes have been put at the place that place() told. */
static void
deliver(struct link *k, const uint8_t *ptr, size_t n)
{
	if (k->kept.len)
		buf_claim(&k->kept, n);
	show(k, ptr, n);
}

/* The peer says no more, and said so as it should. */
static void
end_in(struct link *k)
{
	k->in_ended = true;
	if (k->out_broken) {
		link_impl_over(k, ERR_CLOSED, k->why);
	} else if (k->state == LINK_OPEN && k->events.on_end) {
		k->events.on_end(k->arg);
	} else {
		if (k->tls) {
			tls_shutdown(k->tls);
			link_impl_write(k);
		}
		link_impl_over(k, 0, "");
	}
}

static void
cut_off(struct link *k)
{
	k->in_ended = true;
	link_impl_over(k, ERR_CLOSED,
	    k->out_broken		   ? k->why
		: k->state == LINK_OPENING ? "closed in the TLS handshake"
					   : "closed without close_notify");
}

/* Read from the socket; 0 when there is nothing now, or no more ever. */
static size_t
receive(struct link *k, uint8_t *ptr, size_t cap, bool *at_end)
{
	ssize_t n;

	do
		n = recv(k->fd, ptr, cap, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		k->counts.wire_in += (size_t)n;
		return (size_t)n;
	}
	if (n == 0) {
		*at_end = true;
	} else if (errno != EAGAIN) {
		k->in_ended = true;
		link_impl_over(k, err_of_errno(errno), strerrordesc_np(errno));
	}
	return 0;
}

static size_t
step_plain(struct link *k)
{
	size_t cap, n;
	uint8_t *to = place(k, &cap);
	bool at_end = false;

	if (!to) {
		link_impl_over(k, ERR_NOMEM, "no memory for what came");
		return 0;
	}
	n = receive(k, to, cap, &at_end);
	if (n)
		deliver(k, to, n);
	else if (at_end)
		end_in(k);
	return n;
}

/* Take from TLS as much plaintext as there is room for. */
static int
decrypt(struct link *k, uint8_t *to, size_t cap, size_t *len)
{
	int rc = 0;

	*len = 0;
	while (*len < cap) {
		size_t n = 0;

		rc = tls_read(k->tls, to + *len, cap - *len, &n);
		if (rc)
			break;
		*len += n;
	}
	return rc;
}

/* Deliver all plaintext that TLS has; answer what it wants answered. */
static void
read_tls(struct link *k)
{
	int rc = 0;

	while (rc == 0 && may_deliver(k)) {
		size_t cap, n;
		uint8_t *to = place(k, &cap);

		if (!to) {
			link_impl_over(k, ERR_NOMEM, "no memory for what came");
			return;
		}
		rc = decrypt(k, to, cap, &n);
		link_impl_write(k);
		if (k->out.len > k->out_limit + ANSWERS_MAX) {
			link_impl_over(k, ERR_LIMIT,
			    "the peer asks for answers and does not read them");
			return;
		}
		if (k->state == LINK_OPENING && tls_is_ready(k->tls))
			link_impl_ready(k);
		if (n && may_deliver(k))
			deliver(k, to, n);
		else if (n && k->paused) /* by on_ready */
			keep(k, to, n, 0);
	}
	if (!may_deliver(k)) /* TLS says it again after link_resume */
		return;
	if (rc == ERR_CLOSED)
		end_in(k);
	else if (rc && rc != ERR_AGAIN)
		link_impl_tls_failed(k);
}

static size_t
step_tls(struct link *k)
{
	bool at_end = false;
	size_t n = receive(k, k->pool->wire, piece(k, LINK_WIRE_SIZE), &at_end);

	if (at_end)
		cut_off(k);
	if (!n)
		return 0;
	if (tls_feed(k->tls, bytes_of(k->pool->wire, n)))
		link_impl_tls_failed(k);
	else
		read_tls(k);
	return n;
}

/* Read to the end and look at nothing. */
static size_t
step_linger(struct link *k)
{
	bool at_end = false;
	size_t n = receive(k, k->pool->wire, LINK_WIRE_SIZE, &at_end);

	if (at_end) {
		k->in_ended = true;
		if (!k->fin_due)
			link_impl_over(k, k->rc, k->why);
	}
	return n;
}

void
link_impl_read(struct link *k)
{
	size_t n, budget = READ_BUDGET;

	if (k->resume_due) {
		k->resume_due = false;
		if (k->kept.len && may_deliver(k))
			show(k, NULL, 0);
		if (k->tls && may_deliver(k))
			read_tls(k);
	}
	do {
		if (k->closing || k->in_ended || k->state == LINK_OVER)
			return;
		if (k->state == LINK_LINGER)
			n = step_linger(k);
		else if (k->paused)
			return;
		else
			n = k->tls ? step_tls(k) : step_plain(k);
		budget -= n < budget ? n : budget;
	} while (n >= PIECE_SMALL && budget);
}
