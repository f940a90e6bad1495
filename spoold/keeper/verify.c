/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: batches are read into a small ring; those of records are
 * sent to the worker, and answered in order, while the next are read.  What
 * can go wrong: the worker dies or does not answer.  Then all that is
 * unanswered is asked again of the next one; what two died of is to blame.
 */
#include "spoold/keeper/verify.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "spoold/keeper/worker.h"

#define WINDOW 4 /* batches unanswered */
#define TRIES_MAX 2
#define COPY_MAX ((size_t)BATCH_STORED_MAX + (2 << 20))

/* A batch of records that has not been answered yet. */
struct place {
	struct buf copy;
	struct store_batch batch; /* borrowed from it */
	unsigned tries; /* workers that are gone since it was the first */
};

struct verify {
	struct store_cursor *cursor;
	struct worker *worker;
	const _Atomic bool *stop;
	struct verify_result *result;
	uint64_t next_number;
	bool one; /* the first batch of records, and no more */
	struct place ring[WINDOW];
	unsigned first, count; /* of the ring in use */
	unsigned asked; /* so many of them */
	int fd; /* -1: no worker */
	bool alone; /* there is none, and will be none */
	bool end;
	struct buf answer;
};

static struct place *
place(struct verify *v, unsigned i)
{
	return &v->ring[(v->first + i) % WINDOW];
}

static void
note_bad(struct verify_result *r, const struct store_damage *d)
{
	if (r->bad < VERIFY_BAD_MAX)
		r->first_bad[r->bad] = *d;
	r->bad++;
}

static void
note_broken(struct verify *v, const struct store_batch *b, struct bytes why)
{
	struct store_damage d = {
	    .number = b->header.number,
	    .from = b->header.first_rec,
	    .to = b->header.first_rec + b->header.records,
	    .segment_id = b->segment_id,
	    .segment = b->header.segment,
	};

	snprintf(
	    d.why, sizeof(d.why), "%.*s", (int)why.len, (const char *)why.ptr);
	note_bad(v->result, &d);
}

/* ---- reading ---- */

static void
count(struct verify *v, const struct store_batch *b)
{
	v->result->batches++;
	v->result->records += b->header.records;
	v->result->bytes += b->payload.len;
	if (!b->header.records)
		return; /* control entries: the keeper's own */
	if (v->alone)
		v->result->unchecked++;
	else
		v->count++;
}

/* Fill the ring; v->end when there is nothing more. */
static int
read_on(struct verify *v)
{
	struct store_damage damage;
	struct place *p;
	int rc = 0;

	while (!v->end && v->count < WINDOW && !*v->stop) {
		p = place(v, v->count);
		p->tries = 0;
		rc = store_cursor_next(
		    v->cursor, false, &p->copy, &p->batch, &damage);
		if (rc == ERR_CORRUPT)
			note_bad(v->result, &damage);
		else if (rc || p->batch.header.number >= v->next_number)
			v->end = true;
		else
			count(v, &p->batch);
		v->end |= v->one && (v->result->bad || v->result->records);
	}
	return rc == ERR_CORRUPT || rc == ERR_NOENT ? 0 : rc;
}

/* ---- asking ---- */

static void
drop_first(struct verify *v)
{
	v->first = (v->first + 1) % WINDOW;
	v->count--;
	if (v->asked)
		v->asked--;
}

static void
hang_up(struct verify *v)
{
	close(v->fd);
	v->fd = -1;
	v->asked = 0;
	if (++place(v, 0)->tries < TRIES_MAX)
		return;
	note_broken(v, &place(v, 0)->batch,
	    bytes_of_str("the worker does not survive it"));
	v->result->inspected++;
	drop_first(v);
}

static void
go_on_alone(struct verify *v)
{
	v->alone = true;
	v->result->unchecked += v->count;
	v->count = v->asked = 0;
}

