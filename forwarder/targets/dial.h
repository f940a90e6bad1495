/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial - come to a connection with a named host: look up, connect, TLS.
 *
 * The addresses of the name are tried in turn, each within the time given; the
 * first that connects is handed over as a link, whose TLS handshake then goes
 * on under the link's own deadline.  One dial at a time for each struct.
 */
#ifndef FORWARDER_TARGETS_DIAL_H
#define FORWARDER_TARGETS_DIAL_H

#include <stdint.h>

#include "forwarder/targets/target.h"
#include "lib/link/link.h"
#include "lib/tls/tls.h"

struct dial; /* opaque */

struct dial_settings {
	struct bytes host; /* name or address */
	uint16_t port;
	const char *server_name; /* in the certificate; NULL: any */
	struct tls_config *tls; /* NULL: in the clear */
	uint32_t timeout_ms; /* for each address, and for TLS */
	const struct link_events *events; /* of the link */
	void *link_arg;
};

/*
 * Start; the settings are copied, the TLS configuration is held.  Either
 * on_link is called with a link that is the callee's, or on_failed with a code
 * and a sentence.  Not from within this call unless an address fails at once.
 */
int dial_start(struct target_host *host, struct link_pool *pool,
    const struct dial_settings *settings,
    void (*on_link)(struct link *link, void *arg),
    void (*on_failed)(const char *code, const char *why, void *arg), void *arg,
    struct dial **out);

/* Forget it; no callback comes. */
void dial_free(struct dial *d);

/* How bad is it that this link closed so?  Certificates need an operator. */
enum target_verdict dial_verdict(const struct link *link, int rc);
const char *dial_code(const struct link *link, int rc);

#endif
