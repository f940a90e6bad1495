/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agentlink/spoolsim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/digest/digest_chain.h"
#include "lib/pack/pack.h"

#define NO_RECORD UINT32_MAX

void
spoolsim_init(struct spoolsim *s, uint8_t id, uint8_t *stored)
{
	*s = (struct spoolsim){
	    .stored = stored,
	    .credit_bytes = 4u << 20,
	    .credit_batches = 64,
	};
	memset(s->id.byte, id, sizeof(s->id.byte));
}

void
spoolsim_fini(struct spoolsim *s)
{
	for (unsigned i = 0; i < s->streams; i++)
		free(s->stream[i].record);
	s->streams = 0;
}

struct spoolsim_stream *
spoolsim_find(struct spoolsim *s, const char *name)
{
	for (unsigned i = s->streams; i > 0; i--)
		if (!strcmp(s->stream[i - 1].name, name))
			return &s->stream[i - 1];
	return NULL;
}

static void
remember(struct spoolsim_stream *t, uint64_t seq, uint32_t number)
{
	while (t->record_cap < seq) {
		size_t cap = t->record_cap ? 2 * t->record_cap : 1024;
		t->record = realloc(t->record, cap * sizeof(*t->record));
		assert(t->record);
		for (size_t i = t->record_cap; i < cap; i++)
			t->record[i] = NO_RECORD;
		t->record_cap = cap;
	}
	t->record[seq - 1] = number;
}

void
spoolsim_roll_back(struct spoolsim *s, struct spoolsim_stream *t, uint64_t last)
{
	for (uint64_t seq = last + 1; seq <= t->last; seq++)
		if (seq <= t->record_cap && t->record[seq - 1] != NO_RECORD) {
			s->stored[t->record[seq - 1]]--;
			t->record[seq - 1] = NO_RECORD;
		}
	t->last = last;
}

void
spoolsim_forget(struct spoolsim *s, struct spoolsim_stream *t, unsigned batches)
{
	if (!batches || t->points <= batches)
		return;
	t->points -= batches;
	spoolsim_roll_back(s, t, t->point[t->points - 1].seq);
	memcpy(t->head, t->point[t->points - 1].head, sizeof(t->head));
}

static void
note_point(struct spoolsim_stream *t)
{
	if (t->points == SPOOLSIM_POINTS) {
		memmove(&t->point[0], &t->point[1],
		    sizeof(t->point) - sizeof(t->point[0]));
		t->points--;
	}
	t->point[t->points].seq = t->last;
	memcpy(t->point[t->points].head, t->head, sizeof(t->head));
	t->points++;
}

void
spoolsim_conn_init(struct spoolsim_conn *c, struct spoolsim *s)
{
	memset(c, 0, sizeof(*c));
	c->sim = s;
	buf_init(&c->in, 32u << 20);
	buf_init(&c->out, 32u << 20);
}

void
spoolsim_conn_fini(struct spoolsim_conn *c)
{
	buf_fini(&c->in);
	buf_fini(&c->out);
}

static void
say_error(struct spoolsim_conn *c, uint16_t code, const char *text)
{
	struct agentlink_msg m = {.type = AGENTLINK_ERROR};
	m.u.error.code = code;
	m.u.error.fatal = true;
	m.u.error.text = bytes_of_str(text);
	agentlink_msg_encode(&c->out, &m);
	c->is_dead = true;
}

static void
on_hello(struct spoolsim_conn *c)
{
	struct agentlink_msg m = {.type = AGENTLINK_HELLO_OK};
	struct agentlink_hello_ok *h = &m.u.hello_ok;
	*h = (struct agentlink_hello_ok){
	    .version = AGENTLINK_VERSION,
	    .capabilities = AGENTLINK_CAP_ADVANCE,
	    .spool = c->sim->id,
	    .max_frame = AGENTLINK_FRAME_MAX,
	    .max_raw = AGENTLINK_RAW_MAX,
	    .max_record = AGENTLINK_RECORD_MAX,
	    .max_records = AGENTLINK_RECORDS_MAX,
	    .max_streams = AGENTLINK_STREAMS_MAX,
	    .keepalive_ms = 30000,
	    .credit_bytes = c->sim->credit_bytes,
	    .credit_batches = c->sim->credit_batches,
	};
	c->is_ready = true;
	c->hellos++;
	agentlink_msg_encode(&c->out, &m);
}

