/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper - the parts of the keeper, and what they need of each other.
 *
 * One struct, made by main, on the loop's thread.  Rules (intake, cursors,
 * counters ...) know nothing of it; glue (receivers, dispatch, meta, control)
 * reaches the other parts through it.
 */
#ifndef SPOOLD_KEEPER_KEEPER_H
#define SPOOLD_KEEPER_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/loop/loop.h"
#include "lib/role/role.h"
#include "lib/store/store.h"
#include "spoold/keeper/alarms.h"
#include "spoold/keeper/clock_rules.h"
#include "spoold/keeper/counters.h"
#include "spoold/keeper/cursors.h"
#include "spoold/keeper/history.h"
#include "spoold/keeper/intake.h"
#include "spoold/keeper/ledger.h"
#include "spoold/keeper/settings.h"
#include "spoold/keeper/writer.h"

struct receivers;
struct dispatch;
struct meta;
struct control;
struct upkeep;
struct status;
struct disk;
struct backlog;
struct worker;

struct keeper {
	struct loop *loop;
	struct role *role;
	struct settings *settings; /* in use */
	struct settings *prepared; /* for the next switch */
	struct store *store;
	struct disk *disk;
	struct clock_rules clock;
	struct ledger ledger; /* the writer's once it runs */
	struct writer *writer;
	uint64_t seed;

	/* The live state. */
	struct entry_identity identity;
	struct uuid known_as; /* by the listeners' certificate; or zero */
	struct counters counters;
	struct cursors cursors;
	struct history history;
	struct intake *intake;
	uint64_t next_number, next_rec; /* what is below is durable */
	uint64_t data_bytes; /* payload of all batches below next_number */
	uint64_t hole_from, hole_to; /* numbers that this start left out */
	bool full; /* the store has no room for data */
	unsigned positions_queued; /* entries of moves, not durable yet */
	uint64_t saved_rec, saved_number; /* the highest that meta knew of */

	struct receivers *receivers;
	struct dispatch *dispatch;
	struct meta *meta;
	struct upkeep *upkeep;
	struct control *control;
	struct status *status;
	struct backlog *backlog;
	struct worker *worker;
	bool verifying; /* one job has the worker */
	int run_fd, control_fd, blame_fd;

	struct alarms alarms;
	bool running;
	unsigned adding; /* targets whose TARGET entry is not durable */
	unsigned owing; /* links whose parent lost records: not owed yet */
	_Atomic bool stopping; /* jobs look at it */
	unsigned jobs; /* that run in the pool */
};

/* Spool time and wall clock, now. */
struct intake_now keeper_now(const struct keeper *k);
/* The time that it is at least (RULES.md 11). */
int64_t keeper_floor_ns(const struct keeper *k);

/* Give an item to the writer; on_durable of the item is called in its turn. */
void keeper_submit(struct keeper *k, struct item *it);

/* The same with one entry. */
void keeper_entry(struct keeper *k, const struct entry *e,
    void (*on_durable)(struct item *it, void *arg), void *arg);

/* The same with entries already encoded into `entries`, which is emptied. */
void keeper_entries(struct keeper *k, struct buf *entries,
    void (*on_durable)(struct item *it, void *arg), void *arg);

/*
 * Log it and show it in the status (alarms.h).  The text begins with its code
 * and a colon: "FORK: agent ...".  `about` is the target, or "".
 */
void keeper_alarm(struct keeper *k, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void keeper_alarm_stands(struct keeper *k, const char *about, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
void keeper_alarm_ends(struct keeper *k, const char *about, const char *code);
/* When the certificate of "listener NAME" or "target NAME" ends, or 0. */
void keeper_note_certificate(
    struct keeper *k, const char *what, const char *name, uint64_t ends_s);

/* DELIVERED entries of all that is not in the log yet, in front of others. */
void keeper_log_positions(struct keeper *k);

/* Records that cannot be read: settle them for every target, in the log. */
void keeper_quarantine(struct keeper *k, const struct entry_quarantine *q);

/*
 * loop_work_start for what reads or writes the store: the store is not closed
 * while such a job runs.
 */
int keeper_work(struct keeper *k, void (*run)(void *arg),
    void (*on_done)(int rc, void *arg), void *arg);

/* keeper_replay.c: the log into the ledger, and the live state from it. */
int keeper_replay(struct keeper *k);

/* Replay, and start all parts; in the sandbox. */
int keeper_run(struct keeper *k);
/* Commit what is queued and close the store.  The loop must not run again. */
void keeper_close(struct keeper *k);

#endif
