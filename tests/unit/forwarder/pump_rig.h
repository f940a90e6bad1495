/* SPDX-License-Identifier: Apache-2.0 */
/* pump_rig - a pump between a keeper that is played and a scripted target. */
#ifndef TESTS_UNIT_FORWARDER_PUMP_RIG_H
#define TESTS_UNIT_FORWARDER_PUMP_RIG_H

#include "forwarder/pump.h"
#include "tests/unit/forwarder/peer.h"
#include "tests/unit/forwarder/scripted_target.h"

#define PUMP_RIG_BATCH 10u /* records of each batch */

struct pump_rig {
	struct loop *loop;
	struct pump *pump;
	struct peer peer;
	struct target *t;
};

/* A pump whose keeper has said nothing yet. */
void pump_rig_begin(struct pump_rig *f);
void pump_rig_end(struct pump_rig *f);

/* Another keeper takes the place of the one before. */
void pump_rig_connect(struct pump_rig *f);
/* The keeper tells the state and two streams, and is asked for work. */
void pump_rig_greet(struct pump_rig *f);
/* The keeper sends `n` batches from the `first` on, that is 0 at record 1. */
void pump_rig_send(struct pump_rig *f, uint64_t first, uint64_t n);

/* The target says that these are delivered, or that it cannot go on. */
void pump_rig_settle(struct pump_rig *f, uint64_t from, uint64_t to);
void pump_rig_fail(
    struct pump_rig *f, enum target_verdict verdict, const char *code);
/* Turn until the target's calls have this in them. */
void pump_rig_until(struct pump_rig *f, const char *calls);

#endif
