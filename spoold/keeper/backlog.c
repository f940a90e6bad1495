/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: four times a second those that moved are noted with the
 * gaps of their sets, a job looks at the headers around them, and the result is
 * kept.  What can go wrong: a header cannot be read: the next one that can
 * stands for it; a target moves meanwhile: the next look sees it.
 */
#include "spoold/keeper/backlog.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/mem.h"

#define TICK_MS 250
#define CHANGES_MAX 64 /* targets looked at in one job */
#define COPY_MAX ((size_t)BATCH_STORED_MAX + (2 << 20))

struct seen {
	char name[ENTRY_NAME_MAX + 1];
	uint64_t serial; /* of the target, then */
	uint64_t rec, to; /* [rec, to) came in at received_ns */
	int64_t received_ns;
	uint64_t bytes; /* owed, of all that is before ... */
	uint64_t end_data; /* ... this much of payload */
};

/* A target that is looked at: the gaps in what it has. */
struct wanted {
	struct seen seen;
	struct iv *gap;
	size_t gaps;
	uint64_t end_rec; /* that end_data belongs to */
};

struct waiter {
	struct waiter *next;
	uint64_t look; /* that it waits for */
	void (*then)(void *arg);
	void *arg;
};

struct backlog {
	struct keeper *k;
	struct loop_timer *timer;
	struct seen *seen;
	size_t n, turn;
	struct waiter *waiters;
	uint64_t looks; /* begun */
	/* The job's. */
	struct wanted wanted[CHANGES_MAX];
	size_t wanted_n;
	bool running;
};

static struct seen *
find(const struct backlog *b, const char *name)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (!strcmp(b->seen[i].name, name))
			return &b->seen[i];
	return NULL;
}

static void
keep(struct backlog *b, const struct seen *seen)
{
	struct seen *s = find(b, seen->name);

	if (!s) {
		b->seen = mem_grow(b->seen, b->n + 1, sizeof(*b->seen));
		s = &b->seen[b->n++];
	}
	*s = *seen;
}

/* ---- the job ---- */

/* The first data batch that can be read and ends behind rec. */
static bool
header_at(
    struct store *store, uint64_t rec, struct buf *copy, struct batch_header *h)
{
	struct store_damage damage;
	struct store_cursor *c;
	struct store_batch b;
	bool found = false;
	int rc = store_cursor_open(store, rec, &c);

	if (rc)
		return false;
	while (!found) {
		rc = store_cursor_next(c, true, copy, &b, &damage);
		if (rc && rc != ERR_CORRUPT)
			break;
		found = !rc && b.header.kind == BATCH_DATA &&
		    b.header.first_rec + b.header.records > rec;
	}
	store_cursor_close(c);
	if (found)
		*h = b.header;
	return found;
}

/* Payload stored up to the end of the batch that holds the last of a gap. */
static uint64_t
data_to(struct store *store, const struct wanted *w, const struct iv *gap,
    struct buf *copy)
{
	struct batch_header h;

	if (gap->to >= w->end_rec || !header_at(store, gap->to - 1, copy, &h))
		return w->seen.end_data;
	return h.data_before + (h.first_rec < gap->to ? h.stored_len : 0);
}

/* A batch between two gaps counts once. */
static void
look(struct store *store, struct wanted *w, struct buf *copy)
{
	struct seen *s = &w->seen;
	struct batch_header h;
	uint64_t begin, counted = 0;
	size_t i;

	for (i = 0; i < w->gaps; i++) {
		if (!header_at(store, w->gap[i].from, copy, &h) ||
		    h.first_rec >= w->gap[i].to)
			continue;
		if (!s->received_ns) {
			s->received_ns = h.received_first_ns;
			s->to = h.first_rec + h.records;
		}
		begin = h.data_before > counted ? h.data_before : counted;
		counted = data_to(store, w, &w->gap[i], copy);
		if (counted > begin)
			s->bytes += counted - begin;
		else
			counted = begin;
	}
}

static void
run_job(void *arg)
{
	struct backlog *b = arg;
	struct buf copy;
	size_t i;

	buf_init(&copy, COPY_MAX);
	for (i = 0; i < b->wanted_n; i++)
		look(b->k->store, &b->wanted[i], &copy);
	buf_fini(&copy);
}

/* ---- on the loop ---- */

static void look_now(struct backlog *b);

