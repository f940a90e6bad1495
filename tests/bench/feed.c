/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "tests/bench/feed_file.h"
#include "tests/bench/feed_maker.h"

/* Live parts begin behind those of the files. */
#define LIVE_PART FEED_PARTS_MAX
#define LIVE_SEED 1000

struct feed {
	unsigned lanes;
	uint64_t *next; /* of each lane: the next batch, over all parts */
	struct feed_file *part[FEED_PARTS_MAX];
	unsigned parts;
	uint64_t batches; /* that all parts have in turn */
	struct feed_maker **maker; /* live: of each lane */
};

static int
feed_new(unsigned lanes, struct feed **out)
{
	struct feed *f;

	if (!lanes || lanes > FEED_LANES_MAX)
		return ERR_INVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return ERR_NOMEM;
	f->lanes = lanes;
	f->next = calloc(lanes, sizeof(*f->next));
	if (!f->next) {
		free(f);
		return ERR_NOMEM;
	}
	for (unsigned i = 0; i < lanes; i++)
		f->next[i] = i;
	*out = f;
	return 0;
}

int
feed_open(
    const char *const *paths, unsigned n, unsigned lanes, struct feed **out)
{
	struct feed *f;
	uint64_t least = UINT64_MAX;
	int rc = n && n <= FEED_PARTS_MAX ? feed_new(lanes, &f) : ERR_INVAL;

	if (rc)
		return rc;
	for (unsigned i = 0; i < n; i++) {
		rc = feed_file_open(paths[i], &f->part[i]);
		if (rc) {
			feed_free(f);
			return rc;
		}
		f->parts++;
		if (feed_file_batches(f->part[i]) < least)
			least = feed_file_batches(f->part[i]);
	}
	f->batches = least * n;
	*out = f;
	return 0;
}

int
feed_open_live(
    uint32_t raw_max, unsigned run, unsigned lanes, struct feed **out)
{
	struct feed *f;
	int rc = lanes <= FEED_LIVE_LANES_MAX ? feed_new(lanes, &f) : ERR_INVAL;

	if (rc)
		return rc;
	f->maker = calloc(lanes, sizeof(struct feed_maker *));
	rc = f->maker ? 0 : ERR_NOMEM;
	for (unsigned i = 0; !rc && i < lanes; i++)
		rc = feed_maker_new(LIVE_SEED * (run + 1) + i, LIVE_PART + i,
		    raw_max, AGENTLINK_BATCH_RECORDS_MAX, &f->maker[i]);
	if (rc) {
		feed_free(f);
		return rc;
	}
	*out = f;
	return 0;
}

void
feed_free(struct feed *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->parts; i++)
		feed_file_close(f->part[i]);
	for (unsigned i = 0; f->maker && i < f->lanes; i++)
		feed_maker_free(f->maker[i]);
	free(f->maker);
	free(f->next);
	free(f);
}

int
feed_next(struct feed *f, unsigned lane, struct agentlink_batch *batch)
{
	uint64_t i;

	if (lane >= f->lanes)
		return ERR_INVAL;
	if (f->maker)
		return feed_maker_next(f->maker[lane], batch);
	i = f->next[lane];
	if (i >= f->batches)
		return ERR_NOENT;
	f->next[lane] += f->lanes;
	feed_file_at(f->part[i % f->parts], i / f->parts, batch);
	return 0;
}

bool
feed_is_stable(const struct feed *f)
{
	return !f->maker;
}

uint64_t
feed_records(const struct feed *f)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < f->parts; i++)
		sum += feed_file_records(f->part[i]);
	return sum;
}

char *
feed_lane_name(unsigned lane, char name[static FEED_NAME_SIZE])
{
	snprintf(name, FEED_NAME_SIZE, "lane-%05u", lane % 100000);
	return name;
}

int
feed_lane_of(const char *name, size_t len, unsigned *lane)
{
	char own[FEED_NAME_SIZE];
	unsigned x = 0;

	if (len != 10)
		return ERR_FORMAT;
	for (size_t i = 5; i < len; i++)
		x = x * 10 + (unsigned char)name[i] - '0';
	if (x >= FEED_LANES_MAX || memcmp(feed_lane_name(x, own), name, len))
		return ERR_FORMAT;
	*lane = x;
	return 0;
}
