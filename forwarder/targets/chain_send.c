/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches go to the parent as they are stored; ranges are written anew, since
 * stream references are of one connection.  A batch that the parent has in
 * part is built anew from the records it lacks (chain_part.c).
 */
#include <stdlib.h>
#include <string.h>

#include "forwarder/targets/chain_internal.h"
#include "lib/base/err.h"

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

int
chain_send_range(struct target *t, struct batch_range r)
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
		rc = chain_send_range(t, r);
		if (rc)
			return rc;
	}
	return rc ? rc : t->ranges.err;
}

int
chain_send_data(struct target *t, const struct agentlink_chain_data *d)
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
	rc = link_write(call_link(t->call), parts, 3);
	if (!rc)
		rc = note_flight(t, d->first_rec, d->first_rec + d->count,
		    (uint32_t)d->payload.len);
	t->said_ms = loop_now_ms(target_host_loop(t->host));
	return rc;
}

void
chain_send_fill(struct agentlink_chain_data *d, const struct target_batch *b)
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
	chain_send_fill(&d, b);
	d.ranges = buf_bytes(&t->ranges);
	if (d.payload.len + d.ranges.len + CHAIN_FRAME_SLACK > t->max_frame)
		return ERR_LIMIT;
	return chain_send_data(t, &d);
}

/* ---- a batch that the parent has in part
 * -------------------------------------------------------- */

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
			rc = chain_part_send(t, b, from, rec);
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
	struct link *link = call_link(t->call);
	int rc;

	if (t->phase != CHAIN_UP || !has_credit(t, b->payload.len) ||
	    link_queued(link) > AGENTLINK_FRAME_MAX)
		return ERR_AGAIN;
	if (!target_host_pace(t->host, b->payload.len))
		return ERR_AGAIN;
	/* What the parent may have of us, also when we come again. */
	if (t->next_rec < b->first_rec + b->records)
		t->next_rec = b->first_rec + b->records;
	rc = is_touched(t, b) ? send_rest(t, b) : send_whole(t, b);
	if (!rc || call_link(t->call) != link)
		return 0;
	if (rc == ERR_FORMAT) {
		target_host_unreadable(t->host, b->first_rec, err_text(rc));
		return ERR_AGAIN;
	}
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
		 * The keeper has authenticated what we sent; whether it was
		 * stored so is for the worker to say.  If it was, the keeper
		 * sets it aside, and we are told of a hole.
		 */
		target_host_unreadable(t->host, f->from,
		    "the parent finds another content digest");
		return;
	}
	/* PARTIAL and the rest: start over from the parent's intervals. */
	target_host_fail(t->host, verdict, agentlink_code_name(nack->code),
	    agentlink_code_text(nack->code), 0);
}
