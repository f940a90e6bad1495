/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_load - certificates, keys and revocation lists out of PEM bytes.
 *
 * Private to lib/tls.  Both return ERR_INVAL with a sentence in `why`, which
 * has room for TLS_WHY_SIZE bytes.
 */
#ifndef LIB_TLS_TLS_LOAD_H
#define LIB_TLS_TLS_LOAD_H

#include "lib/tls/openssl.h"

#include "lib/base/bytes.h"

/* The own chain and key; *expires is when its first certificate ends. */
int tls_load_own(SSL_CTX *ctx, struct bytes cert_pem, struct bytes key_pem,
    int64_t *expires, char *why);

/* Whom to believe, and, if crl_pem is not empty, what is revoked. */
int tls_load_authorities(
    SSL_CTX *ctx, struct bytes ca_pem, struct bytes crl_pem, char *why);

#endif
