/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's streams, as its user sees them: opened, added to, restored.
 */
#include "agentlink/agentlink_state.h"

#include <stdlib.h>

#include "lib/base/err.h"

static struct agentlink_stream *
stream_at(const struct agentlink_engine *e, uint32_t stream)
{
	return stream < e->streams ? e->stream[stream] : NULL;
}

static int
new_stream(const char *name, const uint8_t *epoch, uint32_t number,
    struct agentlink_stream **out)
{
	struct agentlink_stream *s = calloc(1, sizeof(*s));
	if (!s || !(s->name = strdup(name))) {
		free(s);
		return ERR_NOMEM;
	}
	s->number = number;
	s->next_seq = 1;
	memcpy(s->epoch.byte, epoch, sizeof(s->epoch.byte));
	*out = s;
	return 0;
}

int
agentlink_engine_stream(struct agentlink_engine *e, const char *name,
    const uint8_t epoch[16], uint32_t *stream)
{
	if (!*name)
		return ERR_INVAL;
	if (strlen(name) > AGENTLINK_BATCH_NAME_MAX ||
	    e->streams == AGENTLINK_STREAMS_MAX)
		return ERR_LIMIT;
	struct agentlink_stream **all = realloc(
	    e->stream, (e->streams + 1) * sizeof(struct agentlink_stream *));
	if (!all)
		return ERR_NOMEM;
	e->stream = all;
	struct agentlink_stream *s;
	int rc = new_stream(name, epoch, e->streams, &s);
	if (rc)
		return rc;
	e->stream[e->streams] = s;
	*stream = e->streams++;
	return 0;
}

int
agentlink_engine_stream_close(
    struct agentlink_engine *e, uint32_t stream, bool final)
{
	struct agentlink_stream *s = stream_at(e, stream);
	if (!s)
		return ERR_NOENT;
	s->close_wanted = true;
	s->close_final = final;
	return 0;
}

int
agentlink_engine_stream_next(const struct agentlink_engine *e, uint32_t stream,
    uint64_t *seq, uint8_t head[16])
{
	const struct agentlink_stream *s = stream_at(e, stream);
	if (!s)
		return ERR_NOENT;
	*seq = s->next_seq;
	memcpy(head, s->next_head, sizeof(s->next_head));
	return 0;
}

uint32_t
agentlink_engine_streams(const struct agentlink_engine *e)
{
	return e->streams;
}

int
agentlink_engine_stream_info(const struct agentlink_engine *e, uint32_t stream,
    struct agentlink_stream_info *info)
{
	const struct agentlink_stream *s = stream_at(e, stream);
	if (!s)
		return ERR_NOENT;
	*info = (struct agentlink_stream_info){
	    .name = s->name,
	    .acked = s->acked,
	    .next_seq = s->next_seq,
	    .marks = s->marks,
	};
	memcpy(info->epoch, s->epoch.byte, sizeof(info->epoch));
	memcpy(info->next_head, s->next_head, sizeof(info->next_head));
	return 0;
}

int
agentlink_engine_stream_mark(const struct agentlink_engine *e, uint32_t stream,
    unsigned i, uint64_t *seq, uint8_t head[16], uint8_t spool[16])
{
	const struct agentlink_stream *s = stream_at(e, stream);
	if (!s || i >= s->marks)
		return ERR_NOENT;
	*seq = s->mark[i].to;
	memcpy(head, s->mark[i].head, sizeof(s->mark[i].head));
	memcpy(spool, s->mark[i].spool.byte, sizeof(s->mark[i].spool.byte));
	return 0;
}

/* ---- batches ----------------------------------------------------------------
 */

static int
check(const struct agentlink_stream *s, const struct agentlink_batch *batch)
{
	if (!s)
		return ERR_NOENT;
	if (!batch->count || batch->payload_len > UINT32_MAX ||
	    s->next_seq + batch->count < s->next_seq)
		return ERR_INVAL;
	return 0;
}

static void
describe(const struct agentlink_stream *s, const struct agentlink_batch *batch,
    struct agentlink_held *h)
{
	*h = (struct agentlink_held){
	    .first_seq = s->next_seq,
	    .count = batch->count,
	    .raw_len = batch->raw_len,
	    .bytes = batch->bytes,
	    .payload_len = (uint32_t)batch->payload_len,
	    .codec = batch->codec,
	    .flags = batch->flags,
	    .severities = batch->severities,
	    .event_min_ns = batch->event_min_ns,
	    .event_max_ns = batch->event_max_ns,
	};
	memcpy(h->digest, batch->digest, sizeof(h->digest));
	memcpy(h->prev_head, s->next_head, sizeof(h->prev_head));
}

