/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: a throw-away certificate is made, believed, and used for
 * one whole handshake in memory, with some plaintext and the end.  Whatever
 * the library loads when it is first used is loaded then.
 */
#include "lib/base/err.h"
#include "lib/tls/tls_private.h"

#define PEM_MAX 4096
#define ROUNDS_MAX 8

struct warm {
	uint8_t cert[PEM_MAX], key[PEM_MAX];
	struct bytes cert_pem, key_pem; /* in the two above */
	struct tls_config *config[2]; /* by enum tls_config_side */
	struct tls *tls[2];
};

static bool
add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = ext && X509_add_ext(cert, ext, -1) == 1;

	X509_EXTENSION_free(ext);
	return ok;
}

static X509 *
make_certificate(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;

	if (cert && X509_set_version(cert, X509_VERSION_3) &&
	    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)"warm-up", -1, -1, 0) &&
	    X509_set_issuer_name(cert, name) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -86400) &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), 86400) &&
	    X509_set_pubkey(cert, key) &&
	    add_extension(cert, NID_ext_key_usage, "clientAuth,serverAuth") &&
	    add_extension(cert, NID_subject_alt_name, "DNS:warm-up") &&
	    X509_sign(cert, key, EVP_sha256()))
		return cert;
	X509_free(cert);
	return NULL;
}

/* What a BIO in memory holds, copied to `to`. */
static struct bytes
take(BIO *bio, uint8_t to[static PEM_MAX])
{
	int n = BIO_read(bio, to, PEM_MAX);

	return bytes_of(to, n > 0 ? (size_t)n : 0);
}

static bool
make_pem(struct warm *w)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key ? make_certificate(key) : NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	bool ok = cert && bio && PEM_write_bio_X509(bio, cert) == 1;

	if (ok) {
		w->cert_pem = take(bio, w->cert);
		ok = PEM_write_bio_PrivateKey(
			 bio, key, NULL, NULL, 0, NULL, NULL) == 1;
		w->key_pem = take(bio, w->key);
	}
	BIO_free(bio);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

static bool
make_side(struct warm *w, enum tls_config_side side)
{
	struct tls_config_settings s = {
	    .side = side,
	    .verify = TLS_CONFIG_REQUIRED,
	    .cert_pem = w->cert_pem,
	    .key_pem = w->key_pem,
	    .ca_pem = w->cert_pem,
	    .protocols = {"warm-up"},
	};

	return !tls_config_new(&w->config[side]) &&
	    !tls_config_load(w->config[side], &s) &&
	    !tls_new(w->config[side],
		side == TLS_CONFIG_CLIENT ? "warm-up" : NULL, &w->tls[side]);
}

static bool
carry(struct tls *from, struct tls *to)
{
	struct buf b;
	bool ok;

	buf_init(&b, TLS_FEED_MAX);
	tls_drain(from, &b);
	ok = !tls_feed(to, buf_bytes(&b));
	buf_fini(&b);
	return ok;
}

static bool
talk(struct tls *client, struct tls *server)
{
	uint8_t word[8];
	size_t n;
	bool ok = true;

	for (int i = 0; ok && i < ROUNDS_MAX && !tls_is_ready(server); i++)
		ok = carry(client, server) && carry(server, client);
	if (!ok || tls_write(client, bytes_of_str("warm-up"), &n))
		return false;
	tls_shutdown(client);
	return carry(client, server) &&
	    !tls_read(server, word, sizeof(word), &n) &&
	    tls_read(server, word, sizeof(word), &n) == ERR_CLOSED;
}

int
tls_warm_up(void)
{
	struct warm w = {0};
	bool ok;

	ok =
	    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS |
		    OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_LOAD_CONFIG,
		NULL) == 1 &&
	    make_pem(&w) && make_side(&w, TLS_CONFIG_CLIENT) &&
	    make_side(&w, TLS_CONFIG_SERVER) &&
	    talk(w.tls[TLS_CONFIG_CLIENT], w.tls[TLS_CONFIG_SERVER]);
	for (int side = 0; side < 2; side++) {
		tls_free(w.tls[side]);
		tls_config_free(w.config[side]);
	}
	ERR_clear_error();
	return ok ? 0 : ERR_SYS;
}
