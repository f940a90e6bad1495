/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_impl - what the files of link share; nobody else includes it.
 *
 * link.c has the life of a link and its callbacks, link_in.c reads,
 * link_out.c writes, link_socket.c asks the kernel.
 */
#ifndef LIB_LINK_LINK_IMPL_H
#define LIB_LINK_LINK_IMPL_H

#include "lib/base/buf.h"
#include "lib/link/address.h"
#include "lib/link/link.h"
#include "lib/tls/tls.h"

/* A partial TLS record may be waiting when the next piece is fed. */
#define LINK_WIRE_SIZE (TLS_FEED_MAX - (64U << 10))
#define LINK_PLAIN_SIZE (256U << 10)
#define LINK_WHY_SIZE 160

enum link_state {
	LINK_OPENING, /* on_ready is still to come */
	LINK_OPEN,
	LINK_LINGER, /* no more is written; reading to the end */
	LINK_OVER, /* on_closed is due, or was called */
};

enum link_deadline {
	LINK_DEADLINE_NONE,
	LINK_DEADLINE_HANDSHAKE,
	LINK_DEADLINE_PROGRESS,
	LINK_DEADLINE_LINGER,
};

struct link_pool {
	struct loop *loop;
	size_t kept; /* unused bytes that the links keep, all together */
	uint8_t wire[LINK_WIRE_SIZE];
	uint8_t plain[LINK_PLAIN_SIZE];
};

struct link {
	struct link_pool *pool;
	int fd;
	struct tls *tls;
	struct loop_poll *poll;
	struct loop_timer *soon; /* callbacks that are due without an event */
	struct loop_timer *deadline; /* made when first needed */
	enum link_deadline deadline_for;
	struct link_events events;
	void *arg;
	enum link_state state;
	struct buf kept; /* read and not used by on_data */
	size_t kept_counted; /* our part of pool->kept */
	size_t keep_limit;
	struct buf out; /* bytes for the wire */
	size_t out_limit;
	struct link_counts counts;
	size_t progress_min;
	unsigned progress_ms;
	uint64_t progress_from; /* counts.wire_in when the period began */
	bool progress_paused; /* paused at some time in the period */
	int calling; /* callbacks in progress: freeing waits for their end */
	bool paused;
	bool resume_due; /* what is kept is to be shown again */
	bool in_ended; /* nothing more can be read */
	bool out_broken; /* nothing more can be written */
	bool fin_due; /* say FIN when all is written */
	bool drain_due; /* on_drained is owed when out is empty */
	bool told; /* on_closed was called */
	bool closing; /* link_free was called */
	int rc; /* for on_closed */
	char why[LINK_WHY_SIZE];
	char peer[ADDRESS_TEXT_SIZE];
};

/* link.c: let the loop watch for what the link waits for. */
void link_impl_watch(struct link *k);
/* link.c: the end is reached; the first call counts. */
void link_impl_over(struct link *k, int rc, const char *why);
/* link.c: TLS failed; its alert is sent and the peer's end awaited. */
void link_impl_tls_failed(struct link *k);
/* link.c: tell on_ready, once. */
void link_impl_ready(struct link *k);

/* link_in.c: read and deliver what is there. */
void link_impl_read(struct link *k);

/* link_out.c: write what is there, FIN at the end if it is due. */
void link_impl_write(struct link *k);

/* link_socket.c: options that all links have; what fails is left out. */
void link_impl_set_options(int fd);
void link_impl_name_peer(int fd, char text[static ADDRESS_TEXT_SIZE]);
/* Bytes that the peer has not confirmed. */
size_t link_impl_unsent(int fd);

#endif
