/* SPDX-License-Identifier: Apache-2.0 */
/*
 * courier - carries a sender's bytes over TLS to the servers it names.
 *
 * It does what the engine says (connect, close), feeds and drains it, and
 * runs its timer.  It decides nothing.  Events are handed on after it has
 * done its part.  One thread, the loop's.
 */
#ifndef AGENTLINK_AGENT_COURIER_H
#define AGENTLINK_AGENT_COURIER_H

#include <stddef.h>
#include <stdint.h>

#include "agentlink/agentlink_sender.h"
#include "lib/loop/loop.h"
#include "lib/tls/tls_config.h"

struct courier;

struct courier_settings {
	struct loop *loop;
	struct agentlink_sender *sender;
	struct tls_config *tls; /* a reference is kept */
	const char *const *servers; /* HOST:PORT, copied */
	size_t server_count;
	uint64_t bandwidth; /* bytes per second of plaintext; 0: any */
	/* Every event of the engine. */
	void (*on_event)(const struct agentlink_event *event, void *arg);
	void *arg;
};

int courier_new(const struct courier_settings *settings, struct courier **out);
void courier_free(struct courier *c);

/* Start connecting. */
void courier_start(struct courier *c);
/* Something may be there to be sent: after each commit. */
void courier_pump(struct courier *c);
/* Say goodbye; on_stopped once the connection is closed, or within 2 s. */
void courier_stop(struct courier *c, void (*on_stopped)(void *arg));

#endif
