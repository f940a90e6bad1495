/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in: settings, certificates, deny lists, accepting. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agentlink/receiver/receiver.h"
#include "agentlink/receiver/session.h"
#include "lib/base/err.h"
#include "lib/base/log.h"

static_assert(DENY_PRINT_SIZE == TLS_FINGERPRINT_SIZE, "both are a SHA-256");

static int
load_deny(struct bytes text, struct deny *d, char *why, size_t why_size)
{
	size_t line;
	int rc = deny_parse(text, d, &line);

	if (rc == ERR_FORMAT)
		snprintf(why, why_size,
		    "deny_list line %zu: neither an agent's UUID nor a "
		    "certificate's SHA-256",
		    line);
	if (rc)
		deny_fini(d);
	return rc;
}

bool
listener_denies(const struct listener *l, const struct uuid *id,
    const uint8_t print[static TLS_FINGERPRINT_SIZE])
{
	return deny_has(&l->deny, id, print);
}

/* ---- settings
 * ----------------------------------------------------------------------- */

static struct bytes
get_bytes(const struct kv *kv, size_t i, const char *name)
{
	struct bytes value = {0};
	char key[96];

	snprintf(key, sizeof(key), "listeners.%zu.%s", i, name);
	if (kv_get_bytes(kv, key, &value))
		return bytes_of(NULL, 0);
	return value;
}

static uint32_t
get_u32(const struct kv *kv, size_t i, const char *name, uint32_t otherwise)
{
	char key[96];
	uint64_t x;

	snprintf(key, sizeof(key), "listeners.%zu.%s", i, name);
	if (kv_get_u64(kv, key, &x) || x > UINT32_MAX)
		return otherwise;
	return (uint32_t)x;
}

static int
load_tls(const struct kv *kv, size_t i, struct tls_config **out, char *why,
    size_t why_size)
{
	struct tls_config_settings settings = {
	    .side = TLS_CONFIG_SERVER,
	    .verify = TLS_CONFIG_REQUIRED,
	    .cert_pem = get_bytes(kv, i, "certificate"),
	    .key_pem = get_bytes(kv, i, "key"),
	    .ca_pem = get_bytes(kv, i, "client_ca"),
	    .crl_pem = get_bytes(kv, i, "crl"),
	    .protocols = {AGENTLINK_ALPN},
	    .identity_required = true,
	};
	struct tls_config *config = NULL;
	int rc = tls_config_new(&config);

	if (!rc)
		rc = tls_config_load(config, &settings);
	if (rc) {
		struct bytes name = get_bytes(kv, i, "name");

		snprintf(why, why_size, "listeners.%.*s: %s", (int)name.len,
		    (const char *)name.ptr,
		    config ? tls_config_why(config) : err_text(rc));
		tls_config_free(config);
		return rc;
	}
	*out = config;
	return 0;
}

static uint64_t
listener_count(const struct kv *kv)
{
	uint64_t n = 0;

	if (kv_get_u64(kv, "listener_count", &n))
		return 0;
	return n;
}

int
listener_prepare(const struct kv *kv, char *why, size_t why_size)
{
	uint64_t n = listener_count(kv);
	int rc = 0;

	if (n > RECEIVER_LISTENERS_MAX) {
		snprintf(why, why_size, "more than %d listeners",
		    RECEIVER_LISTENERS_MAX);
		return ERR_LIMIT;
	}
	for (size_t i = 0; i < n && !rc; i++) {
		struct tls_config *tls = NULL;
		struct deny deny = {0};

		rc = load_tls(kv, i, &tls, why, why_size);
		if (!rc)
			rc = load_deny(get_bytes(kv, i, "deny_list"), &deny,
			    why, why_size);
		tls_config_free(tls);
		deny_fini(&deny);
	}
	return rc;
}

static struct listener *
find(struct receiver *r, struct bytes name)
{
	for (size_t i = 0; i < r->n_listeners; i++)
		if (bytes_equal_str(name, r->listeners[i]->name))
			return r->listeners[i];
	return NULL;
}

static struct listener *
add(struct receiver *r, struct bytes name)
{
	struct listener *l;

	if (r->n_listeners == RECEIVER_LISTENERS_MAX ||
	    name.len >= RECEIVER_NAME_SIZE)
		return NULL;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->receiver = r;
	memcpy(l->name, name.ptr, name.len);
	r->listeners[r->n_listeners++] = l;
	return l;
}

