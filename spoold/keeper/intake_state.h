/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake_state - what the files of intake share; nobody else includes it.
 */
#ifndef SPOOLD_KEEPER_INTAKE_STATE_H
#define SPOOLD_KEEPER_INTAKE_STATE_H

#include "spoold/keeper/forks.h"
#include "spoold/keeper/intake.h"
#include "spoold/keeper/judge.h"
#include "spoold/keeper/htable.h"

#define INTAKE_SLOTS_MAX 64
#define INTAKE_BATCHES 4096 /* unanswered on one link */
#define INTAKE_WAITING (2 * INTAKE_BATCHES) /* with VOID and repeats */
#define INTAKE_OVERRUN ((uint64_t)8 << 20) /* past the credit, once */

/* A stream as one connection has it. */
struct intake_sid {
	struct htable_node node;
	struct intake_sid *next_waiting;
	struct intake_link *link;
	uint32_t sid;
	uint64_t serial; /* never used twice; owner of its stream */
	struct sdef *def;
	struct stream *stream; /* NULL: chained, or refused */
	bool waiting; /* for its STREAM_STATE */
	bool told; /* it has had one */
	bool is_new;
};

/* A child spool as one connection has it. */
struct intake_chain {
	struct htable_node node;
	struct intake_chain *next_waiting;
	struct intake_link *link;
	uint32_t chain_id;
	struct child *child;
	uint64_t next_rec;
	bool waiting;
};

struct intake_link {
	struct intake_link *next;
	uint64_t id;
	uint32_t slot;
	struct uuid epoch;
	bool introduced, replayed, paused, broken;
	bool started; /* a number was seen */
	bool shut; /* only next_number opens the window again */
	bool later; /* was told LATER */
	bool later_queued; /* until something queued is durable */
	uint64_t next_number;
#ifdef MUTANT_ALREADY_BY_NUMBER
	uint64_t stored_number;
#endif
	uint64_t queued_bytes;
	uint32_t queued;
	struct htable sids, chains;
};

/* What the judge said of a whole batch. */
struct intake_judged {
	enum judge_what what[IPC_RANGES_MAX];
	struct judge_range range[IPC_RANGES_MAX];
	struct intake_sid *sid[IPC_RANGES_MAX];
	struct ipc_range in[IPC_RANGES_MAX];
	struct ipc_range_verdict verdict[IPC_RANGES_MAX];
	uint32_t n, count[JUDGE_UNKNOWN + 1];
};

struct intake_queued {
	struct intake_queued *next;
	struct intake_action action;
};

struct intake {
	struct streams streams;
	struct children children;
	struct counters *counters;
	struct intake_link *links;
	uint64_t seed, serial;
	struct intake_sid *waiting_sids;
	struct intake_chain *waiting_chains;
	struct intake_queued *first, **last;
	bool listed, open;
	struct {
		uint32_t slot;
		bool listed, done;
	} slot[INTAKE_SLOTS_MAX];
	size_t slots;
	uint64_t pool_bytes, queued_bytes;
	uint64_t swept_us; /* spool time of the last sweep */
	struct forks forks;
	struct intake_judged *judged; /* room to judge one batch in */
#ifdef MUTANT_ALREADY_BY_NUMBER
	struct entry_receiver_state past[INTAKE_SLOTS_MAX];
	size_t pasts;
#endif
};

struct intake_link *intake_state_link(struct intake *in, uint64_t id);
struct intake_sid *intake_state_sid(struct intake_link *l, uint32_t sid);
struct intake_chain *intake_state_chain(struct intake_link *l, uint32_t id);

/* Queue an action; the message of a SEND is encoded from m. */
struct intake_action *intake_state_push(
    struct intake *in, enum intake_do what, uint64_t link);
void intake_state_send(
    struct intake *in, uint64_t link, const struct ipc_msg *m);
void intake_state_submit(struct intake *in, struct item *it);
/* Queue one entry as an item of its own. */
void intake_state_entry(struct intake *in, const struct entry *e);
void intake_state_alarm(struct intake *in, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The link broke the protocol. */
void intake_state_broken(
    struct intake *in, struct intake_link *l, const char *why);

/*
 * intake_window.c: is it this number's turn?  What comes after a number that
 * was not accepted is dropped until that number comes again.
 */
bool intake_window_is_turn(
    struct intake *in, struct intake_link *l, uint64_t number);
/* This number was accepted; it was not, and has to come again. */
void intake_window_taken(struct intake_link *l);
void intake_window_shut(struct intake_link *l);
/* Answer with a message that has the number only; LATER shuts the window. */
void intake_window_answer(struct intake *in, struct intake_link *l,
    enum ipc_type type, uint64_t number);
/* A number that is durable once all that is queued before it is. */
void intake_window_nothing(
    struct intake *in, struct intake_link *l, uint64_t number);
void intake_window_refuse(struct intake *in, struct intake_link *l,
    uint64_t number, const struct ipc_range_verdict *v, uint32_t n);
void intake_window_refuse_one(struct intake *in, struct intake_link *l,
    uint64_t number, enum judge_what what, const struct stream *st);

/* intake_numbered.c */
void intake_numbered_batch(struct intake *in, struct intake_link *l,
    const struct ipc_batch *m, struct intake_now now);
void intake_numbered_advance(struct intake *in, struct intake_link *l,
    const struct ipc_advance *m, struct intake_now now);
void intake_numbered_skip(struct intake *in, struct intake_link *l,
    const struct ipc_skip *m, struct intake_now now);
void intake_numbered_void(
    struct intake *in, struct intake_link *l, uint64_t number);

/* intake_query.c */
void intake_query_stream_open(struct intake *in, struct intake_link *l,
    const struct ipc_stream_open *m, struct intake_now now);
void intake_query_stream_close(
    struct intake *in, struct intake_link *l, const struct ipc_stream_close *m);
void intake_query_chain_open(struct intake *in, struct intake_link *l,
    const struct ipc_chain_open *m, struct intake_now now);
void intake_query_chain_close(
    struct intake *in, struct intake_link *l, uint32_t chain_id);
/* Answer what can be answered by now. */
void intake_query_answer(struct intake *in);
/* All that the link had open is closed. */
void intake_query_forget(struct intake *in, struct intake_link *l);

#endif
