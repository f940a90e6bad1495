/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow - the receiver's side of the line to the keeper: numbered batches that
 * are kept until the keeper has said that they are durable.
 *
 * Rules only: it is driven by calls and sends through a function it is given.
 * What is unanswered is sent again, in order, to a keeper that was restarted
 * (RULES.md 1).  An acknowledgement leaves here only with a struct proof.
 *
 * The usual course: flow_stream_open, on_stream_state; flow_batch;
 * COMMITTED arrives, on_durable for every range of every batch it covers.
 * What can go wrong: REFUSED (the batch is rebuilt from what is new in it, or
 * becomes VOID, and everything after it is sent again, without what is behind
 * a refused range in its stream); LATER (nothing is sent
 * until CREDIT comes); the keeper dies (flow_disconnected, then
 * flow_connected with a new one: everything is replayed).
 */
#ifndef AGENTLINK_RECEIVER_FLOW_H
#define AGENTLINK_RECEIVER_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/codec/agentlink_msg.h"
#include "lib/codec/ipc.h"
#include "lib/codec/proof.h"

struct flow;
struct flow_stream; /* one stream of one connection, or a chained one */
struct flow_chain; /* one child spool's connection */
struct flow_item; /* a batch, an ADVANCE or a SKIP */

struct flow_events {
	/* Send a message to the keeper now. */
	void (*send)(
	    uint16_t type, const struct bytes *parts, size_t n, void *arg);
	/* The answer to flow_stream_open (again after a keeper restart). */
	void (*on_stream_state)(void *owner, const struct proof *proof);
	/* Everything of this stream up to seq is durable. */
	void (*on_durable)(
	    void *owner, uint64_t seq, const struct proof *proof);
	/*
	 * A range was not taken, and whatever was given of its stream behind
	 * it is withdrawn: it goes on at verdict->last + 1.  Code LATER: there
	 * was no memory to make the batch anew, and it goes on at the range.
	 */
	void (*on_refused)(void *owner, const struct ipc_range *range,
	    const struct ipc_range_verdict *verdict);
	/* The answer to flow_chain_open. */
	void (*on_chain_state)(void *owner, const struct proof *proof);
	/* Child records [from, to), `bytes` of payload, are durable. */
	void (*on_chain_durable)(void *owner, uint64_t from, uint64_t to,
	    uint32_t bytes, const struct proof *proof);
	/*
	 * A chain batch or SKIP was not taken.  PARTIAL: part of it is stored
	 * already, its intervals follow.  LATER: it has too many intervals.
	 */
	void (*on_chain_refused)(void *owner, uint64_t first_rec,
	    uint32_t bytes, enum agentlink_code code);
	/* flow_window has changed. */
	void (*on_window)(void *arg);
	/*
	 * Make the payload and digest of a batch anew from the ranges for
	 * which keep[i] is true.  0, or an error: the batch becomes VOID.
	 */
	int (*rebuild)(struct flow_item *item, const bool *keep, void *arg);
};

/* pool_bytes: most payload to be unanswered at once. */
int flow_new(const struct uuid *epoch, uint32_t slot, size_t pool_bytes,
    const struct flow_events *events, void *arg, struct flow **out);
void flow_free(struct flow *f);
void flow_set_pool(struct flow *f, size_t pool_bytes);

/* A keeper is there: introduce ourselves, open streams again, replay. */
void flow_connected(struct flow *f);
void flow_disconnected(struct flow *f);
bool flow_is_connected(const struct flow *f);

/* A frame from the keeper.  An error means that the keeper is broken. */
int flow_feed(struct flow *f, uint16_t type, struct bytes payload);

/* ---- streams ------------------------------------------------------------- */

struct flow_stream_open {
	struct entry_stream_key key;
	struct bytes listener, peer, identity, path;
	uint64_t next_seq, acked;
	uint8_t head[BATCH_HEAD_SIZE];
	bool chained; /* stored, never judged; no answer comes */
};

/* Opens; the strings are copied.  The answer goes to `owner`. */
int flow_stream_open(struct flow *f, const struct flow_stream_open *open,
    void *owner, struct flow_stream **out);

/* Whether it is this stream and epoch, whatever the connection. */
bool flow_stream_is(
    const struct flow_stream *s, const struct entry_stream_key *key);

/* Ask the keeper once more how far the stream is durable. */
void flow_stream_query(struct flow *f, struct flow_stream *s);

/* No more callbacks to its owner; goes when nothing refers to it. */
void flow_stream_close(struct flow *f, struct flow_stream *s, bool final);

int flow_chain_open(struct flow *f, const struct ipc_chain_open *open,
    void *owner, struct flow_chain **out);
void flow_chain_query(struct flow *f, struct flow_chain *c);
void flow_chain_close(struct flow *f, struct flow_chain *c);

/* ---- batches ----------------------------------------------------------------
 */

struct flow_range {
	struct flow_stream *stream;
	uint32_t cut; /* the stream's, when this was added */
	struct ipc_range range; /* sid and path are filled in */
};

struct flow_item {
	struct flow_item *next;
	uint64_t number;
	uint16_t type; /* IPC_BATCH, IPC_ADVANCE, IPC_SKIP, IPC_VOID */
	struct ipc_batch batch; /* all but ranges; payload is owned */
	struct ipc_advance advance;
	struct ipc_skip skip;
	struct flow_range *ranges; /* owned, with their paths */
	uint32_t n;
	struct flow_chain *chain;
	size_t charged; /* bytes of the pool */
};

/* An empty batch with room for n ranges; ERR_NOMEM. */
int flow_item_new(uint32_t n, struct flow_item **out);

/* Free an item that was never added.  NULL is allowed. */
void flow_drop(struct flow *f, struct flow_item *item);

/* Fill in range i; the path is copied.  ERR_NOMEM. */
int flow_item_set_range(struct flow_item *item, uint32_t i,
    struct flow_stream *stream, const struct ipc_range *range);

/* The item is a batch or SKIP of this child. */
void flow_item_set_chain(struct flow_item *item, struct flow_chain *chain);

/* Take over malloc'ed payload memory. */
void flow_item_give_payload(
    struct flow_item *item, uint8_t *payload, size_t len);

/* Number it and send it.  The item is the flow's from now on. */
void flow_add(struct flow *f, struct flow_item *item);

int flow_advance(
    struct flow *f, struct flow_stream *s, const struct agentlink_advance *a);
int flow_skip(
    struct flow *f, struct flow_chain *c, const struct agentlink_skip *s);

/* ---- how much more may come
 * -------------------------------------------------- */

/* Bytes that may be added before the senders should stop; 0: stop. */
size_t flow_window(const struct flow *f);

/* True if nothing is unanswered. */
bool flow_is_idle(const struct flow *f);

size_t flow_unanswered_bytes(const struct flow *f);
uint32_t flow_unanswered(const struct flow *f);

#endif
