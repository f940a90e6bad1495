/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: a batch number follows the other through the segments, up
 * to the durable watermark.  What can go wrong: a number is missing, a batch
 * is damaged, a segment has lost its end.  Then the cursor looks for the next
 * batch that can be read and reports the record numbers in between, once.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/store/store_cursor.h"
#include "lib/store/store_internal.h"
#include "lib/store/table.h"
#include "lib/store/unseal.h"

#define VALUE_MAX (BATCH_STORED_MAX * 2u)

struct store_cursor {
	struct store *s;
	struct segment *seg; /* held; NULL: nothing was ever stored */
	uint64_t number; /* of the next batch */
	uint64_t rec; /* that it should begin with */
	uint8_t chain[DIGEST_SIZE]; /* of the batch before it */
	bool chain_known;
	struct unseal unseal;
	struct buf scratch; /* headers looked at while searching */
};

/* ---- holding segments ---- */

static void
hold(struct store_cursor *c, struct segment *seg)
{
	if (c->seg)
		c->seg->readers--;
	c->seg = seg;
	if (seg)
		seg->readers++;
}

/* Numbers from here on are not there (yet); the lock is held. */
static uint64_t
limit_of(const struct store *s, const struct segment *seg)
{
	return seg->next_number < s->durable_number ? seg->next_number
						    : s->durable_number;
}

static uint64_t
limit(struct store_cursor *c)
{
	uint64_t n;

	pthread_mutex_lock(&c->s->lock);
	n = limit_of(c->s, c->seg);
	pthread_mutex_unlock(&c->s->lock);
	return n;
}

static void
enter(struct store_cursor *c, struct segment *seg)
{
	hold(c, seg);
	c->number = seg->header.first_number;
	memcpy(c->chain, seg->header.chain, sizeof(c->chain));
	/* A header made up by salvage knows no chain. */
	c->chain_known =
	    !uuid_is_zero(&seg->header.prev) || seg->header.first_number == 1;
}

/* ---- finding a place ---- */

static bool
is_past(const struct batch_header *h, uint64_t rec)
{
	return h->first_rec + h->records > rec;
}

/* The first batch at or after `number` whose header can be read. */
static int
read_header(struct store_cursor *c, uint64_t number, uint64_t end,
    struct segment_hit *hit)
{
	for (;;) {
		int rc = segment_read(c->s, c->seg, number, SEGMENT_GE,
		    SEGMENT_HEADER, &c->scratch, hit);

		if (rc)
			return rc;
		if (hit->number >= end)
			return ERR_NOENT;
		if (!hit->damaged)
			return 0;
		number = hit->number + 1;
	}
}

/* By bisection: where the batch with this record is, or would be. */
static int
seek_rec(struct store_cursor *c, uint64_t rec)
{
	uint64_t low = c->seg->header.first_number, end = limit(c);
	uint64_t high = end;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;
		struct segment_hit hit;
		int rc = read_header(c, mid, high, &hit);

		if (rc == ERR_NOENT)
			high = mid;
		else if (rc)
			return rc;
		else if (is_past(&hit.view.header, rec))
			high = mid;
		else
			low = hit.number + 1;
	}
	if (low != c->seg->header.first_number)
		c->chain_known = false;
	c->number = low;
	return 0;
}

static int
cursor_new(struct store *s, struct store_cursor **out)
{
	struct store_cursor *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return ERR_NOMEM;
	c->s = s;
	buf_init(&c->scratch, VALUE_MAX);
	rc = unseal_init(&c->unseal);
	if (rc) {
		free(c);
		return rc;
	}
	*out = c;
	return 0;
}

int
store_cursor_open(struct store *s, uint64_t rec, struct store_cursor **out)
{
	struct store_cursor *c;
	struct segment *seg;
	int rc = cursor_new(s, &c);

	if (rc)
		return rc;
	pthread_mutex_lock(&s->lock);
	seg = table_for_rec(s, rec);
	if (seg)
		enter(c, seg);
	pthread_mutex_unlock(&s->lock);
	c->rec =
	    seg && seg->header.first_rec > rec ? seg->header.first_rec : rec;
	if (seg)
		rc = seek_rec(c, rec);
	if (rc) {
		store_cursor_close(c);
		return rc;
	}
	*out = c;
	return 0;
}

