/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches go to the parent as they are stored; ranges are written anew, since
 * stream references are of one connection.  A batch that the parent has in
 * part is built anew from the records it lacks.
 */
#include <stdlib.h>
#include <string.h>

#include "forwarder/targets/chain_internal.h"
#include "lib/base/err.h"
#include "lib/digest/digest.h"

#define FRAME_SLACK 4096u

/* ---- what is on its way
 * ------------------------------------------------------------------- */

static void
forget_refs(struct target *t)
{
	for (uint32_t i = 0; i < CHAIN_REFS; i++)
		while (t->refs[i]) {
			struct chain_ref *r = t->refs[i];

			t->refs[i] = r->next;
			free(r);
		}
	t->next_ref = 1;
}

void
chain_forget_flight(struct target *t)
{
	while (t->first) {
		struct chain_flight *f = t->first;

		t->first = f->next;
		free(f);
	}
	t->last = NULL;
	t->flight_bytes = t->flight_batches = 0;
	forget_refs(t);
}

static int
note_flight(struct target *t, uint64_t from, uint64_t to, uint32_t bytes)
{
	struct chain_flight *f = calloc(1, sizeof(*f));

	if (!f)
		return ERR_NOMEM;
	*f = (struct chain_flight){.from = from, .to = to, .bytes = bytes};
	if (t->last)
		t->last->next = f;
	else
		t->first = f;
	t->last = f;
	t->flight_bytes += bytes;
	t->flight_batches++;
	return 0;
}

/*
 * Delivered, and remembered: when the parent comes back without it, custody
 * was lost.  A set that is full remembers less, and then asks for less.
 */
void
chain_settle(struct target *t, uint64_t from, uint64_t to)
{
	ivset_add(&t->settled, from, to, NULL);
	target_host_settle(t->host, ENTRY_TERM_DELIVERED, from, to, NULL);
}

void
chain_on_ack(struct target *t, const struct agentlink_chain_ack *ack)
{
	struct chain_flight **p = &t->first;

	if (ack->from >= ack->to || ack->to > t->next_rec + (1ull << 40)) {
		target_host_fail(t->host, TARGET_RETRY, "PROTOCOL",
		    "the parent acknowledges what was never sent", 0);
		return;
	}
	t->last = NULL;
	while (*p) {
		struct chain_flight *f = *p;

		if (f->from >= ack->from && f->to <= ack->to) {
			t->flight_bytes -= f->bytes;
			t->flight_batches--;
			*p = f->next;
			free(f);
			continue;
		}
		t->last = f;
		p = &f->next;
	}
	chain_settle(t, ack->from, ack->to);
}

/* ---- streams
 * --------------------------------------------------------------------------------
 */

static int
say_def(struct target *t, const struct target_stream *s, uint32_t *ref)
{
	struct agentlink_msg m = {.type = AGENTLINK_CHAIN_DEF};
	struct agentlink_chain_def *d = &m.u.chain_def;
	struct chain_ref *r = calloc(1, sizeof(*r));

	if (!r)
		return ERR_NOMEM;
	r->id = s->id;
	r->ref = t->next_ref++;
	r->next = t->refs[s->id % CHAIN_REFS];
	t->refs[s->id % CHAIN_REFS] = r;
	d->ref = r->ref;
	d->origin = s->origin;
	d->epoch = s->epoch;
	d->name = s->name;
	d->listener = s->listener;
	d->peer = s->peer;
	d->identity = s->identity;
	d->path = s->path;
	chain_say(t, &m);
	*ref = r->ref;
	return 0;
}

static int
ref_of(struct target *t, uint32_t id, uint32_t *ref)
{
	const struct target_stream *s;

	for (struct chain_ref *r = t->refs[id % CHAIN_REFS]; r; r = r->next)
		if (r->id == id) {
			*ref = r->ref;
			return 0;
		}
	s = target_host_stream(t->host, id);
	return s ? say_def(t, s, ref) : ERR_NOENT;
}

/* ---- one batch
 * -------------------------------------------------------------------------------
 */

