/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linkdefs - the numbers by which one link to a forwarder knows streams.
 *
 * A definition gets a number when it is first used on the link and keeps it
 * while it is in use.  There are 65,536 numbers; past them the one that was
 * given the longest ago is given anew, but never while a batch on the way
 * refers to it.  Rules: no I/O.
 */
#ifndef SPOOLD_KEEPER_LINKDEFS_H
#define SPOOLD_KEEPER_LINKDEFS_H

#include <stdbool.h>
#include <stdint.h>

#include "spoold/keeper/sdef.h"

#define LINKDEFS_MAX 65536

struct linkdefs; /* opaque */

struct linkdefs *linkdefs_new(uint64_t seed, uint32_t max);
void linkdefs_free(struct linkdefs *l);

/*
 * The number of d for batch `seq`; *is_new if it must be defined first.  0 if
 * all numbers are used by batches from `oldest` on: wait.
 */
uint32_t linkdefs_id(struct linkdefs *l, struct sdef *d, uint64_t seq,
    uint64_t oldest, bool *is_new);

#endif
