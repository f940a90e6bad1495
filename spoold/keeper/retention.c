/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/retention.h"

/* Has every target settled all records of this segment? */
static bool
is_settled(const struct cursors *c, const struct store_segment *s)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (cursors_pending_in(c->target[i], s->first_rec, s->next_rec))
			return false;
	return true;
}

const struct store_segment *
retention_next(
    const struct cursors *c, const struct store_segment *segments, size_t n)
{
	if (!n || !segments[0].sealed || !is_settled(c, &segments[0]))
		return NULL;
	return &segments[0];
}

bool
retention_delta_is_due(uint64_t bytes, uint64_t age_us, bool changed)
{
	return bytes >= RETENTION_DELTA_BYTES ||
	    (age_us >= RETENTION_DELTA_US && (changed || bytes));
}

uint64_t
retention_room(uint64_t used, uint64_t quota, uint64_t reserve, uint64_t memory)
{
	uint64_t limit = quota > reserve ? quota - reserve : 0;
	uint64_t soft = limit / 10 * 9;

	if (used >= limit)
		return 0;
	if (used <= soft)
		return memory;
	/* Never so little that a single frame would not pass. */
	memory = memory / 100 * (100 * (limit - used) / (limit - soft));
	return memory > (4u << 20) ? memory : 4u << 20;
}

unsigned
retention_mark(uint64_t used, uint64_t quota, uint64_t reserve)
{
	static const unsigned mark[] = {90, 80, 50};
	uint64_t limit = quota > reserve ? quota - reserve : 0;
	size_t i;

	for (i = 0; i < sizeof(mark) / sizeof(mark[0]); i++)
		if (used / 100 * 100 >= limit / 100 * mark[i])
			return mark[i];
	return 0;
}
