/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_window - what an agent's stream has sent and what of it is durable.
 *
 * The usual course: push for every batch and ADVANCE; acknowledge when the
 * keeper has proved that they are durable; the ACK itself is sent by
 * agent_flush.  What can go wrong: a NACK sends the stream back, but some of
 * what came after it was taken all the same, or comes again.
 */
#ifndef AGENTLINK_RECEIVER_AGENT_WINDOW_H
#define AGENTLINK_RECEIVER_AGENT_WINDOW_H

#include <stdint.h>

#include "agentlink/receiver/session.h"

/* An ACK is to be sent soon. */
void agent_window_mark(struct session_stream *st);

/*
 * The one place where an agent's records become acknowledged: everything up
 * to seq is on stable storage, and `proof` is what says so.  What is durable
 * waits no longer, and the stream goes on behind it.
 */
void agent_window_acknowledge(
    struct session_stream *st, uint64_t seq, const struct proof *proof);

/* Count it in the connection's window; head is that after last_seq. */
int agent_window_push(struct session_stream *st, uint64_t first_seq,
    uint64_t last_seq, uint32_t bytes,
    const uint8_t head[static BATCH_HEAD_SIZE]);

/* From seq on it is outside the window, though it may yet become durable. */
void agent_window_uncount(struct session_stream *st, uint64_t seq);

#endif
