/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/forks.h"

#include <stdio.h>

static struct forks_row *
row_of(struct forks *f, const struct uuid *id, uint64_t now_us)
{
	struct forks_row *row;

	for (size_t i = 0; i < FORKS_AGENTS; i++)
		if (f->row[i].used && uuid_equal(&f->row[i].id, id))
			return &f->row[i];
	row = &f->row[f->next];
	f->next = (f->next + 1) % FORKS_AGENTS;
	*row = (struct forks_row){.id = *id, .used = true, .hour_us = now_us};
	return row;
}

static void
turn_hour(uint64_t *hour_us, uint32_t *told, uint64_t now_us)
{
	if (now_us - *hour_us < FORKS_HOUR_US)
		return;
	*hour_us = now_us;
	*told = 0;
}

bool
forks_due(struct forks *f, const struct uuid *agent, uint64_t now_us,
    struct forks_note *note)
{
	struct forks_row *row = row_of(f, agent, now_us);

	turn_hour(&f->hour_us, &f->told, now_us);
	turn_hour(&row->hour_us, &row->told, now_us);
	if (row->told >= FORKS_TOLD || f->told >= FORKS_ALL) {
		row->untold++;
		return false;
	}
	row->told++;
	f->told++;
	*note = (struct forks_note){.untold = row->untold,
	    .last = row->told == FORKS_TOLD || f->told == FORKS_ALL};
	row->untold = 0;
	return true;
}

void
forks_text(const struct forks_note *note, const struct uuid *agent,
    uint64_t seq, char *text, size_t size)
{
	char id[UUID_TEXT_SIZE], before[64] = "";

	if (note->untold)
		snprintf(before, sizeof(before), ", %llu more before it",
		    (unsigned long long)note->untold);
	snprintf(text, size,
	    "agent %s has two histories of a stream at %llu%s%s",
	    uuid_format(agent, id), (unsigned long long)seq, before,
	    note->last ? "; no more are recorded in this hour" : "");
}
