/* SPDX-License-Identifier: Apache-2.0 */
/* chain_internal - what the files of the chain target share. */
#ifndef FORWARDER_TARGETS_CHAIN_INTERNAL_H
#define FORWARDER_TARGETS_CHAIN_INTERNAL_H

#include "forwarder/targets/call.h"
#include "forwarder/targets/target.h"
#include "lib/base/buf.h"
#include "lib/codec/agentlink_msg.h"
#include "lib/codec/ivset.h"
#include "lib/pack/pack.h"

#define CHAIN_REFS 4096u /* buckets */
#define CHAIN_INTERVALS_MAX 1024u
#define CHAIN_FRAME_SLACK 4096u /* of a frame, besides payload and ranges */

enum chain_phase {
	CHAIN_DOWN,
	CHAIN_DIALLING,
	CHAIN_HELLO, /* HELLO is sent */
	CHAIN_ASKED, /* CHAIN_OPEN is sent */
	CHAIN_RECONCILE, /* comparing intervals with our own batches */
	CHAIN_UP,
};

/* A stream definition that this connection has been told. */
struct chain_ref {
	struct chain_ref *next;
	uint32_t id; /* the keeper's */
	uint32_t ref; /* of the wire */
};

/* What has been sent and is not acknowledged, by record number. */
struct chain_flight {
	struct chain_flight *next;
	uint64_t from, to;
	uint32_t bytes;
};

struct target { /* the chain's */
	struct target_host *host;
	struct call *call;
	struct loop_timer *timer; /* keep-alive and silence */
	enum chain_phase phase;
	struct uuid own; /* our certificate's */
	/* from the keeper */
	struct uuid spool, incarnation;
	uint64_t start_rec, next_rec;
	struct ivset settled; /* as the keeper had it, and acknowledged since */
	uint8_t opaque[ENTRY_OPAQUE_SIZE]; /* chain_position.h */
	/* from the parent */
	struct uuid parent;
	uint32_t max_frame;
	uint32_t keepalive_ms;
	uint32_t credit_bytes, credit_batches;
	uint32_t flight_bytes, flight_batches;
	struct chain_flight *first, *last;
	struct ivset parents; /* what the parent has of us */
	/* Numbers that hold nothing, by reason; the parent is told by SKIP. */
	struct ivset holes[ENTRY_SKIP_GIVEN_UP + 1];
	struct agentlink_chain_interval *intervals;
	uint32_t n_intervals, at_interval;
	struct chain_ref *refs[CHAIN_REFS];
	uint32_t next_ref;
	uint64_t heard_ms, said_ms;
	struct buf out, ranges, raw;
	struct pack *pack;
	struct digest_sha256 *sha;
};

/* Send a message to the parent. */
void chain_say(struct target *t, const struct agentlink_msg *m);

/* chain_state.c: CHAIN_STATE came; then the keeper's answers. */
void chain_on_parent_state(
    struct target *t, const struct agentlink_chain_state *state);
void chain_on_hole(
    struct target *t, uint64_t from, uint64_t to, uint8_t reason);
void chain_on_own_digest(struct target *t, const struct ipc_digest *d);

/* chain_send.c: a range, re-encoded for this connection; DATA, and in flight */
int chain_send_range(struct target *t, struct batch_range r);
void chain_send_fill(
    struct agentlink_chain_data *d, const struct target_batch *b);
int chain_send_data(struct target *t, const struct agentlink_chain_data *d);
/* chain_part.c: the records [from, to) of a batch. */
int chain_part_send(
    struct target *t, const struct target_batch *b, uint64_t from, uint64_t to);

/* chain_send.c */
int chain_send_batch(struct target *t, const struct target_batch *b);
void chain_forget_flight(struct target *t);
void chain_settle(struct target *t, uint64_t from, uint64_t to);
void chain_on_ack(struct target *t, const struct agentlink_chain_ack *ack);
void chain_on_nack(struct target *t, const struct agentlink_chain_nack *nack);
void chain_say_skip(struct target *t, uint64_t from, uint64_t count,
    enum entry_skip_reason reason);

#endif
