/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: every quarter of a second, what has changed is copied, a
 * thread of the pool saves it, and forwarders are told that their opaque bytes
 * are durable.  What can go wrong: the save fails: it is told once, and what
 * has changed stays to be saved.
 */
#include "spoold/keeper/meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "spoold/keeper/dispatch.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/stream_counts.h"

#define COUNTERS_EVERY_MS 500
#define HISTORY_EVERY_MS 60000
#define META_VERSION 1
#define VALUE_MAX ((size_t)1 << 20)

struct saved {
	char key[ENTRY_NAME_MAX + 16];
	struct buf value;
	char name[ENTRY_NAME_MAX + 1]; /* of a target; "" else */
	uint64_t serial;
	uint8_t opaque[ENTRY_OPAQUE_SIZE];
};

struct meta {
	struct keeper *k;
	struct saved *save;
	size_t n;
	bool saving, failed;
	int rc;
	uint64_t counters_ms;
};

struct meta *
meta_new(struct keeper *k)
{
	struct meta *m = mem_new(sizeof(*m));

	m->k = k;
	return m;
}

static void
drop(struct meta *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		buf_fini(&m->save[i].value);
	free(m->save);
	m->save = NULL;
	m->n = 0;
}

/* ---- saving ---- */

static struct saved *
add(struct meta *m, const char *prefix, const char *name)
{
	struct saved *s;

	m->save = mem_grow(m->save, m->n + 1, sizeof(*m->save));
	s = &m->save[m->n++];
	*s = (struct saved){0};
	snprintf(s->key, sizeof(s->key), "%s%s", prefix, name);
	buf_init(&s->value, VALUE_MAX);
	return s;
}

static void
add_target(struct meta *m, const struct cursors_target *t)
{
	struct saved *s = add(m, "target/", t->name);
	struct entry e = cursors_entry(t);

	memcpy(s->name, t->name, sizeof(s->name));
	s->serial = t->serial;
	memcpy(s->opaque, t->opaque, ENTRY_OPAQUE_SIZE);
	cursor_put_le64(&s->value, m->k->next_number);
	entry_encode(&s->value, &e);
}

static void
add_rest(struct meta *m)
{
	struct intake_now now = keeper_now(m->k);
	struct entry e = {.type = ENTRY_IDENTITY};
	struct saved *counters;

	cursor_put_le32(&add(m, "version", "")->value, META_VERSION);
	counters = add(m, "counters", "");
	counters_encode(&m->k->counters, &counters->value);
	stream_counts_encode(
	    intake_streams(m->k->intake), false, &counters->value);
	m->k->counters.changed = false;
	history_encode(&m->k->history, &add(m, "history", "")->value);
	m->k->history.changed = false;
	e.u.identity = m->k->identity;
	e.u.identity.spool_time_us = now.spool_us;
	e.u.identity.wall_ns = now.wall_ns;
	entry_encode(&add(m, "identity", "")->value, &e);
}

/*
 * Whether a position here is later than one in the log is told by numbers of
 * batches; a move that is queued has none yet, and could pass for the later
 * one.  It is soon written.  Below the reserve there is only meta.
 */
static bool
may_save_targets(const struct meta *m)
{
	return !m->k->positions_queued || m->k->full;
}

static void
snapshot(struct meta *m, bool with_targets, bool with_counters)
{
	const struct cursors *c = &m->k->cursors;
	size_t i;

	for (i = 0; i < c->n && with_targets; i++)
		if (c->target[i]->serial != c->target[i]->saved_serial)
			add_target(m, c->target[i]);
	if (with_counters || m->n)
		add_rest(m);
}

static int
put(struct meta *m)
{
	struct store_meta_item *item = mem_new(m->n * sizeof(*item));
	size_t i;
	int rc;

	for (i = 0; i < m->n; i++)
		item[i] = (struct store_meta_item){
		    .key = bytes_of_str(m->save[i].key),
		    .value = buf_bytes(&m->save[i].value)};
	FAILPOINT("keeper-before-meta");
	rc = store_meta_put(m->k->store, item, m->n);
	FAILPOINT("keeper-after-meta");
	free(item);
	return rc;
}

static void
finish(struct meta *m)
{
	struct cursors_target *t;
	size_t i;

	if (m->rc) {
		if (!m->failed)
			log_error("meta cannot be saved: %s", err_text(m->rc));
		m->k->counters.changed = true;
	}
	m->failed = m->rc != 0;
	for (i = 0; i < m->n && !m->rc; i++) {
		if (!*m->save[i].name)
			continue;
		t = cursors_find(&m->k->cursors, bytes_of_str(m->save[i].name));
		if (t)
			t->saved_serial = m->save[i].serial;
		dispatch_on_saved(
		    m->k->dispatch, m->save[i].name, m->save[i].opaque);
	}
	drop(m);
}

static void
run_job(void *arg)
{
	struct meta *m = arg;

	m->rc = put(m);
}

