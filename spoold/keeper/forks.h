/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forks - which other history of an agent is worth an entry of the log.
 *
 * Rules only.  An agent may bring ever new heads, over as many streams as it
 * likes, and each would be an entry and an alarm.  So of one agent FORKS_TOLD
 * are recorded in an hour, and the last of them says that no more will be; of
 * all agents FORKS_ALL.  Those that are not recorded are counted and named
 * with the agent's next.  What is refused is refused all the same.
 */
#ifndef SPOOLD_KEEPER_FORKS_H
#define SPOOLD_KEEPER_FORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/uuid.h"

#define FORKS_AGENTS 256 /* remembered, the last ones */
#define FORKS_TOLD 16
#define FORKS_ALL 512
#define FORKS_TEXT_SIZE 192
#define FORKS_HOUR_US (3600ull * 1000000)

struct forks_row {
	struct uuid id;
	uint64_t hour_us; /* when its hour began */
	uint64_t untold; /* since the last that was told */
	uint32_t told; /* in its hour */
	bool used;
};

/* All zero: there was none. */
struct forks {
	struct forks_row row[FORKS_AGENTS];
	size_t next; /* the row that is used anew next */
	uint64_t hour_us;
	uint32_t told;
};

/* What to say with one that is recorded. */
struct forks_note {
	uint64_t untold; /* that were not recorded before it */
	bool last; /* in this hour */
};

/* One more of this agent: is it to be recorded? */
bool forks_due(struct forks *f, const struct uuid *agent, uint64_t now_us,
    struct forks_note *note);

/* What a person is told of it. */
void forks_text(const struct forks_note *note, const struct uuid *agent,
    uint64_t seq, char *text, size_t size);

#endif
