/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: resolve, connect to the first address, on_link.
 * What can go wrong: no such name, or every address refuses or is silent:
 * on_failed with what the last one said.
 */
#include "forwarder/targets/dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/loop/tcp.h"

struct dial {
	struct target_host *host;
	struct link_pool *pool;
	struct dial_settings settings; /* with copies of what it points to */
	char *host_name, *server_name;
	void (*on_link)(struct link *link, void *arg);
	void (*on_failed)(const char *code, const char *why, void *arg);
	void *arg;
	struct tcp_connect *connect;
	struct loop_timer *timer;
	struct address address[IPC_ADDRESSES_MAX];
	size_t n, at;
};

static void try_next(struct dial *d, const char *code, const char *why);

/* The socket is there: from now on the link tells what happens. */
static int
make_link(struct dial *d, int fd)
{
	struct link *link = NULL;
	struct tls *tls = NULL;
	int rc = 0;

	if (d->settings.tls)
		rc = tls_new(d->settings.tls, d->settings.server_name, &tls);
	if (!rc)
		rc = link_new(d->pool, fd, tls, d->settings.events,
		    d->settings.link_arg, &link);
	if (rc) {
		tls_free(tls);
		close(fd);
		return rc;
	}
	link_set_handshake(link, d->settings.timeout_ms);
	d->on_link(link, d->arg);
	return 0;
}

static void
on_connected(int rc, int fd, const char *why, void *arg)
{
	struct dial *d = arg;

	loop_timer_stop(d->timer);
	if (!rc) {
		rc = make_link(d, fd);
		if (!rc)
			return;
		why = err_text(rc);
	}
	try_next(d, "CONNECT", why);
}

static void
on_timeout(void *arg)
{
	struct dial *d = arg;

	tcp_connect_free(d->connect);
	d->connect = NULL;
	try_next(d, "CONNECT_TIMEOUT", "no answer in time");
}

static void
try_next(struct dial *d, const char *code, const char *why)
{
	char name[ADDRESS_TEXT_SIZE], text[320];
	int rc;

	tcp_connect_free(d->connect);
	d->connect = NULL;
	while (d->at < d->n) {
		const struct address *a = &d->address[d->at++];

		rc = tcp_connect_new(target_host_loop(d->host),
		    (const struct sockaddr *)&a->sa, a->len, on_connected, d,
		    &d->connect);
		if (!rc) {
			loop_timer_start(d->timer, d->settings.timeout_ms, 0);
			return;
		}
		why = err_text(rc);
	}
	if (!d->n) {
		d->on_failed(code, why, d->arg);
		return;
	}
	address_format((const struct sockaddr *)&d->address[d->n - 1].sa,
	    d->address[d->n - 1].len, name);
	snprintf(text, sizeof(text), "%s: %s", name, why);
	d->on_failed(code, text, d->arg);
}

static void
on_resolved(
    const struct address *addresses, size_t n, const char *why, void *arg)
{
	struct dial *d = arg;

	d->n = n < IPC_ADDRESSES_MAX ? n : IPC_ADDRESSES_MAX;
	memcpy(d->address, addresses, d->n * sizeof(*addresses));
	d->at = 0;
	try_next(d, "RESOLVE", why ? why : "the name has no address");
}

/* A new configuration may come while it goes on. */
static int
keep_settings(struct dial *d)
{
	struct dial_settings *s = &d->settings;

	if (s->tls)
		tls_config_ref(s->tls);
	d->host_name =
	    strndup(s->host.len ? (const char *)s->host.ptr : "", s->host.len);
	if (s->server_name)
		d->server_name = strdup(s->server_name);
	if (!d->host_name || (s->server_name && !d->server_name))
		return ERR_NOMEM;
	s->host = bytes_of_str(d->host_name);
	s->server_name = d->server_name;
	return 0;
}

static void
release(struct dial *d)
{
	loop_timer_free(d->timer);
	tls_config_free(d->settings.tls);
	free(d->host_name);
	free(d->server_name);
	free(d);
}

int
dial_start(struct target_host *host, struct link_pool *pool,
    const struct dial_settings *settings,
    void (*on_link)(struct link *link, void *arg),
    void (*on_failed)(const char *code, const char *why, void *arg), void *arg,
    struct dial **out)
{
	struct dial *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return ERR_NOMEM;
	d->host = host;
	d->pool = pool;
	d->settings = *settings;
	d->on_link = on_link;
	d->on_failed = on_failed;
	d->arg = arg;
	rc = keep_settings(d);
	if (!rc)
		rc = loop_timer_new(
		    target_host_loop(host), on_timeout, d, &d->timer);
	if (rc) {
		release(d);
		return rc;
	}
	*out = d;
	target_host_resolve(
	    host, d->settings.host, settings->port, on_resolved, d);
	return 0;
}

void
dial_free(struct dial *d)
{
	if (!d)
		return;
	target_host_resolve_cancel(d->host);
	tcp_connect_free(d->connect);
	release(d);
}

enum target_verdict
dial_verdict(const struct link *link, int rc)
{
	const struct tls *tls = link_tls(link);
	enum tls_failure failure = tls ? tls_failure(tls) : TLS_FAILURE_NONE;

	(void)rc;
	return failure == TLS_FAILURE_PEER_REFUSED ||
		failure == TLS_FAILURE_SELF_REFUSED
	    ? TARGET_HOLD
	    : TARGET_RETRY;
}

const char *
dial_code(const struct link *link, int rc)
{
	const struct tls *tls = link_tls(link);

	switch (tls ? tls_failure(tls) : TLS_FAILURE_NONE) {
	case TLS_FAILURE_PEER_REFUSED:
		return "CERTIFICATE_REFUSED";
	case TLS_FAILURE_SELF_REFUSED:
		return "OWN_CERTIFICATE_REFUSED";
	case TLS_FAILURE_PROTOCOL:
		return "TLS";
	case TLS_FAILURE_NONE:
	case TLS_FAILURE_LOCAL:
	default:
		return rc == ERR_TIMEOUT ? "TIMEOUT" : "CONNECTION_LOST";
	}
}