int
store_cursor_open_number(
    struct store *s, uint64_t number, struct store_cursor **out)
{
	struct store_cursor *c;
	struct segment *seg;
	struct segment_hit hit;
	int rc = cursor_new(s, &c);

	if (rc)
		return rc;
	pthread_mutex_lock(&s->lock);
	seg = table_for_number(s, number);
	if (seg)
		enter(c, seg);
	pthread_mutex_unlock(&s->lock);
	*out = c;
	if (!seg)
		return 0;
	c->rec = seg->header.first_rec;
	if (number <= c->number)
		return 0;
	c->chain_known = false;
	c->number = number;
	/* The last good batch before says where this one begins. */
	hit.number = number;
	do
		rc = segment_read(s, seg, hit.number, SEGMENT_LT,
		    SEGMENT_HEADER, &c->scratch, &hit);
	while (!rc && hit.damaged);
	if (!rc)
		c->rec = hit.view.header.first_rec + hit.view.header.records;
	return 0;
}

void
store_cursor_close(struct store_cursor *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->s->lock);
	hold(c, NULL);
	pthread_mutex_unlock(&c->s->lock);
	unseal_fini(&c->unseal);
	buf_fini(&c->scratch);
	free(c);
}

/* ---- damage ---- */

static void
say(const struct store_cursor *c, struct store_damage *d, uint64_t number,
    const char *why)
{
	*d = (struct store_damage){.number = number,
	    .from = c->rec,
	    .to = c->rec,
	    .segment_id = c->seg->id,
	    .segment = c->seg->header.segment};
	snprintf(d->why, sizeof(d->why), "segment %016llx, batch %llu: %s",
	    (unsigned long long)c->seg->id, (unsigned long long)c->number, why);
}

/* Where the segment's records end, if it loses all from here on. */
static uint64_t
end_rec(struct store_cursor *c)
{
	uint64_t end;

	pthread_mutex_lock(&c->s->lock);
	end = c->seg->next_rec < c->s->durable_rec ? c->seg->next_rec
						   : c->s->durable_rec;
	pthread_mutex_unlock(&c->s->lock);
	return end > c->rec ? end : c->rec;
}

/*
 * The batch at c->number cannot be read (its header neither): go on at the
 * next one that can, or at the segment's end, and report what lies between.
 */
static int
skip_damage(struct store_cursor *c, uint64_t end, const char *why,
    struct store_damage *damage)
{
	struct segment_hit hit;
	struct store_damage d;
	uint64_t next = end;
	int rc = read_header(c, c->number + 1, end, &hit);

	if (rc && rc != ERR_NOENT)
		return rc;
	say(c, &d, c->number, why);
	if (!rc) {
		next = hit.number;
		d.to = hit.view.header.first_rec;
	} else {
		d.to = end_rec(c);
	}
	if (d.to < d.from)
		d.to = d.from;
	if (next != c->number + 1)
		d.number = 0;
	c->number = next;
	c->rec = d.to;
	c->chain_known = false;
	*damage = d;
	return ERR_CORRUPT;
}

/* Its header is good and says exactly what is lost with its payload. */
static int
skip_payload(struct store_cursor *c, const struct batch_header *h,
    const char *why, struct store_damage *damage)
{
	c->rec = h->first_rec;
	say(c, damage, c->number, why);
	damage->to = h->first_rec + h->records;
	c->rec = damage->to;
	c->number++;
	return ERR_CORRUPT;
}

/* ---- reading ---- */

/*
 * Into the next segment, if there is one.  Records that the former one should
 * have had up to there (or up to the end of the log) are reported.
 */
