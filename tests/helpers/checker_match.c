/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placing what arrived, in the order of arrival.
 *
 * With an id the position is known, and the bytes there agree or not.  Without,
 * the items with the same digest are looked at: best is the one that is next
 * in its stream, then the nearest after it, then one that was passed over.
 */
#include <stdlib.h>

#include "lib/base/err.h"
#include "tests/helpers/checker_impl.h"

#define LOOKS 4096 /* equal records looked at for a place */
#define SWAPS 256 /* and to mend an order */
#define SWAP_DEPTH 8

static int
build_index(struct checker *c)
{
	for (c->buckets = 64; c->buckets < c->items_len;)
		c->buckets *= 2;
	c->heads = malloc(c->buckets * sizeof(*c->heads));
	if (!c->heads)
		return ERR_NOMEM;
	for (size_t i = 0; i < c->buckets; i++)
		c->heads[i] = CHECKER_NONE;
	for (size_t i = c->items_len; i-- > 0;) {
		uint32_t *head =
		    &c->heads[c->items[i].digest.a & (c->buckets - 1)];

		c->items[i].next = *head;
		*head = (uint32_t)i;
	}
	return 0;
}

static struct checker_example
example_of(uint32_t stream, uint64_t pos, uint32_t arrival)
{
	return (struct checker_example){
	    stream, pos + 1, pos + 1, (uint64_t)arrival + 1};
}

static bool
is_open(const struct checker_item *item)
{
	return item->arrival == 0 || item->arrival == CHECKER_NONE;
}

static void
take(struct checker *c, uint32_t stream, uint32_t pos, uint32_t arrival)
{
	struct checker_stream *s = &c->streams[stream];

	c->items[s->first + pos].arrival = arrival + 1;
	c->matched++;
	if (pos < s->next)
		checker_note(
		    c, CHECKER_DISORDER, 1, example_of(stream, pos, arrival));
	else
		s->next = pos + 1;
}

static void
note_phantom(struct checker *c, uint32_t arrival)
{
	checker_note(c, CHECKER_PHANTOM, 1,
	    (struct checker_example){CHECKER_NONE, 0, 0, arrival + 1ull});
}

static void
place_by_id(struct checker *c, uint32_t arrival)
{
	const struct checker_arrival *a = &c->arrivals[arrival];
	struct checker_lane *lane = &c->lanes[a->lane];
	const struct checker_stream *s;
	struct checker_item *item;
	int64_t pos;

	checker_lane_bind(c, lane);
	pos = (int64_t)a->seq + lane->offset;
	if (lane->stream == CHECKER_NONE || pos < 0 ||
	    pos >= c->streams[lane->stream].count) {
		note_phantom(c, arrival);
		return;
	}
	s = &c->streams[lane->stream];
	item = &c->items[s->first + pos];
	if (!checker_same(item->digest, a->digest)) {
		checker_note(c, CHECKER_ALTERED, 1,
		    example_of(lane->stream, (uint64_t)pos, arrival));
		if (item->arrival == 0)
			item->arrival = CHECKER_NONE;
	} else if (is_open(item)) {
		take(c, lane->stream, (uint32_t)pos, arrival);
	} else {
		checker_note(c, CHECKER_REPEAT, 1,
		    example_of(lane->stream, (uint64_t)pos, arrival));
	}
}

/* What the items that are equal to an arrival offer. */
struct offer {
	uint32_t known; /* one of them, taken or not; NONE: never sent */
	uint32_t due; /* next in its stream */
	uint32_t later; /* the first open one after that */
	uint32_t passed; /* an open one before */
	uint32_t taken, open; /* how many were seen */
};

static void
weigh(const struct checker *c, uint32_t i, struct offer *offer)
{
	const struct checker_stream *s = &c->streams[checker_lane_stream(c, i)];
	uint32_t pos = i - s->first;

	offer->known = i;
	if (!is_open(&c->items[i])) {
		offer->taken++;
		return;
	}
	offer->open++;
	if (pos == s->next)
		offer->due = i;
	else if (pos > s->next && offer->later == CHECKER_NONE)
		offer->later = i;
	else if (pos < s->next && offer->passed == CHECKER_NONE)
		offer->passed = i;
}

/* The usual case: it is next in the stream that the last one was of. */
static bool
goes_on(
    const struct checker *c, struct checker_digest digest, struct offer *offer)
{
	const struct checker_stream *s;

	if (c->last_stream == CHECKER_NONE)
		return false;
	s = &c->streams[c->last_stream];
	if (s->next >= s->count ||
	    !checker_same(c->items[s->first + s->next].digest, digest))
		return false;
	offer->known = offer->due = s->first + s->next;
	return true;
}

