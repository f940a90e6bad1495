/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/backoff.h"

void
backoff_init(struct backoff *b)
{
	*b = (struct backoff){.next_ms = BACKOFF_FIRST_MS};
}

void
backoff_on_start(struct backoff *b, uint64_t now_ms)
{
	b->started_ms = now_ms;
}

uint32_t
backoff_on_death(struct backoff *b, uint64_t now_ms)
{
	uint32_t wait;

	if (now_ms - b->started_ms >= BACKOFF_HEALTHY_MS) {
		b->next_ms = BACKOFF_FIRST_MS;
		b->deaths = 0;
	}
	b->deaths++;
	wait = b->next_ms;
	b->next_ms *= 2;
	if (b->next_ms > BACKOFF_MOST_MS)
		b->next_ms = BACKOFF_MOST_MS;
	return wait;
}

bool
backoff_is_restless(const struct backoff *b, bool runs, uint64_t now_ms)
{
	return b->deaths >= BACKOFF_RESTLESS &&
	    (!runs || now_ms - b->started_ms < BACKOFF_HEALTHY_MS);
}
