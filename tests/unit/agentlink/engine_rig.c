/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agentlink/engine_rig.h"

#include "tests/helpers/cmocka_all.h"

struct rig engine_rig;

int
engine_rig_setup(void **state)
{
	(void)state;
	rig_init(&engine_rig, NULL, 1);
	return 0;
}

int
engine_rig_setup_two(void **state)
{
	(void)state;
	rig_init(&engine_rig, NULL, 2);
	return 0;
}

int
engine_rig_teardown(void **state)
{
	(void)state;
	rig_fini(&engine_rig);
	return 0;
}

struct agentlink_counts
engine_rig_counts(void)
{
	struct agentlink_counts c;

	agentlink_engine_counts(engine_rig.engine, &c);
	return c;
}

void
engine_rig_expect_all_once(void)
{
	rig_settle(&engine_rig);
	assert_true(agentlink_engine_is_drained(engine_rig.engine));
	assert_int_equal(rig_wrong(&engine_rig, engine_rig.next_record), 0);
}