static int
put_range(struct target *t, struct batch_range r)
{
	int rc = ref_of(t, r.stream, &r.stream);

	if (rc)
		return rc;
	r.flags |= BATCH_RANGE_CHAINED;
	batch_range_encode(&t->ranges, &r);
	return 0;
}

static int
encode_ranges(struct target *t, struct bytes encoded)
{
	struct batch_ranges in;
	struct batch_range r;
	int rc = batch_ranges_begin(&in, encoded);

	if (rc)
		return rc;
	buf_clear(&t->ranges);
	batch_ranges_encode_begin(&t->ranges, NULL, in.ranges);
	while ((rc = batch_ranges_next(&in, &r)) == 1) {
		rc = put_range(t, r);
		if (rc)
			return rc;
	}
	return rc ? rc : t->ranges.err;
}

static int
write_data(struct target *t, const struct agentlink_chain_data *d)
{
	uint8_t header[AGENTLINK_FRAME_HEADER];
	struct bytes parts[3];
	int rc;

	buf_clear(&t->out);
	agentlink_chain_data_encode_head(&t->out, d);
	if (t->out.err)
		return t->out.err;
	parts[1] = buf_bytes(&t->out);
	parts[2] = d->payload;
	agentlink_frame_header(
	    header, AGENTLINK_CHAIN_DATA, 0, 0, &parts[1], 2);
	parts[0] = bytes_of(header, sizeof(header));
	rc = link_write(t->link, parts, 3);
	if (!rc)
		rc = note_flight(t, d->first_rec, d->first_rec + d->count,
		    (uint32_t)d->payload.len);
	t->said_ms = loop_now_ms(target_host_loop(t->host));
	return rc;
}

static void
fill(struct agentlink_chain_data *d, const struct target_batch *b)
{
	*d = (struct agentlink_chain_data){
	    .first_rec = b->first_rec,
	    .count = b->records,
	    .codec = b->codec,
	    .lane = b->lane,
	    .raw_len = b->raw_len,
	    .received_first_ns = b->received_first_ns,
	    .received_last_ns = b->received_last_ns,
	    .event_min_ns = b->event_min_ns,
	    .event_max_ns = b->event_max_ns,
	    .payload = b->payload,
	};
	memcpy(d->content_digest, b->content_digest, BATCH_DIGEST_SIZE);
}

static int
send_whole(struct target *t, const struct target_batch *b)
{
	struct agentlink_chain_data d;
	int rc = encode_ranges(t, b->ranges);

	if (rc)
		return rc;
	fill(&d, b);
	d.ranges = buf_bytes(&t->ranges);
	if (d.payload.len + d.ranges.len + FRAME_SLACK > t->max_frame)
		return ERR_LIMIT;
	return write_data(t, &d);
}

/* ---- a batch that the parent has in part
 * -------------------------------------------------------- */

/* Our copy is unpacked; an error means that it is damaged here. */
static int
open_columns(struct target *t, const struct target_batch *b, uint32_t ranges,
    struct batch_columns_view *view)
{
	struct bytes raw = b->payload;
	int rc;

	if (b->codec == BATCH_CODEC_ZSTD) {
		buf_clear(&t->raw);
		rc = pack_unpack(
		    t->pack, b->payload, b->raw_len, BATCH_RAW_MAX, &t->raw);
		if (rc)
			return rc;
		raw = buf_bytes(&t->raw);
	}
	return batch_columns_decode(raw, ranges, view);
}

/* The records [from, to) of a batch, as a batch of their own. */
struct part {
	uint64_t from, to;
	struct batch_columns columns;
	uint32_t *lens;
	struct batch_range *ranges; /* of the whole batch */
	uint32_t *position; /* records met, by range */
	uint32_t *taken; /* records taken, by range */
	uint32_t *skipped; /* records before the part, by range */
	uint32_t *map;
	uint32_t n;
};

static void
part_fini(struct part *p)
{
	batch_columns_fini(&p->columns);
	free(p->lens);
	free(p->ranges);
	free(p->position);
	free(p->taken);
	free(p->skipped);
	free(p->map);
}

