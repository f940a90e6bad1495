/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/oldest.h"

#include <stdlib.h>
#include <string.h>

#include "spoold/keeper/mem.h"

#define TICK_MS 1000
#define CHANGES_MAX 64 /* looked at in one job */

struct seen {
	char name[ENTRY_NAME_MAX + 1];
	uint64_t rec, to; /* [rec, to) came in at received_ns */
	int64_t received_ns;
};

struct oldest {
	struct keeper *k;
	struct loop_timer *timer;
	struct seen *seen;
	size_t n;
	/* The job's. */
	struct seen wanted[CHANGES_MAX];
	size_t wanted_n;
	bool running;
};

static struct seen *
find(const struct oldest *o, const char *name)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (!strcmp(o->seen[i].name, name))
			return &o->seen[i];
	return NULL;
}

/* The first data batch at or after s->rec. */
static void
look(struct store *store, struct seen *s, struct buf *copy)
{
	struct store_damage damage;
	struct store_cursor *c;
	struct store_batch b;

	if (store_cursor_open(store, s->rec, &c))
		return;
	while (!store_cursor_next(c, true, copy, &b, &damage)) {
		if (b.header.kind != BATCH_DATA)
			continue;
		s->received_ns = b.header.received_first_ns;
		s->to = b.header.first_rec + b.header.records;
		break;
	}
	store_cursor_close(c);
}

static void
run_job(void *arg)
{
	struct oldest *o = arg;
	struct buf copy;
	size_t i;

	buf_init(&copy, (size_t)BATCH_STORED_MAX + (2 << 20));
	for (i = 0; i < o->wanted_n; i++)
		look(o->k->store, &o->wanted[i], &copy);
	buf_fini(&copy);
}

static void
on_job_done(int rc, void *arg)
{
	struct oldest *o = arg;
	struct seen *s;
	size_t i;

	(void)rc;
	o->running = false;
	for (i = 0; i < o->wanted_n; i++) {
		s = find(o, o->wanted[i].name);
		if (!s) {
			o->seen = mem_grow(o->seen, o->n + 1, sizeof(*o->seen));
			s = &o->seen[o->n++];
		}
		*s = o->wanted[i];
	}
}

static void
want(struct oldest *o, const struct cursors_target *t)
{
	uint64_t rec = cursors_first_pending(t, 1);
	const struct seen *s = find(o, t->name);

	if (rec >= o->k->next_rec || o->wanted_n == CHANGES_MAX ||
	    (s && rec >= s->rec && rec < s->to))
		return;
	o->wanted[o->wanted_n] = (struct seen){.rec = rec};
	memcpy(o->wanted[o->wanted_n++].name, t->name, sizeof(t->name));
}

static void
on_tick(void *arg)
{
	struct oldest *o = arg;
	size_t i;

	if (o->running || o->k->stopping)
		return;
	o->wanted_n = 0;
	for (i = 0; i < o->k->cursors.n; i++)
		want(o, o->k->cursors.target[i]);
	if (!o->wanted_n)
		return;
	o->running = true;
	if (keeper_work(o->k, run_job, on_job_done, o))
		o->running = false;
}

struct oldest *
oldest_new(struct keeper *k)
{
	struct oldest *o = mem_new(sizeof(*o));

	o->k = k;
	if (loop_timer_new(k->loop, on_tick, o, &o->timer))
		abort();
	loop_timer_start(o->timer, TICK_MS, TICK_MS);
	return o;
}

void
oldest_free(struct oldest *o)
{
	if (!o)
		return;
	loop_timer_free(o->timer);
	free(o->seen);
	free(o);
}

int64_t
oldest_of(const struct oldest *o, const struct cursors_target *t)
{
	uint64_t rec = cursors_first_pending(t, 1);
	const struct seen *s = find(o, t->name);

	return s && rec >= s->rec && rec < s->to ? s->received_ns : 0;
}
