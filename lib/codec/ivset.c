/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/codec/ivset.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"

void
ivset_init(struct ivset *s, size_t limit)
{
	*s = (struct ivset){.limit = limit};
}

void
ivset_fini(struct ivset *s)
{
	if (s) {
		free(s->iv);
		*s = (struct ivset){.limit = s->limit};
	}
}

void
ivset_clear(struct ivset *s)
{
	s->n = 0;
}

/* Room for n intervals; the limit is judged here and nowhere else. */
static int
make_room(struct ivset *s, size_t n)
{
	size_t cap = s->cap ? s->cap : 4;
	struct iv *iv;

	if (n > s->limit)
		return ERR_LIMIT;
	if (n <= s->cap)
		return 0;
	while (cap < n)
		cap *= 2;
	iv = reallocarray(s->iv, cap, sizeof(*iv));
	if (!iv)
		return ERR_NOMEM;
	s->iv = iv;
	s->cap = cap;
	return 0;
}

int
ivset_copy(struct ivset *to, const struct ivset *from)
{
	int rc = make_room(to, from->n);

	if (rc)
		return rc;
	if (from->n)
		memcpy(to->iv, from->iv, from->n * sizeof(*to->iv));
	to->n = from->n;
	return 0;
}

/* The first interval that ends at x or after it; s->n if none does. */
static size_t
first_ending_at(const struct ivset *s, uint64_t x)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->iv[mid].to < x)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Replace the intervals [at, at + gone) by `n` others. */
static int
replace(
    struct ivset *s, size_t at, size_t gone, const struct iv *with, size_t n)
{
	int rc = make_room(s, s->n - gone + n);

	if (rc)
		return rc;
	if (s->n > at + gone)
		memmove(s->iv + at + n, s->iv + at + gone,
		    (s->n - at - gone) * sizeof(*s->iv));
	for (size_t i = 0; i < n; i++)
		s->iv[at + i] = with[i];
	s->n = s->n - gone + n;
	return 0;
}

int
ivset_add(struct ivset *s, uint64_t from, uint64_t to, uint64_t *added)
{
	struct iv all = {from, to};
	uint64_t had = 0;
	size_t at, end;
	int rc;

	if (from >= to)
		return ERR_INVAL;
	at = first_ending_at(s, from);
	for (end = at; end < s->n && s->iv[end].from <= to; end++) {
		const struct iv *iv = &s->iv[end];

		all.from = iv->from < all.from ? iv->from : all.from;
		all.to = iv->to > all.to ? iv->to : all.to;
		had += iv->to - iv->from;
	}
	rc = replace(s, at, end - at, &all, 1);
	if (!rc && added)
		*added = all.to - all.from - had;
	return rc;
}

int
ivset_remove(struct ivset *s, uint64_t from, uint64_t to, uint64_t *removed)
{
	struct iv left[2];
	uint64_t had = ivset_count_in(s, from, to);
	size_t at, end, n = 0;
	int rc;

	if (from >= to)
		return ERR_INVAL;
	at = first_ending_at(s, from);
	if (at < s->n && s->iv[at].to == from)
		at++; /* it touches only */
	for (end = at; end < s->n && s->iv[end].from < to; end++)
		continue;
	if (at < end && s->iv[at].from < from)
		left[n++] = (struct iv){s->iv[at].from, from};
	if (at < end && s->iv[end - 1].to > to)
		left[n++] = (struct iv){to, s->iv[end - 1].to};
	rc = replace(s, at, end - at, left, n);
	if (!rc && removed)
		*removed = had;
	return rc;
}

bool
ivset_has(const struct ivset *s, uint64_t x)
{
	size_t i = first_ending_at(s, x);

	if (i < s->n && s->iv[i].to == x)
		i++;
	return i < s->n && s->iv[i].from <= x;
}

uint64_t
ivset_count_in(const struct ivset *s, uint64_t from, uint64_t to)
{
	uint64_t count = 0;

	for (size_t i = first_ending_at(s, from);
	     i < s->n && s->iv[i].from < to; i++) {
		uint64_t low = s->iv[i].from > from ? s->iv[i].from : from;
		uint64_t high = s->iv[i].to < to ? s->iv[i].to : to;

		if (low < high)
			count += high - low;
	}
	return count;
}

uint64_t
ivset_count(const struct ivset *s)
{
	uint64_t count = 0;

	for (size_t i = 0; i < s->n; i++)
		count += s->iv[i].to - s->iv[i].from;
	return count;
}

uint64_t
ivset_first_gap(const struct ivset *s, uint64_t from)
{
	size_t i = first_ending_at(s, from);

	/* One that ends at `from` leaves it out, and none touches another. */
	if (i < s->n && s->iv[i].to == from)
		i++;
	return i < s->n && s->iv[i].from <= from ? s->iv[i].to : from;
}

bool
ivset_first_in(const struct ivset *s, uint64_t from, uint64_t *x)
{
	size_t i = first_ending_at(s, from);

	if (i < s->n && s->iv[i].to == from)
		i++;
	if (i == s->n)
		return false;
	*x = s->iv[i].from > from ? s->iv[i].from : from;
	return true;
}

uint64_t
ivset_end(const struct ivset *s)
{
	return s->n ? s->iv[s->n - 1].to : 0;
}

bool
ivset_equal(const struct ivset *a, const struct ivset *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->iv[i].from != b->iv[i].from ||
		    a->iv[i].to != b->iv[i].to)
			return false;
	return true;
}

void
ivset_encode(const struct ivset *s, struct buf *b)
{
	uint64_t end = 0;

	cursor_put_varint(b, s->n);
	for (size_t i = 0; i < s->n; i++) {
		cursor_put_varint(b, s->iv[i].from - end);
		cursor_put_varint(b, s->iv[i].to - s->iv[i].from);
		end = s->iv[i].to;
	}
}

/* One interval after `end`; false if it is not a proper one. */
static bool
decode_interval(struct cursor *c, bool first, uint64_t end, struct iv *iv)
{
	uint64_t gap = cursor_varint(c);
	uint64_t len = cursor_varint(c);

	if (cursor_err(c) || (!gap && !first) || !len)
		return false;
	if (gap > UINT64_MAX - end || len > UINT64_MAX - end - gap)
		return false;
	*iv = (struct iv){end + gap, end + gap + len};
	return true;
}

void
ivset_decode(struct cursor *c, struct ivset *s)
{
	struct ivset fresh = {.limit = s->limit};
	uint64_t n = cursor_varint(c), end = 0;
	int rc;

	/* Two bytes at least each: never allocate for what cannot be there. */
	rc = n > cursor_left(c) / 2 ? ERR_FORMAT : make_room(&fresh, (size_t)n);
	if (rc) {
		cursor_fail(c, rc);
		return;
	}
	for (; fresh.n < n; fresh.n++) {
		if (!decode_interval(c, !fresh.n, end, &fresh.iv[fresh.n])) {
			cursor_fail(c, ERR_FORMAT);
			ivset_fini(&fresh);
			return;
		}
		end = fresh.iv[fresh.n].to;
	}
	ivset_fini(s);
	*s = fresh;
}
