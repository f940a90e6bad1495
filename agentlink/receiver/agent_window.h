/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_window - what a connection has given of a stream, and what of it is
 * durable.
 *
 * Rules only.  It is a chain of whole batches (and ADVANCEs) that begins where
 * STREAM_STATE said and has no gap: what does not carry on exactly where the
 * chain ends is a repeat, or refused here and never shown to the keeper.  So
 * every place that is acknowledged is where a batch of this connection ends,
 * and never beyond what it sent.
 *
 * The usual course: begin; for each batch judge, push; acknowledge when the
 * keeper has proved something.  What can go wrong: the keeper refuses a batch
 * (refused): the chain is cut there, whatever was behind it is withdrawn (the
 * flow takes it out of its batches), and goes on where the keeper says.
 */
#ifndef AGENTLINK_RECEIVER_AGENT_WINDOW_H
#define AGENTLINK_RECEIVER_AGENT_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/codec/batch.h"
#include "lib/codec/proof.h"

/* What a connection has unacknowledged, over all its streams. */
struct agent_window_use {
	uint32_t bytes, batches;
};

/* A batch that was taken and is not acknowledged yet. */
struct agent_window_batch {
	uint64_t last_seq;
	uint32_t bytes;
	bool counted; /* in the use; not if it is another connection's */
	uint8_t head[BATCH_HEAD_SIZE]; /* after last_seq */
};

/* All zero, and `use`: not begun. */
struct agent_window {
	struct agent_window_use *use;
	uint64_t next_seq; /* where the chain ends */
	uint8_t head[BATCH_HEAD_SIZE]; /* before next_seq */
	uint64_t durable; /* what may be acknowledged */
	uint8_t durable_head[BATCH_HEAD_SIZE];
	bool nacked; /* nothing is taken until next_seq comes */
	struct agent_window_batch *batch; /* ring, in order */
	uint32_t at, n, cap;
};

enum agent_window_what {
	AGENT_WINDOW_TAKE, /* it carries on: push it */
	AGENT_WINDOW_REPEAT, /* it was taken before: acknowledge again */
	AGENT_WINDOW_IGNORE, /* a NACK is on its way */
	AGENT_WINDOW_GAP,
	AGENT_WINDOW_PARTIAL,
};

/* The stream is durable up to `last`, with this head there. */
void agent_window_begin(struct agent_window *w, uint64_t last,
    const uint8_t head[static BATCH_HEAD_SIZE]);
void agent_window_fini(struct agent_window *w);

/* What is a batch from `first` to `last`? */
enum agent_window_what agent_window_judge(
    const struct agent_window *w, uint64_t first, uint64_t last);

/* The same of an ADVANCE, which may begin below. */
enum agent_window_what agent_window_judge_advance(
    const struct agent_window *w, uint64_t from, uint64_t to);

/* It was to be taken: the chain ends at last_seq with this head. */
int agent_window_push(struct agent_window *w, uint64_t last_seq, uint32_t bytes,
    const uint8_t head[static BATCH_HEAD_SIZE]);

/*
 * The one place where an agent's records become acknowledged: the stream is
 * on stable storage up to `seq`, and `proof` is what says so.  What ends there
 * or before waits no longer.
 */
void agent_window_acknowledge(
    struct agent_window *w, uint64_t seq, const struct proof *proof);

enum agent_window_answer {
	AGENT_WINDOW_SAME, /* acknowledged as far as it goes */
	AGENT_WINDOW_LESS, /* it lacks what it had */
	AGENT_WINDOW_OTHER, /* somebody else has carried the stream on */
};

/*
 * The keeper was asked again, and stands durably at `last` with this head.
 * SAME only if that is a place of this chain; else the chain begins anew
 * there, if nothing is under way that will be refused (LESS).
 */
enum agent_window_answer agent_window_answer(struct agent_window *w,
    uint64_t last, const uint8_t head[static BATCH_HEAD_SIZE],
    const struct proof *proof);

/*
 * The keeper refuses the batch that begins at `first`, and stands at `last`
 * with this head.  True if part of that came from elsewhere, so that the
 * keeper is to be asked how far it is durable.
 */
bool agent_window_refused(struct agent_window *w, uint64_t first, uint64_t last,
    const uint8_t head[static BATCH_HEAD_SIZE]);

/* The batch that begins at `first` was lost here: the chain ends before it. */
void agent_window_lost(struct agent_window *w, uint64_t first);

#endif
