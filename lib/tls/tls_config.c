/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tls/tls_config.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/tls/tls_load.h"
#include "lib/tls/tls_private.h"

#define SUITES "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256"
#define GROUPS_HYBRID "X25519MLKEM768:" GROUPS /* if the library has it */
#define SECURITY_LEVEL 2
#define DEPTH 3

int
tls_config_new(struct tls_config **out)
{
	struct tls_config *c = calloc(1, sizeof(*c));

	if (!c)
		return ERR_NOMEM;
	atomic_init(&c->holders, 1);
	c->expires = INT64_MAX;
	c->bio = tls_bio_method();
	if (!c->bio) {
		free(c);
		return ERR_NOMEM;
	}
	*out = c;
	return 0;
}

struct tls_config *
tls_config_ref(struct tls_config *c)
{
	atomic_fetch_add(&c->holders, 1);
	return c;
}

void
tls_config_free(struct tls_config *c)
{
	if (!c || atomic_fetch_sub(&c->holders, 1) > 1)
		return;
	SSL_CTX_free(c->ctx);
	BIO_meth_free(c->bio);
	free(c);
}

const char *
tls_config_why(const struct tls_config *c)
{
	return c->why;
}

enum tls_config_part
tls_config_wrong(const struct tls_config *c)
{
	return c->part;
}

int64_t
tls_config_expires(const struct tls_config *c)
{
	return c->expires;
}

static int
refuse(struct tls_config *c, const char *why)
{
	snprintf(c->why, sizeof(c->why), "%s", why);
	return ERR_INVAL;
}

/* Remember the peer's alert: the library tells it only in passing. */
static void
on_info(const SSL *ssl, int where, int value)
{
	struct tls *t = SSL_get_app_data(ssl);

	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT &&
	    value >> 8 == SSL3_AL_FATAL)
		t->alert = value & 0xff;
}

/* Our first protocol that the client also speaks. */
static int
on_protocols(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *offered, unsigned offered_len, void *arg)
{
	const struct tls_config *c = arg;
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, out_len, c->wire, c->wire_len,
		offered, offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* A client that offers nothing would pass the callback above. */
static int
on_hello(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *ext;
	size_t len;

	(void)arg;
	if (SSL_client_hello_get0_ext(ssl,
		TLSEXT_TYPE_application_layer_protocol_negotiation, &ext, &len))
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

static int
set_protocols(
    struct tls_config *c, SSL_CTX *ctx, const struct tls_config_settings *s)
{
	for (size_t i = 0; i < TLS_CONFIG_PROTOCOLS_MAX && s->protocols[i];
	     i++) {
		size_t len = strlen(s->protocols[i]);

		if (!len || len >= TLS_PROTOCOL_SIZE)
			return refuse(c, "the name of a protocol is too long");
		memcpy(c->protocol[i], s->protocols[i], len + 1);
		c->wire[c->wire_len++] = (uint8_t)len;
		memcpy(c->wire + c->wire_len, s->protocols[i], len);
		c->wire_len += (unsigned)len;
	}
	if (!c->wire_len)
		return 0;
	if (c->side == TLS_CONFIG_CLIENT)
		return SSL_CTX_set_alpn_protos(ctx, c->wire, c->wire_len)
		    ? ERR_NOMEM
		    : 0;
	SSL_CTX_set_alpn_select_cb(ctx, on_protocols, c);
	SSL_CTX_set_client_hello_cb(ctx, on_hello, NULL);
	return 0;
}

/*
 * What is the same for everybody.  Without tickets and cache no connection
 * can skip the check of certificates by resuming another.
 */
static int
set_protocol(SSL_CTX *ctx)
{
	static const unsigned char id[] = "spoold";

	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_PRIORITIZE_CHACHA | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(
	    ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (!SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) ||
	    !SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) ||
	    !SSL_CTX_set_ciphersuites(ctx, SUITES) ||
	    (!SSL_CTX_set1_groups_list(ctx, GROUPS_HYBRID) &&
		!SSL_CTX_set1_groups_list(ctx, GROUPS)) ||
	    !SSL_CTX_set_num_tickets(ctx, 0) ||
	    !SSL_CTX_set_max_early_data(ctx, 0) ||
	    !SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1))
		return ERR_NOMEM;
	SSL_CTX_set_info_callback(ctx, on_info);
	return 0;
}

static int
set_verify(
    struct tls_config *c, SSL_CTX *ctx, const struct tls_config_settings *s)
{
	static const int modes[] = {
	    [TLS_CONFIG_REQUIRED] =
		SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	    [TLS_CONFIG_OPTIONAL] = SSL_VERIFY_PEER,
	    [TLS_CONFIG_NONE] = SSL_VERIFY_NONE,
	};
	int rc;

	if (c->side == TLS_CONFIG_CLIENT && s->verify != TLS_CONFIG_REQUIRED)
		return refuse(c, "a client must verify the server");
	if (s->identity_required && s->verify != TLS_CONFIG_REQUIRED)
		return refuse(c, "an identity needs a verified certificate");
	SSL_CTX_set_verify(ctx, modes[s->verify], tls_verify);
	SSL_CTX_set_verify_depth(ctx, DEPTH);
	if (s->verify == TLS_CONFIG_NONE)
		return 0;
	c->part = TLS_CONFIG_PART_CA;
	rc = tls_load_authorities(ctx, s->ca_pem, c->why);
	if (rc || !s->crl_pem.len)
		return rc;
	c->part = TLS_CONFIG_PART_CRL;
	return tls_load_revocations(ctx, s->crl_pem, c->why);
}

static int
set_own(struct tls_config *c, SSL_CTX *ctx, const struct tls_config_settings *s)
{
	int rc;

	if (!s->cert_pem.len && !s->key_pem.len) {
		if (c->side == TLS_CONFIG_CLIENT)
			return 0;
		return refuse(c, "a server needs a certificate and its key");
	}
	c->part = TLS_CONFIG_PART_CERT;
	rc = tls_load_chain(ctx, s->cert_pem, &c->expires, c->why);
	if (rc)
		return rc;
	c->part = TLS_CONFIG_PART_KEY;
	rc = tls_load_key(ctx, s->key_pem, c->why);
	if (!rc)
		c->part = TLS_CONFIG_PART_NONE;
	return rc;
}

int
tls_config_load(
    struct tls_config *c, const struct tls_config_settings *settings)
{
	SSL_CTX *ctx;
	int rc;

	if (c->ctx)
		return refuse(c, "it is loaded already");
	c->why[0] = '\0';
	c->part = TLS_CONFIG_PART_NONE;
	c->wire_len = 0;
	memset(c->protocol, 0, sizeof(c->protocol));
	c->side = settings->side;
	c->identity_required = settings->identity_required;
	ctx = SSL_CTX_new(c->side == TLS_CONFIG_SERVER ? TLS_server_method()
						       : TLS_client_method());
	rc = ctx ? set_protocol(ctx) : ERR_NOMEM;
	if (!rc)
		rc = set_protocols(c, ctx, settings);
	if (!rc)
		rc = set_own(c, ctx, settings);
	if (!rc)
		rc = set_verify(c, ctx, settings);
	if (rc) {
		SSL_CTX_free(ctx);
		ctx = NULL;
	}
	if (rc && !c->why[0]) {
		refuse(c, err_text(rc));
		rc = ERR_INVAL;
	}
	c->ctx = ctx;
	ERR_clear_error();
	return rc;
}
