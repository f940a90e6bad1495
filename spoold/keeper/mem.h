/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem - memory for the keeper, or the end of it.
 *
 * A keeper without memory cannot go on; it aborts and is started anew, which
 * is a path that is tested.  What comes in from outside is bounded elsewhere.
 */
#ifndef SPOOLD_KEEPER_MEM_H
#define SPOOLD_KEEPER_MEM_H

#include <stddef.h>

#include "lib/base/bytes.h"

/* Zeroed memory, freed with free(). */
void *mem_new(size_t size);

/* An array; `ptr` may be NULL; new members are not cleared. */
void *mem_grow(void *ptr, size_t count, size_t size);

/* A copy, with a NUL behind it. */
char *mem_dup(struct bytes x);

#endif
