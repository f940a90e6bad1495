/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/clock_rules.h"

bool
clock_rules_start(struct clock_rules *c, const struct entry_identity *last,
    struct now now, struct entry_clock *entry)
{
	int64_t jump = last->wall_ns ? now.wall_ns - last->wall_ns : 0;
	bool sane = jump >= 0 && jump <= CLOCK_RULES_JUMP_MAX_NS;

	c->base_us = last->spool_time_us + (sane ? (uint64_t)jump / 1000 : 0);
	c->start_us = now.mono_us;
	if (!sane)
		*entry = (struct entry_clock){.spool_time_us = c->base_us,
		    .wall_ns = now.wall_ns,
		    .jump_ns = jump};
	return !sane;
}

uint64_t
clock_rules_us(const struct clock_rules *c, struct now now)
{
	return c->base_us + (now.mono_us - c->start_us);
}

int64_t
clock_rules_floor_ns(
    const struct clock_rules *c, int64_t created_ns, struct now now)
{
	return created_ns > 0
	    ? created_ns + (int64_t)clock_rules_us(c, now) * 1000
	    : 0;
}
