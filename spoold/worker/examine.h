/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examine - a stored batch against what its header says.
 *
 * Rules: a question of the keeper in, its answer out.  All that lib/check
 * looks at, and the runs against the ranges.  The payload may be anything:
 * nothing is believed before it was checked.  One thread.
 */
#ifndef SPOOLD_WORKER_EXAMINE_H
#define SPOOLD_WORKER_EXAMINE_H

#include "lib/codec/ipc.h"

struct examine; /* opaque: contexts and scratch memory */

int examine_new(struct examine **out);
void examine_free(struct examine *e);

/* The text of the answer is static. */
struct ipc_inspected examine_batch(
    struct examine *e, const struct ipc_inspect *q);

#endif
