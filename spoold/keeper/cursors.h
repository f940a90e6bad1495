/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cursors - what each target has taken, and what it is still owed.
 *
 * A target's position is a set of settled record numbers from its start
 * record on, at most 256 intervals, with a counter for each term in which a
 * record may be settled (DESIGN.md 2 and 3).  Whatever is settled here and not
 * yet in the log is remembered until a DELIVERED entry carries it.  A number
 * that is settled twice counts once, in the first term.  Rules: no I/O.
 * The same table is the live one and the log-exact one of the ledger.
 */
#ifndef SPOOLD_KEEPER_CURSORS_H
#define SPOOLD_KEEPER_CURSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/codec/entry.h"

#define CURSORS_INTERVALS_MAX 256
#define CURSORS_PROTOCOL_MAX 32
#define CURSORS_TARGETS_MAX 256
#define CURSORS_UNLOGGED_MAX 4096

struct cursors_target {
	char name[ENTRY_NAME_MAX + 1];
	char protocol[CURSORS_PROTOCOL_MAX + 1];
	bool paused;
	bool configured; /* in the configuration; else orphaned */
	uint64_t start_rec;
	uint64_t term[ENTRY_TERMS];
	uint8_t opaque[ENTRY_OPAQUE_SIZE];
	struct ivset settled;
	/* The live table's: settled since the last DELIVERED entry. */
	struct entry_settled *unlogged;
	size_t unlogged_n, unlogged_cap;
	bool opaque_unlogged;
	bool unlogged_state; /* meta knew more: the log needs all of it */
	bool held; /* its name is being changed: log nothing meanwhile */
	uint64_t serial; /* moves on with every change */
	uint64_t saved_serial; /* what meta has of it */
	uint64_t again_number; /* the ledger's: of its last PENDING_AGAIN */
	uint64_t moved_number; /* the ledger's: of its last DELIVERED */
	bool first_unlogged; /* its first position is on its way to the log */
};

struct cursors {
	struct cursors_target **target;
	size_t n;
};

void cursors_fini(struct cursors *c);
void cursors_clear(struct cursors *c);

struct cursors_target *cursors_find(const struct cursors *c, struct bytes name);

/* ERR_EXISTS, ERR_LIMIT, ERR_INVAL (a name that is too long or empty). */
int cursors_add(struct cursors *c, struct bytes name, struct bytes protocol,
    uint64_t start_rec, struct cursors_target **out);
void cursors_remove(struct cursors *c, struct cursors_target *t);
int cursors_rename(
    struct cursors *c, struct cursors_target *t, struct bytes new_name);

/*
 * Another protocol clears the opaque bytes: they mean nothing to it.  Also
 * the same protocol set again changes nothing.
 */
void cursors_set_protocol(struct cursors_target *t, struct bytes protocol);

/*
 * Settle [from, to) in a term, as far as it is not settled; *added is how many
 * were new.  ERR_LIMIT when the set is full, ERR_INVAL.
 */
int cursors_settle(struct cursors_target *t, enum entry_term term,
    uint64_t from, uint64_t to, uint64_t *added);

/*
 * Owe [from, to) once more; fills the entry's counts, which are taken off the
 * terms: DELIVERED first, then the others in order.  `term` is what is left of
 * t->term by those that were planned before, and is taken off too.
 */
void cursors_plan_again(const struct cursors_target *t, uint64_t from,
    uint64_t to, uint64_t term[static ENTRY_TERMS],
    struct entry_pending_again *e);
void cursors_again(
    struct cursors_target *t, const struct entry_pending_again *e);

/* Remember in the live table what a DELIVERED entry has to carry. */
void cursors_note(
    struct cursors_target *t, enum entry_term term, uint64_t from, uint64_t to);
/* Do not keep each move: the next entry is the whole state instead. */
void cursors_sum_up(struct cursors_target *t);

bool cursors_has_unlogged(const struct cursors_target *t);

/*
 * Append the DELIVERED entry of what is unlogged (or a TARGET_STATE, if that
 * is not known one by one), and forget it.
 */
void cursors_take_delivered(struct cursors_target *t, struct buf *b);

/* How many of [from, to) the target is still owed; not below its start. */
uint64_t cursors_pending_in(
    const struct cursors_target *t, uint64_t from, uint64_t to);

/* The first number >= from that it is owed, perhaps not yet given out. */
uint64_t cursors_first_pending(const struct cursors_target *t, uint64_t from);

/* Apply DELIVERED, GIVE_UP, QUARANTINE, TARGET, PENDING_AGAIN, TARGET_STATE:
 * the fold of the log.  0, also for what is about no target; ERR_FORMAT.
 */
int cursors_apply(struct cursors *c, const struct entry *e);

/* As TARGET_STATE; `settled` in it is borrowed from t. */
struct entry cursors_entry(const struct cursors_target *t);

/*
 * Take over what meta knows, if it is later than the log: everything settled
 * by the log is settled there too, and more, and nothing at or past next_rec.
 * If both have the same settled, `newer` says whether meta's opaque position is
 * the later one.  True if anything was taken over.
 */
bool cursors_adopt(struct cursors_target *t,
    const struct entry_target_state *saved, uint64_t next_rec, bool newer);

#endif
