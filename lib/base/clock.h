/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock - the two clocks, read in one place and passed on as an argument.
 *
 * The monotonic clock drives timers and policies; the wall clock only stamps
 * records and judges certificates (RFC 3339 text, UTC).
 */
#ifndef LIB_BASE_CLOCK_H
#define LIB_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct now {
	uint64_t mono_us; /* microseconds, CLOCK_MONOTONIC */
	int64_t wall_ns; /* nanoseconds since 1970 UTC, CLOCK_REALTIME */
};

struct now clock_now(void);

/*
 * The time that it is at least: a wall clock that was believed once, and the
 * monotonic clock then.  All zero: nothing is known.
 */
struct clock_floor {
	int64_t wall_ns;
	uint64_t mono_us;
};

/*
 * The wall clock, but never below the floor: what certificates are judged
 * by, so that a clock that fell back to 1970 refuses nobody.
 */
int64_t clock_judge_ns(const struct clock_floor *floor, struct now now);

/* Bytes that clock_format needs at the most, with the NUL. */
#define CLOCK_TEXT_SIZE 40

/* "2026-11-26T04:15:00.123456Z"; returns text. */
char *clock_format(int64_t wall_ns, char text[static CLOCK_TEXT_SIZE]);

#endif
