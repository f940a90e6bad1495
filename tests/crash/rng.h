/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rng - numbers from a seed, the same ones on every machine (splitmix64).
 */
#ifndef TESTS_CRASH_RNG_H
#define TESTS_CRASH_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t
rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* From 0 to n - 1; n is not 0. */
static inline uint64_t
rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

static inline bool
rng_coin(struct rng *r)
{
	return rng_next(r) & 1;
}

#endif
