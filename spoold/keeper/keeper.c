/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the store is opened, the log replayed into the ledger, the
 * live state copied from it, meta's newer positions adopted; then the writer
 * starts and everything is driven by messages.  What can go wrong at the
 * start: numbers were left out (a hole, settled for every target at once);
 * damage (told by the store, settled as quarantined); segments that were to be
 * given back (finished).  The parts live as long as the process, which ends
 * with _exit(): they are not freed.
 */
#include "spoold/keeper/keeper.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "lib/digest/digest.h"
#include "spoold/keeper/backlog.h"
#include "spoold/keeper/control.h"
#include "spoold/keeper/disk.h"
#include "spoold/keeper/dispatch.h"
#include "spoold/keeper/expiry.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/meta.h"
#include "spoold/keeper/receivers.h"
#include "spoold/keeper/status.h"
#include "spoold/keeper/targets.h"
#include "spoold/keeper/upkeep.h"
#include "spoold/keeper/worker.h"

struct intake_now
keeper_now(const struct keeper *k)
{
	struct now now = clock_now();

	return (struct intake_now){
	    .spool_us = clock_rules_us(&k->clock, now), .wall_ns = now.wall_ns};
}

int64_t
keeper_floor_ns(const struct keeper *k)
{
	return clock_rules_floor_ns(
	    &k->clock, k->identity.created_ns, clock_now());
}

void
keeper_submit(struct keeper *k, struct item *it)
{
	writer_submit(k->writer, it);
}

void
keeper_entry(struct keeper *k, const struct entry *e,
    void (*on_durable)(struct item *it, void *arg), void *arg)
{
	struct item *it = item_new(ITEM_ENTRIES);

	entry_encode(&it->entries, e);
	it->on_durable = on_durable;
	it->arg = arg;
	keeper_submit(k, it);
}

void
keeper_entries(struct keeper *k, struct buf *entries,
    void (*on_durable)(struct item *it, void *arg), void *arg)
{
	struct item *it = item_new(ITEM_ENTRIES);

	buf_add_bytes(&it->entries, buf_bytes(entries));
	buf_clear(entries);
	it->on_durable = on_durable;
	it->arg = arg;
	keeper_submit(k, it);
}

/* "CODE: text" is cut in two; the text is returned. */
static const char *
cut_off_code(char *line)
{
	char *colon = strstr(line, ": ");

	if (!colon)
		return line;
	*colon = '\0';
	return colon + 2;
}

void
keeper_alarm(struct keeper *k, const char *fmt, ...)
{
	char line[ALARMS_LINE];
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	text = cut_off_code(line);
	if (alarms_happened(&k->alarms, line, text, clock_now().wall_ns))
		log_warn("%s: %s", line, text);
}

void
keeper_alarm_stands(struct keeper *k, const char *about, const char *fmt, ...)
{
	char line[ALARMS_LINE];
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	text = cut_off_code(line);
	if (alarms_stands(&k->alarms, line, about, text, clock_now().wall_ns))
		log_warn("%s: %s", line, text);
}

void
keeper_alarm_ends(struct keeper *k, const char *about, const char *code)
{
	if (alarms_ended(&k->alarms, code, about, clock_now().wall_ns))
		log_info("%s%s%s is over", code, *about ? " of " : "", about);
}

void
keeper_note_certificate(
    struct keeper *k, const char *what, const char *name, uint64_t ends_s)
{
	enum expiry e = expiry_of(ends_s, clock_now().wall_ns);
	char about[ALARMS_ABOUT], text[CLOCK_TEXT_SIZE];

	snprintf(about, sizeof(about), "%s %s", what, name);
	if (e == EXPIRY_FAR)
		keeper_alarm_ends(k, about, "CERTIFICATE_EXPIRES");
	else
		keeper_alarm_stands(k, about,
		    "CERTIFICATE_EXPIRES: the own certificate of %s %s (%s); "
		    "renew it and reload",
		    about, expiry_text(e),
		    clock_format((int64_t)ends_s * 1000000000, text));
}

static void
on_positions_logged(struct item *it, void *arg)
{
	struct keeper *k = arg;

	(void)it;
	k->positions_queued--;
}

