/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course of a segment that may go: DELIVERED of all targets and
 * RECYCLE are committed, then the writer gives the segment back to the store.
 * What can go wrong: a reader stands in it: idle readers let go and it is
 * tried again; we die in between: the next start finds RECYCLE in the log.
 */
#include "spoold/keeper/upkeep.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "spoold/keeper/dispatch.h"
#include "spoold/keeper/disk.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/meta.h"
#include "spoold/keeper/receivers.h"
#include "spoold/keeper/retention.h"
#include "spoold/keeper/segments.h"
#include "spoold/keeper/stream_counts.h"

#define TICK_MS 250
#define DISK_SLOW_MS 10000u

struct upkeep {
	struct keeper *k;
	struct loop_timer *timer;
	uint64_t ticks;
	uint64_t delta_us, delta_bytes; /* since the last delta */
	bool logging; /* a delta is on its way */
	unsigned recycling; /* entries or segments on their way */
	uint64_t gone_rec; /* records below are given back, or will be */
	struct item_list busy; /* given back later: a reader is in it */
	atomic_bool want_spares;
	bool spares_job, stopping;
	int spares_rc;
};

/* ---- spares ---- */

static void
run_spares(void *arg)
{
	struct upkeep *u = arg;

	u->spares_rc = store_prepare_spares(u->k->store);
}

static void
on_spares_done(int rc, void *arg)
{
	struct upkeep *u = arg;

	u->spares_job = false;
	if (rc)
		u->spares_rc = rc;
	if (u->spares_rc && u->spares_rc != ERR_FULL)
		log_warn("no spare segment could be written: %s",
		    err_text(u->spares_rc));
	writer_try_again(u->k->writer);
}

static void
prepare_spares(struct upkeep *u)
{
	if (u->spares_job || u->stopping ||
	    !atomic_exchange(&u->want_spares, false))
		return;
	u->spares_job = true;
	if (keeper_work(u->k, run_spares, on_spares_done, u))
		u->spares_job = false;
}

void
upkeep_want_spares(struct upkeep *u)
{
	atomic_store(&u->want_spares, true);
}

/* ---- recycling ---- */

static void
on_recycled(struct item *it, void *arg)
{
	struct upkeep *u = arg;
	struct item *again;

	if (it->rc == ERR_BUSY) {
		again = item_new(ITEM_RECYCLE);
		again->recycle = it->recycle;
		again->logged = true;
		again->on_durable = on_recycled;
		again->arg = u;
		item_list_add(&u->busy, again);
		dispatch_release(u->k->dispatch);
		return;
	}
	u->recycling--;
	if (it->rc && it->rc != ERR_NOENT)
		log_error("segment %llu cannot be given back: %s",
		    (unsigned long long)it->recycle.segment_id,
		    err_text(it->rc));
	upkeep_want_spares(u);
	writer_try_again(u->k->writer);
}

static void
submit_recycle(struct upkeep *u, const struct store_segment *s, bool logged)
{
	struct item *it = item_new(ITEM_RECYCLE);

	it->recycle = (struct entry_recycle){.segment = s->uuid,
	    .segment_id = s->id,
	    .first_rec = s->first_rec,
	    .next_rec = s->next_rec};
	it->logged = logged;
	it->on_durable = on_recycled;
	it->arg = u;
	u->recycling++;
	if (s->next_rec > u->gone_rec)
		u->gone_rec = s->next_rec;
	FAILPOINT("keeper-before-recycle-entry");
	keeper_submit(u->k, it);
}

static void
look_for_recycling(struct upkeep *u)
{
	const struct store_segment *next;
	struct store_segment row[2];
	struct item *it;
	size_t n;

	while ((it = item_list_take(&u->busy)))
		keeper_submit(u->k, it);
	if (u->recycling || u->stopping || u->k->adding || u->k->owing)
		return;
	n = store_segments(u->k->store, row, 2);
	next = retention_next(&u->k->cursors, row, n < 2 ? n : 2);
	if (!next)
		return;
#ifdef MUTANT_RECYCLE_BEFORE_DELIVERED
	submit_recycle(u, next, true);
#else
	keeper_log_positions(u->k);
	submit_recycle(u, next, false);
#endif
}

void
upkeep_finish_recycles(struct upkeep *u, const struct uuid *segment, size_t n)
{
	size_t rows, i, j;
	struct store_segment *row = segments_list(u->k->store, &rows);

	for (i = 0; i < n; i++)
		for (j = 0; j < rows; j++)
			if (uuid_equal(&segment[i], &row[j].uuid))
				submit_recycle(u, &row[j], true);
	free(row);
}

uint64_t
upkeep_oldest_rec(const struct upkeep *u)
{
	struct store_segment s;
	uint64_t first = u->k->next_rec;

	if (store_segments(u->k->store, &s, 1))
		first = s.first_rec ? s.first_rec : 1;
	return first > u->gone_rec ? first : u->gone_rec;
}

/* ---- delta checkpoints ---- */

