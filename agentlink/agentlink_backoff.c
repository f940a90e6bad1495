/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/agentlink_backoff.h"

void
agentlink_backoff_init(
    struct agentlink_backoff *b, uint32_t max_ms, uint64_t seed)
{
	b->max_ms = max_ms ? max_ms : AGENTLINK_BACKOFF_MAX_MS;
	if (b->max_ms < AGENTLINK_BACKOFF_MIN_MS)
		b->max_ms = AGENTLINK_BACKOFF_MIN_MS;
	b->state = seed ? seed : 1;
	agentlink_backoff_reset(b);
}

void
agentlink_backoff_reset(struct agentlink_backoff *b)
{
	b->last_ms = AGENTLINK_BACKOFF_MIN_MS;
}

/* xorshift64*: no secret, only different from the neighbour's. */
static uint64_t
draw(struct agentlink_backoff *b)
{
	b->state ^= b->state >> 12;
	b->state ^= b->state << 25;
	b->state ^= b->state >> 27;
	return b->state * UINT64_C(2685821657736338717);
}

uint32_t
agentlink_backoff_next(struct agentlink_backoff *b)
{
	uint64_t top = (uint64_t)b->last_ms * 3;
	if (top > b->max_ms)
		top = b->max_ms;
	uint64_t span = top - AGENTLINK_BACKOFF_MIN_MS + 1;
	b->last_ms =
	    (uint32_t)(AGENTLINK_BACKOFF_MIN_MS + (draw(b) >> 11) % span);
	return b->last_ms;
}
