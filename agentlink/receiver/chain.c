/* SPDX-License-Identifier: Apache-2.0 */
/* The child spool's half of a session (RULES.md 8). */
#include <stdlib.h>
#include <string.h>

#include "agentlink/receiver/session.h"
#include "lib/base/err.h"
#include "lib/base/log.h"

#define DEFS_MAX 65536u
#define PATH_MAX_SPOOLS 16u

/* What is durable and not told yet. */
struct chain_ack {
	uint64_t from, to;
};

struct chain_state {
	struct flow_chain *flow;
	struct flow_stream **defs; /* by ref */
	uint32_t defs_cap;
	struct chain_ack *acks;
	uint32_t acks_n, acks_cap;
	bool answered;
};

static void
open_chain(struct session *s, const struct agentlink_chain_open *o)
{
	struct ipc_chain_open open = {
	    .child = s->id,
	    .incarnation = o->incarnation,
	    .next_rec = o->next_rec,
	    .start_rec = o->start_rec,
	    .listener = bytes_of_str(s->listener->name),
	    .peer = bytes_of_str(link_peer(s->link)),
	};

	if (s->chain) {
		session_fail(
		    s, AGENTLINK_CODE_MALFORMED, "CHAIN_OPEN came twice");
		return;
	}
	s->chain = calloc(1, sizeof(*s->chain));
	if (!s->chain ||
	    flow_chain_open(s->receiver->flow, &open, s, &s->chain->flow))
		session_fail(s, AGENTLINK_CODE_INTERNAL, "out of memory");
}

void
chain_close(struct session *s)
{
	struct chain_state *c = s->chain;

	if (!c)
		return;
	for (uint32_t i = 0; i < c->defs_cap; i++)
		flow_stream_close(s->receiver->flow, c->defs[i], false);
	flow_chain_close(s->receiver->flow, c->flow);
	free(c->defs);
	free(c->acks);
	free(c);
	s->chain = NULL;
}

void
chain_on_state(void *owner, const struct proof *proof)
{
	const struct ipc_chain_state *state = &proof_msg(proof)->u.chain_state;
	struct session *s = owner;
	struct agentlink_msg m = {.type = AGENTLINK_CHAIN_STATE};
	struct entry_child_interval in;
	struct cursor c;
	struct buf b;

	buf_init(&b, AGENTLINK_FRAME_MAX);
	cursor_init(&c, state->intervals);
	while (entry_child_interval_next(&c, &in) == 1) {
		struct agentlink_chain_interval out = {
		    .from = in.from, .to = in.to};

		memcpy(out.digest, in.digest, BATCH_DIGEST_SIZE);
		agentlink_chain_interval_encode(&b, &out);
		m.u.chain_state.n++;
	}
	receiver_credit(s->receiver, &s->credit_bytes, &s->credit_batches);
	m.u.chain_state.code = state->code;
	m.u.chain_state.credit_bytes = s->credit_bytes;
	m.u.chain_state.credit_batches = s->credit_batches;
	m.u.chain_state.intervals = buf_bytes(&b);
	s->chain->answered = state->code == AGENTLINK_CODE_OK;
	session_send(s, &m);
	buf_fini(&b);
}

/* ---- definitions
 * ------------------------------------------------------------------ */

static int
room_for(struct chain_state *c, uint32_t ref)
{
	uint32_t cap = c->defs_cap ? c->defs_cap : 64;
	struct flow_stream **defs;

	while (cap <= ref)
		cap *= 2;
	if (cap == c->defs_cap)
		return 0;
	defs = realloc(c->defs, cap * sizeof(struct flow_stream *));
	if (!defs)
		return ERR_NOMEM;
	memset(defs + c->defs_cap, 0,
	    (cap - c->defs_cap) * sizeof(struct flow_stream *));
	c->defs = defs;
	c->defs_cap = cap;
	return 0;
}

