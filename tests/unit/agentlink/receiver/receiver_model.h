/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receiver_model - agents, receivers and a keeper as far as their rules go.
 *
 * The rules are the real ones (agent.c, flow, gather on one side, the keeper's
 * intake on the other); what is between them is modelled: frames that wait in
 * queues, a log that commits what it likes, processes that are killed.  No
 * process, socket, disk or clock.  One seed is one course of events.
 */
#ifndef TESTS_UNIT_AGENTLINK_RECEIVER_RECEIVER_MODEL_H
#define TESTS_UNIT_AGENTLINK_RECEIVER_RECEIVER_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "agentlink/receiver/receiver.h"
#include "agentlink/receiver/session.h"
#include "spoold/keeper/intake.h"

#define MODEL_RECEIVERS 2
#define MODEL_AGENTS 3
#define MODEL_STREAMS 2 /* of an agent */
#define MODEL_CONNECTIONS 8 /* at a time, left ones among them */
#define MODEL_STEPS 400 /* of a stream */

/* A row of things that wait, first come first served. */
struct model_queue {
	struct model_queued *first, **last;
};

struct model_queued {
	struct model_queued *next;
	uint16_t type; /* of a frame between receiver and keeper */
	uint8_t *bytes;
	size_t len;
	struct agentlink_msg m; /* of a connection; payload is `bytes` */
};

/* A batch or ADVANCE of an agent. */
struct model_step {
	bool advance;
	uint64_t first, last;
	uint8_t prev[BATCH_HEAD_SIZE], head[BATCH_HEAD_SIZE];
};

/* What an agent knows of its stream, and what the log has of it. */
struct model_course {
	struct entry_stream_key key;
	char name[4];
	struct model_step step[MODEL_STEPS];
	size_t n, at;
	uint64_t acked;
	bool bogus[MODEL_STEPS * 8]; /* a batch that was a lie ended here */
	/* the log's */
	uint64_t stored;
	uint8_t stored_head[BATCH_HEAD_SIZE];
};

struct model_connection {
	struct session s;
	bool used, left; /* the agent has gone; what it sent still comes */
	int agent, receiver;
	bool asked[MODEL_STREAMS], open[MODEL_STREAMS];
	struct model_queue in, out; /* in: to the receiver */
};

struct model_receiver {
	struct receiver r;
	struct listener listener;
	struct model_queue up, down; /* to the keeper; from it */
	uint64_t link; /* the keeper's number for it */
	bool paused; /* not read by the keeper */
	uint8_t epoch;
};

struct model {
	uint64_t random;
	struct model_receiver receiver[MODEL_RECEIVERS];
	struct model_connection connection[MODEL_CONNECTIONS];
	struct model_course course[MODEL_AGENTS][MODEL_STREAMS];
	struct intake *intake;
	struct counters counters;
	struct item_list items; /* submitted, not committed */
	uint64_t links; /* given so far */
	struct intake_now now;
	bool quiet; /* agents behave, nobody is killed */
	uint64_t refused, repeated, withdrawn; /* to see that it bites */
};

uint64_t model_random(struct model *m, uint64_t below);

void model_queue_init(struct model_queue *q);
struct model_queued *model_queue_add(struct model_queue *q, struct bytes bytes);
/* The first, to be freed by model_queued_free; NULL. */
struct model_queued *model_queue_take(struct model_queue *q);
void model_queued_free(struct model_queued *q);
void model_queue_clear(struct model_queue *q);

/* ---- receiver_model_keeper.c ---- */

void model_keeper_start(struct model *m);
/* What was accepted and not committed is gone, but for the first ones. */
void model_keeper_kill(struct model *m);
void model_keeper_free(struct model *m);
/* A receiver that was started has a line to the keeper. */
void model_keeper_link(struct model *m, struct model_receiver *r);
/* It was killed: what it has said is heard to the end. */
void model_keeper_closed(struct model *m, struct model_receiver *r);
/* One frame of this receiver. */
bool model_keeper_hear(struct model *m, struct model_receiver *r);
/* The next n items are durable, or all there are. */
void model_keeper_commit(struct model *m, uint64_t n);
void model_keeper_room(struct model *m, uint64_t bytes);
void model_keeper_tick(struct model *m);

/* ---- receiver_model_agent.c ---- */

void model_agent_init(struct model *m);
/* The agent connects, or does something on a connection. */
void model_agent_connect(struct model *m, int agent);
void model_agent_act(struct model *m, struct model_connection *c);
/* It hears one message. */
bool model_agent_hear(struct model *m, struct model_connection *c);
/* Its newest connection; NULL. */
struct model_connection *model_agent_connection(struct model *m, int agent);
bool model_agent_is_done(const struct model *m);

#endif
