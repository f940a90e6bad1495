/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_config - what one side of TLS connections is and whom it believes.
 *
 * Made from PEM bytes, never from paths, and checked as a whole when it is
 * loaded.  Sessions hold a reference, so a reload makes a new tls_config, and
 * old connections live on with the old one.  TLS 1.3 only; no tickets, no
 * resumption, no early data: a certificate is checked on each connection.
 * The checks are listed in lib/tls/README.md.
 */
#ifndef LIB_TLS_TLS_CONFIG_H
#define LIB_TLS_TLS_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"

#define TLS_CONFIG_PROTOCOLS_MAX 4

enum tls_config_side {
	TLS_CONFIG_CLIENT,
	TLS_CONFIG_SERVER,
};

/* What a server does about the certificate of its peer. */
enum tls_config_verify {
	TLS_CONFIG_REQUIRED, /* the only one that clients may use */
	TLS_CONFIG_OPTIONAL, /* none is accepted, a bad one is not */
	TLS_CONFIG_NONE, /* not asked for */
};

struct tls_config_settings {
	enum tls_config_side side;
	enum tls_config_verify verify;
	struct bytes cert_pem; /* own certificate, then intermediates */
	struct bytes key_pem; /* its key, not encrypted */
	struct bytes ca_pem; /* whom to believe; one or more */
	struct bytes crl_pem; /* if not empty: of every authority */
	/*
	 * If the first is not NULL, the two sides must agree on one of them
	 * (RFC 7301), or the handshake fails.
	 */
	const char *protocols[TLS_CONFIG_PROTOCOLS_MAX];
	/* The peer's certificate must carry an identity (tls.h). */
	bool identity_required;
};

/* What of the settings a load was refused for. */
enum tls_config_part {
	TLS_CONFIG_PART_NONE, /* how they fit together */
	TLS_CONFIG_PART_CERT,
	TLS_CONFIG_PART_KEY,
	TLS_CONFIG_PART_CA,
	TLS_CONFIG_PART_CRL,
};

struct tls_config; /* opaque; counted */

/* An empty configuration, good for loading once; ERR_NOMEM. */
int tls_config_new(struct tls_config **out);

/* One more holder; returns c. */
struct tls_config *tls_config_ref(struct tls_config *c);

/* One holder less; freed with the last one. */
void tls_config_free(struct tls_config *c);

/*
 * Take the settings; the bytes need not outlive the call.  A client needs no
 * certificate of its own, a server does.  ERR_INVAL with a sentence in
 * tls_config_why if anything is missing, malformed, or does not fit together
 * (an own certificate that has expired is no error: see the function below).
 */
int tls_config_load(
    struct tls_config *c, const struct tls_config_settings *settings);

/* The sentence for a person about the failed load; "" if none failed. */
const char *tls_config_why(const struct tls_config *c);

/* Which of the settings that sentence is about. */
enum tls_config_part tls_config_wrong(const struct tls_config *c);

/*
 * When the first certificate of the own chain ends, in seconds since 1970
 * UTC; INT64_MAX without a certificate.
 */
int64_t tls_config_expires(const struct tls_config *c);

#endif
