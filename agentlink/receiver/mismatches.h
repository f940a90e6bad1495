/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mismatches - how often an agent's batches were not what their digests say.
 *
 * Rules only.  One may be an accident of the way; a second one of the same
 * agent is worth an alarm, also over another connection (RULES.md 2).  Of an
 * agent that goes on there is one alarm an hour, with a count: an alarm is an
 * entry of the log, and nobody may fill that at will.  The last
 * MISMATCHES_AGENTS agents with any are remembered, and no more than that
 * many alarms are raised in an hour.
 */
#ifndef AGENTLINK_RECEIVER_MISMATCHES_H
#define AGENTLINK_RECEIVER_MISMATCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/uuid.h"

#define MISMATCHES_AGENTS 256
#define MISMATCHES_TELL_MS (3600ull * 1000)
#define MISMATCHES_LISTENER_SIZE 33

struct mismatches_row {
	struct uuid id;
	char listener[MISMATCHES_LISTENER_SIZE]; /* of the last one */
	uint64_t count; /* since it was told */
	uint64_t told_ms;
	bool used, told; /* there was an alarm already */
};

/* All zero: nobody had any. */
struct mismatches {
	struct mismatches_row row[MISMATCHES_AGENTS];
	size_t next; /* the row that is used anew next */
	uint64_t hour_ms; /* when the present hour began */
	uint32_t told; /* in it */
};

/* One more of this agent. */
void mismatches_note(
    struct mismatches *m, const struct uuid *id, const char *listener);

/*
 * The next alarm that is due: of whom, and *count, how many there were since
 * the last.  It is told now.  NULL: none.
 */
const struct mismatches_row *mismatches_due(
    struct mismatches *m, uint64_t now_ms, uint64_t *count);

#endif