static int
apply_one(struct receiver *r, const struct kv *kv, size_t i)
{
	struct bytes name = get_bytes(kv, i, "name");
	struct listener *l = find(r, name);
	struct tls_config *tls = NULL;
	enum tls_identity kind;
	struct deny deny;
	char why[256];
	int rc;

	if (!l)
		l = add(r, name);
	if (!l)
		return ERR_LIMIT;
	rc = load_tls(kv, i, &tls, why, sizeof(why));
	if (rc)
		return rc;
	rc = load_deny(get_bytes(kv, i, "deny_list"), &deny, why, sizeof(why));
	if (rc) {
		tls_config_free(tls);
		return rc;
	}
	tls_config_free(l->tls); /* old connections keep theirs */
	l->tls = tls;
	l->has_own = !tls_own_identity(tls, &kind, &l->own) &&
	    kind == TLS_IDENTITY_SPOOL;
	deny_fini(&l->deny);
	l->deny = deny;
	l->max_connections = get_u32(kv, i, "max_connections", 10000);
	l->max_per_source = get_u32(kv, i, "max_per_source", 256);
	l->rate_per_source = get_u32(kv, i, "rate_per_source", 200);
	l->seen = true;
	return 0;
}

/* Live connections of whoever is denied now end at once. */
static void
end_denied(struct receiver *r)
{
	for (struct session *s = r->sessions, *next; s; s = next) {
		next = s->next;
		if (s->state == SESSION_OPEN && !s->listener->seen)
			session_goodbye(s, AGENTLINK_CODE_OK, 0);
		else if (s->state == SESSION_OPEN &&
		    listener_denies(s->listener, &s->id, s->print))
			session_fail(s, AGENTLINK_CODE_DENIED,
			    "this identity is on the deny list now");
	}
}

int
listener_apply(struct receiver *r, const struct kv *kv)
{
	uint64_t n = listener_count(kv);
	int rc = 0;

	for (size_t i = 0; i < r->n_listeners; i++)
		r->listeners[i]->seen = false;
	for (size_t i = 0; i < n && !rc; i++)
		rc = apply_one(r, kv, i);
	if (rc)
		return rc;
	end_denied(r);
	/* A listener that is gone keeps its struct while sessions use it. */
	for (size_t i = 0; i < r->n_listeners; i++)
		if (!r->listeners[i]->seen) {
			tcp_listener_free(r->listeners[i]->tcp);
			r->listeners[i]->tcp = NULL;
		}
	return 0;
}

/* ---- accepting
 * ----------------------------------------------------------------------- */

static void
on_accept(
    int fd, const struct sockaddr_storage *peer, socklen_t peer_len, void *arg)
{
	session_accept(arg, fd, peer, peer_len);
}

static void
on_full(void *arg)
{
	struct listener *l = arg;

	l->lacked_ms = loop_now_ms(l->receiver->loop);
}

static const struct tcp_listener_events tcp_events = {
    .on_accept = on_accept,
    .on_full = on_full,
};

int
listener_give_fd(struct receiver *r, struct bytes name, int fd)
{
	struct listener *l = find(r, name);
	int rc;

	/* The socket may come before the settings that speak of it. */
	if (!l)
		l = add(r, name);
	if (!l) {
		close(fd);
		return ERR_LIMIT;
	}
	tcp_listener_free(l->tcp);
	l->tcp = NULL;
	rc = tcp_listener_new(r->loop, fd, &tcp_events, l, &l->tcp);
	if (rc) {
		close(fd);
		return rc;
	}
	if (!r->spool_known || r->stopping || !l->tls)
		tcp_listener_pause(l->tcp);
	return 0;
}

void
listener_free(struct listener *l)
{
	if (!l)
		return;
	tcp_listener_free(l->tcp);
	tls_config_free(l->tls);
	deny_fini(&l->deny);
	free(l);
}

void
listener_pause_all(struct receiver *r)
{
	for (size_t i = 0; i < r->n_listeners; i++)
		if (r->listeners[i]->tcp)
			tcp_listener_pause(r->listeners[i]->tcp);
}

void
listener_resume_all(struct receiver *r)
{
	if (r->stopping || !r->spool_known ||
	    r->unauthenticated >= r->max_unauthenticated)
		return;
	for (size_t i = 0; i < r->n_listeners; i++)
		if (r->listeners[i]->tcp && r->listeners[i]->tls)
			tcp_listener_resume(r->listeners[i]->tcp);
}