static int
ask(struct verify *v, const struct store_batch *b)
{
	struct ipc_inspect q = {
	    .id = b->header.number,
	    .codec = (uint8_t)b->header.codec,
	    .records = b->header.records,
	    .raw_len = b->header.raw_len,
	    .stored_len = (uint32_t)b->payload.len,
	    .ranges = b->ranges,
	    .payload = b->payload,
	};

	memcpy(q.content_digest, b->header.content_digest,
	    sizeof(q.content_digest));
	return worker_ask(v->fd, &q);
}

static void
note_answer(struct verify *v, const struct ipc_inspected *a)
{
	if (a->code == IPC_INSPECT_CANNOT_TELL)
		v->result->unchecked++;
	else
		v->result->inspected++;
	if (a->code == IPC_INSPECT_BROKEN)
		note_broken(v, &place(v, 0)->batch, a->text);
	drop_first(v);
}

static int
ask_all(struct verify *v)
{
	int rc = 0;

	while (!rc && v->asked < v->count) {
		rc = ask(v, &place(v, v->asked)->batch);
		v->asked += !rc;
	}
	/* It may have answered before it died: that is read first. */
	return v->asked ? 0 : rc;
}

/* Ask what was not asked yet, and take one answer. */
static int
have_one_judged(struct verify *v)
{
	struct ipc_inspected a;
	int rc = 0;

	if (v->fd < 0)
		rc = worker_take(v->worker, WORKER_AWAY_MS, v->stop, &v->fd);
	if (rc == ERR_TIMEOUT) {
		go_on_alone(v);
		return 0;
	}
	if (!rc)
		rc = ask_all(v);
	if (!rc)
		rc = worker_answer(v->fd, place(v, 0)->batch.header.number,
		    WORKER_ANSWER_MS, v->stop, &v->answer, &a);
	if (rc == ERR_AGAIN)
		return rc;
	if (rc)
		hang_up(v);
	else
		note_answer(v, &a);
	return 0;
}

/* ---- the whole ---- */

static int
run(struct verify *v)
{
	int rc = 0;

	while (!rc && !*v->stop) {
		rc = read_on(v);
		if (!rc && !v->count && v->end)
			return 0;
		if (!rc && v->count)
			rc = have_one_judged(v);
	}
	return rc ? rc : ERR_AGAIN;
}

/* Unanswered questions make the socket useless to the next job. */
static void
let_go(struct verify *v)
{
	if (v->fd >= 0 && !v->asked)
		worker_give_back(v->worker, v->fd);
	else if (v->fd >= 0)
		close(v->fd);
}

/* From where v's cursor stands. */
static int
run_from(struct verify *v)
{
	unsigned i;
	int rc;

	v->fd = -1;
	buf_init(&v->answer, 4096);
	for (i = 0; i < WINDOW; i++)
		buf_init(&v->ring[i].copy, COPY_MAX);
	rc = run(v);
	let_go(v);
	for (i = 0; i < WINDOW; i++)
		buf_fini(&v->ring[i].copy);
	buf_fini(&v->answer);
	store_cursor_close(v->cursor);
	return rc;
}

int
verify_run(struct store *store, struct worker *worker, uint64_t next_number,
    const _Atomic bool *stop, struct verify_result *result)
{
	struct verify v = {
	    .worker = worker,
	    .stop = stop,
	    .result = result,
	    .next_number = next_number,
	};
	struct store_segment oldest;
	int rc;

	*result = (struct verify_result){0};
	if (!store_segments(store, &oldest, 1))
		return 0;
	rc = store_cursor_open_number(store, oldest.first_number, &v.cursor);
	return rc ? rc : run_from(&v);
}

int
verify_batch(struct store *store, struct worker *worker, uint64_t rec,
    const _Atomic bool *stop, struct verify_result *result)
{
	struct verify v = {
	    .worker = worker,
	    .stop = stop,
	    .result = result,
	    .next_number = UINT64_MAX,
	    .one = true,
	};
	int rc;

	*result = (struct verify_result){0};
	rc = store_cursor_open(store, rec, &v.cursor);
	return rc ? rc : run_from(&v);
}
