/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blame - which segment the keeper died of (RULES.md 3).
 *
 * Rules only.  The keeper's readers leave in a shared page what they touch;
 * if it dies by a signal that reading damaged bytes can cause, those segments
 * are blamed, and from the second time on they are bad.  Other deaths blame
 * nobody: two kills would set a healthy segment aside.
 */
#ifndef SPOOLD_BLAME_H
#define SPOOLD_BLAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLAME_SLOTS 32 /* pairs in the page: segment id, batch number */
#define BLAME_SEGMENTS 64 /* that are remembered */

/* All zero: nobody was blamed. */
struct blame {
	uint64_t id[BLAME_SEGMENTS];
	uint32_t count[BLAME_SEGMENTS];
	size_t n;
};

/* Can reading damaged bytes cause this signal? */
bool blame_is_by(int signum);

/*
 * The keeper died by signal `signum`; 0: it exited.  Returns how many segments
 * are bad now, their ids in `bad`.  The page is cleared for the next keeper.
 */
size_t blame_on_death(struct blame *b, int signum, volatile uint64_t *page,
    uint64_t bad[BLAME_SEGMENTS]);

#endif
