/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock_rules - spool time: what all policies go by (RULES.md 11).
 *
 * Spool time is the last recorded spool time and the monotonic time since;
 * over a start of the keeper the wall clock's difference is added, if it is
 * between 0 and 30 days, else nothing, and that is worth a CLOCK entry.
 * Rules: the clock is an argument.  Any thread may ask.
 */
#ifndef SPOOLD_KEEPER_CLOCK_RULES_H
#define SPOOLD_KEEPER_CLOCK_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/clock.h"
#include "lib/codec/entry.h"

#define CLOCK_RULES_JUMP_MAX_NS (30ll * 24 * 3600 * 1000000000)

struct clock_rules {
	uint64_t base_us; /* spool time at the start */
	uint64_t start_us; /* monotonic, then */
};

/*
 * Begin from what was recorded last.  True if the wall clock could not be
 * believed; *entry is what to record then.
 */
bool clock_rules_start(struct clock_rules *c, const struct entry_identity *last,
    struct now now, struct entry_clock *entry);

uint64_t clock_rules_us(const struct clock_rules *c, struct now now);

/*
 * The time that it is at least, however wrong the wall clock is: that of the
 * spool's creation, and the spool time since.  0 if that is not known.
 */
int64_t clock_rules_floor_ns(
    const struct clock_rules *c, int64_t created_ns, struct now now);

#endif
