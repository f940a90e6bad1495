/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parent lacks numbers that it had taken, or that were settled here.
 *
 * The usual course: a job of the pool looks what lies under all of those
 * numbers.  Records that are still held are owed again, in one item of the
 * log, and alarmed once all of them are; so is told what is no longer held: it
 * was given up, and a hole for the parent (RULES.md 8: nothing waits for it
 * for ever).  Numbers that never held anything, or hold damage, are holes as
 * well, and no custody was lost.  TARGET_STATE is the answer.
 * What can go wrong: the log cannot be read, or lies in too many pieces: then
 * all that is held is owed again; the link ends meanwhile: it stays until what
 * is owed is durable, and a newer one is not told its state before.
 */
#include "lib/base/err.h"
#include "spoold/keeper/dispatch_state.h"
#include "spoold/keeper/keeper.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/upkeep.h"

#include <stdlib.h>
#include <string.h>

struct look {
	struct dispatch_link *link;
	struct store *store;
	uint64_t held; /* the first record that still is */
	struct ivset lost; /* what the parent lacks */
	struct ivset found; /* records of it that are held */
	int rc;
};

/* No segment is given back while it is not known what is owed again. */
static void
begin(struct dispatch_link *l)
{
	l->looks = true;
	l->all->k->owing++;
}

static void
finish(struct dispatch_link *l)
{
	l->looks = false;
	l->all->k->owing--;
}

/* ---- what was lost ---- */

static struct entry
make_alarm(const struct dispatch_link *l, uint64_t from, uint64_t to)
{
	struct entry e = {.type = ENTRY_ALARM};

	e.u.alarm = (struct entry_alarm){.kind = ENTRY_ALARM_CUSTODY_LOST,
	    .from = from,
	    .to = to,
	    .wall_ns = keeper_now(l->all->k).wall_ns,
	    .text = bytes_of_str(l->name)};
	return e;
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
	struct dispatch_link *link;
	size_t n;
	struct entry_pending_again again[];
};

static void
apply(struct keeper *k, struct wish *w)
{
	struct cursors_target *t =
	    cursors_find(&k->cursors, bytes_of_str(w->link->name));
	size_t i;

	for (i = 0; t && i < w->n; i++)
		cursors_again(t, &w->again[i]);
	for (i = 0; i < w->n; i++)
		show_alarm(k, w->link->name, w->again[i].from, w->again[i].to);
}

static void
on_again_durable(struct item *it, void *arg)
{
	struct wish *w = arg;
	struct dispatch_link *l = w->link;
	struct keeper *k = l->all->k;

	(void)it;
	apply(k, w);
	free(w);
	l->queries--;
	finish(l);
	if (l->ended)
		dispatch_end(l, NULL); /* it waited for this */
	else
		dispatch_on_target(k->dispatch, l->name);
}

static void
owe_again(struct dispatch_link *l, const struct ivset *found)
{
	struct wish *w = mem_new(sizeof(*w) + found->n * sizeof(w->again[0]));
	uint64_t term[ENTRY_TERMS];
	struct buf b;

	w->link = l;
	w->n = found->n;
	memcpy(term, l->target->term, sizeof(term));
	buf_init(&b, SIZE_MAX);
	for (size_t i = 0; i < found->n; i++) {
		const struct iv *iv = &found->iv[i];
		struct entry alarm = make_alarm(l, iv->from, iv->to);
		struct entry e = {.type = ENTRY_PENDING_AGAIN};

		cursors_plan_again(
		    l->target, iv->from, iv->to, term, &w->again[i]);
		e.u.pending_again = w->again[i];
		entry_encode(&b, &alarm);
		entry_encode(&b, &e);
		w->again[i].target = bytes_of(NULL, 0); /* borrowed */
	}
	l->queries++;
	keeper_entries(l->all->k, &b, on_again_durable, w);
	buf_fini(&b);
}

/* No longer held: nothing can be done but say so. */
static void
give_up(struct dispatch_link *l, uint64_t from, uint64_t to)
{
	struct entry e = make_alarm(l, from, to);

	keeper_entry(l->all->k, &e, NULL, NULL);
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

/* Where the part of a lost interval begins that may still be held. */
static uint64_t
begin_of(const struct look *x, const struct iv *lost)
{
	return x->held < lost->to ? later_of(lost->from, x->held) : lost->to;
}

static int
walk(struct look *x, const struct iv *lost, struct store_cursor *c,
    struct buf *copy)
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
		if (rc || b.header.first_rec >= lost->to)
			break;
		from = later_of(b.header.first_rec, begin_of(x, lost));
		to = b.header.first_rec + b.header.records;
		if (b.header.kind == BATCH_DATA && from < to)
			rc = ivset_add(&x->found, from,
			    to < lost->to ? to : lost->to, NULL);
	}
	return rc == ERR_NOENT ? 0 : rc;
}

