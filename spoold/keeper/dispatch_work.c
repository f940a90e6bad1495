/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading for one link, and handing out.
 *
 * The usual course: while the window has room and something is owed, a job of
 * the pool reads some batches ahead; each is sent once, with definitions of
 * its streams before it, and stays in `sent` until all its records are
 * settled.  What can go wrong: the forwarder is slow: nothing is read past
 * the read-ahead; damage: its records are settled as quarantined and the
 * forwarder is told of a hole; the position is moved back: the result of a
 * job that runs is thrown away.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "spoold/keeper/dispatch_state.h"
#include "spoold/keeper/mem.h"

/* Reading on is cheaper than opening anew, up to this many records. */
#define SEEK_RECORDS 100000

static void
drop_ahead(struct dispatch_link *l)
{
	struct reader_batch *b;

	while ((b = l->ahead)) {
		l->ahead = b->next;
		reader_batch_free(b);
	}
	l->ahead_last = &l->ahead;
	l->ahead_bytes = 0;
	l->ahead_n = 0;
}

static void
drop_sent(struct dispatch_link *l)
{
	struct dispatch_sent *s;

	while ((s = l->sent)) {
		l->sent = s->next;
		free(s);
	}
	l->sent_last = &l->sent;
	l->sent_bytes = 0;
	l->sent_n = 0;
}

void
dispatch_work_start(struct dispatch_link *l)
{
	l->sent_last = &l->sent;
	l->ahead_last = &l->ahead;
	l->reader = reader_new(l->all->k->store);
	l->defs = linkdefs_new(l->all->k->seed, LINKDEFS_MAX);
}

void
dispatch_work_drop(struct dispatch_link *l)
{
	drop_ahead(l);
	drop_sent(l);
	reader_free(l->reader);
	linkdefs_free(l->defs);
	l->reader = NULL;
	l->defs = NULL;
}

/* TARGET_STATE was said: the forwarder forgets what it has in hand. */
void
dispatch_work_restart(struct dispatch_link *l)
{
	drop_ahead(l);
	drop_sent(l);
	l->again = l->reading;
	l->end = false;
	l->pos = l->target ? cursors_first_pending(l->target, 1) : 1;
	dispatch_work_kick(l);
}

/* ---- handing out ---- */

static bool
is_sent(const struct dispatch_link *l, uint64_t from)
{
	const struct dispatch_sent *s;

	for (s = l->sent; s; s = s->next)
		if (s->from == from)
			return true;
	return false;
}

/* Forget what has been settled since. */
static void
trim_sent(struct dispatch_link *l)
{
	struct dispatch_sent **p = &l->sent, *s;

	while ((s = *p)) {
		if (cursors_pending_in(l->target, s->from, s->to)) {
			p = &s->next;
			continue;
		}
		*p = s->next;
		l->sent_bytes -= s->bytes;
		l->sent_n--;
		free(s);
	}
	l->sent_last = p;
}

/* Definitions that the forwarder lacks; false: it has no number free. */
static bool
send_defs(struct dispatch_link *l, struct reader_batch *b)
{
	uint64_t oldest = l->sent ? l->sent->seq : l->seq + 1;
	struct ipc_msg m = {.type = IPC_STREAM_DEF};
	uint32_t i;
	bool is_new;

	for (i = 0; i < b->ranges; i++) {
		struct sdef *d = b->range[i].def;
		uint32_t id =
		    linkdefs_id(l->defs, d, l->seq + 1, oldest, &is_new);

		if (!id)
			return false;
		b->range[i].range.stream = id;
		if (!is_new)
			continue;
		m.u.stream_def = (struct ipc_stream_def){
		    .id = id,
		    .origin = d->key.origin,
		    .epoch = d->key.epoch,
		    .name = d->key.name,
		    .listener = d->listener,
		    .peer = d->peer,
		    .identity = d->identity,
		    .path = d->path,
		};
		dispatch_say(l, &m);
	}
	return true;
}

static void
note_sent(struct dispatch_link *l, const struct reader_batch *b)
{
	struct dispatch_sent *s = mem_new(sizeof(*s));

	s->seq = ++l->seq;
	s->from = b->from;
	s->to = b->to;
	s->bytes = b->batch.payload.len;
	*l->sent_last = s;
	l->sent_last = &s->next;
	l->sent_bytes += s->bytes;
	l->sent_n++;
}

static void
send_batch(struct dispatch_link *l, struct reader_batch *b)
{
	const struct batch_header *h = &b->batch.header;
	struct buf ranges, head;
	struct bytes part[2];
	struct ipc_stored m = {
	    .first_rec = h->first_rec,
	    .records = h->records,
	    .raw_len = h->raw_len,
	    .codec = (uint8_t)h->codec,
	    .lane = (uint8_t)h->lane,
	    .received_first_ns = h->received_first_ns,
	    .received_last_ns = h->received_last_ns,
	    .event_min_ns = h->event_min_ns,
	    .event_max_ns = h->event_max_ns,
	    .payload = b->batch.payload,
	};
	uint32_t i;
	int rc;

	buf_init(&ranges, BATCH_RANGES_MAX * 2);
	buf_init(&head, BATCH_RANGES_MAX * 2 + 4096);
	batch_ranges_encode_begin(&ranges, NULL, b->ranges);
	for (i = 0; i < b->ranges; i++)
		batch_range_encode(&ranges, &b->range[i].range);
	memcpy(m.content_digest, h->content_digest, BATCH_DIGEST_SIZE);
	m.ranges = buf_bytes(&ranges);
	ipc_stored_encode_head(&head, &m);
	part[0] = buf_bytes(&head);
	part[1] = b->batch.payload;
	rc = chan_send(l->chan, IPC_STORED, part, 2, -1);
	buf_fini(&ranges);
	buf_fini(&head);
	FAILPOINT("keeper-after-stored");
	note_sent(l, b);
	if (rc && rc != ERR_CLOSED)
		dispatch_end(l, err_text(rc));
}

