/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/checker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "tests/helpers/checker_impl.h"

#define ID_CHARS 32
#define ID_SIZE 20

int
checker_grow(void *array, size_t *cap, size_t len, size_t size)
{
	void *mem;
	size_t more = *cap ? *cap + *cap / 2 : 64;

	if (len < *cap)
		return 0;
	memcpy(&mem, array, sizeof(mem));
	mem = realloc(mem, more * size);
	if (!mem)
		return ERR_NOMEM;
	memcpy(array, &mem, sizeof(mem));
	*cap = more;
	return 0;
}

static uint64_t
mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Two sums of 64 bits over words of 8 bytes; nobody here forges records. */
static struct checker_digest
digest_of(struct bytes x)
{
	uint64_t a = x.len, b = ~(uint64_t)x.len;

	while (x.len > 0) {
		size_t n = x.len < 8 ? x.len : 8;
		uint64_t w = 0;

		memcpy(&w, x.ptr, n);
		a = (a ^ mix(w)) * UINT64_C(0x9e3779b97f4a7c15);
		a ^= a >> 29;
		b = (b + (w ^ b >> 31)) * UINT64_C(0xd6e8feb86659fd93);
		b ^= b >> 32;
		x.ptr += n;
		x.len -= n;
	}
	return (struct checker_digest){mix(a), mix(b)};
}

int
checker_new(struct checker **out)
{
	struct checker *c = calloc(1, sizeof(*c));

	if (!c)
		return ERR_NOMEM;
	c->lane_places = 64;
	c->lane_index = malloc(c->lane_places * sizeof(*c->lane_index));
	if (!c->lane_index ||
	    checker_grow(&c->lanes, &c->lanes_cap, 0, sizeof(*c->lanes))) {
		checker_free(c);
		return ERR_NOMEM;
	}
	memset(c->lane_index, 0xff, c->lane_places * sizeof(*c->lane_index));
	c->lanes[0] = (struct checker_lane){0};
	c->lanes_len = 1;
	c->last_stream = CHECKER_NONE;
	*out = c;
	return 0;
}

void
checker_free(struct checker *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->streams_len; i++)
		free(c->streams[i].name);
	free(c->streams);
	free(c->items);
	free(c->lanes);
	free(c->lane_index);
	free(c->arrivals);
	free(c->heads);
	free(c->strangers);
	free(c);
}

static struct checker_stream *
find_stream(const struct checker *c, const char *name)
{
	for (size_t i = 0; i < c->streams_len; i++) {
		if (!strcmp(c->streams[i].name, name))
			return &c->streams[i];
	}
	return NULL;
}

int
checker_stream(struct checker *c, const char *name)
{
	struct checker_stream s = {.first = (uint32_t)c->items_len};

	if (find_stream(c, name))
		return ERR_EXISTS;
	if (c->arrivals_len > 0)
		return ERR_STATE;
	if (checker_grow(&c->streams, &c->streams_cap, c->streams_len,
		sizeof(*c->streams)))
		return ERR_NOMEM;
	s.name = strdup(name);
	if (!s.name)
		return ERR_NOMEM;
	c->streams[c->streams_len++] = s;
	return 0;
}

int
checker_sent(struct checker *c, struct bytes record)
{
	if (c->streams_len == 0 || c->arrivals_len > 0)
		return ERR_STATE;
	if (c->items_len >= CHECKER_MAX)
		return ERR_LIMIT;
	if (checker_grow(
		&c->items, &c->items_cap, c->items_len, sizeof(*c->items)))
		return ERR_NOMEM;
	c->items[c->items_len++] = (struct checker_item){
	    .digest = digest_of(record), .next = CHECKER_NONE};
	c->streams[c->streams_len - 1].count++;
	return 0;
}

