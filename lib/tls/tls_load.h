/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_load - certificates, keys and revocation lists out of PEM bytes.
 *
 * Private to lib/tls.  All return ERR_INVAL with a sentence in `why`, which
 * has room for TLS_WHY_SIZE bytes.
 */
#ifndef LIB_TLS_TLS_LOAD_H
#define LIB_TLS_TLS_LOAD_H

#include "lib/tls/openssl.h"

#include "lib/base/bytes.h"

/* The own chain; *expires is when its first certificate ends. */
int tls_load_chain(
    SSL_CTX *ctx, struct bytes cert_pem, int64_t *expires, char *why);

/* The key of the chain, which is loaded before it. */
int tls_load_key(SSL_CTX *ctx, struct bytes key_pem, char *why);

/* Whom to believe. */
int tls_load_authorities(SSL_CTX *ctx, struct bytes ca_pem, char *why);

/* What is revoked; a missing or outdated list refuses everybody. */
int tls_load_revocations(SSL_CTX *ctx, struct bytes crl_pem, char *why);

#endif