static struct spoolsim_stream *
open_stream(
    struct spoolsim *s, const struct agentlink_stream_open *o, bool *is_new)
{
	for (unsigned i = 0; i < s->streams; i++)
		if (uuid_equal(&s->stream[i].epoch, &o->epoch) &&
		    bytes_equal_str(o->name, s->stream[i].name)) {
			*is_new = false;
			return &s->stream[i];
		}
	assert(s->streams < SPOOLSIM_STREAMS);
	struct spoolsim_stream *t = &s->stream[s->streams++];
	*t = (struct spoolsim_stream){.epoch = o->epoch};
	memcpy(t->name, o->name.ptr, o->name.len);
	t->last = o->next_seq - 1;
	memcpy(t->head, o->head, sizeof(t->head));
	note_point(t);
	*is_new = true;
	return t;
}

static void
on_stream_open(struct spoolsim_conn *c, const struct agentlink_msg *in)
{
	assert(in->stream && in->stream < SPOOLSIM_STREAMS * 4);
	bool is_new;
	struct spoolsim_stream *t =
	    open_stream(c->sim, &in->u.stream_open, &is_new);
	c->open[in->stream].stream = t;
	c->open[in->stream].unacked_to = t->last;
	c->open[in->stream].is_nacked = false;
	struct agentlink_msg m = {
	    .type = AGENTLINK_STREAM_STATE, .stream = in->stream};
	m.u.stream_state.flags = is_new ? AGENTLINK_STREAM_NEW : 0;
	m.u.stream_state.epoch = t->epoch;
	m.u.stream_state.last = t->last;
	memcpy(m.u.stream_state.head, t->head, sizeof(t->head));
	agentlink_msg_encode(&c->out, &m);
}

static void
say_nack(struct spoolsim_conn *c, uint32_t wire, uint64_t first, uint16_t code)
{
	struct spoolsim_stream *t = c->open[wire].stream;
	struct agentlink_msg m = {.type = AGENTLINK_NACK, .stream = wire};
	m.u.nack.code = code;
	m.u.nack.first_seq = first;
	m.u.nack.resume_at = t->last + 1;
	memcpy(m.u.nack.head, t->head, sizeof(t->head));
	c->open[wire].is_nacked = true;
	c->open[wire].resume_at = t->last + 1;
	agentlink_msg_encode(&c->out, &m);
}

static uint32_t
number_of(struct bytes record)
{
	size_t at = record.len;
	while (at && record.ptr[at - 1] != '#')
		at--;
	assert(at);
	uint32_t n = 0;
	for (; at < record.len; at++)
		n = n * 10 + (uint32_t)(record.ptr[at] - '0');
	assert(n < SPOOLSIM_RECORDS);
	return n;
}

/* Unpack, check the digest, count the records.  0 or a NACK code. */
static uint16_t
take_records(struct spoolsim_conn *c, struct spoolsim_stream *t,
    const struct agentlink_data *d)
{
	struct pack *p;
	struct buf raw;
	struct digest_sha256 *sha;
	buf_init(&raw, BATCH_RAW_MAX);
	assert(!pack_new(1, &p) && !digest_sha256_new(&sha));
	struct bytes columns = d->payload;
	uint16_t code = 0;
	if (d->codec == BATCH_CODEC_ZSTD) {
		if (pack_unpack(p, d->payload, d->raw_len, BATCH_RAW_MAX, &raw))
			code = AGENTLINK_CODE_MALFORMED;
		columns = buf_bytes(&raw);
	}
	struct batch_columns_view view;
	if (!code &&
	    (batch_columns_decode(columns, 1, &view) || view.count != d->count))
		code = AGENTLINK_CODE_MALFORMED;
	uint8_t digest[DIGEST_SIZE];
	struct batch_columns_iter it;
	if (!code) {
		digest_sha256_start(sha);
		batch_columns_iter_init(&it, &view, NULL);
		while (batch_columns_iter_next(&it)) {
			uint32_t len = (uint32_t)it.record.len;
			digest_records_add(sha, it.record, &len, 1);
		}
		digest_sha256_finish(sha, digest);
		if (memcmp(digest, d->content_digest, sizeof(digest)) != 0)
			code = AGENTLINK_CODE_DIGEST;
	}
	if (!code) {
		uint64_t seq = d->first_seq;
		batch_columns_iter_init(&it, &view, NULL);
		while (batch_columns_iter_next(&it)) {
			uint32_t n = number_of(it.record);
			c->sim->stored[n]++;
			c->sim->records++;
			if (seq > 1 && seq - 1 <= t->record_cap &&
			    t->record[seq - 2] != NO_RECORD &&
			    t->record[seq - 2] >= n)
				c->sim->bad_order++;
			remember(t, seq++, n);
		}
		digest_chain(sha, t->head, d->first_seq, d->count,
		    d->content_digest, t->head);
	}
	digest_sha256_free(sha);
	pack_free(p);
	buf_fini(&raw);
	return code;
}

