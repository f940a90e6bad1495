/* SPDX-License-Identifier: Apache-2.0 */
/* flow_rig - a flow driven by plain calls; the test is keeper and senders. */
#ifndef TESTS_UNIT_AGENTLINK_RECEIVER_FLOW_RIG_H
#define TESTS_UNIT_AGENTLINK_RECEIVER_FLOW_RIG_H

#include "agentlink/receiver/flow.h"

#define FLOW_RIG_MOST 256

struct flow_rig_sent {
	uint16_t type;
	uint64_t number; /* of BATCH, ADVANCE, VOID */
	uint32_t sid; /* of STREAM_OPEN */
	uint32_t n; /* ranges of a BATCH */
};

/* What the flow has said, to the keeper and to the senders. */
struct flow_rig {
	struct flow *flow;
	struct flow_rig_sent sent[FLOW_RIG_MOST];
	size_t n_sent;
	uint64_t durable[8]; /* by owner */
	uint32_t refused[8];
	uint32_t rebuilt;
	int rebuild_rc;
};

extern struct flow_rig world;

int flow_rig_set_up(void **state);
int flow_rig_tear_down(void **state);

/* ---- the keeper's part ---- */

int feed(const struct ipc_msg *m);
int say(uint16_t type, uint64_t number);
int credit(uint64_t bytes, uint32_t batches);

/* STREAM_STATE of the i-th STREAM_OPEN since n_sent was 0. */
int answer(size_t i, uint64_t last);

/* One verdict a range: 'n' new, 'd' durable already, 'g' gap. */
int refuse(uint64_t number, const char *verdicts);

/* ---- the senders' part ---- */

struct flow_stream *open_stream(int owner);

/* A batch of one record for each stream. */
void add(uint64_t seq, size_t n, struct flow_stream **streams);
size_t count_sent(uint16_t type);

#endif
