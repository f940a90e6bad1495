/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connections - who is connected, over all receivers.
 *
 * Rules: no I/O, no clock.  Two connections of one identity at a time: a third
 * ends the oldest.  And no more in all, of a listener and of a source than the
 * configuration says: one too many ends itself.  Each receiver tells what it
 * has, a restarted keeper is told again; nothing is kept over a restart.
 */
#ifndef SPOOLD_KEEPER_CONNECTIONS_H
#define SPOOLD_KEEPER_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/codec/ipc.h"

#define CONNECTIONS_PER_IDENTITY 2

struct connections; /* opaque */

struct connections_limits {
	uint64_t all, listener, source;
};

/* Who has to go, and why (an agentlink code). */
struct connections_displaced {
	uint64_t link, connection;
	uint16_t code;
};

struct connections *connections_new(uint64_t seed);
void connections_free(struct connections *c);

/*
 * One more, on the link of a receiver.  True: *out has to go, and is forgotten
 * here already.  A number that is there already is another's: false.
 */
bool connections_add(struct connections *c, uint64_t link,
    const struct ipc_connected *m, const struct connections_limits *limits,
    struct connections_displaced *out);

void connections_remove(
    struct connections *c, uint64_t link, uint64_t connection);

/* The receiver of this link is gone, and its connections with it. */
void connections_forget(struct connections *c, uint64_t link);

uint64_t connections_count(const struct connections *c);

#endif
