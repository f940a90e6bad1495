/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of batch.h: the records themselves. */
#include <string.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/codec/batch.h"

#define COLUMNS_VERSION 1
#define KNOWN_FLAGS (BATCH_COLUMNS_RECEIVED | BATCH_COLUMNS_EVENT)
#define RUN_MAX 10 /* two varints of 32 bits */

void
batch_columns_init(struct batch_columns *c, size_t limit)
{
	*c = (struct batch_columns){0};
	buf_init(&c->records, limit);
	buf_init(&c->lens, limit);
	buf_init(&c->runs, limit);
	buf_init(&c->received, limit);
	buf_init(&c->events, limit);
}

void
batch_columns_fini(struct batch_columns *c)
{
	if (!c)
		return;
	buf_fini(&c->records);
	buf_fini(&c->lens);
	buf_fini(&c->runs);
	buf_fini(&c->received);
	buf_fini(&c->events);
}

void
batch_columns_clear(struct batch_columns *c)
{
	buf_clear(&c->records);
	buf_clear(&c->lens);
	buf_clear(&c->runs);
	buf_clear(&c->received);
	buf_clear(&c->events);
	c->count = c->run_count = c->run_len = 0;
	c->received_count = c->event_count = 0;
	c->flags = 0;
}

static void
close_run(struct batch_columns *c)
{
	if (!c->run_len)
		return;
	cursor_put_varint(&c->runs, c->run_range);
	cursor_put_varint(&c->runs, c->run_len);
	c->run_count++;
	c->run_len = 0;
}

void
batch_columns_add(struct batch_columns *c, uint32_t range, struct bytes record)
{
	uint8_t *len = buf_reserve(&c->lens, CURSOR_VARINT_MAX);

	if (c->count == BATCH_RECORDS_MAX && !c->records.err)
		c->records.err = ERR_LIMIT;
	if (!len || c->records.err)
		return;
	if (range != c->run_range || !c->run_len) {
		close_run(c);
		c->run_range = range;
	}
	buf_add_bytes(&c->records, record);
	buf_claim(&c->lens, cursor_varint_at(len, record.len));
	c->run_len++;
	c->count++;
}

static uint64_t
zigzag(int64_t x)
{
	return ((uint64_t)x << 1) ^ (x < 0 ? UINT64_MAX : 0);
}

static int64_t
unzigzag(uint64_t x)
{
	return (int64_t)((x >> 1) ^ (0 - (x & 1)));
}

void
batch_columns_add_received(struct batch_columns *c, int64_t delta_ns)
{
	cursor_put_varint(&c->received, zigzag(delta_ns));
	c->received_count++;
	c->flags |= BATCH_COLUMNS_RECEIVED;
}

void
batch_columns_add_event(struct batch_columns *c, int64_t delta_ns)
{
	cursor_put_varint(&c->events, zigzag(delta_ns));
	c->event_count++;
	c->flags |= BATCH_COLUMNS_EVENT;
}

size_t
batch_columns_len(const struct batch_columns *c)
{
	return BATCH_COLUMNS_HEADER_SIZE + c->records.len + c->lens.len +
	    c->runs.len + (c->run_len ? RUN_MAX : 0) + c->received.len +
	    c->events.len;
}

/* The first error of a part; ERR_INVAL if not every record has its times. */
static int
complete(const struct batch_columns *c)
{
	const struct buf *part[] = {
	    &c->records, &c->lens, &c->runs, &c->received, &c->events};

	for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++)
		if (part[i]->err)
			return part[i]->err;
	if (!c->count)
		return ERR_INVAL;
	if (c->flags & BATCH_COLUMNS_RECEIVED && c->received_count != c->count)
		return ERR_INVAL;
	if (c->flags & BATCH_COLUMNS_EVENT && c->event_count != c->count)
		return ERR_INVAL;
	return 0;
}

int
batch_columns_encode(struct batch_columns *c, struct buf *out)
{
	uint8_t head[BATCH_COLUMNS_HEADER_SIZE] = {COLUMNS_VERSION, c->flags};
	int rc;

	close_run(c);
	rc = complete(c);
	if (rc)
		return rc;
	endian_put_le32(head + 4, c->count);
	endian_put_le32(head + 8, (uint32_t)c->records.len);
	endian_put_le32(head + 12, (uint32_t)c->lens.len);
	endian_put_le32(head + 16, (uint32_t)c->runs.len);
	endian_put_le32(head + 20, (uint32_t)c->received.len);
	endian_put_le32(head + 24, (uint32_t)c->events.len);
	if (!buf_reserve(out, batch_columns_len(c)))
		return out->err;
	buf_add(out, head, sizeof(head));
	buf_add_bytes(out, buf_bytes(&c->records));
	buf_add_bytes(out, buf_bytes(&c->lens));
	buf_add_bytes(out, buf_bytes(&c->runs));
	buf_add_bytes(out, buf_bytes(&c->received));
	buf_add_bytes(out, buf_bytes(&c->events));
	return out->err;
}

/*
 * One varint; most are of one byte or two, and these are read here without
 * a call, since it happens for each record.
 */
static inline uint64_t
varint(struct cursor *c)
{
	const uint8_t *p = c->ptr;

	if (c->end - p >= 2) {
		if (p[0] < 0x80) {
			c->ptr = p + 1;
			return p[0];
		}
		if (p[1] < 0x80 && p[1]) {
			c->ptr = p + 2;
			return (p[0] & 0x7fu) | (uint64_t)p[1] << 7;
		}
	}
	return cursor_varint(c);
}

