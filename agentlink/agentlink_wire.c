/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/agentlink_wire.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/link/address.h"
#include "lib/tls/tls.h"

#define IN_MAX (8u << 20)
#define OUT_MAX (4u << 20)
#define OUT_ENOUGH (512u << 10) /* no more is taken past this */
#define WITHIN_MS 20000u /* for an address, and for the handshake */
#define LAST_WORDS_MS 1000

void
agentlink_wire_init(struct agentlink_wire *w, struct tls_config *config)
{
	*w = (struct agentlink_wire){.fd = -1, .config = config};
	buf_init(&w->in, IN_MAX);
	buf_init(&w->out, OUT_MAX);
}

void
agentlink_wire_close(struct agentlink_wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	tls_free(w->tls);
	w->tls = NULL;
	if (w->addresses)
		freeaddrinfo(w->addresses);
	w->addresses = w->next = NULL;
	w->was_ready = false;
	w->failed = 0;
	buf_clear(&w->in);
	buf_clear(&w->out);
}

void
agentlink_wire_fini(struct agentlink_wire *w)
{
	agentlink_wire_close(w);
	buf_fini(&w->in);
	buf_fini(&w->out);
}

bool
agentlink_wire_is_open(const struct agentlink_wire *w)
{
	return w->fd >= 0;
}

bool
agentlink_wire_is_ready(const struct agentlink_wire *w)
{
	return w->tls && tls_is_ready(w->tls);
}

static int
over(struct agentlink_wire *w, int code, const char *why)
{
	snprintf(w->why, sizeof(w->why), "%s", why);
	return code;
}

/* ---- connecting
 * ---------------------------------------------------------------- */

/* The next address that can be tried at all. */
static int
try_next(struct agentlink_wire *w, uint64_t now_ms)
{
	while (w->next) {
		struct addrinfo *a = w->next;
		w->next = a->ai_next;
		if (w->fd >= 0)
			close(w->fd);
		w->fd = socket(a->ai_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (w->fd < 0)
			return over(w, ERR_SYS, strerror(errno));
		w->since_ms = now_ms;
		if (!connect(w->fd, a->ai_addr, a->ai_addrlen) ||
		    errno == EINPROGRESS)
			return 0;
		over(w, ERR_CLOSED, strerror(errno));
	}
	return ERR_CLOSED;
}

int
agentlink_wire_connect(
    struct agentlink_wire *w, const char *server, uint64_t now_ms)
{
	agentlink_wire_close(w);
	struct bytes host;
	uint16_t port;
	int rc = address_split(bytes_of_str(server), &host, &port);
	if (rc || host.len >= sizeof(w->host))
		return over(w, ERR_INVAL, "the server is not HOST:PORT");
	memcpy(w->host, host.ptr, host.len);
	w->host[host.len] = '\0';
	char service[8];
	snprintf(service, sizeof(service), "%u", port);
	const struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV,
	};
	rc = getaddrinfo(w->host, service, &hints, &w->addresses);
	if (rc)
		return over(w, ERR_CLOSED, gai_strerror(rc));
	w->next = w->addresses;
	return try_next(w, now_ms);
}

static int
on_connected(struct agentlink_wire *w, uint64_t now_ms)
{
	int error = 0, yes = 1;
	socklen_t len = sizeof(error);
	getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error) {
		over(w, ERR_CLOSED, strerror(error));
		return try_next(w, now_ms);
	}
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	w->since_ms = now_ms;
	int rc = tls_new(w->config, w->host, &w->tls);
	return rc ? over(w, rc, err_text(rc)) : 0;
}

/* ---- bytes
 * ----------------------------------------------------------------------- */

static int
tls_over(struct agentlink_wire *w)
{
	int rc = tls_is_refusal(tls_failure(w->tls)) ? ERR_AUTH : ERR_TLS;
	return over(w, rc, tls_why(w->tls));
}

