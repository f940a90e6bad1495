/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentlink_state - what an engine remembers; for agentlink/ alone.
 *
 * The files of the engine share these structs; README.md says what each is
 * for, and below is what each may call.
 */
#ifndef AGENTLINK_AGENTLINK_STATE_H
#define AGENTLINK_AGENTLINK_STATE_H

#include "agentlink/agentlink.h"
#include "agentlink/agentlink_backoff.h"
#include "lib/base/buf.h"
#include "lib/base/uuid.h"
#include "lib/codec/agentlink_msg.h"
#include "lib/codec/entry.h"
#include "lib/digest/digest.h"
#include "lib/digest/digest_chain.h"

#define AGENTLINK_STATE_SERVERS_MAX 16
#define AGENTLINK_STATE_MARKS_MAX 32
#define AGENTLINK_STATE_EVENTS 64
#define AGENTLINK_STATE_OUT_TARGET (256u * 1024)
#define AGENTLINK_STATE_RESEND_MAX 3 /* after NACK DIGEST */
#define AGENTLINK_STATE_FORKS_MAX 8 /* on one connection */

/* One batch that was given and is not released. */
struct agentlink_held {
	uint64_t first_seq;
	uint64_t ref; /* stored: where; else unused */
	uint8_t *payload; /* NULL if stored */
	char *path;
	int64_t event_min_ns, event_max_ns;
	uint32_t count, raw_len, bytes, payload_len, severities;
	uint8_t codec, flags;
	uint8_t nacks; /* refusals that made us look at our own copy */
	uint8_t give_up; /* enum entry_advance_reason, 0: send it */
	bool is_stored, is_borrowed;
	bool in_flight; /* sent on this connection, not acknowledged */
	bool was_sent; /* at any time */
	uint8_t digest[DIGEST_SIZE];
	uint8_t prev_head[DIGEST_CHAIN_SIZE];
};

/* Up to `to`, a spool has acknowledged; from the mark before. */
struct agentlink_mark {
	struct uuid spool;
	uint64_t to;
	uint8_t head[DIGEST_CHAIN_SIZE];
};

enum agentlink_stream_phase {
	AGENTLINK_STREAM_SHUT, /* STREAM_OPEN is to be sent */
	AGENTLINK_STREAM_ASKED, /* ... was sent */
	AGENTLINK_STREAM_RUNS,
	AGENTLINK_STREAM_RESTS, /* refused; opened again at wait_ms */
	AGENTLINK_STREAM_GONE, /* closed by us */
};

struct agentlink_stream {
	char *name;
	uint32_t number; /* index in the engine */
	struct uuid epoch;
	uint64_t acked; /* highest acknowledged by anybody */
	uint8_t acked_head[DIGEST_CHAIN_SIZE];
	uint64_t next_seq; /* the next batch's */
	uint8_t next_head[DIGEST_CHAIN_SIZE];
	struct agentlink_mark mark[AGENTLINK_STATE_MARKS_MAX];
	unsigned marks;
	struct agentlink_held *held; /* ring: `held_n` from `held_at` */
	size_t held_at, held_n, held_cap;
	uint64_t committed; /* highest that may be sent */

	bool is_dirty; /* an ACKED event is due */
	uint64_t fresh_records; /* for that event */
	struct uuid fresh_spool;

	/* of this connection */
	enum agentlink_stream_phase phase;
	bool is_open; /* STREAM_OPEN was sent, nothing ended it */
	uint64_t cursor; /* next sequence number to send */
	uint64_t confirmed; /* durable at this spool */
	uint64_t wait_ms; /* nothing is sent before; 0 */
	uint64_t advanced_to; /* of an ADVANCE without its ACK; 0 none */
	bool close_wanted, close_final;
};

enum agentlink_phase {
	AGENTLINK_PHASE_IDLE, /* before start, after stop */
	AGENTLINK_PHASE_WAIT, /* until connect_ms */
	AGENTLINK_PHASE_CONNECT, /* CONNECT was given out */
	AGENTLINK_PHASE_HELLO, /* HELLO was sent */
	AGENTLINK_PHASE_READY,
};

