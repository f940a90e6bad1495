/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/history.h"

#include <string.h>

#define HOURS ENTRY_HISTORY_HOURS
#define HOUR_US UINT64_C(3600000000)

void
history_begin(struct history *h, uint64_t now_us)
{
	*h = (struct history){.since_us = now_us, .hour = now_us / HOUR_US};
}

static void
turn(struct history *h, uint64_t now_us)
{
	uint64_t hour = now_us / HOUR_US;

	if (hour <= h->hour)
		return;
	if (hour - h->hour >= HOURS)
		memset(h->bytes, 0, sizeof(h->bytes));
	else
		while (h->hour < hour)
			h->bytes[++h->hour % HOURS] = 0;
	h->hour = hour;
}

void
history_add(struct history *h, uint64_t now_us, uint64_t stored, uint64_t raw)
{
	turn(h, now_us);
	h->bytes[h->hour % HOURS] += stored;
	h->stored += stored;
	h->raw += raw;
	h->changed = true;
}

/* Of the oldest hour only what is not over yet is left out. */
uint64_t
history_window(const struct history *h, uint64_t now_us, uint64_t *stored)
{
	uint64_t first = now_us / HOUR_US, begin, i, sum = 0;

	first = first >= HOURS ? first - HOURS + 1 : 0;
	begin = first * HOUR_US;
	if (begin < h->since_us)
		begin = h->since_us;
	for (i = first; i <= h->hour; i++)
		if (h->hour - i < HOURS)
			sum += h->bytes[i % HOURS];
	*stored = sum;
	return now_us > begin ? (now_us - begin) / 1000000 : 0;
}

void
history_encode(const struct history *h, struct buf *b)
{
	struct entry e = {.type = ENTRY_HISTORY};
	struct buf hours;
	uint64_t i;

	buf_init(&hours, ENTRY_HISTORY_HOURS * 10);
	for (i = 0; i < HOURS; i++)
		cursor_put_varint(&hours, h->bytes[(h->hour + 1 + i) % HOURS]);
	e.u.history = (struct entry_history){.since_us = h->since_us,
	    .hour = h->hour,
	    .stored = h->stored,
	    .raw = h->raw,
	    .bytes = buf_bytes(&hours)};
	entry_encode(b, &e);
	buf_fini(&hours);
}

void
history_decode(
    struct history *h, const struct entry_history *e, uint64_t now_us)
{
	struct history saved = {.since_us = e->since_us,
	    .hour = e->hour,
	    .stored = e->stored,
	    .raw = e->raw};
	struct cursor c;
	uint64_t i;

	cursor_init(&c, e->bytes);
	for (i = 0; i < HOURS; i++)
		saved.bytes[(saved.hour + 1 + i) % HOURS] = cursor_varint(&c);
	if (!cursor_end(&c) && e->since_us <= now_us &&
	    e->hour <= now_us / HOUR_US)
		*h = saved;
}
