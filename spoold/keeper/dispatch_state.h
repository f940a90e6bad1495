/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dispatch_state - what the files of dispatch share; nobody else includes it.
 */
#ifndef SPOOLD_KEEPER_DISPATCH_STATE_H
#define SPOOLD_KEEPER_DISPATCH_STATE_H

#include "lib/link/chan.h"
#include "spoold/keeper/dispatch.h"
#include "spoold/keeper/linkdefs.h"
#include "spoold/keeper/reader.h"

#define DISPATCH_AHEAD_BYTES ((uint64_t)4 << 20)
#define DISPATCH_AHEAD_BATCHES 16
#define DISPATCH_WINDOW_BYTES ((uint64_t)64 << 20) /* what we grant at most */
#define DISPATCH_WINDOW_BATCHES 128
#define DISPATCH_QUERIES_MAX 2048

/* A batch that is on its way to the forwarder, or there. */
struct dispatch_sent {
	struct dispatch_sent *next;
	uint64_t seq, from, to, bytes;
};

struct dispatch_query {
	struct dispatch_query *next;
	struct dispatch_link *link; /* NULL: it has ended */
	struct store *store;
	struct ipc_digest digest;
};

struct dispatch_link {
	struct dispatch_link *next;
	struct dispatch *all;
	struct chan *chan;
	char name[ENTRY_NAME_MAX + 1];
	bool waits; /* for the older link of its name to end */
	bool introduced, answered, ended;
	struct cursors_target *target; /* NULL until it is known */

	uint64_t window_bytes;
	uint32_t window_batches;
	struct dispatch_sent *sent, **sent_last;
	uint64_t sent_bytes, seq;
	uint32_t sent_n;

	struct reader *reader;
	struct reader_batch *ahead, **ahead_last; /* read, not sent */
	uint64_t ahead_bytes;
	uint32_t ahead_n;
	uint64_t pos; /* the next record to read */
	bool reading, again; /* a job runs; its result is of no use */
	bool end; /* nothing more was durable ... */
	uint64_t end_rec; /* ... when this was the next record */
	uint32_t job_batches; /* that a job may read; the job's own */
	struct reader_batch *job_result;
	bool job_end;
	struct linkdefs *defs;

	uint8_t told[ENTRY_OPAQUE_SIZE]; /* by DURABLE */
	struct dispatch_state state;
	uint64_t settled, settled_before; /* records, for the rate */
	uint32_t queries;
	bool suspects; /* a batch, which the worker looks at */
	bool looks; /* into a loss of custody: more will be owed */
};

struct dispatch {
	struct keeper *k;
	struct dispatch_link *links;
	struct loop_timer *timer;
	bool stopping;
};

/* dispatch_work.c: reading and handing out. */
void dispatch_work_start(struct dispatch_link *l);
void dispatch_work_kick(struct dispatch_link *l);
/* Forget what was read and sent; begin at the first record that is owed. */
void dispatch_work_restart(struct dispatch_link *l);
void dispatch_work_drop(struct dispatch_link *l);

/* dispatch_say.c: messages of the forwarder. */
void dispatch_say_on_message(struct dispatch_link *l, const struct ipc_msg *m);
void dispatch_say_state(struct dispatch_link *l);
void dispatch_say(struct dispatch_link *l, const struct ipc_msg *m);

/* dispatch_custody.c: the far side lacks what it had taken. */
void dispatch_custody_lost(
    struct dispatch_link *l, const struct ipc_pending_again *m);

/* dispatch_unreadable.c: it cannot unpack what it was given. */
void dispatch_unreadable(
    struct dispatch_link *l, const struct ipc_unreadable *m);

/* dispatch.c */
void dispatch_end(struct dispatch_link *l, const char *why);

#endif