struct agentlink_engine {
	struct agentlink_settings settings;
	char *software, *host;
	struct digest_sha256 *sha;
	struct agentlink_stream **stream;
	uint32_t streams;
	struct agentlink_counts counts;
	uint64_t kept_bytes; /* held though acknowledged */
	int err; /* sticky: memory */

	struct agentlink_event event[AGENTLINK_STATE_EVENTS];
	unsigned event_at, event_n;
	unsigned dirty; /* streams with an ACKED event due */
	unsigned epochs_due; /* EPOCH events not taken */

	enum agentlink_phase phase;
	struct agentlink_backoff backoff;
	uint64_t connect_ms;
	unsigned server;
	uint32_t tried; /* bit per server, of this round */
	uint64_t not_before_ms[AGENTLINK_STATE_SERVERS_MAX];

	/* of this connection */
	struct buf out;
	struct uuid spool;
	struct agentlink_hello_ok limits;
	bool progressed; /* the spool has answered a stream */
	bool is_draining, is_stopping;
	uint64_t drain_ms; /* deadline of DRAIN */
	uint64_t since_ms; /* connected */
	uint64_t heard_ms, said_ms, pinged_ms;
	uint32_t credit_bytes, credit_batches;
	uint64_t flying_bytes, flying_batches;
	uint32_t turn; /* stream that sends next */
	unsigned forks;
	uint64_t now_ms; /* of the present call */
	int64_t clock_delay_ns; /* of the best sample; -1 none */
};

/*
 * What follows is in layers: each file calls only those above its part:
 * events, held, say, round, stream, fill, talk; the engine joins them.
 */

/* ---- agentlink_events.c -------------------------------------------------- */

/* A new event at the end of the queue. */
struct agentlink_event *agentlink_events_add(
    struct agentlink_engine *e, enum agentlink_event_type type);
/* Put the ACKED event that is due into the queue: numbers will change. */
void agentlink_events_tell_acked(
    struct agentlink_engine *e, struct agentlink_stream *s);
bool agentlink_events_is_crowded(const struct agentlink_engine *e);
/* The next one for the user; false: none. */
bool agentlink_events_take(
    struct agentlink_engine *e, struct agentlink_event *event);

/* ---- agentlink_held.c ---------------------------------------------------- */

/* The last sequence number of a batch, and the head after it. */
uint64_t agentlink_held_end(const struct agentlink_held *h);
void agentlink_held_head_after(const struct agentlink_engine *e,
    const struct agentlink_held *h, uint8_t *head);

/* The i-th held batch, from 0. */
struct agentlink_held *agentlink_held_at(
    const struct agentlink_stream *s, size_t i);
/* How many held batches begin at or before seq. */
size_t agentlink_held_count_from(
    const struct agentlink_stream *s, uint64_t seq);
/* The batch that holds seq, or begins at it; or NULL. */
struct agentlink_held *agentlink_held_covering(
    const struct agentlink_stream *s, uint64_t seq);
struct agentlink_held *agentlink_held_find(
    const struct agentlink_stream *s, uint64_t seq);

/* Append a batch; takes over payload and path of *h on success. */
int agentlink_held_push(struct agentlink_engine *e, struct agentlink_stream *s,
    struct agentlink_held *h);
void agentlink_held_drop_first(
    struct agentlink_engine *e, struct agentlink_stream *s);

/* ---- agentlink_say.c ----------------------------------------------------- */

void agentlink_say_hello(struct agentlink_engine *e);
void agentlink_say_ping(struct agentlink_engine *e, int64_t wall_ns);
void agentlink_say_goodbye(struct agentlink_engine *e);
void agentlink_say_error(
    struct agentlink_engine *e, uint16_t code, const char *text);
void agentlink_say_stream_close(
    struct agentlink_engine *e, struct agentlink_stream *s);

