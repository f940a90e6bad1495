/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damage - one thing wrong with a spool: a bit flipped, a page torn (sectors
 * of it zero) or a page zeroed, in a segment or in meta.
 */
#ifndef TESTS_CRASH_DAMAGE_H
#define TESTS_CRASH_DAMAGE_H

#include "tests/crash/rng.h"
#include "tests/crash/tree.h"

#define DAMAGE_TEXT 200

/* Damage a spool in memory; text says what was done, and is returned. */
const char *damage_tree(
    struct tree *t, struct rng *rng, char text[static DAMAGE_TEXT]);

#endif
