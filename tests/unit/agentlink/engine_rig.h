/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_rig - the rig of the tests of the engine: one for the program, made
 * anew for each test.
 */
#ifndef TESTS_UNIT_AGENTLINK_ENGINE_RIG_H
#define TESTS_UNIT_AGENTLINK_ENGINE_RIG_H

#include "tests/unit/agentlink/rig.h"

extern struct rig engine_rig;

/* For cmocka: with one server, or two. */
int engine_rig_setup(void **state);
int engine_rig_setup_two(void **state);
int engine_rig_teardown(void **state);

struct agentlink_counts engine_rig_counts(void);

/* Go on until all is acknowledged: it is stored, each record once. */
void engine_rig_expect_all_once(void);

#endif
