/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The full checkpoint: everything that the ledger holds, as entries.
 */
#include <string.h>

#include "spoold/keeper/ledger.h"

struct pieces {
	struct buf piece;
	uint32_t entries;
	int (*emit)(void *arg, struct bytes entries);
	void *arg;
	int rc;
};

static void
put(struct pieces *s, const struct entry *e)
{
	entry_encode(&s->piece, e);
	s->entries++;
	if (s->piece.len >= LEDGER_PIECE && !s->rc) {
		s->rc = s->emit(s->arg, buf_bytes(&s->piece));
		buf_clear(&s->piece);
	}
}

static void
put_counters(struct pieces *s, const struct ledger *l)
{
	counters_encode(&l->counters, &s->piece);
	s->entries += (uint32_t)l->counters.n;
}

static void
put_streams(struct pieces *s, const struct ledger *l)
{
	struct entry e = {.type = ENTRY_STREAM_STATE};
	struct stream *st = NULL;

	while ((st = streams_next(&l->streams, st))) {
		e.u.stream_state = (struct entry_stream_state){
		    .key = st->key,
		    .listener = bytes_of_str(st->listener),
		    .start_seq = st->start_seq,
		    .last = st->durable.seq,
		    .seen_us = st->seen_us,
		    .closed = st->closed,
		    .peer = bytes_of_str(st->peer),
		    .counts = st->counts,
		};
		memcpy(
		    e.u.stream_state.head, st->durable.head, BATCH_HEAD_SIZE);
		put(s, &e);
	}
}

static void
put_children(struct pieces *s, const struct ledger *l)
{
	struct entry e = {.type = ENTRY_CHILD_STATE};
	struct child *ch = NULL;
	struct buf intervals;

	buf_init(&intervals, SIZE_MAX);
	while ((ch = children_next(&l->children, ch))) {
		buf_clear(&intervals);
		children_set_encode(&ch->durable, &intervals);
		e.u.child_state = (struct entry_child_state){
		    .child = ch->child,
		    .incarnation = ch->incarnation,
		    .n = (uint32_t)ch->durable.n,
		    .intervals = buf_bytes(&intervals),
		};
		put(s, &e);
	}
	buf_fini(&intervals);
}

static void
put_rest(struct pieces *s, const struct ledger *l)
{
	struct entry e;
	size_t i;

	for (i = 0; i < l->cursors.n; i++) {
		e = cursors_entry(l->cursors.target[i]);
		put(s, &e);
	}
	for (i = 0; i < l->receivers; i++) {
		e = (struct entry){.type = ENTRY_RECEIVER_STATE};
		e.u.receiver_state = l->receiver[i];
		put(s, &e);
	}
}

int
ledger_checkpoint(struct ledger *l, uint64_t now_us, int64_t wall_ns,
    int (*emit)(void *arg, struct bytes entries), void *arg)
{
	struct pieces s = {.emit = emit, .arg = arg};
	struct entry e = {.type = ENTRY_CHECKPOINT_BEGIN};

	buf_init(&s.piece, SIZE_MAX);
	streams_sweep(&l->streams, now_us);
	l->identity.spool_time_us = now_us;
	l->identity.wall_ns = wall_ns;
	e.u.checkpoint = (struct entry_checkpoint){.full = true,
	    .applied_number = l->next_number,
	    .next_rec = l->next_rec};
	put(&s, &e);
	e = (struct entry){.type = ENTRY_IDENTITY};
	e.u.identity = l->identity;
	put(&s, &e);
	put_counters(&s, l);
	put_rest(&s, l);
	put_streams(&s, l);
	put_children(&s, l);
	e = (struct entry){.type = ENTRY_CHECKPOINT_END};
	e.u.checkpoint = (struct entry_checkpoint){.full = true,
	    .applied_number = l->next_number,
	    .next_rec = l->next_rec,
	    .entries = s.entries - 1};
	put(&s, &e);
	if (s.piece.len && !s.rc)
		s.rc = s.emit(s.arg, buf_bytes(&s.piece));
	buf_fini(&s.piece);
	return s.rc;
}
