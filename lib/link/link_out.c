/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: what is written goes through TLS, if any, and at once to
 * the socket; what that does not take waits in k->out.  What can go wrong: a
 * write fails because the peer is gone.  Its last bytes may still be in our
 * socket, so the socket is only shut down, and reading tells the end.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/base/err.h"
#include "lib/link/link_impl.h"

#define VECTORS 16

static void
break_out(struct link *k, int errnum)
{
	k->out_broken = true;
	k->drain_due = false;
	buf_release(&k->out);
	if (!k->why[0])
		snprintf(k->why, sizeof(k->why), "%s", strerrordesc_np(errnum));
	shutdown(k->fd, SHUT_RDWR);
	if (k->in_ended || k->state == LINK_LINGER)
		link_impl_over(k, k->rc ? k->rc : ERR_CLOSED, k->why);
}

/* Send at once; *sent may be less.  False when the peer is gone. */
static bool
send_vectors(struct link *k, struct iovec *iov, size_t count, size_t *sent)
{
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = count};
	ssize_t n;

	do
		n = sendmsg(k->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0) {
		*sent = (size_t)n;
		k->counts.wire_out += *sent;
		return true;
	}
	*sent = 0;
	if (errno == EAGAIN)
		return true;
	break_out(k, errno);
	return false;
}

static void
finish_out(struct link *k)
{
	buf_release(&k->out);
	if (!k->fin_due)
		return;
	k->fin_due = false;
	shutdown(k->fd, SHUT_WR);
	if (k->in_ended)
		link_impl_over(k, k->rc, k->why);
}

void
link_impl_write(struct link *k)
{
	size_t sent;

	if (k->out_broken || k->state == LINK_OVER)
		return;
	if (k->tls)
		tls_drain(k->tls, &k->out);
	if (k->out.err) {
		link_impl_over(k, k->out.err, "no memory for what is sent");
		return;
	}
	while (k->out.len) {
		struct iovec iov = {buf_ptr(&k->out), k->out.len};

		if (!send_vectors(k, &iov, 1, &sent))
			return;
		buf_consume(&k->out, sent);
		if (sent < iov.iov_len) {
			k->drain_due = true;
			return;
		}
	}
	finish_out(k);
}

static int
write_tls(struct link *k, struct bytes part)
{
	while (part.len) {
		size_t taken = 0;
		int rc = tls_write(k->tls, part, &taken);

		if (rc && rc != ERR_AGAIN) {
			link_impl_tls_failed(k);
			return ERR_CLOSED;
		}
		part.ptr += taken;
		part.len -= taken;
		if (part.len)
			link_impl_write(k);
		if (k->out_broken || k->state == LINK_OVER)
			return ERR_CLOSED;
	}
	return 0;
}

/* Keep the parts but for their first `skip` bytes. */
static int
keep_rest(struct link *k, const struct bytes *parts, size_t count, size_t skip)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = skip < parts[i].len ? skip : parts[i].len;

		buf_add(&k->out, parts[i].ptr + n, parts[i].len - n);
		skip -= n;
	}
	if (k->out.err) {
		link_impl_over(k, k->out.err, "no memory for what is sent");
		return ERR_CLOSED;
	}
	if (k->out.len)
		k->drain_due = true;
	return 0;
}

static int
write_plain(struct link *k, const struct bytes *parts, size_t count)
{
	struct iovec iov[VECTORS];
	size_t sent = 0;

	if (!k->out.len && count <= VECTORS) {
		for (size_t i = 0; i < count; i++)
			iov[i] = (struct iovec){
			    (void *)(uintptr_t)parts[i].ptr, parts[i].len};
		if (!send_vectors(k, iov, count, &sent))
			return ERR_CLOSED;
	}
	return keep_rest(k, parts, count, sent);
}

int
link_write(struct link *k, const struct bytes *parts, size_t count)
{
	size_t len = 0;
	int rc = 0;

	if (k->out_broken || k->state == LINK_OVER)
		return ERR_CLOSED;
	if (k->state != LINK_OPEN)
		return ERR_STATE;
	for (size_t i = 0; i < count; i++)
		len += parts[i].len;
	if (k->out.len > k->out_limit || len > k->out_limit - k->out.len)
		return ERR_LIMIT;
	if (k->tls) {
		for (size_t i = 0; i < count && !rc; i++)
			rc = write_tls(k, parts[i]);
		link_impl_write(k);
	} else {
		rc = write_plain(k, parts, count);
	}
	if (rc || k->out_broken || k->state == LINK_OVER)
		return ERR_CLOSED;
	k->counts.plain_out += len;
	if (k->out.len)
		link_impl_watch(k);
	return 0;
}

size_t
link_queued(const struct link *k)
{
	return k->out.len;
}

void
link_set_limit(struct link *k, size_t queue_bytes)
{
	k->out_limit = queue_bytes;
}

uint64_t
link_end(const struct link *k)
{
	return k->counts.wire_out + k->out.len;
}

size_t
link_unsent(const struct link *k)
{
	return link_impl_unsent(k->fd);
}

uint64_t
link_taken(const struct link *k)
{
	uint64_t unsent = link_impl_unsent(k->fd);

	return unsent < k->counts.wire_out ? k->counts.wire_out - unsent : 0;
}