static bool
has_changed(const struct keeper *k)
{
	size_t i;

	for (i = 0; i < k->cursors.n; i++)
		if (cursors_has_unlogged(k->cursors.target[i]))
			return true;
	return intake_streams(k->intake)->changed_n > 0;
}

static void
on_delta_logged(struct item *it, void *arg)
{
	struct upkeep *u = arg;

	(void)it;
	u->logging = false;
	u->k->positions_queued--;
	stream_counts_logged(intake_streams(u->k->intake));
}

static void
put_checkpoint(struct buf *b, const struct keeper *k, enum entry_type type)
{
	struct entry e = {.type = type};

	e.u.checkpoint = (struct entry_checkpoint){
	    .applied_number = k->next_number, .next_rec = k->next_rec};
	entry_encode(b, &e);
}

void
upkeep_delta(struct upkeep *u)
{
	struct keeper *k = u->k;
	struct intake_now now = keeper_now(k);
	struct entry e = {.type = ENTRY_IDENTITY};
	struct buf b;
	size_t i;

	buf_init(&b, BATCH_STORED_MAX);
	put_checkpoint(&b, k, ENTRY_CHECKPOINT_BEGIN);
	e.u.identity = k->identity;
	e.u.identity.spool_time_us = now.spool_us;
	e.u.identity.wall_ns = now.wall_ns;
	entry_encode(&b, &e);
	counters_encode(&k->counters, &b);
	stream_counts_encode(intake_streams(k->intake), true, &b);
	for (i = 0; i < k->cursors.n; i++)
		if (cursors_has_unlogged(k->cursors.target[i]))
			cursors_take_delivered(k->cursors.target[i], &b);
	put_checkpoint(&b, k, ENTRY_CHECKPOINT_END);
	FAILPOINT("keeper-after-delivered-queued");
	u->logging = true;
	k->positions_queued++;
	keeper_entries(k, &b, on_delta_logged, u);
	buf_fini(&b);
	u->delta_us = now.spool_us;
	u->delta_bytes = 0;
}

static void
look_at_delta(struct upkeep *u)
{
	uint64_t now_us = keeper_now(u->k).spool_us;

	/* Below the reserve cursor moves go to meta alone (RULES.md 5). */
	if (u->k->full || u->stopping || u->logging)
		return;
	if (intake_streams(u->k->intake)->changed_n >= STREAM_COUNTS_MAX ||
	    retention_delta_is_due(
		u->delta_bytes, now_us - u->delta_us, has_changed(u->k)))
		upkeep_delta(u);
}

void
upkeep_on_durable(struct upkeep *u, uint64_t bytes)
{
	u->delta_bytes += bytes;
}

/* ---- the quota ---- */

static void
look_at_quota(struct upkeep *u)
{
	struct store_info info;
	unsigned mark;

	store_info(u->k->store, &info);
	mark = retention_mark(
	    info.used_bytes, info.quota_bytes, info.reserve_bytes);
	if (mark)
		keeper_alarm_stands(u->k, "",
		    "SPOOL_FILLING: the spool is filled to %u %% of its quota",
		    mark);
	else
		keeper_alarm_ends(u->k, "", "SPOOL_FILLING");
	intake_on_room(u->k->intake,
	    u->k->full ? 0
		       : retention_room(info.used_bytes, info.quota_bytes,
			     info.reserve_bytes, u->k->settings->memory));
	receivers_act(u->k->receivers);
}

/* What a disk that hangs would otherwise not tell anybody. */
static void
look_at_disk(struct upkeep *u)
{
	if (writer_busy_ms(u->k->writer) >= DISK_SLOW_MS)
		keeper_alarm_stands(u->k, "",
		    "DISK_SLOW: the disk has not confirmed a commit for more "
		    "than %u s: what comes in is not acknowledged; look at "
		    "the disk",
		    DISK_SLOW_MS / 1000);
	else
		keeper_alarm_ends(u->k, "", "DISK_SLOW");
}

static void
on_tick(void *arg)
{
	struct upkeep *u = arg;

	u->ticks++;
	look_at_disk(u);
	disk_take_events(u->k);
	look_at_quota(u);
	look_at_delta(u);
	look_for_recycling(u);
	prepare_spares(u);
	if (!u->stopping)
		meta_tick(u->k->meta);
	if (u->ticks % 4 == 0) {
		intake_on_tick(u->k->intake, keeper_now(u->k));
		receivers_act(u->k->receivers);
	}
}

struct upkeep *
upkeep_new(struct keeper *k)
{
	struct upkeep *u = mem_new(sizeof(*u));

	u->k = k;
	u->delta_us = keeper_now(k).spool_us;
	item_list_init(&u->busy);
	atomic_init(&u->want_spares, true);
	if (loop_timer_new(k->loop, on_tick, u, &u->timer))
		abort();
	loop_timer_start(u->timer, TICK_MS, TICK_MS);
	look_at_quota(u);
	return u;
}

void
upkeep_stop(struct upkeep *u)
{
	u->stopping = true;
}