/* ---- agentlink_round.c --------------------------------------------------- */

/* Connect to the next server of the round, or wait. */
void agentlink_round_go(struct agentlink_engine *e);
/* The connection has ended: FAILED. */
void agentlink_round_over(
    struct agentlink_engine *e, int code, const char *text);
/*
 * The connection is over, by our will: FAILED and CLOSE.  retry_ms 0: as the
 * back-off says.
 */
void agentlink_round_fail(
    struct agentlink_engine *e, int code, const char *text, uint64_t retry_ms);
/* Forget what the connection knew of a stream. */
void agentlink_round_forget_stream(struct agentlink_stream *s);

/* ---- agentlink_stream.c -------------------------------------------------- */

enum agentlink_stream_plan_kind {
	AGENTLINK_STREAM_PLAN_NONE,
	AGENTLINK_STREAM_PLAN_DATA,
	AGENTLINK_STREAM_PLAN_ADVANCE,
};

struct agentlink_stream_plan {
	enum agentlink_stream_plan_kind kind;
	struct agentlink_held *held;
	struct agentlink_advance advance;
};

void agentlink_stream_free(
    struct agentlink_engine *e, struct agentlink_stream *s);

/* What STREAM_OPEN shall say. */
void agentlink_stream_ask(const struct agentlink_engine *e,
    const struct agentlink_stream *s, struct agentlink_stream_open *open);

/* The spool has this; ERR_FORK: the stream was given a new epoch. */
int agentlink_stream_on_state(struct agentlink_engine *e,
    struct agentlink_stream *s, uint64_t last, const uint8_t *head);

/* All to seq is durable at this spool. */
void agentlink_stream_on_ack(
    struct agentlink_engine *e, struct agentlink_stream *s, uint64_t seq);

/* Send from resume_at again; ERR_FORK as above. */
int agentlink_stream_rewind(struct agentlink_engine *e,
    struct agentlink_stream *s, uint64_t resume_at, const uint8_t *head);

/* Begin a new epoch, with all that is not acknowledged. */
int agentlink_stream_fork(
    struct agentlink_engine *e, struct agentlink_stream *s);
void agentlink_stream_renumber(struct agentlink_engine *e,
    struct agentlink_stream *s, const struct uuid *epoch);

/* Note an acknowledgement by a spool, at a boundary with this head. */
void agentlink_stream_mark(struct agentlink_engine *e,
    struct agentlink_stream *s, uint64_t seq, const uint8_t *head,
    const struct uuid *spool);

/* What is to be sent next. */
void agentlink_stream_plan(struct agentlink_engine *e,
    struct agentlink_stream *s, struct agentlink_stream_plan *plan);

/* It was sent: account for it and go on. */
void agentlink_stream_flew(struct agentlink_engine *e,
    struct agentlink_stream *s, const struct agentlink_stream_plan *plan);

/* The spool has closed it: forget, and ask for it again. */
void agentlink_stream_reopen(
    struct agentlink_engine *e, struct agentlink_stream *s);

/* This batch will not be delivered; say LOST. */
void agentlink_stream_give_up(struct agentlink_engine *e,
    struct agentlink_stream *s, struct agentlink_held *h, uint8_t reason,
    const char *text);

/* Is there anything that is not acknowledged? */
bool agentlink_stream_is_drained(const struct agentlink_stream *s);

/* ---- agentlink_fill.c ---------------------------------------------------- */

/* Payload and path of a batch, from where they are. */
int agentlink_fill_load(struct agentlink_engine *e, struct agentlink_held *h,
    struct agentlink_batch *batch);

/* Put out what can be put out now, up to a target. */
void agentlink_fill_out(struct agentlink_engine *e);

/* ---- agentlink_talk.c ---------------------------------------------------- */

/* Act on one frame. */
void agentlink_talk_on_frame(struct agentlink_engine *e,
    const struct agentlink_frame *frame, struct agentlink_time now);

#endif