static int
part_init(struct part *p, const struct target_batch *b)
{
	struct batch_ranges in;
	int rc = batch_ranges_begin(&in, b->ranges);

	if (rc)
		return rc;
	p->n = in.ranges;
	batch_columns_init(&p->columns, BATCH_RAW_MAX);
	p->lens = calloc(b->records, sizeof(*p->lens));
	p->ranges = calloc(p->n, sizeof(*p->ranges));
	p->position = calloc(p->n, sizeof(*p->position));
	p->taken = calloc(p->n, sizeof(*p->taken));
	p->skipped = calloc(p->n, sizeof(*p->skipped));
	p->map = calloc(p->n, sizeof(*p->map));
	if (!p->lens || !p->ranges || !p->position || !p->taken ||
	    !p->skipped || !p->map)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < p->n; i++)
		if (batch_ranges_next(&in, &p->ranges[i]) != 1)
			return ERR_FORMAT;
	return 0;
}

/* First pass: how many records of each range are before and in the part. */
static void
count_part(struct part *p, const struct target_batch *b,
    const struct batch_columns_view *view)
{
	struct batch_columns_iter it;
	uint32_t left = 0;

	batch_columns_iter_init(&it, view, p->position);
	while (batch_columns_iter_next(&it)) {
		uint64_t rec = b->first_rec + it.index;

		p->skipped[it.range] += rec < p->from;
		p->taken[it.range] += rec >= p->from && rec < p->to;
	}
	for (uint32_t i = 0; i < p->n; i++)
		p->map[i] = p->taken[i] ? left++ : 0;
}

static uint32_t
copy_part(struct part *p, const struct target_batch *b,
    const struct batch_columns_view *view)
{
	struct batch_columns_iter it;
	uint32_t n = 0;

	batch_columns_iter_init(&it, view, NULL);
	while (batch_columns_iter_next(&it)) {
		uint64_t rec = b->first_rec + it.index;

		if (rec < p->from || rec >= p->to)
			continue;
		p->lens[n++] = (uint32_t)it.record.len;
		batch_columns_add(&p->columns, p->map[it.range], it.record);
		if (view->flags & BATCH_COLUMNS_RECEIVED)
			batch_columns_add_received(
			    &p->columns, it.received_delta_ns);
		if (view->flags & BATCH_COLUMNS_EVENT)
			batch_columns_add_event(&p->columns, it.event_delta_ns);
	}
	return n;
}

static int
encode_part_ranges(struct target *t, const struct part *p)
{
	uint32_t n = 0;
	int rc = 0;

	for (uint32_t i = 0; i < p->n; i++)
		n += p->taken[i] != 0;
	buf_clear(&t->ranges);
	batch_ranges_encode_begin(&t->ranges, NULL, n);
	for (uint32_t i = 0; i < p->n && !rc; i++) {
		struct batch_range r = p->ranges[i];

		if (!p->taken[i])
			continue;
		/* The head is that after the whole range: only then. */
		if (p->skipped[i] + p->taken[i] != r.count)
			r.flags &= ~(uint32_t)BATCH_RANGE_HEAD;
		r.first_seq += p->skipped[i];
		r.count = p->taken[i];
		rc = put_range(t, r);
	}
	return rc ? rc : t->ranges.err;
}

static int
send_part_data(
    struct target *t, const struct target_batch *b, struct part *p, uint32_t n)
{
	struct agentlink_chain_data d;
	struct buf raw;
	int rc;

	buf_init(&raw, BATCH_RAW_MAX);
	fill(&d, b);
	d.first_rec = p->from;
	d.count = n;
	d.codec = BATCH_CODEC_RAW;
	rc = digest_records(t->sha, buf_bytes(&p->columns.records), p->lens, n,
	    d.content_digest);
	if (!rc)
		rc = batch_columns_encode(&p->columns, &raw);
	d.payload = buf_bytes(&raw);
	d.raw_len = (uint32_t)raw.len;
	if (!rc)
		rc = encode_part_ranges(t, p);
	d.ranges = buf_bytes(&t->ranges);
	if (!rc && d.payload.len + d.ranges.len + FRAME_SLACK > t->max_frame)
		rc = ERR_LIMIT;
	if (!rc)
		rc = write_data(t, &d);
	buf_fini(&raw);
	return rc;
}

