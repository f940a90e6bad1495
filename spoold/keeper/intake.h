/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake - the rules of acceptance: which batch of a receiver is taken.
 *
 * Batches of one receiver are judged in number order; anything but acceptance
 * closes the window until that number comes again (same, rebuilt or VOID).  A
 * batch is believed by its ranges, its number never.  Stream and chain states
 * are answered when nothing of them is queued and every receiver has replayed,
 * so that accepted equals durable in that moment.  Nothing here acknowledges a
 * stored batch: that takes the token of a commit (committed.h).
 * RULES.md 1, 2, 8 are the specification.  Rules: no I/O, time is given.
 *
 * Use: intake_on_...; then intake_next until it says false, and do each.
 */
#ifndef SPOOLD_KEEPER_INTAKE_H
#define SPOOLD_KEEPER_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/codec/ipc.h"
#include "spoold/keeper/children.h"
#include "spoold/keeper/counters.h"
#include "spoold/keeper/item.h"
#include "spoold/keeper/streams.h"

struct intake; /* opaque */

/* Spool time and wall clock of an event. */
struct intake_now {
	uint64_t spool_us;
	int64_t wall_ns;
};

enum intake_do {
	INTAKE_SEND, /* message `type` to `link` */
	INTAKE_SUBMIT, /* give `item` to the writer; it is yours now */
	INTAKE_PAUSE, /* read no more of `link` until RESUME */
	INTAKE_RESUME,
	INTAKE_CLOSE, /* end `link`: it broke the protocol, `text` */
	INTAKE_ALARM, /* tell a person: `text` */
};

struct intake_action {
	enum intake_do what;
	uint64_t link;
	uint16_t type;
	struct buf message; /* the encoded payload */
	struct item *item;
	char text[256];
};

/* Fills `counters`, which stays the caller's. */
struct intake *intake_new(
    uint64_t seed, size_t streams_bytes, struct counters *counters);
void intake_free(struct intake *in);

/* The live tables, to be filled from the ledger at the start, and to show. */
struct streams *intake_streams(struct intake *in);
struct children *intake_children(struct intake *in);

#ifdef MUTANT_ALREADY_BY_NUMBER
void intake_past(struct intake *in, const struct entry_receiver_state *past);
#endif

/* A link to a receiver, by the caller's number for it (never 0). */
void intake_on_link(struct intake *in, uint64_t link);
/* Its socket has been read to the end. */
void intake_on_closed(struct intake *in, uint64_t link);
/* The supervisor lists the receivers that live. */
void intake_on_receivers(struct intake *in, const uint32_t *slots, size_t n);
void intake_on_message(struct intake *in, uint64_t link,
    const struct ipc_msg *m, struct intake_now now);
/* Handed out by SUBMIT before; the caller frees it afterwards. */
void intake_on_durable(
    struct intake *in, struct item *it, struct intake_now now);
/* Payload that may be unanswered in all; 0: the quota is reached. */
void intake_on_room(struct intake *in, uint64_t pool_bytes);
/* About once a second: what was told LATER is asked to come again. */
void intake_on_tick(struct intake *in, struct intake_now now);

/* Take the next action; intake_action_done after it was done. */
bool intake_next(struct intake *in, struct intake_action *a);
void intake_action_done(struct intake_action *a);

/* All listed receivers have replayed or died. */
bool intake_is_open(const struct intake *in);

#endif
