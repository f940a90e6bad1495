/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/counters.h"

#include <stdlib.h>
#include <string.h>

#include "spoold/keeper/mem.h"

void
counters_clear(struct counters *c)
{
	c->n = 0;
	c->changed = false;
}

void
counters_fini(struct counters *c)
{
	free(c->row);
	*c = (struct counters){0};
}

struct counters_row *
counters_of(struct counters *c, struct bytes listener)
{
	size_t i, len = listener.len;

	if (len > ENTRY_NAME_MAX)
		len = ENTRY_NAME_MAX;
	for (i = 0; i < c->n; i++)
		if (bytes_equal_str(
			bytes_of(listener.ptr, len), c->row[i].name))
			return &c->row[i];
	if (c->n == COUNTERS_MAX)
		return &c->row[c->n - 1];
	c->row = mem_grow(c->row, c->n + 1, sizeof(*c->row));
	c->row[c->n] = (struct counters_row){0};
	if (len)
		memcpy(c->row[c->n].name, listener.ptr, len);
	return &c->row[c->n++];
}

void
counters_unstored(struct counters *c, struct bytes listener, uint64_t duplicate,
    uint64_t refused)
{
	struct counters_row *r = counters_of(c, listener);

	r->received += duplicate + refused;
	r->duplicate += duplicate;
	r->refused += refused;
	c->changed = true;
}

void
counters_apply(struct counters *c, const struct entry_counters *e, bool whole)
{
	struct counters_row *r = counters_of(c, e->listener);
	uint64_t unstored = e->received - e->stored;

	if (!whole && e->duplicate + e->refused < r->duplicate + r->refused)
		return;
	if (whole)
		r->stored = e->stored;
	r->received = r->stored + unstored;
	r->duplicate = e->duplicate;
	r->refused = e->refused;
	if (e->acknowledged > r->acknowledged)
		r->acknowledged = e->acknowledged;
}

void
counters_encode(const struct counters *c, struct buf *b)
{
	struct entry e = {.type = ENTRY_COUNTERS};
	size_t i;

	for (i = 0; i < c->n; i++) {
		const struct counters_row *r = &c->row[i];

		e.u.counters = (struct entry_counters){
		    .listener = bytes_of_str(r->name),
		    .received = r->received,
		    .stored = r->stored,
		    .duplicate = r->duplicate,
		    .refused = r->refused,
		    .acknowledged = r->acknowledged,
		};
		entry_encode(b, &e);
	}
}
