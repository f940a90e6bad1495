/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge - are the ranges of a batch new, repeated, or impossible?
 *
 * A range is believed by its sequence numbers and the head of its stream, a
 * batch number never (RULES.md 1).  Ranges of one batch are judged in turn, so
 * that several may follow each other in one stream.  Nothing changes until
 * judge_accept.  Rules: no I/O.
 *
 * A repeat that ends where the stream stands is known by its head.  One that
 * ends before may be of another history (a clone that was faster): its head is
 * not kept.  A connection that has its answer never sends one of its own, so
 * it is TAKEN; one that replays may, and is told by the answer that follows.
 */
#ifndef SPOOLD_KEEPER_JUDGE_H
#define SPOOLD_KEEPER_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/codec/ipc.h"
#include "spoold/keeper/streams.h"

enum judge_what {
	JUDGE_NEW, /* follows what was accepted */
	JUDGE_DURABLE, /* wholly durable already */
	JUDGE_QUEUED, /* ends where accepted ends, not durable yet */
	JUDGE_UNSURE, /* ends before, not durable yet: ask again then */
	JUDGE_PARTIAL, /* begins inside what was accepted */
	JUDGE_GAP,
	JUDGE_FORK, /* another history */
	JUDGE_TAKEN, /* another connection has the stream */
	JUDGE_UNKNOWN, /* no such stream on this link */
};

struct judge_range {
	struct stream *stream; /* NULL: unknown */
	uint64_t asker; /* the connection's number; see stream->owner */
	bool told; /* it has had a STREAM_STATE */
	uint64_t first_seq;
	uint32_t count;
	const uint8_t *prev_head, *head;
};

/* `trial` is a number of this batch's own, never 0. */
enum judge_what judge_one(const struct judge_range *r, uint64_t trial);

/* The stream has accepted this range, which was JUDGE_NEW. */
void judge_accept(const struct judge_range *r);

/* What a receiver is told of a range in a batch that is refused. */
void judge_verdict(
    enum judge_what what, const struct stream *st, struct ipc_range_verdict *v);

#endif
