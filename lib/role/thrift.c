/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/role/thrift.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "lib/base/err.h"

#define PERIOD_MS 2000u
#define IDLE_US 40000u /* of processor time in a period: 2 % */
#define KEPT_BYTES (64 << 20) /* free at the top of the heap, while busy */
#define OWN_MAP_BYTES (4 << 20) /* blocks that are mapped on their own */

struct thrift {
	struct loop_timer *timer;
	uint64_t used_us; /* processor time at the last look */
	bool is_busy; /* since the last giving back */
};

static uint64_t
processor_us(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u))
		return 0;
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	    (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

void
thrift_look(struct thrift *t)
{
	uint64_t now_us = processor_us();

	if (now_us - t->used_us > IDLE_US) {
		t->is_busy = true;
	} else if (t->is_busy) {
		malloc_trim(0);
		t->is_busy = false;
	}
	t->used_us = now_us;
}

static void
on_timer(void *arg)
{
	thrift_look(arg);
}

int
thrift_new(struct loop *l, struct thrift **out)
{
	struct thrift *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return ERR_NOMEM;
	rc = loop_timer_new(l, on_timer, t, &t->timer);
	if (rc) {
		free(t);
		return rc;
	}
	/* The top of another thread's arena would never be given back. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
	mallopt(M_MMAP_THRESHOLD, OWN_MAP_BYTES);
	t->is_busy = true; /* starting was work */
	loop_timer_start(t->timer, PERIOD_MS, PERIOD_MS);
	*out = t;
	return 0;
}

void
thrift_free(struct thrift *t)
{
	if (!t)
		return;
	loop_timer_free(t->timer);
	free(t);
}
