/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in: settings, certificates, deny lists, accepting. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agentlink/receiver/receiver.h"
#include "agentlink/receiver/session.h"
#include "lib/base/err.h"
#include "lib/base/log.h"

#define DENY_MAX 1000000u

/* ---- deny list
 * ------------------------------------------------------------------- */

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, UUID_SIZE);
}

static int
compare_prints(const void *a, const void *b)
{
	return memcmp(a, b, TLS_FINGERPRINT_SIZE);
}

static void
deny_fini(struct deny_list *d)
{
	free(d->ids);
	free(d->prints);
	*d = (struct deny_list){0};
}

/* One line without comment and blanks; an empty one is none. */
static struct bytes
next_line(struct bytes *text)
{
	const uint8_t *end = memchr(text->ptr, '\n', text->len);
	size_t len = end ? (size_t)(end - text->ptr) : text->len;
	struct bytes line = bytes_of(text->ptr, len);
	const uint8_t *comment = memchr(line.ptr, '#', line.len);

	*text = bytes_of(
	    text->ptr + len + (end ? 1 : 0), text->len - len - (end ? 1 : 0));
	if (comment)
		line.len = (size_t)(comment - line.ptr);
	while (line.len && line.ptr[line.len - 1] <= ' ')
		line.len--;
	while (line.len && line.ptr[0] <= ' ')
		line = bytes_of(line.ptr + 1, line.len - 1);
	return line;
}

/* A UUID, or a SHA-256 with or without colons. */
static int
deny_add(struct deny_list *d, struct bytes line)
{
	uint8_t hex[2 * TLS_FINGERPRINT_SIZE];
	size_t n = 0;

	if (!uuid_parse(line, &d->ids[d->n_ids])) {
		d->n_ids++;
		return 0;
	}
	for (size_t i = 0; i < line.len; i++)
		if (line.ptr[i] != ':') {
			if (n == sizeof(hex))
				return ERR_FORMAT;
			hex[n++] = line.ptr[i];
		}
	if (uuid_hex_parse(
		bytes_of(hex, n), d->prints[d->n_prints], TLS_FINGERPRINT_SIZE))
		return ERR_FORMAT;
	d->n_prints++;
	return 0;
}

static int
deny_parse(struct bytes text, struct deny_list *d, char *why, size_t why_size)
{
	size_t lines = 1, at = 0;

	*d = (struct deny_list){0};
	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	if (lines > DENY_MAX)
		return ERR_LIMIT;
	d->ids = calloc(lines, sizeof(*d->ids));
	d->prints = calloc(lines, sizeof(*d->prints));
	if (!d->ids || !d->prints)
		return ERR_NOMEM;
	while (text.len) {
		struct bytes line = next_line(&text);

		at++;
		if (line.len && deny_add(d, line)) {
			snprintf(why, why_size,
			    "deny_list line %zu: neither an agent's UUID nor "
			    "a certificate's SHA-256",
			    at);
			return ERR_FORMAT;
		}
	}
	qsort(d->ids, d->n_ids, sizeof(*d->ids), compare_ids);
	qsort(d->prints, d->n_prints, sizeof(*d->prints), compare_prints);
	return 0;
}

bool
listener_denies(const struct listener *l, const struct uuid *id,
    const uint8_t print[static TLS_FINGERPRINT_SIZE])
{
	const struct deny_list *d = &l->deny;

	return (d->n_ids &&
		   bsearch(
		       id, d->ids, d->n_ids, sizeof(*d->ids), compare_ids)) ||
	    (d->n_prints &&
		bsearch(print, d->prints, d->n_prints, sizeof(*d->prints),
		    compare_prints));
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
		struct deny_list deny = {0};

		rc = load_tls(kv, i, &tls, why, why_size);
		if (!rc)
			rc = deny_parse(get_bytes(kv, i, "deny_list"), &deny,
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
	struct deny_list deny;
	char why[256];
	int rc;

	if (!l)
		l = add(r, name);
	if (!l)
		return ERR_LIMIT;
	rc = load_tls(kv, i, &tls, why, sizeof(why));
	if (rc)
		return rc;
	rc = deny_parse(get_bytes(kv, i, "deny_list"), &deny, why, sizeof(why));
	if (rc) {
		tls_config_free(tls);
		return rc;
	}
	tls_config_free(l->tls); /* old connections keep theirs */
	l->tls = tls;
	deny_fini(&l->deny);
	l->deny = deny;
	l->max_connections = get_u32(kv, i, "max_connections", 10000);
	l->max_per_source = get_u32(kv, i, "max_per_source", 256);
	l->rate_per_source = get_u32(kv, i, "rate_per_source", 200);
	l->max_record = get_u32(kv, i, "max_record", AGENTLINK_RECORD_MAX);
	l->seen = true;
	return 0;
}

/* Live connections of whoever is denied now end at once. */
static void
end_denied(struct receiver *r)
{
	for (struct session *s = r->sessions, *next; s; s = next) {
		next = s->next;
		if (s->state == SESSION_OPEN &&
		    (!s->listener->seen ||
			listener_denies(s->listener, &s->id, s->print)))
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

static const struct tcp_listener_events tcp_events = {
    .on_accept = on_accept,
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
