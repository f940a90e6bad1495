/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp - take connections from a listening socket, and make connections.
 *
 * Listening sockets are bound by the supervisor and come as descriptors.
 * Addresses are numeric; names are the resolver's work.  Both give out plain
 * connected descriptors (non-blocking, close-on-exec), which then belong to
 * the callee: lib/link/link.h carries bytes over them.  AF_UNIX works too.
 */
#ifndef LIB_LOOP_TCP_H
#define LIB_LOOP_TCP_H

#include <stdint.h>
#include <sys/socket.h>

#include "lib/loop/loop.h"

struct tcp_listener;
struct tcp_connect;

struct tcp_listener_events {
	/* A new connection; the descriptor is the callee's. */
	void (*on_accept)(int fd, const struct sockaddr_storage *peer,
	    socklen_t peer_len, void *arg);
	/*
	 * No descriptor is free.  One waiting connection was taken with the
	 * reserve descriptor and closed, so that its peer knows; accepting
	 * rests for a tenth of a second.  May be NULL.
	 */
	void (*on_full)(void *arg);
};

/*
 * Accept on a bound socket; listen() is called on it again, harmlessly.
 * On success the descriptor belongs to the listener.
 */
int tcp_listener_new(struct loop *l, int fd,
    const struct tcp_listener_events *events, void *arg,
    struct tcp_listener **out);
/* Leave further connections in the kernel's queue. */
void tcp_listener_pause(struct tcp_listener *t);
void tcp_listener_resume(struct tcp_listener *t);
/* Connections closed for want of a descriptor since the start. */
uint64_t tcp_listener_refused(const struct tcp_listener *t);
void tcp_listener_free(struct tcp_listener *t);

/*
 * Connect.  on_connected comes exactly once, never from within this call,
 * unless tcp_connect_free comes first: with rc 0 and a descriptor that is
 * the callee's, or with a negative code, -1, and a sentence why.  The
 * kernel's own time-out is two minutes: the caller sets a timer.
 * tcp_connect_free ends an attempt, or forgets a finished one.
 */
int tcp_connect_new(struct loop *l, const struct sockaddr *addr,
    socklen_t addr_len,
    void (*on_connected)(int rc, int fd, const char *why, void *arg), void *arg,
    struct tcp_connect **out);
void tcp_connect_free(struct tcp_connect *c);

#endif
