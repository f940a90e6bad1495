/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentlink_wire - one TLS connection over a plain socket, for the client.
 *
 * Nothing blocks but the look-up of a name: agentlink_wire_run waits with
 * poll for as long as it is told.  An error is final; then a new connect.
 */
#ifndef AGENTLINK_AGENTLINK_WIRE_H
#define AGENTLINK_AGENTLINK_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"

struct addrinfo;
struct tls;
struct tls_config;

struct agentlink_wire {
	int fd; /* -1: closed */
	struct addrinfo *addresses, *next;
	char host[256];
	struct tls_config *config; /* borrowed */
	struct tls *tls; /* NULL while TCP connects */
	struct buf in; /* plaintext that came */
	struct buf out; /* ciphertext to be sent */
	uint64_t since_ms; /* this address, or the handshake */
	bool was_ready; /* so that the owner has been told */
	int failed; /* of an address that may come back */
	char why[200];
};

void agentlink_wire_init(struct agentlink_wire *w, struct tls_config *config);
void agentlink_wire_fini(struct agentlink_wire *w);

/* Begin.  0, or a code with w->why. */
int agentlink_wire_connect(
    struct agentlink_wire *w, const char *server, uint64_t now_ms);
bool agentlink_wire_is_open(const struct agentlink_wire *w);
/* TLS is established. */
bool agentlink_wire_is_ready(const struct agentlink_wire *w);

/* Take plaintext as far as there is room; how much. */
size_t agentlink_wire_write(struct agentlink_wire *w, struct bytes plain);

/*
 * Wait for at most wait_ms for what may go on, and do it.  What came is in
 * w->in.  ERR_CLOSED, ERR_TLS, ERR_AUTH, ERR_TIMEOUT with w->why: it is over.
 */
int agentlink_wire_run(struct agentlink_wire *w, int wait_ms, uint64_t now_ms);

/* Send what is left, within a second, say close_notify, and close. */
void agentlink_wire_finish(struct agentlink_wire *w);
/* Close at once. */
void agentlink_wire_close(struct agentlink_wire *w);

#endif
