/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backoff - how long a role that died has to wait (RULES.md 11).
 *
 * Rules only: 100 ms, doubling to 5 s, begun anew after 10 s of health.
 */
#ifndef SPOOLD_BACKOFF_H
#define SPOOLD_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_FIRST_MS 100u
#define BACKOFF_MOST_MS 5000u
#define BACKOFF_HEALTHY_MS 10000u
#define BACKOFF_RESTLESS 5u /* deaths in a row that are worth an alarm */

struct backoff {
	uint32_t next_ms;
	uint64_t started_ms;
	uint32_t deaths; /* in a row, with less than health in between */
};

void backoff_init(struct backoff *b);

/* It was started. */
void backoff_on_start(struct backoff *b, uint64_t now_ms);

/* It died: wait so many milliseconds before the next start. */
uint32_t backoff_on_death(struct backoff *b, uint64_t now_ms);

/* Does it end again and again?  `runs`: it has been started and not died. */
bool backoff_is_restless(const struct backoff *b, bool runs, uint64_t now_ms);

#endif
