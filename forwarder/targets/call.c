/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: look the name up, dial its addresses, on_up.
 * What can go wrong: no such name, no address that takes us, the connection
 * ends; each is told once.  Certificates need an operator (HOLD), but only
 * when every address refuses: a server that refuses us says so after on_up,
 * and then the next start goes on with the address after it.
 */
#include "forwarder/targets/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/link/dial.h"

struct call {
	struct target_host *host;
	struct call_events events;
	void *arg;
	struct call_settings settings;
	struct link_pool *pool;
	struct dial *dial;
	struct link *link;
	size_t first; /* address to begin with */
};

/* ---- settings
 * -------------------------------------------------------------- */

static struct bytes
kv_bytes(const struct kv *kv, const char *key)
{
	struct bytes x = bytes_of(NULL, 0);

	kv_get_bytes(kv, key, &x);
	return x;
}

static int
load_tls(const struct kv *kv, const char *alpn, struct tls_config **out,
    char *why, size_t why_size)
{
	struct tls_config_settings settings = {
	    .side = TLS_CONFIG_CLIENT,
	    .verify = TLS_CONFIG_REQUIRED,
	    .cert_pem = kv_bytes(kv, "certificate"),
	    .key_pem = kv_bytes(kv, "key"),
	    .ca_pem = kv_bytes(kv, "ca"),
	    .protocols = {alpn},
	};
	struct tls_config *config = NULL;
	int rc = tls_config_new(&config);

	if (!rc)
		rc = tls_config_load(config, &settings);
	if (rc) {
		snprintf(why, why_size, "%s",
		    config ? tls_config_why(config) : err_text(rc));
		tls_config_free(config);
		return rc;
	}
	*out = config;
	return 0;
}

int
call_settings_load(const struct kv *kv, bool with_tls, const char *alpn,
    struct call_settings *out, char *why, size_t why_size)
{
	const char *address = "", *name = NULL;
	struct call_settings s = {0};
	uint64_t timeout = 30000;
	struct bytes host;
	int rc = 0;

	kv_get_str(kv, "address", &address);
	kv_get_str(kv, "server_name", &name);
	kv_get_u64(kv, "timeout", &timeout);
	if (address_split(bytes_of_str(address), &host, &s.port) ||
	    host.len >= sizeof(s.host)) {
		snprintf(why, why_size, "address: not HOST:PORT");
		return ERR_INVAL;
	}
	memcpy(s.host, host.ptr, host.len);
	snprintf(
	    s.server_name, sizeof(s.server_name), "%s", name ? name : s.host);
	s.timeout_ms = (uint32_t)timeout;
	if (with_tls)
		rc = load_tls(kv, alpn, &s.tls, why, why_size);
	if (!rc)
		*out = s;
	return rc;
}

void
call_settings_fini(struct call_settings *s)
{
	tls_config_free(s->tls);
	s->tls = NULL;
}

/* ---- how it fails
 * ---------------------------------------------------------- */

static const char *
code_of(int rc, enum tls_failure failure)
{
	switch (failure) {
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

static void
on_dial_failed(const struct dial_failure *f, void *arg)
{
	struct call *c = arg;
	bool is_connect = f->tls == TLS_FAILURE_NONE;
	const char *code = !is_connect ? code_of(f->rc, f->tls)
	    : f->rc == ERR_TIMEOUT     ? "CONNECT_TIMEOUT"
				       : "CONNECT";
	char why[400];

	c->first = 0;
	snprintf(why, sizeof(why), "%s", f->why); /* the pump resets us */
	target_host_fail(c->host,
	    tls_is_refusal(f->tls) ? TARGET_HOLD : TARGET_RETRY, code, why, 0);
}

static void
on_closed(int rc, const char *why, void *arg)
{
	struct call *c = arg;
	const struct tls *tls = link_tls(c->link);
	enum tls_failure failure = tls ? tls_failure(tls) : TLS_FAILURE_NONE;
	bool is_last = dial_is_last(c->dial);
	char text[400];

	c->first =
	    tls_is_refusal(failure) && !is_last ? dial_at(c->dial) + 1 : 0;
	snprintf(text, sizeof(text), "%s: %s", link_peer(c->link),
	    rc ? why : "the peer closed the connection");
	target_host_fail(c->host,
	    tls_is_refusal(failure) && is_last ? TARGET_HOLD : TARGET_RETRY,
	    code_of(rc, failure), text, 0);
}

/* ---- coming up
 * ------------------------------------------------------------- */

static size_t
on_data(struct bytes data, void *arg)
{
	struct call *c = arg;

	return c->events.on_data(data, c->arg);
}

static void
on_drained(void *arg)
{
	struct call *c = arg;

	c->events.on_drained(c->arg);
}

static const struct link_events link_events = {
    .on_data = on_data,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

static void
on_link(struct link *link, void *arg)
{
	struct call *c = arg;

	c->link = link;
	c->events.on_up(link, c->arg);
}

static const struct dial_events dial_events = {
    .on_link = on_link,
    .on_failed = on_dial_failed,
};

static void
on_resolved(
    const struct address *addresses, size_t n, const char *why, void *arg)
{
	struct call *c = arg;
	const struct call_settings *s = &c->settings;
	const struct dial_settings settings = {
	    .addresses = addresses,
	    .count = n,
	    .first = c->first,
	    .tls = s->tls,
	    .name = s->server_name,
	    .connect_ms = s->timeout_ms,
	    .handshake_ms = s->timeout_ms,
	    .floor = target_host_floor(c->host),
	    .events = &link_events,
	    .link_arg = c,
	};
	int rc;

	if (!n) {
		target_host_fail(c->host, TARGET_RETRY, "RESOLVE",
		    why ? why : "the name has no address", 0);
		return;
	}
	rc = dial_start(target_host_loop(c->host), c->pool, &settings,
	    &dial_events, c, &c->dial);
	if (rc)
		target_host_fail(
		    c->host, TARGET_RETRY, "CONNECT", err_text(rc), 0);
}

void
call_start(struct call *c)
{
	target_host_resolve(c->host, bytes_of_str(c->settings.host),
	    c->settings.port, on_resolved, c);
}

void
call_reset(struct call *c)
{
	target_host_resolve_cancel(c->host);
	dial_free(c->dial);
	link_free(c->link);
	c->dial = NULL;
	c->link = NULL;
}

/* ---- life cycle
 * ------------------------------------------------------------ */

int
call_new(struct target_host *host, const struct call_events *events, void *arg,
    struct call **out)
{
	struct call *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return ERR_NOMEM;
	c->host = host;
	c->events = *events;
	c->arg = arg;
	rc = link_pool_new(target_host_loop(host), &c->pool);
	if (rc) {
		free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void
call_free(struct call *c)
{
	if (!c)
		return;
	call_reset(c);
	link_pool_free(c->pool);
	call_settings_fini(&c->settings);
	free(c);
}

void
call_use(struct call *c, struct call_settings *settings)
{
	/* A dial and a link that exist hold what they need. */
	call_settings_fini(&c->settings);
	c->settings = *settings;
	c->first = 0;
	settings->tls = NULL;
	target_host_certificate(c->host,
	    c->settings.tls ? tls_config_expires(c->settings.tls) : INT64_MAX);
}

uint32_t
call_timeout_ms(const struct call *c)
{
	return c->settings.timeout_ms;
}

struct link *
call_link(const struct call *c)
{
	return c->link;
}
