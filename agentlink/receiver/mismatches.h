/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mismatches - how often an agent's batches were not what their digests say.
 *
 * Rules only.  One may be an accident of the way; a second one of the same
 * agent is worth an alarm, also over another connection (RULES.md 2).  The
 * last MISMATCHES_AGENTS agents with any are remembered.
 */
#ifndef AGENTLINK_RECEIVER_MISMATCHES_H
#define AGENTLINK_RECEIVER_MISMATCHES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/uuid.h"

#define MISMATCHES_AGENTS 256

/* All zero: nobody had any. */
struct mismatches {
	struct {
		struct uuid id;
		uint32_t count;
	} row[MISMATCHES_AGENTS];
	size_t next; /* the row that is used anew next */
};

/* One more of this agent; how many there were, with this one. */
uint32_t mismatches_note(struct mismatches *m, const struct uuid *id);

#endif