/* Taken items past the first few are unlinked: a million equal lines. */
static struct offer
look(struct checker *c, struct checker_digest digest)
{
	struct offer offer = {
	    CHECKER_NONE, CHECKER_NONE, CHECKER_NONE, CHECKER_NONE, 0, 0};
	uint32_t *link = &c->heads[digest.a & (c->buckets - 1)];

	if (goes_on(c, digest, &offer))
		return offer;
	while (*link != CHECKER_NONE && offer.due == CHECKER_NONE &&
	    offer.open < LOOKS) {
		struct checker_item *item = &c->items[*link];

		if (checker_same(item->digest, digest))
			weigh(c, *link, &offer);
		if (offer.taken > SWAPS && !is_open(item) &&
		    checker_same(item->digest, digest))
			*link = item->next;
		else
			link = &item->next;
	}
	return offer;
}

/* Whether position pos may have come with that arrival, by its neighbours. */
static bool
fits_between(const struct checker *c, uint32_t item, uint32_t arrival)
{
	const struct checker_stream *s =
	    &c->streams[checker_lane_stream(c, item)];
	uint32_t pos = item - s->first;
	const struct checker_item *it = &c->items[item];

	if (pos > 0 && !is_open(it - 1) && it[-1].arrival > arrival)
		return false;
	return pos + 1 == s->count || is_open(it + 1) ||
	    it[1].arrival > arrival;
}

/* Items that a change of places goes through, and how many looks are left. */
struct swap {
	uint32_t path[SWAP_DEPTH];
	uint32_t depth;
	int budget;
};

static bool
is_on_path(const struct swap *swap, uint32_t item)
{
	for (uint32_t i = 0; i < swap->depth; i++) {
		if (swap->path[i] == item)
			return true;
	}
	return false;
}

/*
 * An item was passed over: in its place an equal record went to another
 * stream.  If that other one can do with a later arrival, directly or by
 * passing the question on, then this item takes its arrival; the last one in
 * the row, at the end of its stream, takes the new arrival.
 */
static bool
change(struct checker *c, uint32_t passed, uint32_t arrival, struct swap *swap)
{
	struct checker_item *item = &c->items[passed];
	uint32_t i = c->heads[item->digest.a & (c->buckets - 1)];

	if (swap->depth == SWAP_DEPTH)
		return false;
	swap->path[swap->depth++] = passed;
	for (; i != CHECKER_NONE && swap->budget-- > 0; i = c->items[i].next) {
		struct checker_item *other = &c->items[i];
		uint32_t was = other->arrival;
		const struct checker_stream *s =
		    &c->streams[checker_lane_stream(c, i)];

		if (is_open(other) || is_on_path(swap, i) ||
		    !checker_same(other->digest, item->digest) ||
		    !fits_between(c, passed, was))
			continue;
		item->arrival = was;
		other->arrival = i - s->first + 1 == s->next ? arrival + 1 : 0;
		if (other->arrival || change(c, i, arrival, swap))
			return true;
		other->arrival = was;
		item->arrival = 0;
	}
	swap->depth--;
	return false;
}

static bool
mend_order(struct checker *c, uint32_t passed, uint32_t arrival)
{
	struct swap swap = {.budget = SWAPS};

	if (!change(c, passed, arrival, &swap))
		return false;
	c->matched++;
	return true;
}

static int
place_by_content(struct checker *c, uint32_t arrival)
{
	struct offer offer = look(c, c->arrivals[arrival].digest);
	uint32_t at = offer.due != CHECKER_NONE ? offer.due
	    : offer.later != CHECKER_NONE	? offer.later
						: offer.passed;

	if (offer.known == CHECKER_NONE) {
		if (checker_grow(&c->strangers, &c->strangers_cap,
			c->strangers_len, sizeof(*c->strangers)))
			return ERR_NOMEM;
		c->strangers[c->strangers_len++] = arrival;
		return 0;
	}
	if (at != CHECKER_NONE && at == offer.passed &&
	    mend_order(c, at, arrival))
		return 0;
	c->last_stream =
	    checker_lane_stream(c, at == CHECKER_NONE ? offer.known : at);
	if (at == CHECKER_NONE)
		checker_note(c, CHECKER_REPEAT, 1,
		    example_of(c->last_stream,
			offer.known - c->streams[c->last_stream].first,
			arrival));
	else
		take(c, c->last_stream, at - c->streams[c->last_stream].first,
		    arrival);
	return 0;
}

int
checker_match(struct checker *c)
{
	int rc = build_index(c);

	for (uint32_t i = 0; rc == 0 && i < c->arrivals_len; i++) {
		if (c->arrivals[i].lane)
			place_by_id(c, i);
		else
			rc = place_by_content(c, i);
	}
	return rc;
}
