/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: what is needed of the live state is copied, a thread of
 * the pool reads, the answer is made on the loop's thread.  A peek reads a few
 * batches at a time, and goes on when its caller has taken them.
 */
#include "spoold/keeper/verbs_jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/linkdefs.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/reader.h"
#include "spoold/keeper/targets.h"
#include "spoold/keeper/verify.h"

/* ---- verify ---- */

struct verify_job {
	struct control_call *call;
	struct keeper *k;
	uint64_t next_number;
	struct verify_result result;
	int rc;
};

static void
run_verify(void *arg)
{
	struct verify_job *j = arg;

	j->rc = verify_run(j->k->store, j->k->worker, j->next_number,
	    &j->k->stopping, &j->result);
}

json_t *
verbs_jobs_damage(const struct store_damage *d)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:s}", "segment",
	    (json_int_t)d->segment_id, "batch", (json_int_t)d->number, "rec",
	    (json_int_t)d->from, "records", (json_int_t)(d->to - d->from),
	    "text", d->why);
}

static json_t *
bad_json(const struct verify_result *r)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < r->bad && i < VERIFY_BAD_MAX; i++)
		json_array_append_new(a, verbs_jobs_damage(&r->first_bad[i]));
	return a;
}

static json_t *
verified_json(const struct verify_result *r)
{
	json_t *ok = r->bad ? json_false()
	    : r->unchecked  ? json_null()
			    : json_true();
	json_t *o = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "ok", ok,
	    "batches", (json_int_t)r->batches, "records",
	    (json_int_t)r->records, "bytes", (json_int_t)r->bytes, "inspected",
	    (json_int_t)r->inspected, "unchecked", (json_int_t)r->unchecked,
	    "bad", bad_json(r));

	return o;
}

static void
on_verify_done(int rc, void *arg)
{
	struct verify_job *j = arg;

	j->k->verifying = false;
	if (!rc)
		rc = j->rc;
	if (rc)
		verbs_fail_read(j->call, rc);
	else
		control_answer(j->call, verified_json(&j->result));
	free(j);
}

void
verbs_jobs_verify(struct control_call *call, json_t *args)
{
	struct keeper *k = control_keeper(call);
	struct verify_job *j;

	(void)args;
	if (k->verifying) {
		control_refuse(call, REFUSAL_VERIFY_RUNNING, NULL, NULL);
		return;
	}
	k->verifying = true;
	j = mem_new(sizeof(*j));
	j->call = call;
	j->k = k;
	j->next_number = k->next_number;
	if (keeper_work(k, run_verify, on_verify_done, j))
		on_verify_done(ERR_SYS, j);
}

/* ---- peek ---- */

#define PEEK_BYTES ((uint64_t)8 << 20)
#define PEEK_BATCHES 32
#define PEEK_LIMIT_DEFAULT 10
#define PEEK_WAIT_MS 20
#define PEEK_QUEUE ((size_t)8 << 20)

struct peek {
	struct control_call *call;
	struct keeper *k;
	struct reader *reader;
	struct linkdefs *defs;
	struct loop_timer *timer; /* while the caller takes what it has */
	char target[ENTRY_NAME_MAX + 1]; /* only what it is owed; "" all */
	uint64_t left, shown, next_rec, seq;
	struct reader_batch *batches;
	bool end;
};

static void
end_peek(struct peek *p)
{
	control_answer(p->call,
	    json_pack("{s:I, s:I, s:b}", "records", (json_int_t)p->shown,
		"next_rec", (json_int_t)p->next_rec, "more",
		p->next_rec < p->k->next_rec ? 1 : 0));
	loop_timer_free(p->timer);
	reader_free(p->reader);
	linkdefs_free(p->defs);
	free(p);
}

static void
send_def(struct peek *p, const struct sdef *d, uint32_t id)
{
	char origin[UUID_TEXT_SIZE], epoch[2 * UUID_SIZE + 1];
	json_t *o = json_object();

	json_object_set_new(o, "id", json_integer((json_int_t)id));
	json_object_set_new(
	    o, "origin", json_string(uuid_format(&d->key.origin, origin)));
	json_object_set_new(o, "stream",
	    json_stringn((const char *)d->key.name.ptr, d->key.name.len));
	json_object_set_new(o, "epoch",
	    json_string(uuid_hex_format(&d->key.epoch, UUID_SIZE, epoch)));
	json_object_set_new(o, "listener",
	    json_stringn((const char *)d->listener.ptr, d->listener.len));
	json_object_set_new(
	    o, "peer", json_stringn((const char *)d->peer.ptr, d->peer.len));
	control_send_stream(p->call, o);
}

