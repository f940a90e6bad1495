/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/pki.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/tls/openssl.h"

#define HOUR 3600

struct pki {
	X509 *cert;
	EVP_PKEY *key;
	char *cert_pem;
	char *key_pem;
	long serial; /* the last one that it gave out */
};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "pki: %s\n", what);
	ERR_print_errors_fp(stderr);
	abort();
}

/* Everything in a BIO as a string of its own. */
static char *
text_of(BIO *bio)
{
	char *at, *text;
	long len = BIO_get_mem_data(bio, &at);

	text = calloc(1, (size_t)len + 1);
	must(text, "memory");
	memcpy(text, at, (size_t)len);
	BIO_free(bio);
	return text;
}

static void
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(ext && X509_add_ext(cert, ext, -1), value);
	X509_EXTENSION_free(ext);
}

/* Put one more URI into the names, byte by byte as given. */
static void
add_uri(X509 *cert, struct bytes uri)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	if (!names)
		names = sk_GENERAL_NAME_new_null();
	ASN1_STRING_set(text, uri.ptr, (int)uri.len);
	GENERAL_NAME_set0_value(name, GEN_URI, text);
	sk_GENERAL_NAME_push(names, name);
	must(X509_add1_ext_i2d(
		 cert, NID_subject_alt_name, names, 0, X509V3_ADD_REPLACE) == 1,
	    "alternative names");
	GENERAL_NAMES_free(names);
}

static void
add_extensions(X509 *cert, const struct pki_request *r)
{
	X509 *issuer = r->issuer ? r->issuer->cert : cert;

	add_extension(cert, issuer, NID_basic_constraints,
	    r->is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(cert, issuer, NID_key_usage,
	    r->is_authority ? "critical,keyCertSign,cRLSign"
			    : "critical,digitalSignature");
	add_extension(cert, issuer, NID_subject_key_identifier, "hash");
	if (r->issuer)
		add_extension(
		    cert, issuer, NID_authority_key_identifier, "keyid");
	if (r->usage)
		add_extension(cert, issuer, NID_ext_key_usage, r->usage);
	if (r->alt)
		add_extension(cert, issuer, NID_subject_alt_name, r->alt);
	if (r->uri.len)
		add_uri(cert, r->uri);
}

static void
fill(X509 *cert, EVP_PKEY *key, const struct pki_request *r)
{
	bool usual = !r->from_s && !r->until_s;
	X509_NAME *name = X509_get_subject_name(cert);
	/* Not const: the next serial number is the issuer's. */
	struct pki *issuer = (struct pki *)(uintptr_t)r->issuer;

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(
	    X509_get_serialNumber(cert), issuer ? ++issuer->serial : 1);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)(r->name ? r->name : "test"), -1, -1, 0);
	X509_set_issuer_name(
	    cert, issuer ? X509_get_subject_name(issuer->cert) : name);
	X509_gmtime_adj(X509_getm_notBefore(cert), usual ? -HOUR : r->from_s);
	X509_gmtime_adj(X509_getm_notAfter(cert), usual ? HOUR : r->until_s);
	X509_set_pubkey(cert, key);
}

struct pki *
pki_new(const struct pki_request *request)
{
	struct pki *p = calloc(1, sizeof(*p));
	BIO *bio;

	must(p, "memory");
	p->key = request->is_rsa_1024 ? EVP_RSA_gen(1024) : EVP_EC_gen("P-256");
	p->cert = X509_new();
	p->serial = 1;
	must(p->key && p->cert, "key");
	fill(p->cert, p->key, request);
	add_extensions(p->cert, request);
	must(X509_sign(p->cert, request->issuer ? request->issuer->key : p->key,
		 EVP_sha256()),
	    "sign");
	bio = BIO_new(BIO_s_mem());
	must(PEM_write_bio_X509(bio, p->cert), "PEM");
	p->cert_pem = text_of(bio);
	bio = BIO_new(BIO_s_mem());
	must(PEM_write_bio_PrivateKey(bio, p->key, NULL, NULL, 0, NULL, NULL),
	    "PEM");
	p->key_pem = text_of(bio);
	return p;
}

struct pki *
pki_issue(const struct pki *issuer, const char *alt)
{
	struct pki_request r = {
	    .issuer = issuer,
	    .name = "test",
	    .alt = alt,
	    .usage = issuer ? "serverAuth,clientAuth" : NULL,
	    .is_authority = !issuer,
	};

	return pki_new(&r);
}

void
pki_free(struct pki *p)
{
	if (!p)
		return;
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
	free(p->cert_pem);
	free(p->key_pem);
	free(p);
}

struct bytes
pki_cert(const struct pki *p)
{
	return bytes_of_str(p->cert_pem);
}

struct bytes
pki_key(const struct pki *p)
{
	return bytes_of_str(p->key_pem);
}

struct bytes
pki_der(const struct pki *p, void **der)
{
	unsigned char *at;
	int len = i2d_X509(p->cert, NULL);

	must(len > 0, "DER");
	*der = malloc((size_t)len);
	must(*der, "memory");
	at = *der;
	i2d_X509(p->cert, &at);
	return bytes_of(*der, (size_t)len);
}

char *
pki_crl(const struct pki *issuer, const struct pki *revoked, long until_s)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *when = X509_gmtime_adj(NULL, -2 * HOUR);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert));
	X509_CRL_set1_lastUpdate(crl, when);
	if (revoked) {
		X509_REVOKED *entry = X509_REVOKED_new();

		X509_REVOKED_set_serialNumber(
		    entry, X509_get_serialNumber(revoked->cert));
		X509_REVOKED_set_revocationDate(entry, when);
		X509_CRL_add0_revoked(crl, entry);
	}
	X509_gmtime_adj(when, until_s);
	X509_CRL_set1_nextUpdate(crl, when);
	X509_CRL_sort(crl);
	must(X509_CRL_sign(crl, issuer->key, EVP_sha256()), "sign");
	must(PEM_write_bio_X509_CRL(bio, crl), "PEM");
	text = text_of(bio);
	ASN1_TIME_free(when);
	X509_CRL_free(crl);
	return text;
}
