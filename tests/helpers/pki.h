/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki - certificates made while a test runs: good ones and bad ones.
 *
 * A test program that uses it names tests/helpers/pki.c among its sources.
 * A failure ends the test.
 */
#ifndef TESTS_HELPERS_PKI_H
#define TESTS_HELPERS_PKI_H

#include <stdbool.h>

#include "lib/base/bytes.h"

struct pki; /* a certificate and its key */

struct pki_request {
	const struct pki *issuer; /* NULL: signs itself */
	const char *name; /* the subject's CN */
	const char *alt; /* "URI:spool:agent:...,DNS:localhost,IP:::1" */
	struct bytes uri; /* one URI more, of any bytes */
	const char *usage; /* "clientAuth", "serverAuth,clientAuth", NULL */
	bool is_authority;
	bool is_rsa_1024; /* else EC P-256 */
	long from_s, until_s; /* from now; both 0: since 1 h, for 1 h more */
};

struct pki *pki_new(const struct pki_request *request);
/* An authority if nobody issues it, else a certificate for either side. */
struct pki *pki_issue(const struct pki *issuer, const char *alt);
void pki_free(struct pki *p);

/* PEM, valid until pki_free. */
struct bytes pki_cert(const struct pki *p);
struct bytes pki_key(const struct pki *p);

/* DER of the certificate; the caller frees *der with free. */
struct bytes pki_der(const struct pki *p, void **der);

/*
 * A revocation list of the issuer that names `revoked` (may be NULL), valid
 * until until_s from now.  PEM; the caller frees it with free.
 */
char *pki_crl(
    const struct pki *issuer, const struct pki *revoked, long until_s);

#endif