static void
define(struct session *s, const struct agentlink_chain_def *d)
{
	struct chain_state *c = s->chain;
	uint8_t path[PATH_MAX_SPOOLS * UUID_SIZE];
	struct flow_stream_open open = {
	    .key = {.origin = d->origin, .epoch = d->epoch, .name = d->name},
	    .listener = d->listener,
	    .peer = d->peer,
	    .identity = d->identity,
	    .chained = true,
	};

	if (!d->ref || d->ref > DEFS_MAX || room_for(c, d->ref) ||
	    d->path.len >= PATH_MAX_SPOOLS * UUID_SIZE ||
	    d->path.len % UUID_SIZE) {
		session_fail(s, AGENTLINK_CODE_LIMIT,
		    "a stream definition is over a limit");
		return;
	}
	/* The child is on the way too. */
	if (d->path.len)
		memcpy(path, d->path.ptr, d->path.len);
	memcpy(path + d->path.len, s->id.byte, UUID_SIZE);
	open.path = bytes_of(path, d->path.len + UUID_SIZE);
	flow_stream_close(s->receiver->flow, c->defs[d->ref], false);
	c->defs[d->ref] = NULL;
	if (flow_stream_open(s->receiver->flow, &open, NULL, &c->defs[d->ref]))
		session_fail(s, AGENTLINK_CODE_LIMIT,
		    "there is no room for another stream definition");
}

/* ---- batches
 * ---------------------------------------------------------------------- */

/* Ranges of the wire (references) to ranges of the keeper's line (streams). */
static int
take_ranges(
    struct chain_state *c, struct batch_ranges *in, struct flow_item *item)
{
	struct batch_range r;
	uint32_t n = 0;
	int rc;

	while ((rc = batch_ranges_next(in, &r)) == 1) {
		struct ipc_range out = {
		    .first_seq = r.first_seq,
		    .count = r.count,
		    .flags = r.flags | BATCH_RANGE_CHAINED,
		    .severities = r.severities,
		    .path = r.path,
		};

		if (r.stream >= c->defs_cap || !c->defs[r.stream])
			return ERR_NOENT;
		memcpy(out.head, r.head, BATCH_HEAD_SIZE);
		rc = flow_item_set_range(item, n++, c->defs[r.stream], &out);
		if (rc)
			return rc;
	}
	return rc;
}

static void
fill_batch(struct ipc_batch *b, const struct agentlink_chain_data *d)
{
	b->lane = d->lane;
	b->codec = d->codec;
	b->records = d->count;
	b->raw_len = d->raw_len;
	b->received_first_ns = d->received_first_ns;
	b->received_last_ns = d->received_last_ns;
	b->event_min_ns = d->event_min_ns;
	b->event_max_ns = d->event_max_ns;
	b->chain_first_rec = d->first_rec;
	memcpy(b->content_digest, d->content_digest, BATCH_DIGEST_SIZE);
}

/*
 * The payload is what is said of it, and its runs are what the ranges say.
 * What does not unpack is no better than what has another digest: the child
 * is to look at its batch.
 */
static int
check_payload(struct check *check, const struct check_claim *claim,
    const struct agentlink_chain_data *d)
{
	struct batch_columns_view view;
	int rc = check_batch(check, claim, d->payload, &view);

	if (!rc)
		rc = check_runs(check, &view, d->ranges, claim->ranges);
	return rc && rc != ERR_LIMIT && rc != ERR_NOMEM ? ERR_DIGEST : rc;
}

static int
make_item(struct session *s, const struct agentlink_chain_data *d,
    struct flow_item **out)
{
	struct receiver *r = s->receiver;
	struct check_claim claim = {
	    .codec = d->codec,
	    .raw_len = d->raw_len,
	    .records = d->count,
	    .content_digest = d->content_digest,
	};
	struct flow_item *item = NULL;
	struct batch_ranges ranges;
	uint8_t *payload;
	int rc = batch_ranges_begin(&ranges, d->ranges);

	if (!rc && ranges.chains)
		rc = ERR_FORMAT; /* the connection says whose they are */
	claim.ranges = ranges.ranges;
	if (!rc)
		rc = check_payload(r->check, &claim, d);
	if (!rc)
		rc = flow_item_new(ranges.ranges, &item);
	if (rc)
		return rc;
	rc = take_ranges(s->chain, &ranges, item);
	if (!rc && ranges.records != d->count)
		rc = ERR_FORMAT;
	payload = rc ? NULL : malloc(d->payload.len + 1);
	if (!rc && !payload)
		rc = ERR_NOMEM;
	if (rc) {
		flow_drop(r->flow, item);
		return rc;
	}
	memcpy(payload, d->payload.ptr, d->payload.len);
	flow_item_give_payload(item, payload, d->payload.len);
	fill_batch(&item->batch, d);
	flow_item_set_chain(item, s->chain->flow);
	*out = item;
	return 0;
}

