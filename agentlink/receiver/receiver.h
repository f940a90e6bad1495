/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receiver - the parts of a receiver process and how they hold together.
 *
 * Glue: listeners accept connections (listener.c), a connection is a session
 * (session.c) that speaks the agent's or the child spool's half of agentlink
 * (agent.c, chain.c); what they bring goes through check and gather into the
 * flow, and what the keeper answers comes back from it.
 */
#ifndef AGENTLINK_RECEIVER_RECEIVER_H
#define AGENTLINK_RECEIVER_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "agentlink/receiver/flow.h"
#include "agentlink/receiver/gather.h"
#include "agentlink/receiver/grease.h"
#include "agentlink/receiver/mismatches.h"
#include "agentlink/receiver/sources.h"
#include "lib/base/clock.h"
#include "lib/check/check.h"
#include "lib/codec/deny.h"
#include "lib/codec/kv.h"
#include "lib/link/chan.h"
#include "lib/link/link.h"
#include "lib/loop/loop.h"
#include "lib/loop/tcp.h"
#include "lib/tls/tls.h"

#define RECEIVER_NAME_SIZE 33
#define RECEIVER_LISTENERS_MAX 64
#define RECEIVER_HANDSHAKE_MS 10000u /* accept to TLS done */
#define RECEIVER_HELLO_MS 10000u /* TLS done to the first frame */
#define RECEIVER_SILENCE_MS 120000u
#define RECEIVER_KEEPALIVE_MS 30000u
#define RECEIVER_ACK_REPEAT_MS 5000u
#define RECEIVER_KEEPER_MS 15000u /* without any: cut off, start anew */
#define RECEIVER_PER_IDENTITY 2
#define RECEIVER_CREDIT_BATCHES 64u
#define RECEIVER_CREDIT_BYTES (8u * 1024 * 1024) /* at the most */

struct receiver;
struct session;

/* Who may not come: agents' UUIDs and certificates' SHA-256, sorted. */
/* One way in. */
struct listener {
	struct receiver *receiver;
	char name[RECEIVER_NAME_SIZE];
	struct tcp_listener *tcp;
	struct tls_config *tls;
	struct deny deny;
	uint32_t max_connections, max_per_source, rate_per_source;
	uint32_t connections;
	struct uuid own; /* the spool, as its certificate says */
	bool has_own;
	uint64_t refusal_said_ms; /* 0: never */
	bool seen; /* in the newest configuration */
	uint64_t lacked_ms; /* when there was no descriptor; 0: never */
	/* told to the keeper and begun anew */
	uint64_t refused_records;
	uint64_t duplicate_records;
};

struct receiver {
	struct loop *loop;
	struct link_pool *pool;
	struct flow *flow;
	struct check *check;
	struct gather *gather;
	struct sources *sources;
	struct mismatches mismatches;
	struct grease grease;
	struct digest_sha256 *sha;
	struct loop_timer *tick; /* once a second */
	struct loop_timer *gather_timer; /* when the gathered are due */
	struct loop_turn *turn;
	struct listener *listeners[RECEIVER_LISTENERS_MAX];
	size_t n_listeners;
	struct session *sessions; /* all, newest first */
	struct session *dirty; /* have acknowledgements to send */
	struct uuid spool, incarnation;
	struct clock_floor floor; /* what it is at least */
	bool spool_known;
	bool stopping;
	bool counted; /* something that the keeper was not told */
	bool held; /* sessions are not read: the pool is full */
	uint64_t last_connection; /* number given by presence.c */
	uint32_t receivers; /* that share the limits; at least 1 */
	uint32_t unauthenticated, authenticated;
	uint32_t max_unauthenticated, max_connections;
	size_t pool_bytes;
	struct chan *keeper; /* NULL while there is none */
	uint64_t keeper_left_ms; /* when the last one did; 0: never */
};

/* ---- receiver.c -----------------------------------------------------------
 */

int receiver_init(
    struct receiver *r, struct loop *loop, uint32_t slot, size_t pool_bytes);
void receiver_fini(struct receiver *r);

/* The present two clocks. */
struct now receiver_now(const struct receiver *r);

/* Give a checked batch of one range to the flow, gathered if it is small. */
int receiver_store(struct receiver *r, struct flow_stream *stream,
    const struct ipc_range *range, const struct agentlink_data *data,
    const struct batch_columns_view *view);

/* Close the gathered batch now, if there is one. */
void receiver_seal(struct receiver *r);

/* A digest context for short work. */
struct digest_sha256 *receiver_sha(struct receiver *r);

/* Hold or let go all sessions as the pool has room. */
void receiver_apply_window(struct receiver *r);

/* What one session may have unacknowledged, by the pool and their number. */
void receiver_credit(
    const struct receiver *r, uint32_t *bytes, uint32_t *batches);

/* Tell the keeper, if there is one. */
void receiver_tell(struct receiver *r, const struct ipc_msg *m);

/* n more for one of a listener's counters. */
void receiver_count(struct receiver *r, uint64_t *counter, uint64_t n);

/* A batch of this agent or child was not what its digest says. */
void receiver_note_mismatch(
    struct receiver *r, struct listener *l, const struct uuid *id);

/* A socket to the keeper; fd is taken over. */
void receiver_connect(struct receiver *r, int fd);

/* Stop accepting; tell everybody to go. */
void receiver_drain(struct receiver *r, uint32_t deadline_ms);

/* ---- listener.c ------------------------------------------------------------
 */

/* Check the listener part of a configuration; why for a person. */
int listener_prepare(const struct kv *kv, char *why, size_t why_size);

/* Use it: settings of known listeners change, new ones wait for their fd. */
int listener_apply(struct receiver *r, const struct kv *kv);

/* A bound socket for the listener of that name; fd is taken over. */
int listener_give_fd(struct receiver *r, struct bytes name, int fd);

void listener_free(struct listener *l);
bool listener_denies(const struct listener *l, const struct uuid *id,
    const uint8_t print[static TLS_FINGERPRINT_SIZE]);

/* Stop and go on accepting, everywhere. */
void listener_pause_all(struct receiver *r);
void listener_resume_all(struct receiver *r);

#endif