static int
send_part(
    struct target *t, const struct target_batch *b, uint64_t from, uint64_t to)
{
	struct part p = {.from = from, .to = to};
	struct batch_columns_view view;
	int rc = part_init(&p, b);

	if (!rc)
		rc = open_columns(t, b, p.n, &view);
	if (!rc) {
		count_part(&p, b, &view);
		rc = send_part_data(t, b, &p, copy_part(&p, b, &view));
	}
	part_fini(&p);
	return rc;
}

/* Each run of records that is not settled goes as a batch of its own. */
static int
send_rest(struct target *t, const struct target_batch *b)
{
	uint64_t rec = b->first_rec, end = rec + b->records;
	int rc = 0;

	while (rec < end && !rc) {
		uint64_t from;

		while (rec < end && target_host_is_settled(t->host, rec))
			rec++;
		from = rec;
		while (rec < end && !target_host_is_settled(t->host, rec))
			rec++;
		if (from < rec)
			rc = send_part(t, b, from, rec);
	}
	return rc;
}

static bool
is_touched(struct target *t, const struct target_batch *b)
{
	for (uint32_t i = 0; i < b->records; i++)
		if (target_host_is_settled(t->host, b->first_rec + i))
			return true;
	return false;
}

/* ---- sending
 * ------------------------------------------------------------------------------------
 */

static bool
has_credit(const struct target *t, size_t bytes)
{
	/* One batch may always be on its way if there is any credit. */
	if (!t->credit_bytes || !t->credit_batches)
		return false;
	return !t->flight_batches ||
	    (t->flight_batches < t->credit_batches &&
		t->flight_bytes + bytes <= t->credit_bytes);
}

int
chain_send_batch(struct target *t, const struct target_batch *b)
{
	struct link *link = t->link;
	int rc;

	if (t->phase != CHAIN_UP || !has_credit(t, b->payload.len) ||
	    link_queued(t->link) > AGENTLINK_FRAME_MAX)
		return ERR_AGAIN;
	if (!target_host_pace(t->host, b->payload.len))
		return ERR_AGAIN;
	/* What the parent may have of us, also when we come again. */
	if (t->next_rec < b->first_rec + b->records)
		t->next_rec = b->first_rec + b->records;
	rc = is_touched(t, b) ? send_rest(t, b) : send_whole(t, b);
	if (!rc || t->link != link)
		return 0;
	target_host_fail(t->host, rc == ERR_LIMIT ? TARGET_HOLD : TARGET_RETRY,
	    rc == ERR_LIMIT ? "TOO_LARGE" : "SEND",
	    rc == ERR_LIMIT ? "a batch is larger than the parent takes"
			    : err_text(rc),
	    0);
	return ERR_AGAIN;
}

void
chain_say_skip(struct target *t, uint64_t from, uint64_t count,
    enum entry_skip_reason reason)
{
	struct agentlink_msg m = {.type = AGENTLINK_SKIP};

	m.u.skip.from = from;
	m.u.skip.count = count;
	m.u.skip.reason = (uint8_t)reason;
	chain_say(t, &m);
}

void
chain_on_nack(struct target *t, const struct agentlink_chain_nack *nack)
{
	struct chain_flight *f = t->first;
	enum target_verdict verdict = TARGET_RETRY;

	while (f && f->from != nack->first_rec)
		f = f->next;
	if (nack->code == AGENTLINK_CODE_TOO_LARGE)
		verdict = TARGET_HOLD;
	if (nack->code == AGENTLINK_CODE_DIGEST && f) {
		/*
		 * The keeper has authenticated what we sent, so it was stored
		 * so: it is set aside, and the parent is told.
		 */
		chain_say_skip(
		    t, f->from, f->to - f->from, ENTRY_SKIP_QUARANTINED);
		target_host_settle(
		    t->host, ENTRY_TERM_QUARANTINED, f->from, f->to, NULL);
		return;
	}
	/* PARTIAL and the rest: start over from the parent's intervals. */
	target_host_fail(t->host, verdict, agentlink_code_name(nack->code),
	    agentlink_code_text(nack->code), 0);
}