/* Exactly `count` lengths, which add up to the records' bytes. */
static bool
lens_add_up(const struct batch_columns_view *v)
{
	uint64_t left = v->records.len;
	struct cursor c;

	cursor_init(&c, v->lens);
	for (uint32_t i = 0; i < v->count; i++) {
		uint64_t len = varint(&c);

		if (len > left)
			return false;
		left -= len;
	}
	return !cursor_end(&c) && !left;
}

static bool
runs_add_up(const struct batch_columns_view *v, uint32_t ranges)
{
	uint32_t left = v->count;
	struct cursor c;

	cursor_init(&c, v->runs);
	while (left) {
		uint64_t range = varint(&c), count = varint(&c);

		if (range >= ranges || !count || count > left)
			return false;
		left -= (uint32_t)count;
	}
	return !cursor_end(&c);
}

/* One time for each record if the flag is set, else nothing at all. */
static bool
times_are_whole(
    const struct batch_columns_view *v, uint8_t flag, struct bytes times)
{
	struct cursor c;

	cursor_init(&c, times);
	if (v->flags & flag)
		for (uint32_t i = 0; i < v->count && !cursor_err(&c); i++)
			varint(&c);
	return !cursor_end(&c);
}

/* The header and the lengths in it, which must fill `raw` exactly. */
static int
take_apart(struct bytes raw, struct batch_columns_view *v)
{
	uint32_t bytes_len, lens_len, runs_len, received_len, events_len;
	struct cursor c;
	uint8_t version;

	cursor_init(&c, raw);
	version = cursor_u8(&c);
	v->flags = cursor_u8(&c);
	cursor_zeros(&c, 2);
	v->count = cursor_le32(&c);
	bytes_len = cursor_le32(&c);
	lens_len = cursor_le32(&c);
	runs_len = cursor_le32(&c);
	received_len = cursor_le32(&c);
	events_len = cursor_le32(&c);
	cursor_zeros(&c, 4);
	v->records = cursor_bytes(&c, bytes_len);
	v->lens = cursor_bytes(&c, lens_len);
	v->runs = cursor_bytes(&c, runs_len);
	v->received = cursor_bytes(&c, received_len);
	v->events = cursor_bytes(&c, events_len);
	if (cursor_end(&c) || v->flags & ~KNOWN_FLAGS ||
	    version != COLUMNS_VERSION)
		return ERR_FORMAT;
	return 0;
}

int
batch_columns_decode(
    struct bytes raw, uint32_t ranges, struct batch_columns_view *view)
{
	struct batch_columns_view v;

	if (raw.len > BATCH_RAW_MAX || take_apart(raw, &v))
		return ERR_FORMAT;
	if (!v.count || v.count > BATCH_RECORDS_MAX || !lens_add_up(&v) ||
	    !runs_add_up(&v, ranges) ||
	    !times_are_whole(&v, BATCH_COLUMNS_RECEIVED, v.received) ||
	    !times_are_whole(&v, BATCH_COLUMNS_EVENT, v.events))
		return ERR_FORMAT;
	*view = v;
	return 0;
}

int
batch_columns_match(const struct batch_columns_view *view, struct bytes ranges,
    uint32_t *counts)
{
	struct batch_range range;
	struct batch_ranges r;
	struct cursor runs;
	int rc = batch_ranges_begin(&r, ranges);

	if (rc)
		return rc;
	cursor_init(&runs, view->runs);
	while (cursor_left(&runs)) {
		uint64_t index = varint(&runs);

		if (index >= r.ranges)
			return ERR_FORMAT;
		counts[index] += (uint32_t)varint(&runs);
	}
	for (uint32_t i = 0; (rc = batch_ranges_next(&r, &range)) == 1; i++)
		if (counts[i] != range.count)
			return ERR_FORMAT;
	return rc;
}

void
batch_columns_iter_init(struct batch_columns_iter *it,
    const struct batch_columns_view *view, uint32_t *range_pos)
{
	*it = (struct batch_columns_iter){
	    .next = view->records.ptr,
	    .left = view->count,
	    .index = UINT32_MAX, /* the first step makes it 0 */
	    .range_pos = range_pos,
	};
	cursor_init(&it->lens, view->lens);
	cursor_init(&it->runs, view->runs);
	cursor_init(&it->received, view->received);
	cursor_init(&it->events, view->events);
}

bool
batch_columns_iter_next(struct batch_columns_iter *it)
{
	size_t len;

	if (!it->left)
		return false;
	it->left--;
	it->index++;
	if (!it->run_left) {
		it->range = (uint32_t)varint(&it->runs);
		it->run_left = (uint32_t)varint(&it->runs);
	}
	it->run_left--;
	len = (size_t)varint(&it->lens);
	it->record = bytes_of(it->next, len);
	it->next += len;
	it->in_range = it->range_pos ? it->range_pos[it->range]++ : it->index;
	if (it->received.ptr != it->received.end)
		it->received_delta_ns = unzigzag(varint(&it->received));
	if (it->events.ptr != it->events.end)
		it->event_delta_ns = unzigzag(varint(&it->events));
	return true;
}