static int
look_at(struct look *x, const struct iv *lost, struct buf *copy)
{
	struct store_cursor *c = NULL;
	int rc;

	if (begin_of(x, lost) == lost->to)
		return 0;
	rc = store_cursor_open(x->store, begin_of(x, lost), &c);
	if (!rc)
		rc = walk(x, lost, c, copy);
	store_cursor_close(c);
	return rc == ERR_NOENT ? 0 : rc;
}

static void
run_look(void *arg)
{
	struct look *x = arg;
	struct buf copy;

	buf_init(&copy, (size_t)BATCH_STORED_MAX + (2 << 20));
	for (size_t i = 0; !x->rc && i < x->lost.n; i++)
		x->rc = look_at(x, &x->lost.iv[i], &copy);
	buf_fini(&copy);
}

/* Nothing is known of what lies there: owe all that may be. */
static void
find_all(struct look *x)
{
	ivset_clear(&x->found);
	for (size_t i = 0; i < x->lost.n; i++) {
		const struct iv *lost = &x->lost.iv[i];

		if (begin_of(x, lost) < lost->to)
			ivset_add(&x->found, begin_of(x, lost), lost->to, NULL);
	}
}

/* What is no longer held, and what never held anything. */
static void
tell_holes(struct look *x, const struct iv *lost)
{
	struct dispatch_link *l = x->link;
	uint64_t at = begin_of(x, lost), record;

	if (lost->from < at) {
		give_up(l, lost->from, at);
		say_hole(l, lost->from, at, ENTRY_SKIP_GIVEN_UP);
	}
	while (at < lost->to) {
		if (!ivset_first_in(&x->found, at, &record) ||
		    record > lost->to)
			record = lost->to;
		say_hole(l, at, record, ENTRY_SKIP_HOLE);
		at = ivset_first_gap(&x->found, record);
	}
}

static void
tell(struct look *x)
{
	struct dispatch_link *l = x->link;

	if (x->rc)
		find_all(x);
	keeper_log_positions(l->all->k);
	for (size_t i = 0; i < x->lost.n; i++)
		tell_holes(x, &x->lost.iv[i]);
	if (x->found.n) {
		owe_again(l, &x->found);
		return;
	}
	finish(l);
	dispatch_say_state(l);
	if (!l->ended)
		dispatch_work_restart(l);
}

static void
free_look(struct look *x)
{
	ivset_fini(&x->lost);
	ivset_fini(&x->found);
	free(x);
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
	else
		finish(l);
	if (l->ended)
		dispatch_end(l, NULL); /* it waited for this */
	free_look(x);
}

static struct look *
make_look(struct dispatch_link *l, struct bytes lost)
{
	struct look *x = mem_new(sizeof(*x));
	struct cursor c;

	*x = (struct look){.link = l,
	    .store = l->all->k->store,
	    .held = upkeep_oldest_rec(l->all->k->upkeep)};
	ivset_init(&x->lost, ENTRY_INTERVALS_MAX);
	ivset_init(&x->found, ENTRY_INTERVALS_MAX);
	cursor_init(&c, lost);
	ivset_decode(&c, &x->lost);
	if (!cursor_end(&c))
		return x;
	free_look(x);
	return NULL;
}

void
dispatch_custody_lost(
    struct dispatch_link *l, const struct ipc_pending_again *m)
{
	struct keeper *k = l->all->k;
	struct look *x;

	if (l->looks)
		return; /* the answer is on its way */
	x = l->target ? make_look(l, m->lost) : NULL;
	if (!x || ivset_end(&x->lost) > k->next_rec ||
	    l->queries >= DISPATCH_QUERIES_MAX) {
		if (x)
			free_look(x);
		dispatch_end(l, "PENDING_AGAIN of what it never had");
		return;
	}
	begin(l);
	l->queries++;
	if (keeper_work(k, run_look, on_looked, x))
		on_looked(ERR_SYS, x);
}