static void
encode_ranges(struct peek *p, struct reader_batch *b, struct buf *out)
{
	uint32_t i, id;
	bool is_new;

	p->seq++;
	batch_ranges_encode_begin(out, NULL, b->ranges);
	for (i = 0; i < b->ranges; i++) {
		/* One batch at a time is in use: there is always a number. */
		id = linkdefs_id(
		    p->defs, b->range[i].def, p->seq, p->seq, &is_new);
		if (is_new)
			send_def(p, b->range[i].def, id);
		b->range[i].range.stream = id;
		batch_range_encode(out, &b->range[i].range);
	}
}

static void
send_part(struct peek *p, struct reader_batch *b, uint32_t skip, uint32_t take)
{
	const struct batch_header *h = &b->batch.header;
	struct ctl_batch out = {.payload = b->batch.payload};
	struct buf ranges;
	char head[256];

	snprintf(head, sizeof(head),
	    "{\"first_rec\":%llu,\"records\":%u,\"codec\":\"%s\","
	    "\"raw_len\":%u,\"received_first_ns\":%lld,\"skip\":%u,\"take\":%"
	    "u}",
	    (unsigned long long)h->first_rec, (unsigned)h->records,
	    h->codec == BATCH_CODEC_RAW ? "raw" : "zstd", (unsigned)h->raw_len,
	    (long long)h->received_first_ns, (unsigned)skip, (unsigned)take);
	buf_init(&ranges, BATCH_RANGES_MAX * 2);
	encode_ranges(p, b, &ranges);
	out.head = bytes_of_str(head);
	out.ranges = buf_bytes(&ranges);
	control_send_batch(p->call, &out);
	buf_fini(&ranges);
	p->left -= take;
	p->shown += take;
	p->next_rec = h->first_rec + skip + take;
}

/* Of a batch, what is asked for: from a record on, and of a target. */
static void
show(struct peek *p, struct reader_batch *b)
{
	struct cursors_target *t =
	    cursors_find(&p->k->cursors, bytes_of_str(p->target));
	uint64_t from = b->from < p->next_rec ? p->next_rec : b->from;
	uint64_t to = b->to;

	if (t && from < to) {
		from = cursors_first_pending(t, from);
		if (!ivset_first_in(&t->settled, from, &to) || to > b->to)
			to = b->to;
	}
	if (from >= to) {
		p->next_rec = b->to;
		return;
	}
	if (to - from > p->left)
		to = from + p->left;
	send_part(p, b, (uint32_t)(from - b->from), (uint32_t)(to - from));
}

static void
run_peek(void *arg)
{
	struct peek *p = arg;

	p->batches = reader_run(p->reader, PEEK_BYTES, PEEK_BATCHES, &p->end);
}

static void peek_on(void *arg);

static void
on_peek_done(int rc, void *arg)
{
	struct peek *p = arg;
	struct reader_batch *b;

	while ((b = p->batches)) {
		p->batches = b->next;
		if (!b->is_hole && !b->is_damage && p->left &&
		    b->to > p->next_rec)
			show(p, b);
		reader_batch_free(b);
	}
	if (rc || p->end || !p->left || control_is_gone(p->call))
		end_peek(p);
	else
		peek_on(p);
}

/* The next few batches, once the caller has taken most of what it has. */
static void
peek_on(void *arg)
{
	struct peek *p = arg;

	if (control_is_gone(p->call)) {
		end_peek(p);
		return;
	}
	if (control_queued(p->call) > PEEK_QUEUE) {
		loop_timer_start(p->timer, PEEK_WAIT_MS, 0);
		return;
	}
	if (keeper_work(p->k, run_peek, on_peek_done, p))
		end_peek(p);
}

void
verbs_jobs_peek(struct control_call *call, json_t *args)
{
	json_t *limit = json_object_get(args, "limit");
	json_t *from = json_object_get(args, "from_rec");
	const char *target = verbs_text(args, "target");
	const struct targets_actor by = {control_actor(call), ""};
	struct keeper *k = control_keeper(call);
	struct cursors_target *t =
	    target ? cursors_find(&k->cursors, bytes_of_str(target)) : NULL;
	struct peek *p;

	if (target && !t) {
		control_refuse(call, REFUSAL_TARGET_UNKNOWN, target, NULL);
		return;
	}
	p = mem_new(sizeof(*p));
	p->call = call;
	p->k = k;
	p->left = json_integer_value(limit) > 0
	    ? (uint64_t)json_integer_value(limit)
	    : PEEK_LIMIT_DEFAULT;
	p->next_rec = json_integer_value(from) > 0
	    ? (uint64_t)json_integer_value(from)
	    : 1;
	if (t) {
		snprintf(p->target, sizeof(p->target), "%s", target);
		p->next_rec = cursors_first_pending(t, p->next_rec);
	}
	p->reader = reader_new(k->store);
	p->defs = linkdefs_new(k->seed, LINKDEFS_MAX);
	reader_seek(p->reader, p->next_rec);
	if (loop_timer_new(k->loop, peek_on, p, &p->timer)) {
		end_peek(p);
		return;
	}
	/* Who sees records is in the log before they see them. */
	targets_audit(k, "queue peek", p->target, &by, peek_on, p);
}
