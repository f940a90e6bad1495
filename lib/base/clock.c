/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/clock.h"

#include <stdio.h>
#include <time.h>

struct now
clock_now(void)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct now){
	    .mono_us = (uint64_t)mono.tv_sec * 1000000u +
		(uint64_t)mono.tv_nsec / 1000u,
	    .wall_ns = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec,
	};
}

int64_t
clock_judge_ns(const struct clock_floor *floor, struct now now)
{
	int64_t least;

	if (!floor->wall_ns)
		return now.wall_ns;
	least = floor->wall_ns + (int64_t)(now.mono_us - floor->mono_us) * 1000;
	return now.wall_ns > least ? now.wall_ns : least;
}

char *
clock_format(int64_t wall_ns, char text[static CLOCK_TEXT_SIZE])
{
	int64_t ns = wall_ns % 1000000000;
	time_t sec = (time_t)(wall_ns / 1000000000);
	struct tm tm;
	size_t n;

	if (ns < 0) {
		ns += 1000000000;
		sec--;
	}
	gmtime_r(&sec, &tm);
	n = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, CLOCK_TEXT_SIZE - n, ".%06dZ", (int)(ns / 1000));
	return text;
}
