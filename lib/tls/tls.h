/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls - one TLS 1.3 session over memory: bytes in, bytes out, no I/O.
 *
 * Whoever owns the socket gives what arrived to tls_feed, takes plaintext
 * with tls_read until ERR_AGAIN, and sends what tls_drain hands out, after
 * each call that may have made some: new, feed, read, write, shutdown, and
 * also after an error (it is the alert that tells the peer why).  An idle
 * session keeps no buffers.  An error ends the session: tls_why says it for a
 * person, tls_failure for the program.  A client whose session is ready has
 * not been admitted yet: in TLS 1.3 the server's refusal comes later, as the
 * error of a tls_feed or tls_read.
 */
#ifndef LIB_TLS_TLS_H
#define LIB_TLS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/base/uuid.h"
#include "lib/tls/tls_config.h"

#define TLS_FEED_MAX (256U << 10) /* fed and not yet read, bytes */
#define TLS_DRAIN_MAX (256U << 10) /* tls_write takes no more past this */
#define TLS_FINGERPRINT_SIZE 32

struct tls; /* opaque */

/* Why a session ended; the two refusals are about certificates. */
enum tls_failure {
	TLS_FAILURE_NONE,
	TLS_FAILURE_PEER_REFUSED, /* we do not believe the peer */
	TLS_FAILURE_SELF_REFUSED, /* the peer does not believe us */
	TLS_FAILURE_PROTOCOL, /* versions, suites, broken bytes, other alerts */
	TLS_FAILURE_LOCAL, /* memory, or a library that does not work */
};

/* One of the two refusals. */
bool tls_is_refusal(enum tls_failure failure);

/* Who a certificate says that it is. */
enum tls_identity {
	TLS_IDENTITY_AGENT, /* spool:agent:<uuid> */
	TLS_IDENTITY_SPOOL, /* spool:spool:<uuid> */
};

/*
 * Load all that this room may ever need, for use before a sandbox forbids
 * open().  ERR_SYS if the library does not work.
 */
int tls_warm_up(void);

/*
 * A session; it holds a reference to `config`.  For a client, `name` is the
 * host name or IP address that the server's certificate must bear (a host
 * name is also sent as SNI); NULL: any, and the caller looks at the peer's
 * identity.  For a server it is NULL.  ERR_NOMEM, ERR_INVAL.
 */
int tls_new(struct tls_config *config, const char *name, struct tls **out);
void tls_free(struct tls *t);

/*
 * Ciphertext that arrived, all of it taken.  ERR_LIMIT if more than
 * TLS_FEED_MAX would be waiting for tls_read (nothing is taken, the session
 * goes on); ERR_TLS when the session has failed.
 */
int tls_feed(struct tls *t, struct bytes ciphertext);

/*
 * The next plaintext, at most `cap` bytes.  ERR_AGAIN: none now.
 * ERR_CLOSED: the peer said close_notify.  ERR_TLS: the session has failed.
 */
int tls_read(struct tls *t, void *ptr, size_t cap, size_t *len);

/*
 * Encrypt plaintext; *taken may be less than offered, and is 0 with ERR_AGAIN
 * if nothing can be taken before a tls_drain or before the session is ready.
 * ERR_STATE after tls_shutdown; ERR_TLS.
 */
int tls_write(struct tls *t, struct bytes plaintext, size_t *taken);

/*
 * Move the ciphertext that is to be sent to the end of `out`, as far as
 * out's limit allows.  Memory changes hands without copying if `out` is empty.
 */
void tls_drain(struct tls *t, struct buf *out);

/* Bytes that tls_drain would hand out. */
size_t tls_pending(const struct tls *t);

/*
 * All ciphertext made so far, drained or not: taken after a tls_write, the
 * position in the TCP stream where its plaintext ends.
 */
uint64_t tls_position(const struct tls *t);

/* Say close_notify.  Reading stays possible; writing does not. */
void tls_shutdown(struct tls *t);

/*
 * Judge certificates and revocation lists as at this time (nanoseconds since
 * 1970 UTC) instead of by the system's clock.  Before the first byte.
 */
void tls_set_time(struct tls *t, int64_t wall_ns);

/* The handshake is over, and the peer's certificate is good. */
bool tls_is_ready(const struct tls *t);

/* The sentence for a person; "" while nothing failed.  Valid until tls_free. */
const char *tls_why(const struct tls *t);
enum tls_failure tls_failure(const struct tls *t);

/* The protocol agreed by ALPN, or NULL.  Valid until tls_free. */
const char *tls_protocol(const struct tls *t);

/*
 * Who the peer is: the one URI among its certificate's alternative names,
 * exactly `spool:agent:<uuid>` or `spool:spool:<uuid>`, uuid in lower case.
 * Other kinds of names do not count.  ERR_NOENT: no certificate, or no URI;
 * ERR_FORMAT: more than one, or another one; ERR_STATE before tls_is_ready.
 */
int tls_peer_identity(
    const struct tls *t, enum tls_identity *kind, struct uuid *id);

/*
 * The same of the own certificate, as a peer will see it.  ERR_NOENT: none is
 * loaded, or it has no URI; ERR_FORMAT.
 */
int tls_own_identity(
    const struct tls_config *config, enum tls_identity *kind, struct uuid *id);

/* SHA-256 of the peer's certificate (DER).  ERR_NOENT, ERR_STATE. */
int tls_peer_fingerprint(
    const struct tls *t, uint8_t fingerprint[static TLS_FINGERPRINT_SIZE]);

#endif