static void
on_data(struct spoolsim_conn *c, const struct agentlink_msg *m)
{
	const struct agentlink_data *d = &m->u.data;
	struct spoolsim_stream *t = c->open[m->stream].stream;
	c->datas++;
	if (!t)
		return; /* closed by us, on the way still */
	if (c->open[m->stream].is_nacked &&
	    d->first_seq != c->open[m->stream].resume_at)
		return;
	c->open[m->stream].is_nacked = false;
	uint16_t code = c->nack_next;
	c->nack_next = 0;
	uint64_t end = d->first_seq + d->count - 1;
	if (!code && end <= t->last) {
		c->open[m->stream].unacked_to = t->last;
		return; /* a repeat: acknowledged again */
	}
	if (!code && d->first_seq <= t->last)
		code = AGENTLINK_CODE_PARTIAL;
	else if (!code && d->first_seq > t->last + 1)
		code = AGENTLINK_CODE_GAP;
	else if (!code && memcmp(d->prev_head, t->head, sizeof(t->head)) != 0)
		code = AGENTLINK_CODE_FORK;
	if (!code)
		code = take_records(c, t, d);
	if (code == AGENTLINK_CODE_FORK)
		c->sim->forks++;
	if (code) {
		say_nack(c, m->stream, d->first_seq, code);
		return;
	}
	t->last = end;
	note_point(t);
	c->open[m->stream].unacked_to = end;
	size_t n = d->path.len < 255 ? d->path.len : 255;
	memcpy(c->sim->last_path, n ? d->path.ptr : (const uint8_t *)"", n);
	c->sim->last_path[n] = '\0';
}

static void
on_advance(struct spoolsim_conn *c, const struct agentlink_msg *m)
{
	const struct agentlink_advance *a = &m->u.advance;
	struct spoolsim_stream *t = c->open[m->stream].stream;
	if (!t)
		return;
	c->open[m->stream].is_nacked = false;
	assert(a->reason >= 1 && a->reason <= 4);
	c->sim->advances[a->reason]++;
	if (a->to > t->last) {
		c->sim->advanced_records[a->reason] += a->to - t->last;
		t->last = a->to;
		memcpy(t->head, a->head, sizeof(t->head));
		note_point(t);
	}
	c->open[m->stream].unacked_to = t->last;
}

static void
on_message(struct spoolsim_conn *c, const struct agentlink_msg *m)
{
	struct agentlink_msg answer = {.type = AGENTLINK_PONG};
	switch (m->type) {
	case AGENTLINK_HELLO:
		on_hello(c);
		break;
	case AGENTLINK_STREAM_OPEN:
		on_stream_open(c, m);
		break;
	case AGENTLINK_STREAM_CLOSE:
		c->open[m->stream].stream = NULL;
		break;
	case AGENTLINK_DATA:
		on_data(c, m);
		break;
	case AGENTLINK_ADVANCE:
		on_advance(c, m);
		break;
	case AGENTLINK_PING:
		c->pings++;
		answer.u.pong.t1 = m->u.ping.t1;
		answer.u.pong.t2 = answer.u.pong.t3 = m->u.ping.t1 + 5000000;
		agentlink_msg_encode(&c->out, &answer);
		break;
	case AGENTLINK_GOODBYE:
		c->goodbyes++;
		break;
	case AGENTLINK_ERROR:
		c->errors++;
		c->last_error = m->u.error.code;
		break;
	default:
		break;
	}
}

void
spoolsim_conn_feed(struct spoolsim_conn *c, struct bytes in)
{
	buf_add_bytes(&c->in, in);
	assert(!c->in.err);
	while (!c->is_dead) {
		struct agentlink_frame frame;
		struct agentlink_msg m;
		size_t used;
		int rc = agentlink_frame_decode(buf_bytes(&c->in),
		    AGENTLINK_FRAME_MAX, &frame, &used, NULL);
		if (!rc)
			return;
		if (rc < 0 || agentlink_msg_decode(&frame, &m)) {
			say_error(c, AGENTLINK_CODE_MALFORMED, "malformed");
			return;
		}
		on_message(c, &m);
		buf_consume(&c->in, used);
	}
}

void
spoolsim_conn_ack(struct spoolsim_conn *c)
{
	for (uint32_t i = 1; i < SPOOLSIM_STREAMS * 4; i++) {
		if (!c->open[i].stream)
			continue;
		struct agentlink_msg m = {.type = AGENTLINK_ACK, .stream = i};
		m.u.ack.seq = c->open[i].unacked_to;
		m.u.ack.credit_bytes = c->sim->credit_bytes;
		m.u.ack.credit_batches = c->sim->credit_batches;
		agentlink_msg_encode(&c->out, &m);
	}
}
