/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include "tests/unit/lib/tls/pair.h"

struct tls_config *
pair_config(const struct tls_config_settings *settings)
{
	struct tls_config *c;

	assert_int_equal(tls_config_new(&c), 0);
	if (tls_config_load(c, settings))
		fail_msg("%s", tls_config_why(c));
	return c;
}

struct pair
pair_new(struct tls_config *client, struct tls_config *server, const char *name)
{
	struct pair p;

	assert_int_equal(tls_new(client, name, &p.client), 0);
	assert_int_equal(tls_new(server, NULL, &p.server), 0);
	return p;
}

void
pair_free(struct pair *p)
{
	tls_free(p->client);
	tls_free(p->server);
}

int
pair_carry(struct tls *from, struct tls *to)
{
	struct buf b;
	int rc;

	buf_init(&b, TLS_FEED_MAX);
	tls_drain(from, &b);
	rc = tls_feed(to, buf_bytes(&b));
	buf_fini(&b);
	return rc;
}

void
pair_settle(struct pair *p)
{
	while (tls_pending(p->client) || tls_pending(p->server)) {
		pair_carry(p->client, p->server);
		pair_carry(p->server, p->client);
	}
}

void
pair_world_init(struct pair_world *w)
{
	w->ca =
	    pki_new(&(struct pki_request){.name = "CA", .is_authority = true});
	w->agent = pki_new(&(struct pki_request){.issuer = w->ca,
	    .name = "agent",
	    .alt = "URI:" PAIR_AGENT,
	    .usage = "clientAuth"});
	w->spool = pki_new(&(struct pki_request){.issuer = w->ca,
	    .name = "spool",
	    .alt = "DNS:localhost,IP:127.0.0.1,URI:" PAIR_SPOOL,
	    .usage = "serverAuth,clientAuth"});
	w->client =
	    pair_config(&(struct tls_config_settings){.side = TLS_CONFIG_CLIENT,
		.cert_pem = pki_cert(w->agent),
		.key_pem = pki_key(w->agent),
		.ca_pem = pki_cert(w->ca),
		.protocols = {"agentlink/1"},
		.identity_required = true});
	w->server =
	    pair_config(&(struct tls_config_settings){.side = TLS_CONFIG_SERVER,
		.cert_pem = pki_cert(w->spool),
		.key_pem = pki_key(w->spool),
		.ca_pem = pki_cert(w->ca),
		.protocols = {"agentlink/2", "agentlink/1"},
		.identity_required = true});
}

void
pair_world_fini(struct pair_world *w)
{
	tls_config_free(w->client);
	tls_config_free(w->server);
	pki_free(w->agent);
	pki_free(w->spool);
	pki_free(w->ca);
}
