/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_conn - one connection of the load generator: an agent with one lane.
 *
 * The engine of agentlink.h over a link with TLS.  Whoever owns it adds
 * batches; it sends them as the spool's credits allow, and tells what was
 * acknowledged.  A connection that ends is made again, and counted.
 */
#ifndef TESTS_BENCH_LOAD_CONN_H
#define TESTS_BENCH_LOAD_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "agentlink/agentlink.h"
#include "lib/base/uuid.h"
#include "lib/link/link.h"
#include "lib/loop/loop.h"
#include "lib/tls/tls.h"

struct load_conn; /* opaque */

/* Whom a connection speaks as. */
struct load_identity {
	struct tls_config *tls;
	struct uuid id; /* that of its certificate */
};

struct load_conn_events {
	/* Connected, and the stream may be sent on; also after a failure. */
	void (*on_ready)(struct load_conn *c, void *arg);
	/*
	 * A batch was acknowledged; due_us as it was given to load_conn_add.
	 */
	void (*on_acked)(struct load_conn *c, uint32_t records, uint32_t bytes,
	    uint64_t due_us, void *arg);
	/* All of one turn's were told. */
	void (*on_turn)(struct load_conn *c, void *arg);
};

struct load_conn_settings {
	struct loop *loop;
	struct link_pool *pool;
	const struct load_identity *identity;
	uint16_t port; /* of 127.0.0.1 */
	unsigned agent; /* number of the identity: decides its address */
	unsigned lane;
	struct load_conn_events events;
	void *arg;
};

int load_conn_new(
    const struct load_conn_settings *settings, struct load_conn **out);
void load_conn_free(struct load_conn *c);
void load_conn_start(struct load_conn *c);

/* Add a batch (load_conn_pump sends); its payload stays until the end. */
int load_conn_add(struct load_conn *c, const struct agentlink_batch *batch,
    bool borrow, uint64_t due_us);
void load_conn_pump(struct load_conn *c);

unsigned load_conn_lane(const struct load_conn *c);
/* Batches added and not acknowledged. */
uint32_t load_conn_held(const struct load_conn *c);
/* The highest sequence number acknowledged. */
uint64_t load_conn_acked(const struct load_conn *c);
const struct uuid *load_conn_epoch(const struct load_conn *c);
/* Connections that failed, and records that were sent more than once. */
void load_conn_troubles(
    const struct load_conn *c, uint64_t *failures, uint64_t *repeats);

#endif
