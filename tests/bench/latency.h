/* SPDX-License-Identifier: Apache-2.0 */
/*
 * latency - how long it took, every sample kept: quantiles are exact.
 */
#ifndef TESTS_BENCH_LATENCY_H
#define TESTS_BENCH_LATENCY_H

#include <stddef.h>
#include <stdint.h>

struct latency_sample {
	uint32_t us;
	uint32_t weight; /* records that took so long */
};

struct latency {
	struct latency_sample *sample;
	size_t n, cap;
	uint64_t weight;
};

/* Add; ERR_NOMEM.  More than an hour counts as an hour. */
int latency_add(struct latency *l, uint64_t us, uint32_t weight);

/* Sort; then quantiles can be asked for. */
void latency_sort(struct latency *l);

/*
 * The least time within which the share `q` (0 to 1) of the weight came; 0
 * without samples.  Microseconds.
 */
uint64_t latency_at(const struct latency *l, double q);

void latency_fini(struct latency *l);

#endif