static int
cross(struct store_cursor *c, struct store_damage *damage)
{
	struct store *s = c->s;
	struct segment *was = c->seg, *next;
	uint64_t begin;
	bool gap;

	pthread_mutex_lock(&s->lock);
	if (was && c->number < limit_of(s, was)) {
		pthread_mutex_unlock(&s->lock);
		return 0; /* a commit came in between */
	}
	next = table_next(s, was);
	begin = next ? next->header.first_rec : s->durable_rec;
	gap = was && begin > c->rec;
	if (gap) {
		say(c, damage, 0, "nothing more of it can be read");
		damage->to = begin;
	}
	if (next)
		enter(c, next);
	pthread_mutex_unlock(&s->lock);
	if (c->rec < begin)
		c->rec = begin;
	if (gap)
		return ERR_CORRUPT;
	return next ? 0 : ERR_NOENT;
}

static void
follow_chain(struct store_cursor *c, const uint8_t digest[static DIGEST_SIZE])
{
	memcpy(c->chain, digest, DIGEST_SIZE);
	c->chain_known = true;
}

static int
accept(struct store_cursor *c, bool header_only, struct segment_hit *hit,
    struct buf *copy, struct store_batch *batch, struct store_damage *damage)
{
	struct batch_header *h = &hit->view.header;
	bool chained = !c->chain_known ||
	    !memcmp(h->prev_digest, c->chain, sizeof(c->chain));
	struct store_batch b = {.header = *h,
	    .ranges = hit->view.ranges,
	    .payload = hit->view.payload,
	    .segment_id = c->seg->id};
	const char *why = "it does not continue the chain of headers";
	int rc = 0;

	segment_digest(c->unseal.sha, &hit->view, b.header_digest);
	follow_chain(c, b.header_digest);
	if (!chained)
		return skip_payload(c, h, why, damage);
	if (!header_only) {
		uint8_t *at = buf_ptr(copy) +
		    (hit->view.payload.ptr - buf_bytes(copy).ptr);

		rc = unseal_payload(
		    &c->unseal, c->s, c->seg, &hit->view, at, &why);
	}
	if (rc == ERR_AUTH || rc == ERR_KEY)
		return skip_payload(c, h, why, damage);
	if (rc)
		return rc;
	c->number++;
	c->rec = h->first_rec + h->records;
	*batch = b;
	return 0;
}

/* LMDB found the tree damaged: read again, by salvage from now on. */
static int
condemn(struct store_cursor *c)
{
	int rc = ERR_AGAIN;

	pthread_mutex_lock(&c->s->lock);
	if (c->seg == c->s->active || c->seg->bad)
		rc = ERR_IO;
	else
		segment_condemn(c->s, c->seg, "its tree is damaged");
	pthread_mutex_unlock(&c->s->lock);
	return rc;
}

/* The batch at c->number, in this segment, below its limit. */
static int
read_next(struct store_cursor *c, uint64_t end, enum segment_what what,
    struct buf *copy, struct store_batch *batch, struct store_damage *damage)
{
	struct segment_hit hit;
	int rc =
	    segment_read(c->s, c->seg, c->number, SEGMENT_GE, what, copy, &hit);

	if (rc == ERR_NOENT || (!rc && hit.number >= end))
		return skip_damage(
		    c, end, "the end of the segment is missing", damage);
	if (rc == ERR_CORRUPT)
		return condemn(c);
	if (rc)
		return rc;
	if (hit.number != c->number)
		return skip_damage(c, end, "it is missing", damage);
	if (hit.damaged)
		return skip_damage(c, end, hit.why, damage);
	return accept(c,
	    what == SEGMENT_HEADER ||
		(what == SEGMENT_CONTROL &&
		    hit.view.header.kind != BATCH_CONTROL),
	    &hit, copy, batch, damage);
}

int
store_cursor_read(struct store_cursor *c, enum segment_what what,
    struct buf *copy, struct store_batch *batch, struct store_damage *damage)
{
	for (;;) {
		int rc;

		if (!c->seg || c->number >= limit(c)) {
			rc = cross(c, damage);
			if (rc)
				return rc;
			continue;
		}
		rc = read_next(c, limit(c), what, copy, batch, damage);
		if (rc != ERR_AGAIN)
			return rc;
	}
}

int
store_cursor_next(struct store_cursor *c, bool header_only, struct buf *copy,
    struct store_batch *batch, struct store_damage *damage)
{
	return store_cursor_read(c,
	    header_only ? SEGMENT_HEADER : SEGMENT_WHOLE, copy, batch, damage);
}
