/* SPDX-License-Identifier: Apache-2.0 */
/* checker_impl - what checker*.c share; for them only. */
#ifndef TESTS_HELPERS_CHECKER_IMPL_H
#define TESTS_HELPERS_CHECKER_IMPL_H

#include "tests/helpers/checker.h"

#define CHECKER_NONE UINT32_MAX
#define CHECKER_KEY_SIZE 12
#define CHECKER_SAMPLES 32
#define CHECKER_EXAMPLES 10 /* of each fault */

struct checker_digest {
	uint64_t a, b;
};

/* One record that was sent. */
struct checker_item {
	struct checker_digest digest;
	uint32_t next; /* with the same bucket, or CHECKER_NONE */
	uint32_t arrival; /* 1 + its number; 0: none; CHECKER_NONE: altered */
};

struct checker_stream {
	char *name;
	uint32_t first, count; /* its items */
	uint32_t next; /* 1 + the last position that arrived */
	uint64_t allow_first, allow_last; /* positions from 1; 0: none */
};

/* What one stream key (of record ids) brought; number 0 has no ids. */
struct checker_lane {
	uint8_t key[CHECKER_KEY_SIZE];
	uint32_t arrivals;
	uint32_t samples[CHECKER_SAMPLES]; /* numbers of arrivals */
	uint32_t sampled;
	bool bound;
	uint32_t stream; /* if bound; CHECKER_NONE: to none */
	int64_t offset; /* position = seq + offset */
};

struct checker_arrival {
	struct checker_digest digest;
	uint64_t seq;
	uint32_t lane;
};

enum checker_fault {
	CHECKER_LOST_PREFIX,
	CHECKER_LOST_MIDDLE,
	CHECKER_LOST_SUFFIX,
	CHECKER_LOST_DECLARED,
	CHECKER_REPEAT,
	CHECKER_PHANTOM,
	CHECKER_ALTERED,
	CHECKER_DISORDER,
};
#define CHECKER_FAULTS 8

struct checker_example {
	uint32_t stream; /* CHECKER_NONE: not known */
	uint64_t first, last; /* positions from 1 */
	uint64_t arrival; /* from 1; 0: none */
};

struct checker {
	struct checker_stream *streams;
	size_t streams_len, streams_cap;
	struct checker_item *items;
	size_t items_len, items_cap;
	struct checker_lane *lanes;
	size_t lanes_len, lanes_cap;
	uint32_t *lane_index; /* power of two places; number, or NONE */
	size_t lane_places;
	struct checker_arrival *arrivals;
	size_t arrivals_len, arrivals_cap;
	bool allow_repeats;

	/* of the judging */
	uint32_t *heads; /* buckets */
	size_t buckets; /* a power of two */
	uint32_t last_stream; /* where the last one without id was placed */
	uint32_t *strangers; /* arrivals without id that nobody sent */
	size_t strangers_len, strangers_cap;
	uint64_t counts[CHECKER_FAULTS];
	uint64_t matched;
	struct checker_example examples[CHECKER_FAULTS][CHECKER_EXAMPLES];
	uint32_t examples_len[CHECKER_FAULTS];
};

static inline bool
checker_same(struct checker_digest x, struct checker_digest y)
{
	return x.a == y.a && x.b == y.b;
}

/* Room for one more in *array, which is a pointer; ERR_NOMEM. */
int checker_grow(void *array, size_t *cap, size_t len, size_t size);

/* Count a fault, `n` times, and keep it as an example if there is room. */
void checker_note(struct checker *c, enum checker_fault fault, uint64_t n,
    struct checker_example example);

/* checker_match.c: place all arrivals; ERR_NOMEM. */
int checker_match(struct checker *c);

/* checker_lane.c: the stream of an item. */
uint32_t checker_lane_stream(const struct checker *c, uint32_t item);

/* checker_lane.c: which stream a lane is, if that is not known yet. */
void checker_lane_bind(struct checker *c, struct checker_lane *lane);

#endif
