/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentlink_backoff - how long to wait before the next attempt to connect.
 *
 * Decorrelated jitter: each wait is drawn between 0.5 s and three times the
 * wait before, and never above the limit, so that agents that lost their
 * spool together do not come back together.  No clock: durations only.
 */
#ifndef AGENTLINK_AGENTLINK_BACKOFF_H
#define AGENTLINK_AGENTLINK_BACKOFF_H

#include <stdint.h>

#define AGENTLINK_BACKOFF_MIN_MS 500u
#define AGENTLINK_BACKOFF_MAX_MS 300000u

struct agentlink_backoff {
	uint64_t state; /* of the random numbers; not 0 */
	uint32_t max_ms;
	uint32_t last_ms;
};

/* max_ms 0: five minutes. */
void agentlink_backoff_init(
    struct agentlink_backoff *b, uint32_t max_ms, uint64_t seed);
uint32_t agentlink_backoff_next(struct agentlink_backoff *b);
/* The connection was good: begin at the bottom again. */
void agentlink_backoff_reset(struct agentlink_backoff *b);

#endif
