/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parent lacks numbers that it had taken, or that were settled here.
 *
 * The usual course: a job of the pool looks what lies under those numbers.
 * Records that are still held are owed again, with an alarm; so is told what
 * is no longer held: it was given up, and a hole for the parent (RULES.md 8:
 * nothing waits for it for ever).  Numbers that never held anything, or hold
 * damage, are holes as well, and no custody was lost.
 * What can go wrong: the log cannot be read, or lies in too many pieces: then
 * all that is held is owed again.
 */
#include "lib/base/err.h"
#include "spoold/keeper/dispatch_state.h"
#include "spoold/keeper/keeper.h"
#include "spoold/keeper/mem.h"

#include <stdlib.h>
#include <string.h>

#define PIECES_MAX 64

struct look {
	struct dispatch_link *link;
	struct store *store;
	uint64_t from, to, held; /* held: the first record that still is */
	struct ivset found; /* records of [from, to) */
	int rc;
};

/* ---- what was lost ---- */

static void
put_alarm(struct buf *b, struct dispatch_link *l, uint64_t from, uint64_t to)
{
	struct entry e = {.type = ENTRY_ALARM};

	e.u.alarm = (struct entry_alarm){.kind = ENTRY_ALARM_CUSTODY_LOST,
	    .from = from,
	    .to = to,
	    .wall_ns = keeper_now(l->all->k).wall_ns,
	    .text = bytes_of_str(l->name)};
	entry_encode(b, &e);
}

static void
show_alarm(struct keeper *k, const char *name, uint64_t from, uint64_t to)
{
	keeper_alarm(k,
	    "CUSTODY_LOST: target %s no longer has records %llu to %llu that "
	    "it took",
	    name, (unsigned long long)from, (unsigned long long)(to - 1));
}

/* Owed again, and shown, once that is durable. */
struct wish {
	struct keeper *k;
	char name[ENTRY_NAME_MAX + 1];
	struct entry_pending_again again;
};

static void
on_again_durable(struct item *it, void *arg)
{
	struct wish *w = arg;
	struct cursors_target *t =
	    cursors_find(&w->k->cursors, bytes_of_str(w->name));

	(void)it;
	if (t)
		cursors_again(t, &w->again);
	show_alarm(w->k, w->name, w->again.from, w->again.to);
	if (t)
		dispatch_on_target(w->k->dispatch, w->name);
	free(w);
}

static void
owe_again(struct dispatch_link *l, uint64_t from, uint64_t to)
{
	struct entry e = {.type = ENTRY_PENDING_AGAIN};
	struct wish *w = mem_new(sizeof(*w));
	struct buf b;

	w->k = l->all->k;
	memcpy(w->name, l->name, sizeof(w->name));
	cursors_plan_again(l->target, from, to, &w->again);
	w->again.target = bytes_of_str(w->name);
	e.u.pending_again = w->again;
	buf_init(&b, ENTRY_TEXT_MAX * 2);
	put_alarm(&b, l, from, to);
	entry_encode(&b, &e);
	keeper_entries(w->k, &b, on_again_durable, w);
	buf_fini(&b);
}

/* No longer held: nothing can be done but say so. */
static void
give_up(struct dispatch_link *l, uint64_t from, uint64_t to)
{
	struct buf b;

	buf_init(&b, ENTRY_TEXT_MAX * 2);
	put_alarm(&b, l, from, to);
	keeper_entries(l->all->k, &b, NULL, NULL);
	buf_fini(&b);
	show_alarm(l->all->k, l->name, from, to);
}

static void
say_hole(struct dispatch_link *l, uint64_t from, uint64_t to,
    enum entry_skip_reason reason)
{
	struct ipc_msg m = {.type = IPC_HOLE};

	if (from >= to)
		return;
	m.u.interval = (struct ipc_interval){.from = from,
	    .to = to,
	    .reason = (uint8_t)reason,
	    .count = to - from};
	dispatch_say(l, &m);
}

/* ---- the look ---- */

static uint64_t
later_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Where the part begins that may still be held. */
static uint64_t
begin_of(const struct look *x)
{
	return x->held < x->to ? later_of(x->from, x->held) : x->to;
}

static int
walk(struct look *x, struct store_cursor *c, struct buf *copy)
{
	struct store_batch b;
	struct store_damage damage;
	uint64_t from, to;
	int rc = 0;

	while (!rc) {
		rc = store_cursor_next(c, true, copy, &b, &damage);
		if (rc == ERR_CORRUPT) {
			rc = 0;
			continue;
		}
		if (rc || b.header.first_rec >= x->to)
			break;
		from = later_of(b.header.first_rec, begin_of(x));
		to = b.header.first_rec + b.header.records;
		if (b.header.kind == BATCH_DATA && from < to)
			rc = ivset_add(
			    &x->found, from, to < x->to ? to : x->to, NULL);
	}
	return rc == ERR_NOENT ? 0 : rc;
}

static void
run_look(void *arg)
{
	struct look *x = arg;
	struct store_cursor *c = NULL;
	struct buf copy;

	buf_init(&copy, (size_t)BATCH_STORED_MAX + (2 << 20));
	x->rc = store_cursor_open(x->store, begin_of(x), &c);
	if (!x->rc)
		x->rc = walk(x, c, &copy);
	else if (x->rc == ERR_NOENT)
		x->rc = 0;
	store_cursor_close(c);
	buf_fini(&copy);
}

static void
tell(struct look *x)
{
	struct dispatch_link *l = x->link;
	uint64_t at = begin_of(x);
	size_t i;

	if (x->rc) {
		ivset_clear(&x->found);
		if (at < x->to)
			ivset_add(&x->found, at, x->to, NULL);
	}
	keeper_log_positions(l->all->k);
	if (x->from < at) {
		give_up(l, x->from, at);
		say_hole(l, x->from, at, ENTRY_SKIP_GIVEN_UP);
	}
	for (i = 0; i < x->found.n && !l->ended; i++) {
		say_hole(l, at, x->found.iv[i].from, ENTRY_SKIP_HOLE);
		at = x->found.iv[i].to;
		owe_again(l, x->found.iv[i].from, at);
	}
	say_hole(l, at, x->to, ENTRY_SKIP_HOLE);
}

static void
on_looked(int rc, void *arg)
{
	struct look *x = arg;
	struct dispatch_link *l = x->link;

	if (rc)
		x->rc = rc;
	l->queries--;
	if (!l->ended && l->target)
		tell(x);
	if (l->ended)
		dispatch_end(l, NULL); /* it waited for this */
	ivset_fini(&x->found);
	free(x);
}

/* The first record that is still held. */
static uint64_t
oldest_held(struct keeper *k)
{
	struct store_segment s;

	return store_segments(k->store, &s, 1) ? s.first_rec : k->next_rec;
}

void
dispatch_custody_lost(struct dispatch_link *l, const struct ipc_interval *m)
{
	struct keeper *k = l->all->k;
	struct look *x;

	if (!l->target || m->from >= m->to || m->to > k->next_rec ||
	    l->queries >= DISPATCH_QUERIES_MAX) {
		dispatch_end(l, "PENDING_AGAIN of what it never had");
		return;
	}
	x = mem_new(sizeof(*x));
	*x = (struct look){.link = l,
	    .store = k->store,
	    .from = m->from,
	    .to = m->to,
	    .held = oldest_held(k)};
	ivset_init(&x->found, PIECES_MAX);
	l->queries++;
	if (keeper_work(k, run_look, on_looked, x))
		on_looked(ERR_SYS, x);
}