static void
nack(struct session *s, enum agentlink_code code, uint64_t first_rec)
{
	struct agentlink_msg m = {.type = AGENTLINK_CHAIN_NACK};

	m.u.chain_nack.code = (uint16_t)code;
	m.u.chain_nack.first_rec = first_rec;
	m.u.chain_nack.text = bytes_of_str(agentlink_code_text((uint16_t)code));
	session_send(s, &m);
}

static void
data(struct session *s, const struct agentlink_chain_data *d)
{
	struct flow_item *item = NULL;
	int rc;

	if (!session_within_credit(s))
		return;
	rc = make_item(s, d, &item);
	switch (rc) {
	case 0:
		s->unacked.batches++;
		s->unacked.bytes += (uint32_t)d->payload.len;
		flow_add(s->receiver->flow, item);
		break;
	case ERR_DIGEST:
		receiver_note_mismatch(s->receiver, s->listener, &s->id);
		receiver_count(
		    s->receiver, &s->listener->refused_records, d->count);
		nack(s, AGENTLINK_CODE_DIGEST, d->first_rec);
		break;
	case ERR_LIMIT:
		nack(s, AGENTLINK_CODE_TOO_LARGE, d->first_rec);
		break;
	default:
		session_fail(s, AGENTLINK_CODE_MALFORMED, err_text(rc));
	}
}

/* ---- acknowledgements
 * -------------------------------------------------------------- */

/* A batch or SKIP waits no longer. */
static void
answered(struct session *s, uint32_t bytes)
{
	s->unacked.batches--;
	s->unacked.bytes -= bytes;
}

/* As in agent.c: only with a proof in hand. */
void
chain_on_durable(void *owner, uint64_t from, uint64_t to, uint32_t bytes,
    const struct proof *proof)
{
	struct session *s = owner;
	struct chain_state *c = s->chain;

	(void)proof;
	answered(s, bytes);
	if (c->acks_n && c->acks[c->acks_n - 1].to == from) {
		c->acks[c->acks_n - 1].to = to;
	} else {
		if (c->acks_n == c->acks_cap) {
			uint32_t cap = c->acks_cap ? c->acks_cap * 2 : 16;
			struct chain_ack *acks =
			    realloc(c->acks, cap * sizeof(*acks));

			if (!acks)
				return; /* told by the next CHAIN_STATE */
			c->acks = acks;
			c->acks_cap = cap;
		}
		c->acks[c->acks_n++] = (struct chain_ack){from, to};
	}
	session_mark_dirty(s);
}

void
chain_on_refused(
    void *owner, uint64_t first_rec, uint32_t bytes, enum agentlink_code code)
{
	struct session *s = owner;

	answered(s, bytes);
	nack(s, code, first_rec);
}

void
chain_flush(struct session *s)
{
	struct chain_state *c = s->chain;
	struct agentlink_msg m = {.type = AGENTLINK_CHAIN_ACK};

	if (!c)
		return;
	receiver_credit(s->receiver, &s->credit_bytes, &s->credit_batches);
	for (uint32_t i = 0; i < c->acks_n; i++) {
		m.u.chain_ack.from = c->acks[i].from;
		m.u.chain_ack.to = c->acks[i].to;
		m.u.chain_ack.credit_bytes = s->credit_bytes;
		m.u.chain_ack.credit_batches = s->credit_batches;
		session_send(s, &m);
	}
	c->acks_n = 0;
}

void
chain_message(struct session *s, const struct agentlink_msg *m)
{
	if (m->type == AGENTLINK_CHAIN_OPEN) {
		open_chain(s, &m->u.chain_open);
		return;
	}
	if (!s->chain || !s->chain->answered) {
		session_fail(
		    s, AGENTLINK_CODE_NOT_OPEN, "the chain is not open");
		return;
	}
	if (m->type == AGENTLINK_CHAIN_DEF)
		define(s, &m->u.chain_def);
	else if (m->type == AGENTLINK_CHAIN_DATA)
		data(s, &m->u.chain_data);
	else if (m->type != AGENTLINK_SKIP)
		session_fail(s, AGENTLINK_CODE_UNSUPPORTED,
		    "this message is not for a child to send");
	else if (!session_within_credit(s))
		return;
	else if (flow_skip(s->receiver->flow, s->chain->flow, &m->u.skip))
		session_fail(s, AGENTLINK_CODE_INTERNAL, "out of memory");
	else
		s->unacked.batches++;
}
