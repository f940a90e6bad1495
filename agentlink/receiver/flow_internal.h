/* SPDX-License-Identifier: Apache-2.0 */
/* flow_internal - what flow.c, flow_streams.c and flow_answers.c share. */
#ifndef AGENTLINK_RECEIVER_FLOW_INTERNAL_H
#define AGENTLINK_RECEIVER_FLOW_INTERNAL_H

#include "agentlink/receiver/flow.h"
#include "lib/base/buf.h"

#define FLOW_BUCKETS 4096

struct flow_stream {
	struct flow_stream *next; /* same bucket */
	uint32_t sid;
	void *owner; /* may be NULL */
	bool closed;
	bool final;
	bool asked; /* a STREAM_STATE is to come */
	uint32_t refs; /* items that speak of it */
	/* How often it was cut, and where: see flow_is_withdrawn. */
	uint32_t cut;
	uint64_t cut_at;
	struct flow_stream_open open;
	uint8_t *mem; /* the strings of `open` */
};

struct flow_chain {
	struct flow_chain *next;
	uint32_t id;
	void *owner;
	bool closed;
	uint32_t refs;
	struct ipc_chain_open open;
	uint8_t *mem;
};

struct flow {
	const struct flow_events *events;
	void *arg;
	struct uuid epoch;
	uint32_t slot;
	size_t pool_bytes;
	bool connected;
	struct flow_item *first, *last; /* unanswered, by number */
	uint64_t next_number;
	uint64_t sent_to; /* numbers below it are on their way */
	uint64_t later; /* number that was told LATER, 0 none */
	size_t bytes;
	uint32_t items;
	uint64_t credit_bytes;
	uint32_t credit_batches;
	uint32_t next_sid, next_chain;
	struct flow_stream *streams[FLOW_BUCKETS];
	uint32_t n_streams; /* the keeper ends the link past IPC_SIDS_MAX */
	struct flow_chain *chains;
	uint32_t n_chains; /* likewise, past IPC_CHAINS_MAX */
	struct buf scratch;
	struct buf ranges;
};

void flow_send_msg(struct flow *f, const struct ipc_msg *m);
void flow_send_stream_open(struct flow *f, struct flow_stream *s);
void flow_send_chain_open(struct flow *f, const struct flow_chain *c);

/* It was given before its stream was cut, and is numbered where or behind. */
bool flow_is_withdrawn(
    const struct flow_item *item, const struct flow_range *r);

/*
 * Take out of an item what is not kept: made anew, or VOID.  What was kept
 * and cannot be packed is refused with code LATER.
 */
void flow_reduce(struct flow *f, struct flow_item *item, bool *keep);

/* Send what is not on its way yet, as far as the keeper's credit goes. */
void flow_pump(struct flow *f);

struct flow_stream *flow_find_stream(struct flow *f, uint32_t sid);
struct flow_chain *flow_find_chain(struct flow *f, uint32_t id);

/* Forget closed streams and chains that no item speaks of any more. */
void flow_stream_unref(struct flow *f, struct flow_stream *s);
void flow_chain_unref(struct flow *f, struct flow_chain *c);

/* Take the first item off and free it. */
void flow_pop(struct flow *f);

#endif
