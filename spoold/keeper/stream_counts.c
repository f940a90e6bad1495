/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/stream_counts.h"

void
stream_counts_stored(struct stream *st, uint64_t first_rec, uint64_t n)
{
	if (!st->counts.since_rec)
		st->counts.since_rec = first_rec;
	st->counts.received += n;
	st->counts.stored += n;
}

void
stream_counts_note(struct streams *s, struct stream *st)
{
	if (st->at_changed)
		return;
	st->next_changed = s->changed;
	if (st->next_changed)
		st->next_changed->at_changed = &st->next_changed;
	st->at_changed = &s->changed;
	s->changed = st;
	s->changed_n++;
}

void
stream_counts_forget(struct streams *s, struct stream *st)
{
	if (!st->at_changed)
		return;
	*st->at_changed = st->next_changed;
	if (st->next_changed)
		st->next_changed->at_changed = st->at_changed;
	st->next_changed = NULL;
	st->at_changed = NULL;
	s->changed_n--;
}

static uint64_t
unstored(const struct entry_stream_counts *c)
{
	return c->duplicate + c->refused;
}

void
stream_counts_durable(
    struct streams *s, struct stream *st, uint64_t place_before)
{
	if (place_before < st->start_seq && unstored(&st->counts))
		stream_counts_note(s, st);
}

/* An entry about a stream that the log does not know would tell nothing. */
static bool
is_in_log(const struct stream *st)
{
	return st->durable.seq >= st->start_seq;
}

void
stream_counts_unstored(
    struct streams *s, struct stream *st, uint64_t duplicate, uint64_t refused)
{
	st->counts.received += duplicate + refused;
	st->counts.duplicate += duplicate;
	st->counts.refused += refused;
	if (is_in_log(st))
		stream_counts_note(s, st);
}

bool
stream_counts_apply(struct streams *s, struct stream *st,
    const struct entry_stream_counts *saved, bool whole)
{
	struct entry_stream_counts *c = &st->counts;

	if (whole) {
		*c = *saved;
		stream_counts_forget(s, st);
		return true;
	}
	/* Of another time that this stream was known: another count. */
	if (saved->since_rec && c->since_rec &&
	    saved->since_rec != c->since_rec)
		return false;
	if (unstored(saved) <= unstored(c))
		return false;
	c->received = c->stored + (saved->received - saved->stored);
	c->duplicate = saved->duplicate;
	c->refused = saved->refused;
	return true;
}

void
stream_counts_encode(struct streams *s, bool to_log, struct buf *b)
{
	struct entry e = {.type = ENTRY_STREAM_COUNTERS};
	struct stream *st = s->changed;
	size_t n = 0;

	for (; st && n < STREAM_COUNTS_MAX; st = st->next_changed) {
		e.u.stream_counters = (struct entry_stream_counters){
		    .key = st->key, .counts = st->counts};
		entry_encode(b, &e);
		if (to_log)
			st->logging = unstored(&st->counts);
		n++;
	}
}

void
stream_counts_logged(struct streams *s)
{
	struct stream *st = s->changed, *next;

	for (; st; st = next) {
		next = st->next_changed;
		if (st->logging && st->logging == unstored(&st->counts))
			stream_counts_forget(s, st);
		st->logging = 0;
	}
}
