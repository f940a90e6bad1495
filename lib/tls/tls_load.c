/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tls/tls_load.h"

#include <limits.h>
#include <stdio.h>

#include "lib/base/err.h"
#include "lib/tls/tls_private.h"

static int
refuse(char *why, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	snprintf(why, TLS_WHY_SIZE, "%s%s%s", what, reason ? ": " : "",
	    reason ? reason : "");
	return ERR_INVAL;
}

static BIO *
open_pem(struct bytes pem)
{
	ERR_clear_error();
	return pem.len > INT_MAX ? NULL
				 : BIO_new_mem_buf(pem.ptr, (int)pem.len);
}

/* A daemon has nobody to ask for a pass phrase. */
static int
no_pass_phrase(char *to, int size, int writing, void *arg)
{
	(void)to;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

/* Whether reading stopped because there was nothing more of that kind. */
static bool
is_at_end(void)
{
	unsigned long code = ERR_peek_last_error();
	bool end = ERR_GET_LIB(code) == ERR_LIB_PEM &&
	    ERR_GET_REASON(code) == PEM_R_NO_START_LINE;

	if (end)
		ERR_clear_error();
	return end;
}

/* Read every certificate of `pem` into a stack, in order. */
static STACK_OF(X509) * read_certificates(struct bytes pem)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *bio = open_pem(pem);
	X509 *cert = NULL;
	bool ok = all && bio;

	while (ok &&
	    (cert = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL)) != NULL)
		ok = sk_X509_push(all, cert) > 0;
	ok = ok && is_at_end() && sk_X509_num(all) > 0;
	BIO_free(bio);
	if (ok)
		return all;
	sk_X509_pop_free(all, X509_free);
	return NULL;
}

static int
use_chain(
    SSL_CTX *ctx, const STACK_OF(X509) * chain, int64_t *expires, char *why)
{
	X509 *own = sk_X509_value(chain, 0);
	ASN1_TIME *start = ASN1_TIME_set(NULL, 0); /* 1970 */
	int days, seconds, rc = 0;

	if (SSL_CTX_use_certificate(ctx, own) != 1)
		rc = refuse(why, "the own certificate cannot be used");
	for (int i = 1; !rc && i < sk_X509_num(chain); i++)
		if (SSL_CTX_add1_chain_cert(ctx, sk_X509_value(chain, i)) != 1)
			rc = refuse(why, "the own chain cannot be used");
	if (!rc &&
	    !ASN1_TIME_diff(&days, &seconds, start, X509_get0_notAfter(own)))
		rc = refuse(why, "the own certificate's end cannot be read");
	ASN1_TIME_free(start);
	if (!rc)
		*expires = (int64_t)days * 86400 + seconds;
	return rc;
}

int
tls_load_chain(SSL_CTX *ctx, struct bytes cert_pem, int64_t *expires, char *why)
{
	STACK_OF(X509) *chain = read_certificates(cert_pem);
	int rc;

	if (!chain)
		return refuse(why, "the own certificate is not good PEM");
	rc = use_chain(ctx, chain, expires, why);
	sk_X509_pop_free(chain, X509_free);
	return rc;
}

int
tls_load_key(SSL_CTX *ctx, struct bytes key_pem, char *why)
{
	BIO *bio = open_pem(key_pem);
	EVP_PKEY *key = bio
	    ? PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL)
	    : NULL;
	int rc = 0;

	if (!key)
		rc = refuse(
		    why, "the own key is not good PEM, or needs a pass phrase");
	else if (SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		rc = refuse(
		    why, "the own key does not belong to the certificate");
	EVP_PKEY_free(key);
	BIO_free(bio);
	return rc;
}

int
tls_load_authorities(SSL_CTX *ctx, struct bytes ca_pem, char *why)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	STACK_OF(X509) * all;
	bool ok = true;

	if (!ca_pem.len)
		return refuse(why, "no certificate authority is given");
	all = read_certificates(ca_pem);
	if (!all)
		return refuse(
		    why, "the certificate authorities are not good PEM");
	for (int i = 0; ok && i < sk_X509_num(all); i++)
		ok = X509_STORE_add_cert(store, sk_X509_value(all, i)) == 1;
	sk_X509_pop_free(all, X509_free);
	if (!ok)
		return refuse(
		    why, "the certificate authorities cannot be used");
	return 0;
}

int
tls_load_revocations(SSL_CTX *ctx, struct bytes crl_pem, char *why)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	BIO *bio = open_pem(crl_pem);
	X509_CRL *crl;
	bool ok = bio != NULL;
	int count = 0;

	while (ok &&
	    (crl = PEM_read_bio_X509_CRL(bio, NULL, no_pass_phrase, NULL)) !=
		NULL) {
		ok = X509_STORE_add_crl(store, crl) == 1;
		X509_CRL_free(crl);
		count++;
	}
	ok = ok && is_at_end() && count > 0;
	BIO_free(bio);
	if (!ok)
		return refuse(why, "the revocation list is not good PEM");
	/* A missing or outdated list refuses everybody: fail closed. */
	X509_STORE_set_flags(
	    store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return 0;
}
