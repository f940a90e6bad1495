/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the library has built the peer's chain and asks about
 * each certificate of it, the peer's own last.  What it refuses stays
 * refused; what it accepts must also pass our own two rules.  The first
 * reason is put into words here, where the certificate is at hand.
 */
#include <stdio.h>

#include "lib/base/err.h"
#include "lib/tls/tls_private.h"

#define NAME_SIZE 128
#define TIME_SIZE 80 /* of six ints, whatever they are */

/* A certificate's subject, with everything unusual escaped. */
static const char *
subject_of(X509 *cert, char text[static NAME_SIZE])
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	if (bio && cert &&
	    X509_NAME_print_ex(
		bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_read(bio, text, NAME_SIZE - 1);
	text[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
	ERR_clear_error();
	return text[0] ? text : "no name";
}

/* Not by strftime, which may open the time zone's file. */
static const char *
time_of(const ASN1_TIME *when, char text[static TIME_SIZE])
{
	struct tm tm;

	if (!when || !ASN1_TIME_to_tm(when, &tm))
		return "a time that cannot be read";
	snprintf(text, TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
	return text;
}

static void
say_reason(struct tls *t, int error, X509 *cert)
{
	char name[NAME_SIZE], when[TIME_SIZE];
	const char *subject = subject_of(cert, name);

	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		tls_say(t, "the peer's certificate has expired at %s (%s)",
		    time_of(X509_get0_notAfter(cert), when), subject);
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		tls_say(t, "the peer's certificate is valid only from %s (%s)",
		    time_of(X509_get0_notBefore(cert), when), subject);
		break;
	case X509_V_ERR_CERT_REJECTED:
		tls_say(t,
		    "the peer's certificate does not carry exactly one "
		    "identity spool:agent:UUID or spool:spool:UUID (%s)",
		    subject);
		break;
	default:
		tls_say(t, "the peer's certificate is refused: %s (%s)",
		    X509_verify_cert_error_string(error), subject);
	}
}

/* Our own rules: an error of X509_V_ERR_*, or X509_V_OK. */
static int
judge(const struct tls_config *c, X509 *cert)
{
	enum tls_identity kind;
	struct uuid id;

	/* The library takes a missing extended key usage for "any". */
	if (c->side == TLS_CONFIG_SERVER &&
	    (!(X509_get_extension_flags(cert) & EXFLAG_XKUSAGE) ||
		!(X509_get_extended_key_usage(cert) & XKU_SSL_CLIENT)))
		return X509_V_ERR_INVALID_PURPOSE;
	if (c->identity_required && tls_peer_read(cert, &kind, &id))
		return X509_V_ERR_CERT_REJECTED;
	return X509_V_OK;
}

int
tls_verify(int ok, X509_STORE_CTX *store)
{
	int index = SSL_get_ex_data_X509_STORE_CTX_idx();
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, index);
	struct tls *t = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	int error = X509_STORE_CTX_get_error(store);

	if (ok && X509_STORE_CTX_get_error_depth(store) == 0) {
		error = judge(t->config, cert);
		X509_STORE_CTX_set_error(store, error);
		ok = error == X509_V_OK;
	}
	if (!ok) {
		t->is_refused = true;
		say_reason(t, error, cert);
	}
	return ok;
}
