/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link - a stream connection, perhaps with TLS, over a connected socket.
 *
 * Both the receiver (accepted sockets) and the forwarders (connected ones)
 * use it.  It carries bytes and knows no protocol.  An idle link keeps no
 * buffer: reading goes through one buffer that all links of a loop share.
 * What was read is delivered before the end is told.  Every deadline but
 * those that are set here is the owner's.  One thread, the loop's.
 */
#ifndef LIB_LINK_LINK_H
#define LIB_LINK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/loop/loop.h"

struct link;
struct link_pool;
struct tls;

/* The buffers that the links of one loop share; freed after all links. */
int link_pool_new(struct loop *l, struct link_pool **out);
void link_pool_free(struct link_pool *p);

struct link_events {
	/* TLS is established (at once, in the next turn, without TLS). */
	void (*on_ready)(void *arg);
	/*
	 * Bytes; returns how many were used.  The rest is kept and shown
	 * again in front of what comes next, up to the limit of
	 * link_set_keep.  Valid until the callback returns.
	 */
	size_t (*on_data)(struct bytes data, void *arg);
	/* All that was written has left for the kernel; may be NULL. */
	void (*on_drained)(void *arg);
	/*
	 * The peer will send no more but may still read.  NULL: the link
	 * closes then, with code 0.
	 */
	void (*on_end)(void *arg);
	/*
	 * The last callback: 0 after a clean end (FIN, with TLS after
	 * close_notify), else ERR_CLOSED (reset, or cut off), ERR_TIMEOUT,
	 * ERR_TLS, ERR_AUTH, ERR_LIMIT, ERR_NOMEM, ERR_SYS, and a sentence
	 * that is valid until link_free.  link_free is still to be called.
	 */
	void (*on_closed)(int rc, const char *why, void *arg);
};

/*
 * On success the socket and the TLS session (NULL: none) belong to the link.
 * Sets no-delay, keep-alive and a TCP user time-out of 60 s.
 */
int link_new(struct link_pool *p, int fd, struct tls *tls,
    const struct link_events *events, void *arg, struct link **out);

/* Another owner takes over, from within on_ready: later events are his. */
void link_set_events(
    struct link *k, const struct link_events *events, void *arg);

/*
 * Close at once; allowed at any time, also within a callback, and no
 * callback comes after it.
 */
void link_free(struct link *k);

/*
 * Close in order: write what is queued, say close_notify and FIN, read and
 * drop what still comes until the peer's end, for at most linger_ms; then
 * on_closed(0).
 */
void link_close(struct link *k, unsigned linger_ms);

/*
 * Write the parts in order; copied or encrypted before the return.  All or
 * nothing: ERR_LIMIT when the queue would pass its limit, ERR_STATE before
 * on_ready or after link_close, ERR_CLOSED when the peer is gone.
 */
int link_write(struct link *k, const struct bytes *parts, size_t count);

/* Bytes that wait for the kernel to take them (ciphertext under TLS). */
size_t link_queued(const struct link *k);
void link_set_limit(struct link *k, size_t queue_bytes); /* 8 MiB */

/* Most unused bytes that on_data may leave; more is ERR_LIMIT. 2 MiB+64 KiB */
void link_set_keep(struct link *k, size_t keep_bytes);

/* Stop, also within on_data, and go on. */
void link_pause(struct link *k);
void link_resume(struct link *k);
bool link_is_paused(const struct link *k);

bool link_is_ready(const struct link *k);

/* The TLS session, for its peer's certificate; NULL without. */
struct tls *link_tls(const struct link *k);

/* The peer's address as text; valid until link_free. */
const char *link_peer(const struct link *k);

struct link_counts {
	uint64_t plain_in; /* bytes given to on_data and used */
	uint64_t plain_out; /* bytes accepted by link_write */
	uint64_t wire_in; /* bytes read from the socket */
	uint64_t wire_out; /* bytes written to the socket */
};
void link_counts(const struct link *k, struct link_counts *out);

/*
 * Positions in bytes of the wire, for protocols without acknowledgement:
 * link_end is the position after everything link_write has accepted;
 * link_taken is how far the peer's kernel has confirmed.
 */
uint64_t link_end(const struct link *k);
uint64_t link_taken(const struct link *k);

/* Bytes given to the kernel that the peer's has not confirmed (SIOCOUTQ). */
size_t link_unsent(const struct link *k);

/* ERR_TIMEOUT unless on_ready comes within this time from now; 0 unsets. */
int link_set_handshake(struct link *k, unsigned within_ms);

/*
 * Demand progress while the owner is in the middle of a frame: fewer than
 * `min_bytes` of wire in a period of `period_ms` (not counting periods in
 * which the link was paused) is ERR_TIMEOUT.  Setting what is set is cheap
 * and changes nothing.  The usual demand is LINK_PROGRESS.
 */
#define LINK_PROGRESS_BYTES (30U << 10)
#define LINK_PROGRESS_MS 30000U
int link_progress_start(struct link *k, size_t min_bytes, unsigned period_ms);
void link_progress_stop(struct link *k);

#endif
