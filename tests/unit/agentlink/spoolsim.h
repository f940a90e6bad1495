/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoolsim - the spool's side of agentlink, in memory, for tests.
 *
 * A spoolsim is what is durable; a spoolsim_conn is one connection to it.
 * Records are text that ends in "#NUMBER"; how often each number is stored is
 * counted, so that a test can ask for loss and repeats.  It follows RULES.md 2
 * to the letter, and misbehaves as it is told to.
 */
#ifndef TESTS_UNIT_AGENTLINK_SPOOLSIM_H
#define TESTS_UNIT_AGENTLINK_SPOOLSIM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/uuid.h"
#include "lib/codec/agentlink_msg.h"
#include "lib/codec/entry.h"

#define SPOOLSIM_STREAMS 64
#define SPOOLSIM_RECORDS 200000
#define SPOOLSIM_POINTS 64

struct spoolsim_stream {
	char name[256];
	struct uuid epoch;
	uint64_t last;
	uint8_t head[BATCH_HEAD_SIZE];
	uint32_t *record; /* numbers, by seq - 1; UINT32_MAX: none */
	size_t record_cap;
	/* Where it could be rolled back to: newest last. */
	struct {
		uint64_t seq;
		uint8_t head[BATCH_HEAD_SIZE];
	} point[SPOOLSIM_POINTS];
	unsigned points;
};

struct spoolsim {
	struct uuid id;
	struct spoolsim_stream stream[SPOOLSIM_STREAMS];
	unsigned streams;
	uint8_t *stored; /* times, by record number; shared between spools */
	uint32_t credit_bytes, credit_batches;
	uint64_t records; /* stored */
	uint64_t forks, advances[5]; /* by reason */
	uint64_t advanced_records[5];
	char last_path[256];
	uint64_t bad_order; /* a record after a later one, of one stream */
};

struct spoolsim_conn {
	struct spoolsim *sim;
	struct buf in, out;
	bool is_ready, is_dead;
	struct {
		struct spoolsim_stream *stream;
		uint64_t unacked_to; /* stored, ACK not sent yet */
		bool is_nacked;
		uint64_t resume_at;
	} open[SPOOLSIM_STREAMS * 4];
	/* The next DATA is answered with this NACK code instead. */
	uint16_t nack_next;
	uint64_t datas, hellos, pings, goodbyes, errors;
	uint16_t last_error;
};

/* stored: SPOOLSIM_RECORDS bytes of the caller's. */
void spoolsim_init(struct spoolsim *s, uint8_t id, uint8_t *stored);
void spoolsim_fini(struct spoolsim *s);
struct spoolsim_stream *spoolsim_find(struct spoolsim *s, const char *name);

/* The spool forgets what came after `last` (a restored backup). */
void spoolsim_roll_back(
    struct spoolsim *s, struct spoolsim_stream *t, uint64_t last);
/* The same, by so many batches, with the head of that time. */
void spoolsim_forget(
    struct spoolsim *s, struct spoolsim_stream *t, unsigned batches);

void spoolsim_conn_init(struct spoolsim_conn *c, struct spoolsim *s);
void spoolsim_conn_fini(struct spoolsim_conn *c);
/* Bytes from the agent; answers are in c->out, acknowledgements are not. */
void spoolsim_conn_feed(struct spoolsim_conn *c, struct bytes in);
/* Acknowledge all that was stored. */
void spoolsim_conn_ack(struct spoolsim_conn *c);

#endif