static void
call_waiters(struct backlog *b)
{
	struct waiter **p = &b->waiters, *w, *due = NULL;

	while ((w = *p)) {
		if (w->look > b->looks) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		w->next = due;
		due = w;
	}
	while ((w = due)) {
		due = w->next;
		w->then(w->arg);
		free(w);
	}
	if (b->waiters)
		look_now(b);
}

static void
on_job_done(int rc, void *arg)
{
	struct backlog *b = arg;
	size_t i;

	b->running = false;
	for (i = 0; i < b->wanted_n; i++) {
		if (!rc)
			keep(b, &b->wanted[i].seen);
		free(b->wanted[i].gap);
	}
	b->wanted_n = 0;
	call_waiters(b);
}

static void
note_gaps(struct wanted *w, const struct cursors_target *t, uint64_t end)
{
	uint64_t at = cursors_first_pending(t, 1), to;

	w->gap = mem_new((t->settled.n + 1) * sizeof(*w->gap));
	while (at < end) {
		if (!ivset_first_in(&t->settled, at, &to) || to > end)
			to = end;
		w->gap[w->gaps++] = (struct iv){.from = at, .to = to};
		at = cursors_first_pending(t, to);
	}
}

static bool
is_current(const struct backlog *b, const struct cursors_target *t)
{
	uint64_t rec = cursors_first_pending(t, 1);
	const struct seen *s = find(b, t->name);

	return s && s->serial == t->serial &&
	    (rec >= b->k->next_rec || (rec >= s->rec && rec < s->to));
}

static void
want(struct backlog *b, const struct cursors_target *t)
{
	uint64_t rec = cursors_first_pending(t, 1);
	struct seen s = {
	    .serial = t->serial, .rec = rec, .end_data = b->k->data_bytes};
	struct wanted *w;

	memcpy(s.name, t->name, sizeof(s.name));
	if (rec >= b->k->next_rec) {
		keep(b, &s);
		return;
	}
	if (is_current(b, t) || b->wanted_n == CHANGES_MAX)
		return;
	w = &b->wanted[b->wanted_n++];
	*w = (struct wanted){.seen = s, .end_rec = b->k->next_rec};
	note_gaps(w, t, w->end_rec);
}

/* Those that found no place are first the next time. */
static void
look_now(struct backlog *b)
{
	const struct cursors *c = &b->k->cursors;
	size_t i;

	if (b->running || b->k->stopping)
		return;
	b->looks++;
	for (i = 0; i < c->n && b->wanted_n < CHANGES_MAX; i++)
		want(b, c->target[(b->turn + i) % c->n]);
	b->turn = c->n ? (b->turn + i) % c->n : 0;
	b->running = true;
	if (keeper_work(b->k, run_job, on_job_done, b))
		on_job_done(ERR_SYS, b);
}

static bool
is_idle(const struct backlog *b)
{
	const struct cursors *c = &b->k->cursors;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (!is_current(b, c->target[i]))
			return false;
	return true;
}

static void
on_tick(void *arg)
{
	struct backlog *b = arg;

	if (!is_idle(b))
		look_now(b);
}

struct backlog *
backlog_new(struct keeper *k)
{
	struct backlog *b = mem_new(sizeof(*b));

	b->k = k;
	if (loop_timer_new(k->loop, on_tick, b, &b->timer))
		abort();
	loop_timer_start(b->timer, 1, TICK_MS);
	return b;
}

int64_t
backlog_oldest(const struct backlog *b, const struct cursors_target *t)
{
	uint64_t rec = cursors_first_pending(t, 1);
	const struct seen *s = find(b, t->name);

	return s && rec >= s->rec && rec < s->to ? s->received_ns : 0;
}

bool
backlog_bytes(
    const struct backlog *b, const struct cursors_target *t, uint64_t *bytes)
{
	const struct seen *s = find(b, t->name);

	if (cursors_first_pending(t, 1) >= b->k->next_rec)
		*bytes = 0;
	else if (s)
		*bytes = s->bytes + (b->k->data_bytes - s->end_data);
	else
		return false;
	return true;
}

void
backlog_when_exact(struct backlog *b, const struct cursors_target *t,
    void (*then)(void *arg), void *arg)
{
	struct waiter *w;

	if (is_current(b, t)) {
		then(arg);
		return;
	}
	w = mem_new(sizeof(*w));
	*w = (struct waiter){
	    .next = b->waiters, .look = b->looks + 1, .then = then, .arg = arg};
	b->waiters = w;
	look_now(b);
}
