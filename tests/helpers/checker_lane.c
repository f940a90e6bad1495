/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the sent streams a stream key of record ids stands for.  Samples of
 * what came under the key propose pairs (stream, offset), by where equal
 * records were sent; the pair with which most samples agree is it.
 */
#include "tests/helpers/checker_impl.h"

#define PROPOSALS 64 /* at most of one sample */

uint32_t
checker_lane_stream(const struct checker *c, uint32_t item)
{
	size_t low = 0, high = c->streams_len;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (c->streams[middle].first <= item)
			low = middle;
		else
			high = middle;
	}
	/* of streams with one first, all but the last are empty */
	return (uint32_t)low;
}

static bool
agrees(const struct checker *c, const struct checker_arrival *a,
    const struct checker_stream *s, int64_t offset)
{
	int64_t pos = (int64_t)a->seq + offset;

	return pos >= 0 && pos < s->count &&
	    checker_same(c->items[s->first + pos].digest, a->digest);
}

/* Samples that agree; among equals, what goes on where the stream stands. */
static uint32_t
score(const struct checker *c, const struct checker_lane *lane, uint32_t stream,
    int64_t offset)
{
	const struct checker_stream *s = &c->streams[stream];
	const struct checker_arrival *a = &c->arrivals[lane->samples[0]];
	int64_t pos = (int64_t)a->seq + offset;
	uint32_t n = 0;

	for (uint32_t i = 0; i < lane->sampled; i++)
		n += agrees(c, &c->arrivals[lane->samples[i]], s, offset);
	n *= 4;
	if (pos >= 0 && pos < s->count && !c->items[s->first + pos].arrival)
		n += 2;
	return n + (pos == s->next);
}

static void
try_sample(struct checker *c, struct checker_lane *lane, uint32_t arrival,
    uint32_t *best)
{
	const struct checker_arrival *a = &c->arrivals[arrival];
	uint32_t i = c->heads[a->digest.a & (c->buckets - 1)];

	for (int n = 0; i != CHECKER_NONE && n < PROPOSALS;
	     i = c->items[i].next) {
		uint32_t stream, points;
		int64_t offset;

		if (!checker_same(c->items[i].digest, a->digest))
			continue;
		n++;
		stream = checker_lane_stream(c, i);
		offset =
		    (int64_t)(i - c->streams[stream].first) - (int64_t)a->seq;
		points = score(c, lane, stream, offset);
		if (points > *best) {
			*best = points;
			lane->stream = stream;
			lane->offset = offset;
		}
	}
}

void
checker_lane_bind(struct checker *c, struct checker_lane *lane)
{
	uint32_t best = 0;

	if (lane->bound)
		return;
	lane->bound = true;
	lane->stream = CHECKER_NONE;
	for (uint32_t i = 0; i < lane->sampled; i++)
		try_sample(c, lane, lane->samples[i], &best);
}