/* As much ciphertext as the kernel takes. */
static int
flush(struct agentlink_wire *w)
{
	tls_drain(w->tls, &w->out);
	while (w->out.len) {
		ssize_t n =
		    send(w->fd, buf_ptr(&w->out), w->out.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return over(w, ERR_CLOSED, strerror(errno));
		buf_consume(&w->out, (size_t)n);
	}
	return 0;
}

static int
take_plain(struct agentlink_wire *w)
{
	for (;;) {
		uint8_t *to = buf_reserve(&w->in, 16384);
		size_t len;
		if (!to)
			return over(w, ERR_LIMIT, "too much came at once");
		int rc = tls_read(w->tls, to, 16384, &len);
		if (rc == ERR_AGAIN)
			return 0;
		if (rc == ERR_CLOSED)
			return over(w, rc, "the server closed the connection");
		if (rc)
			return tls_over(w);
		buf_claim(&w->in, len);
	}
}

static int
read_some(struct agentlink_wire *w)
{
	uint8_t raw[32768];
	while (w->in.len < IN_MAX / 2) {
		ssize_t n = recv(w->fd, raw, sizeof(raw), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return over(w, ERR_CLOSED, strerror(errno));
		if (!n)
			return over(w, ERR_CLOSED, "the connection was cut");
		int rc = tls_feed(w->tls, bytes_of(raw, (size_t)n));
		if (!rc)
			rc = take_plain(w);
		else
			rc = tls_over(w);
		if (rc) {
			flush(w); /* the alert tells the peer why */
			return rc;
		}
	}
	return 0;
}

size_t
agentlink_wire_write(struct agentlink_wire *w, struct bytes plain)
{
	size_t done = 0;
	while (agentlink_wire_is_ready(w) && done < plain.len &&
	    w->out.len < OUT_ENOUGH) {
		size_t taken = 0;
		tls_write(w->tls, bytes_of(plain.ptr + done, plain.len - done),
		    &taken);
		tls_drain(w->tls, &w->out);
		if (!taken)
			break;
		done += taken;
	}
	return done;
}

static int
run_once(struct agentlink_wire *w, int wait_ms, uint64_t now_ms)
{
	int rc = w->tls ? flush(w) : 0;
	if (rc)
		return rc;
	struct pollfd p = {.fd = w->fd, .events = POLLIN};
	if (!w->tls)
		p.events = POLLOUT;
	else if (w->out.len)
		p.events = POLLIN | POLLOUT;
	int n = poll(&p, 1, wait_ms);
	if (n > 0 && !w->tls)
		return on_connected(w, now_ms);
	if (n > 0)
		rc = read_some(w);
	if (!rc && w->tls)
		rc = flush(w);
	if (!rc && !agentlink_wire_is_ready(w) &&
	    now_ms - w->since_ms >= WITHIN_MS)
		rc = over(w, ERR_TIMEOUT, "no answer to connecting");
	return rc;
}

/*
 * An address that failed before it was ready, whatever the reason, is followed
 * by the next; of certificates it is only when all failed so.
 */
int
agentlink_wire_run(struct agentlink_wire *w, int wait_ms, uint64_t now_ms)
{
	int rc = run_once(w, wait_ms, now_ms);
	if (!rc && agentlink_wire_is_ready(w))
		w->was_ready = true;
	if (!rc || w->was_ready)
		return rc;
	if (rc != ERR_AUTH)
		w->failed = rc;
	if (!w->next)
		return w->failed ? w->failed : rc;
	tls_free(w->tls);
	w->tls = NULL;
	buf_clear(&w->in);
	buf_clear(&w->out);
	return try_next(w, now_ms);
}

void
agentlink_wire_finish(struct agentlink_wire *w)
{
	if (agentlink_wire_is_ready(w)) {
		tls_shutdown(w->tls);
		struct pollfd p = {.fd = w->fd, .events = POLLOUT};
		while (
		    !flush(w) && w->out.len && poll(&p, 1, LAST_WORDS_MS) > 0)
			;
	}
	agentlink_wire_close(w);
}