/* Damage, or numbers that no batch has: settled for every target. */
static void
set_aside(struct dispatch_link *l, const struct reader_batch *b)
{
	struct entry_quarantine q = {
	    .from = b->from,
	    .to = b->to,
	    .why = bytes_of_str("numbers that hold no records"),
	};

	if (b->is_damage) {
		q.number = b->damage.number;
		q.count = b->to - b->from;
		q.segment = b->damage.segment;
		q.why = bytes_of_str(b->damage.why);
	}
	if (cursors_pending_in(l->target, q.from, q.to))
		keeper_quarantine(l->all->k, &q);
}

/* Numbers that hold nothing that can be delivered. */
static void
send_hole(struct dispatch_link *l, const struct reader_batch *b)
{
	struct ipc_msg m = {.type = IPC_HOLE};

	set_aside(l, b);
	m.u.interval = (struct ipc_interval){
	    .from = b->from,
	    .to = b->to,
	    .reason = b->is_damage ? ENTRY_SKIP_QUARANTINED : ENTRY_SKIP_HOLE,
	    .count = b->to - b->from,
	};
	if (b->from < b->to)
		dispatch_say(l, &m);
}

/* False: the window is full. */
static bool
hand_out(struct dispatch_link *l, struct reader_batch *b)
{
	if (b->is_hole || b->is_damage) {
		send_hole(l, b);
		return true;
	}
	if (!cursors_pending_in(l->target, b->from, b->to) ||
	    is_sent(l, b->from))
		return true;
	if (l->sent_n >= l->window_batches ||
	    (l->sent_n &&
		l->sent_bytes + b->batch.payload.len > l->window_bytes))
		return false;
	if (!send_defs(l, b))
		return false;
	send_batch(l, b);
	return true;
}

static void
hand_out_all(struct dispatch_link *l)
{
	struct reader_batch *b;

	while (!l->ended && (b = l->ahead)) {
		if (!hand_out(l, b))
			return;
		l->ahead = b->next;
		if (!l->ahead)
			l->ahead_last = &l->ahead;
		l->ahead_bytes -= b->batch.payload.len;
		l->ahead_n--;
		reader_batch_free(b);
	}
}

/* ---- reading ahead ---- */

/* For a small window little is read: most likely nothing is sent for long. */
static uint32_t
ahead_batches(const struct dispatch_link *l)
{
	return l->window_batches < DISPATCH_AHEAD_BATCHES
	    ? l->window_batches
	    : DISPATCH_AHEAD_BATCHES;
}

static void
run_job(void *arg)
{
	struct dispatch_link *l = arg;

	l->job_result = reader_run(
	    l->reader, DISPATCH_AHEAD_BYTES, l->job_batches, &l->job_end);
}

static void
take_result(struct dispatch_link *l)
{
	struct reader_batch *b = l->job_result, *next;

	l->job_result = NULL;
	l->end = l->job_end && !l->again;
	for (; b; b = next) {
		next = b->next;
		b->next = NULL;
		if (l->again || l->ended) {
			reader_batch_free(b);
			continue;
		}
		if (b->to > l->pos)
			l->pos = b->to;
		l->ahead_bytes += b->batch.payload.len;
		l->ahead_n++;
		*l->ahead_last = b;
		l->ahead_last = &b->next;
	}
	l->again = false;
}

static void
on_job_done(int rc, void *arg)
{
	struct dispatch_link *l = arg;

	(void)rc;
	l->reading = false;
	take_result(l);
	if (l->ended)
		dispatch_end(l, NULL); /* it waited for the job */
	else
		dispatch_work_kick(l);
}

static bool
wants_more(const struct dispatch_link *l)
{
	uint64_t next_rec = l->all->k->next_rec;

	return !l->reading && !l->all->stopping &&
	    l->ahead_n < (ahead_batches(l) + 1) / 2 &&
	    l->ahead_bytes < DISPATCH_AHEAD_BYTES / 2 && l->pos < next_rec &&
	    !(l->end && l->end_rec == next_rec);
}

static void
read_on(struct dispatch_link *l)
{
	uint64_t owed = cursors_first_pending(l->target, l->pos);

	if (owed >= l->all->k->next_rec) {
		if (!l->ahead)
			l->pos = owed;
		return;
	}
	if (owed > l->pos && owed - l->pos > SEEK_RECORDS)
		l->pos = owed;
	reader_seek(l->reader, l->pos);
	l->end_rec = l->all->k->next_rec;
	l->job_batches = ahead_batches(l);
	l->reading = true;
	if (keeper_work(l->all->k, run_job, on_job_done, l)) {
		l->reading = false;
	}
}

void
dispatch_work_kick(struct dispatch_link *l)
{
	if (!l->answered || l->ended || !l->target || l->target->paused)
		return;
	trim_sent(l);
	hand_out_all(l);
	if (!l->ended && wants_more(l))
		read_on(l);
}
