/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of lib/tls know of each other; nobody else includes it. */
#ifndef LIB_TLS_TLS_PRIVATE_H
#define LIB_TLS_TLS_PRIVATE_H

#include <stdatomic.h>

#include "lib/tls/openssl.h"
#include "lib/tls/tls.h"

#define TLS_WHY_SIZE 512
#define TLS_PROTOCOL_SIZE 32 /* of one name, with the NUL */

struct tls_config {
	atomic_uint holders;
	SSL_CTX *ctx; /* NULL until loaded */
	BIO_METHOD *bio; /* of tls_bio_method */
	enum tls_config_side side;
	bool identity_required;
	char protocol[TLS_CONFIG_PROTOCOLS_MAX][TLS_PROTOCOL_SIZE];
	/* The same as the ALPN extension has them: length, name, ... */
	uint8_t wire[TLS_CONFIG_PROTOCOLS_MAX * TLS_PROTOCOL_SIZE];
	unsigned wire_len;
	int64_t expires;
	enum tls_config_part part; /* that is being loaded */
	char why[TLS_WHY_SIZE];
};

struct tls {
	struct tls_config *config;
	SSL *ssl;
	struct buf in; /* ciphertext fed, for the library to read */
	struct buf out; /* ciphertext made, for tls_drain */
	uint64_t position;
	bool is_ready;
	bool is_ended; /* the peer said close_notify */
	bool is_shut; /* we did */
	int alert; /* the peer's fatal alert, or -1 */
	bool is_refused; /* we refused the peer's certificate */
	enum tls_failure failure;
	char *why; /* allocated when something failed, else NULL */
};

/* A BIO whose two ends are t->in and t->out of the struct tls given as data. */
BIO_METHOD *tls_bio_method(void);
BIO *tls_bio_new(struct tls *t);

/* Judges one certificate of the peer's chain: SSL_CTX_set_verify. */
int tls_verify(int ok, X509_STORE_CTX *store);

/* Keep the first reason, of which the later ones are mere consequences. */
void tls_say(struct tls *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The identity in a certificate; errors as tls_peer_identity. */
int tls_peer_read(X509 *cert, enum tls_identity *kind, struct uuid *id);

#endif