static int
copy_payload(const struct agentlink_batch *batch, struct agentlink_held *h)
{
	if (batch->path && !(h->path = strdup(batch->path)))
		return ERR_NOMEM;
	if (h->is_borrowed) {
		union {
			const void *from;
			uint8_t *to;
		} borrowed = {batch->payload};
		h->payload = borrowed.to;
		return 0;
	}
	h->payload = malloc(batch->payload_len ? batch->payload_len : 1);
	if (!h->payload)
		return ERR_NOMEM;
	memcpy(h->payload, batch->payload, batch->payload_len);
	return 0;
}

int
agentlink_engine_add_prepared(struct agentlink_engine *e, uint32_t stream,
    const struct agentlink_batch *batch, bool borrow, uint64_t *first_seq)
{
	struct agentlink_stream *s = stream_at(e, stream);
	int rc = check(s, batch);
	if (rc)
		return rc;
	if (e->counts.held_batches >= e->settings.held_batches_max ||
	    (e->counts.held_bytes &&
		e->counts.held_bytes + batch->payload_len >
		    e->settings.held_max))
		return ERR_FULL;
	struct agentlink_held h;
	describe(s, batch, &h);
	h.is_borrowed = borrow;
	rc = copy_payload(batch, &h);
	if (!rc)
		rc = agentlink_held_push(e, s, &h);
	if (rc) {
		free(h.path);
		if (!borrow)
			free(h.payload);
		return rc;
	}
	s->committed = s->next_seq - 1;
	if (first_seq)
		*first_seq = h.first_seq;
	return 0;
}

int
agentlink_engine_add_stored(struct agentlink_engine *e, uint32_t stream,
    const struct agentlink_batch *batch, uint64_t ref, uint64_t *first_seq)
{
	struct agentlink_stream *s = stream_at(e, stream);
	int rc = check(s, batch);
	if (rc)
		return rc;
	struct agentlink_held h;
	describe(s, batch, &h);
	h.is_stored = true;
	h.ref = ref;
	rc = agentlink_held_push(e, s, &h);
	if (!rc && first_seq)
		*first_seq = h.first_seq;
	return rc;
}

void
agentlink_engine_commit(struct agentlink_engine *e)
{
	for (uint32_t i = 0; i < e->streams; i++)
		e->stream[i]->committed = e->stream[i]->next_seq - 1;
}

/* ---- restored ---------------------------------------------------------------
 */

int
agentlink_engine_restore_acked(struct agentlink_engine *e, uint32_t stream,
    uint64_t seq, const uint8_t head[16], const uint8_t spool[16])
{
	struct agentlink_stream *s = stream_at(e, stream);
	if (!s)
		return ERR_NOENT;
	struct uuid id;
	memcpy(id.byte, spool, sizeof(id.byte));
	struct agentlink_counts before = e->counts;
	agentlink_stream_mark(e, s, seq, head, &id);
	/* It was counted when it happened. */
	e->counts.records = before.records;
	e->counts.bytes = before.bytes;
	e->counts.batches = before.batches;
	if (s->is_dirty)
		e->dirty--;
	s->is_dirty = false;
	s->fresh_records = 0;
	return 0;
}

int
agentlink_engine_restore_epoch(
    struct agentlink_engine *e, uint32_t stream, const uint8_t epoch[16])
{
	struct agentlink_stream *s = stream_at(e, stream);
	if (!s)
		return ERR_NOENT;
	struct uuid id;
	memcpy(id.byte, epoch, sizeof(id.byte));
	agentlink_stream_renumber(e, s, &id);
	return 0;
}

int
agentlink_engine_restore_next(struct agentlink_engine *e, uint32_t stream,
    uint64_t seq, const uint8_t head[16])
{
	struct agentlink_stream *s = stream_at(e, stream);
	if (!s)
		return ERR_NOENT;
	if (seq < s->next_seq)
		return ERR_INVAL;
	s->next_seq = seq;
	memcpy(s->next_head, head, sizeof(s->next_head));
	return 0;
}
