/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial - come to a link that is ready: the addresses of a host, one by one.
 *
 * An address that refuses, is silent, fails TLS, has another protocol (ALPN)
 * or a certificate that we refuse is followed by the next.  A server may also
 * refuse us, but that comes when the link is ready already (see tls.h): then
 * the owner dials again from the address after dial_at.
 * One thread, the loop's; it resolves no names and decides no waiting.
 */
#ifndef LIB_LINK_DIAL_H
#define LIB_LINK_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/clock.h"
#include "lib/link/address.h"
#include "lib/link/link.h"
#include "lib/loop/loop.h"
#include "lib/tls/tls.h"

#define DIAL_ADDRESSES_MAX 64u /* more are left out */

struct dial; /* opaque */

struct dial_settings {
	const struct address *addresses; /* copied; at least one */
	size_t count;
	size_t first; /* where to begin */
	struct tls_config *tls; /* NULL: in the clear; held */
	const char *name; /* in the certificate; copied; NULL: any */
	uint32_t connect_ms, handshake_ms; /* for each address */
	const struct clock_floor *floor; /* for certificates; NULL: none */
	/* Of the link, from then on; its on_ready is not called. */
	const struct link_events *events;
	void *link_arg;
};

/* Why the last address failed; of certificates only if all failed so. */
struct dial_failure {
	int rc; /* as on_closed of a link, or of connecting */
	enum tls_failure tls;
	const char *why; /* "ADDRESS: sentence" */
};

struct dial_events {
	/* Connected, TLS made: the link is the callee's. */
	void (*on_link)(struct link *link, void *arg);
	/* No address is left. */
	void (*on_failed)(const struct dial_failure *failure, void *arg);
};

/*
 * Start.  One of the two callbacks comes, once, never from within this call;
 * dial_free is still to be called.
 */
int dial_start(struct loop *loop, struct link_pool *pool,
    const struct dial_settings *settings, const struct dial_events *events,
    void *arg, struct dial **out);

/* Forget it; no callback comes.  Allowed within the callbacks.  NULL too. */
void dial_free(struct dial *d);

/* Which address it was, or is; from 0; and whether none comes after it. */
size_t dial_at(const struct dial *d);
bool dial_is_last(const struct dial *d);

#endif
