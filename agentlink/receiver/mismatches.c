/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/receiver/mismatches.h"

#include <stdio.h>

static struct mismatches_row *
row_of(struct mismatches *m, const struct uuid *id)
{
	struct mismatches_row *row;

	for (size_t i = 0; i < MISMATCHES_AGENTS; i++)
		if (m->row[i].used && uuid_equal(&m->row[i].id, id))
			return &m->row[i];
	row = &m->row[m->next];
	m->next = (m->next + 1) % MISMATCHES_AGENTS;
	*row = (struct mismatches_row){.id = *id, .used = true};
	return row;
}

void
mismatches_note(
    struct mismatches *m, const struct uuid *id, const char *listener)
{
	struct mismatches_row *row = row_of(m, id);

	snprintf(row->listener, sizeof(row->listener), "%s", listener);
	row->count++;
}

static bool
is_due(const struct mismatches_row *row, uint64_t now_ms)
{
	if (!row->told)
		return row->count >= 2;
	return row->count && now_ms - row->told_ms >= MISMATCHES_TELL_MS;
}

const struct mismatches_row *
mismatches_due(struct mismatches *m, uint64_t now_ms, uint64_t *count)
{
	if (now_ms - m->hour_ms >= MISMATCHES_TELL_MS) {
		m->hour_ms = now_ms;
		m->told = 0;
	}
	for (size_t i = 0; m->told < MISMATCHES_AGENTS && i < MISMATCHES_AGENTS;
	     i++) {
		struct mismatches_row *row = &m->row[i];

		if (!is_due(row, now_ms))
			continue;
		m->told++;
		*count = row->count;
		row->count = 0;
		row->told = true;
		row->told_ms = now_ms;
		return row;
	}
	return NULL;
}