static void
on_job_done(int rc, void *arg)
{
	struct meta *m = arg;

	if (rc)
		m->rc = rc;
	m->saving = false;
	finish(m);
}

void
meta_tick(struct meta *m)
{
	uint64_t now_ms = loop_now_ms(m->k->loop);
	uint64_t age_ms = now_ms - m->counters_ms;
	bool with_counters =
	    (m->k->counters.changed && age_ms >= COUNTERS_EVERY_MS) ||
	    (m->k->history.changed && age_ms >= HISTORY_EVERY_MS);

	if (m->saving)
		return;
	snapshot(m, may_save_targets(m), with_counters);
	if (!m->n)
		return;
	m->counters_ms = now_ms;
	m->saving = true;
	if (keeper_work(m->k, run_job, on_job_done, m))
		on_job_done(ERR_SYS, m);
}

void
meta_save_now(struct meta *m)
{
	if (m->saving)
		return;
	snapshot(m, true, true);
	m->rc = put(m);
	finish(m);
}

/* ---- loading ---- */

static int
load_target(struct keeper *k, struct bytes value)
{
	struct cursors_target *t;
	struct cursor c;
	struct entry e;
	uint64_t number;
	int rc;

	cursor_init(&c, value);
	number = cursor_le64(&c);
	rc = entry_next(&c, &e);
	if (rc != 1)
		return 0; /* not worth more than its absence */
	t = e.type == ENTRY_TARGET_STATE
	    ? cursors_find(&k->cursors, e.u.target_state.name)
	    : NULL;
	if (number > k->saved_number)
		k->saved_number = number;
	if (e.type == ENTRY_TARGET_STATE &&
	    ivset_end(&e.u.target_state.settled) > k->saved_rec)
		k->saved_rec = ivset_end(&e.u.target_state.settled);
	if (t && number > t->again_number &&
	    cursors_adopt(
		t, &e.u.target_state, k->next_rec, number > t->moved_number))
		t->unlogged_state = true;
	entry_fini(&e);
	return 0;
}

static int
see_target(void *arg, struct bytes key, struct bytes value)
{
	(void)key;
	return load_target(arg, value);
}

/* Each entry of a value; none if there is no such value. */
static void
see_entries(struct keeper *k, const char *name,
    void (*see)(struct keeper *k, const struct entry *e))
{
	struct buf value;
	struct cursor c;
	struct entry e;

	buf_init(&value, VALUE_MAX);
	if (!store_meta_get(k->store, bytes_of_str(name), &value)) {
		cursor_init(&c, buf_bytes(&value));
		while (entry_next(&c, &e) == 1) {
			see(k, &e);
			entry_fini(&e);
		}
	}
	buf_fini(&value);
}

/* What meta knew and the log does not is logged with the next delta. */
static void
load_stream(struct keeper *k, const struct entry_stream_counters *e)
{
	struct streams *s = intake_streams(k->intake);
	struct stream *st = streams_find(s, &e->key);

	if (st && stream_counts_apply(s, st, &e->counts, false))
		stream_counts_note(s, st);
}

static void
see_counters(struct keeper *k, const struct entry *e)
{
	if (e->type == ENTRY_COUNTERS)
		counters_apply(&k->counters, &e->u.counters, false);
	else if (e->type == ENTRY_STREAM_COUNTERS)
		load_stream(k, &e->u.stream_counters);
}

/* The later of the two spool times: meta's may be newer than the log's. */
static void
see_identity(struct keeper *k, const struct entry *e)
{
	const struct entry_identity *id = &e->u.identity;

	if (e->type != ENTRY_IDENTITY ||
	    id->spool_time_us <= k->identity.spool_time_us)
		return;
	k->identity.spool_time_us = id->spool_time_us;
	k->identity.wall_ns = id->wall_ns;
}

static void
see_history(struct keeper *k, const struct entry *e)
{
	if (e->type == ENTRY_HISTORY)
		history_decode(
		    &k->history, &e->u.history, keeper_now(k).spool_us);
}

/* Another version's values may mean anything. */
static bool
is_ours(struct keeper *k)
{
	struct buf value;
	struct cursor c;
	bool ours = true;

	buf_init(&value, VALUE_MAX);
	if (!store_meta_get(k->store, bytes_of_str("version"), &value)) {
		cursor_init(&c, buf_bytes(&value));
		ours = cursor_le32(&c) == META_VERSION && !cursor_end(&c);
	}
	buf_fini(&value);
	return ours;
}

void
meta_load_history(struct keeper *k)
{
	if (is_ours(k))
		see_entries(k, "history", see_history);
}

void
meta_load(struct keeper *k)
{
	if (!is_ours(k)) {
		log_warn("meta is of another version: the log is believed");
		return;
	}
	store_meta_each(k->store, bytes_of_str("target/"), see_target, k);
	see_entries(k, "counters", see_counters);
	see_entries(k, "identity", see_identity);
}