static int
decode_id(struct bytes id, uint8_t raw[static ID_SIZE])
{
	uint64_t bits = 0;
	size_t have = 0, at = 0;

	if (id.len != ID_CHARS)
		return ERR_FORMAT;
	for (size_t i = 0; i < ID_CHARS; i++) {
		uint8_t ch = id.ptr[i] | 0x20; /* either case */
		unsigned x = ch >= 'a' && ch <= 'v' ? ch - 'a' + 10u : 32;

		if (id.ptr[i] >= '0' && id.ptr[i] <= '9')
			x = id.ptr[i] - '0';
		if (x > 31)
			return ERR_FORMAT;
		bits = bits << 5 | x;
		for (have += 5; have >= 8; have -= 8)
			raw[at++] = (uint8_t)(bits >> (have - 8));
	}
	return 0;
}

static uint32_t *
lane_place(const struct checker *c, const uint8_t *key)
{
	size_t i = (size_t)mix(endian_get_le64(key)) & (c->lane_places - 1);

	while (c->lane_index[i] != CHECKER_NONE &&
	    memcmp(c->lanes[c->lane_index[i]].key, key, CHECKER_KEY_SIZE))
		i = (i + 1) & (c->lane_places - 1);
	return &c->lane_index[i];
}

/* At most half of the places are taken. */
static int
widen_lane_index(struct checker *c)
{
	size_t places = c->lane_places * 2;
	uint32_t *index;

	if (c->lanes_len * 2 < c->lane_places)
		return 0;
	index = malloc(places * sizeof(*index));
	if (!index)
		return ERR_NOMEM;
	memset(index, 0xff, places * sizeof(*index));
	free(c->lane_index);
	c->lane_index = index;
	c->lane_places = places;
	for (uint32_t i = 1; i < c->lanes_len; i++)
		*lane_place(c, c->lanes[i].key) = i;
	return 0;
}

static int
find_lane(struct checker *c, const uint8_t *key, uint32_t *number)
{
	uint32_t *place;

	if (widen_lane_index(c) ||
	    checker_grow(
		&c->lanes, &c->lanes_cap, c->lanes_len, sizeof(*c->lanes)))
		return ERR_NOMEM;
	place = lane_place(c, key);
	if (*place == CHECKER_NONE) {
		*place = (uint32_t)c->lanes_len++;
		c->lanes[*place] = (struct checker_lane){0};
		memcpy(c->lanes[*place].key, key, CHECKER_KEY_SIZE);
	}
	*number = *place;
	return 0;
}

/* Samples: the first eight arrivals of a lane, then ever fewer. */
static void
sample(struct checker_lane *lane, uint32_t arrival)
{
	uint32_t n = lane->arrivals++;

	if ((n < 8 || (n & (n - 1)) == 0) && lane->sampled < CHECKER_SAMPLES)
		lane->samples[lane->sampled++] = arrival;
}

int
checker_arrived(struct checker *c, struct bytes id, struct bytes record)
{
	struct checker_arrival a = {.digest = digest_of(record)};
	uint8_t raw[ID_SIZE];
	int rc = 0;

	if (c->arrivals_len >= CHECKER_MAX)
		return ERR_LIMIT;
	if (id.len > 0) {
		rc = decode_id(id, raw);
		if (rc == 0)
			rc = find_lane(c, raw, &a.lane);
		if (rc)
			return rc;
		a.seq = endian_get_be64(raw + CHECKER_KEY_SIZE);
	}
	rc = checker_grow(&c->arrivals, &c->arrivals_cap, c->arrivals_len,
	    sizeof(*c->arrivals));
	if (rc)
		return rc;
	sample(&c->lanes[a.lane], (uint32_t)c->arrivals_len);
	c->arrivals[c->arrivals_len++] = a;
	return 0;
}

void
checker_allow_repeats(struct checker *c)
{
	c->allow_repeats = true;
}

int
checker_allow_loss(
    struct checker *c, const char *stream, uint64_t first, uint64_t last)
{
	struct checker_stream *s = find_stream(c, stream);

	if (!s)
		return ERR_NOENT;
	if (first == 0 || first > last || last > s->count || s->allow_first)
		return ERR_RANGE;
	s->allow_first = first;
	s->allow_last = last;
	return 0;
}

void
checker_note(struct checker *c, enum checker_fault fault, uint64_t n,
    struct checker_example example)
{
	c->counts[fault] += n;
	if (c->examples_len[fault] < CHECKER_EXAMPLES)
		c->examples[fault][c->examples_len[fault]++] = example;
}
