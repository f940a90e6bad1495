/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backoff - how long a target that failed is left alone.
 *
 * Rules only.  Decorrelated jitter between a floor and a ceiling; a wish of
 * the far side (Retry-After) is honoured within 1 s to 15 min; HOLD is tried
 * slowly.  Success begins anew.  There is no last attempt.
 */
#ifndef FORWARDER_BACKOFF_H
#define FORWARDER_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 100u
#define BACKOFF_HOLD_MS 60000u
#define BACKOFF_WISH_MIN_MS 1000u
#define BACKOFF_WISH_MAX_MS 900000u

struct backoff {
	uint32_t most_ms; /* the retry_max setting */
	uint32_t last_ms;
};

void backoff_init(struct backoff *b, uint32_t most_ms);
void backoff_on_success(struct backoff *b);

/*
 * It failed: wait so long.  wish_ms: what the far side asked for, 0 nothing;
 * hold: an operator must act; random: any 32 random bits.
 */
uint32_t backoff_on_failure(
    struct backoff *b, uint32_t wish_ms, int hold, uint32_t random);

#endif
