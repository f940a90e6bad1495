/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge - whether a directory holds what was promised.
 *
 * Nothing acknowledged is lost, nothing is altered, nothing is there twice,
 * nothing is there that was never sent, and the numbers are dense.
 */
#ifndef TESTS_CRASH_JUDGE_H
#define TESTS_CRASH_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/crash/promise.h"

#define JUDGE_WHY 1200

/* What an earlier start of the same directory showed, and added. */
struct judge_past {
	bool ok;
	uint64_t last[KNOWN_LANES];
	uint64_t next_number, next_rec;
};

/*
 * Open, read, compare.  *past is what to expect at least (all zero: nothing),
 * and becomes what was seen.  go_on: then write on, and end without closing.
 */
bool judge_dir(const char *dir, const struct promise *p,
    struct judge_past *past, bool go_on, char why[JUDGE_WHY]);

/* The same in a child, so that a crash of it is a verdict too. */
bool judge_child(const char *dir, const struct promise *p,
    struct judge_past *past, bool go_on, char why[JUDGE_WHY]);

#endif
