/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/receiver/mismatches.h"

uint32_t
mismatches_note(struct mismatches *m, const struct uuid *id)
{
	size_t i = 0;

	while (i < MISMATCHES_AGENTS &&
	    !(m->row[i].count && uuid_equal(&m->row[i].id, id)))
		i++;
	if (i == MISMATCHES_AGENTS) {
		i = m->next;
		m->next = (m->next + 1) % MISMATCHES_AGENTS;
		m->row[i].id = *id;
		m->row[i].count = 0;
	}
	if (m->row[i].count < UINT32_MAX)
		m->row[i].count++;
	return m->row[i].count;
}
