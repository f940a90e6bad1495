/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oldest - how long has the oldest record that a target is owed been waiting?
 *
 * A thread of the pool looks at one header for each target whose oldest has
 * changed, about once a second; what is shown may be that old.
 */
#ifndef SPOOLD_KEEPER_OLDEST_H
#define SPOOLD_KEEPER_OLDEST_H

#include <stdint.h>

#include "spoold/keeper/keeper.h"

struct oldest; /* opaque */

struct oldest *oldest_new(struct keeper *k);
void oldest_free(struct oldest *o);

/* When it was received, wall clock; 0 if nothing is owed or not known yet. */
int64_t oldest_of(const struct oldest *o, const struct cursors_target *t);

#endif
