/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/backoff.h"

void
backoff_init(struct backoff *b, uint32_t most_ms)
{
	*b = (struct backoff){
	    .most_ms = most_ms < BACKOFF_FIRST_MS ? BACKOFF_FIRST_MS : most_ms};
}

void
backoff_on_success(struct backoff *b)
{
	b->last_ms = 0;
}

static uint32_t
within(uint32_t x, uint32_t least, uint32_t most)
{
	return x < least ? least : x > most ? most : x;
}

uint32_t
backoff_on_failure(
    struct backoff *b, uint32_t wish_ms, int hold, uint32_t random)
{
	uint64_t span, wait;

	if (wish_ms)
		return within(
		    wish_ms, BACKOFF_WISH_MIN_MS, BACKOFF_WISH_MAX_MS);
	if (hold) /* between a half and the whole */
		return BACKOFF_HOLD_MS / 2 + random % (BACKOFF_HOLD_MS / 2);
	if (!b->last_ms) {
		b->last_ms = BACKOFF_FIRST_MS;
		return b->last_ms / 2 + random % (b->last_ms / 2 + 1);
	}
	/* Decorrelated: from the floor to three times the last wait. */
	span = (uint64_t)b->last_ms * 3 - BACKOFF_FIRST_MS;
	wait = BACKOFF_FIRST_MS + random % (span + 1);
	b->last_ms = within((uint32_t)(wait > b->most_ms ? b->most_ms : wait),
	    BACKOFF_FIRST_MS, b->most_ms);
	return b->last_ms;
}