void
keeper_log_positions(struct keeper *k)
{
	struct buf b;
	size_t i;

	buf_init(&b, BATCH_STORED_MAX);
	for (i = 0; i < k->cursors.n; i++)
		if (cursors_has_unlogged(k->cursors.target[i]))
			cursors_take_delivered(k->cursors.target[i], &b);
	FAILPOINT("keeper-after-delivered-queued");
	if (b.len) {
		k->positions_queued++;
		keeper_entries(k, &b, on_positions_logged, k);
	}
	buf_fini(&b);
}

static void
quarantine(struct keeper *k, const struct entry_quarantine *q)
{
	struct entry e = {.type = ENTRY_QUARANTINE};

	/* In the log as here: what was delivered before counts as delivered. */
	keeper_log_positions(k);
	e.u.quarantine = *q;
	cursors_apply(&k->cursors, &e);
	keeper_entry(k, &e, NULL, NULL);
}

void
keeper_quarantine(struct keeper *k, const struct entry_quarantine *lost)
{
	struct entry_quarantine q = *lost;

	/* The hole is settled, and for all we know nothing was lost there. */
	if (q.from < k->hole_to && q.to > k->hole_from && q.count) {
		q.to = q.from > k->hole_from ? q.from : k->hole_from;
		q.count = q.to - q.from;
	}
	if (q.from < q.to)
		quarantine(k, &q);
	if (q.count)
		keeper_alarm(k,
		    "QUARANTINE: records %llu to %llu cannot be read: %.*s",
		    (unsigned long long)q.from, (unsigned long long)(q.to - 1),
		    (int)q.why.len, (const char *)q.why.ptr);
}

/* ---- jobs ---- */

struct job {
	struct keeper *k;
	void (*run)(void *arg);
	void (*on_done)(int rc, void *arg);
	void *arg;
};

static void
run_job(void *arg)
{
	struct job *j = arg;

	j->run(j->arg);
}

static void
on_job_done(int rc, void *arg)
{
	struct job *j = arg;

	j->k->jobs--;
	j->on_done(rc, j->arg);
	free(j);
}

int
keeper_work(struct keeper *k, void (*run)(void *arg),
    void (*on_done)(int rc, void *arg), void *arg)
{
	struct job *j = mem_new(sizeof(*j));
	int rc;

	*j = (struct job){.k = k, .run = run, .on_done = on_done, .arg = arg};
	rc = loop_work_start(k->loop, run_job, on_job_done, j, NULL);
	if (rc)
		free(j);
	else
		k->jobs++;
	return rc;
}

/* ---- what the start has found ---- */

static void
record_clock(struct keeper *k, const struct entry_clock *clock)
{
	struct entry e = {.type = ENTRY_CLOCK};

	e.u.clock = *clock;
	keeper_entry(k, &e, NULL, NULL);
	keeper_alarm(k,
	    "CLOCK_JUMPED: the wall clock went back or ahead by %lld s over a "
	    "start; look at its time source",
	    (long long)(clock->jump_ns / 1000000000));
}

/* Records that were delivered, or saved as durable, and are in no segment. */
static void
record_lost(struct keeper *k, uint64_t from, uint64_t to)
{
	struct entry_quarantine q = {.from = from,
	    .to = to,
	    .count = to - from,
	    .why = bytes_of_str("the log ends before them")};

	if (q.from < q.to)
		keeper_quarantine(k, &q);
}

/* Numbers that were never given out, so that no set is split by them. */
static void
record_hole(struct keeper *k, uint64_t from)
{
	struct entry_quarantine q = {.from = from,
	    .to = k->next_rec,
	    .why = bytes_of_str("numbers left out at a start")};

	if (q.from >= q.to)
		return;
	quarantine(k, &q);
	k->hole_from = q.from;
	k->hole_to = q.to;
	keeper_alarm(k,
	    "QUARANTINE: the end of the log, behind record %llu, is damaged: "
	    "if there were more, their agents send them again or say which; "
	    "numbers go on at %llu",
	    (unsigned long long)(from - 1), (unsigned long long)k->next_rec);
}

/* Records in [*from, *to) are known of, and not in the log. */
static void
raise_numbers(struct keeper *k, uint64_t *from, uint64_t *to)
{
	struct store_info info;
	uint64_t end = k->saved_rec;
	size_t i;

	for (i = 0; i < k->cursors.n; i++)
		if (ivset_end(&k->cursors.target[i]->settled) > end)
			end = ivset_end(&k->cursors.target[i]->settled);
	store_info(k->store, &info);
	*from = info.known_rec;
	store_raise_numbers(k->store, end, k->saved_number);
	store_info(k->store, &info);
	*to = info.known_rec;
	k->next_rec = info.next_rec;
	k->next_number = info.next_number;
	k->data_bytes = info.data_bytes;
	k->ledger.next_number = info.next_number;
	k->ledger.next_rec = info.next_rec;
}

