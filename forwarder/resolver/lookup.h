/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup - one name to its addresses, by the C library.
 *
 * Blocks for as long as name servers are silent: for worker threads.
 */
#ifndef FORWARDER_RESOLVER_LOOKUP_H
#define FORWARDER_RESOLVER_LOOKUP_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/codec/ipc.h"

#define LOOKUP_HOST_MAX 255

enum lookup_code {
	LOOKUP_FOUND = 0,
	LOOKUP_NOT_FOUND = 1, /* there is no such name, or no address of it */
	LOOKUP_TRY_AGAIN = 2,
};

struct lookup {
	char host[LOOKUP_HOST_MAX + 1];
	uint16_t port;
	/* the answer */
	enum lookup_code code;
	uint32_t n; /* at most IPC_ADDRESSES_MAX */
	uint8_t addresses[IPC_ADDRESSES_MAX * 19]; /* as in ADDRESSES */
	size_t len;
	char text[160]; /* why there is none */
};

/* Sets code, and addresses or text. */
void lookup_run(struct lookup *l);

/* What the code of getaddrinfo means, for tests. */
enum lookup_code lookup_code_of(int gai);

#endif