/* ---- the writer's answers ---- */

static void
on_done(struct writer_done *done, void *arg)
{
	struct keeper *k = arg;
	struct intake_now now = keeper_now(k);
	struct item *it;
	uint64_t bytes = 0, records = 0;

	FAILPOINT("keeper-before-committed");
	keeper_alarm_ends(k, "", "COMMIT_FAILED");
	if (done->next_number > k->next_number) {
		k->next_number = done->next_number;
		k->next_rec = done->next_rec;
	}
	while ((it = done->items)) {
		done->items = it->next;
		bytes += it->data.payload.len;
		records += it->data.records;
		k->data_bytes += it->data.payload.len;
		if (it->kind == ITEM_BATCH)
			history_add(&k->history, now.spool_us,
			    it->data.payload.len, it->data.raw_len);
		if (it->of_intake)
			intake_on_durable(k->intake, it, now);
		if (it->on_durable)
			it->on_durable(it, it->arg);
		item_free(it);
	}
	receivers_send_committed(k->receivers, done->committed);
	FAILPOINT("keeper-after-committed");
	upkeep_on_durable(k->upkeep, bytes);
	if (records)
		dispatch_on_durable(k->dispatch);
}

static void
on_full(bool full, void *arg)
{
	struct keeper *k = arg;

	k->full = full;
	if (full)
		keeper_alarm_stands(k, "",
		    "SPOOL_FULL: the spool is full, by its quota or on its "
		    "file system: ingest stops until something is delivered");
	else
		keeper_alarm_ends(k, "", "SPOOL_FULL");
}

static void
on_failed(int rc, void *arg)
{
	keeper_alarm_stands(arg, "",
	    "COMMIT_FAILED: a commit failed (%s): nothing is acknowledged "
	    "until its batches are in a fresh segment; look at the disk",
	    err_text(rc));
}

static const struct writer_events writer_events = {
    .on_done = on_done,
    .on_full = on_full,
    .on_failed = on_failed,
};

/* ---- life ---- */

static int
start_parts(struct keeper *k)
{
	int rc = writer_start(k->loop, k->store, &k->ledger, &k->clock,
	    &writer_events, k, &k->writer);

	if (rc)
		return rc;
	k->status = status_new(k);
	k->receivers = receivers_new(k);
	k->dispatch = dispatch_new(k);
	k->meta = meta_new(k);
	k->backlog = backlog_new(k);
	k->worker = worker_new();
	k->upkeep = upkeep_new(k);
	return control_new(k, k->control_fd, &k->control);
}

int
keeper_run(struct keeper *k)
{
	struct entry_clock clock = {0};
	uint64_t from, to;
	bool jumped;
	int rc;

	rc = digest_random(&k->seed, sizeof(k->seed));
	if (rc)
		return rc;
	k->intake = intake_new(k->seed, STREAMS_MEMORY_MAX, &k->counters);
	rc = keeper_replay(k);
	if (rc)
		return rc;
	meta_load(k);
	jumped =
	    clock_rules_start(&k->clock, &k->identity, clock_now(), &clock);
	history_begin(&k->history, keeper_now(k).spool_us);
	meta_load_history(k);
	raise_numbers(k, &from, &to);
	rc = start_parts(k);
	if (rc)
		return rc;
	record_lost(k, from, to);
	record_hole(k, to);
	if (jumped)
		record_clock(k, &clock);
	disk_take_events(k);
	upkeep_finish_recycles(
	    k->upkeep, k->ledger.recycle, k->ledger.recycles);
	targets_apply(k);
	k->running = true;
	return 0;
}

void
keeper_close(struct keeper *k)
{
	if (!k->running)
		return;
	k->running = false;
	keeper_log_positions(k);
	writer_stop(k->writer);
	receivers_flush(k->receivers, 500);
	if (k->jobs)
		return; /* they still use the store: the next start mends it */
	meta_save_now(k->meta);
	store_close(k->store);
	k->store = NULL;
}
