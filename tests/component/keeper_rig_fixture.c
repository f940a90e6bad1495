/* SPDX-License-Identifier: Apache-2.0 */
/* What most tests of the keeper begin with. */
#include "tests/component/keeper_rig.h"

int
keeper_rig_setup(void **state)
{
	static struct keeper_rig rig;

	keeper_rig_init(&rig);
	rig.targets[0] = "archive";
	*state = &rig;
	return 0;
}

int
keeper_rig_teardown(void **state)
{
	keeper_rig_fini(*state);
	return 0;
}

void
keeper_rig_agent(struct keeper_rig *r, struct keeper_peer *p,
    struct keeper_agent *a, uint8_t seed)
{
	keeper_rig_receiver(r, 0, p);
	keeper_peer_introduce(p, 0, seed);
	keeper_peer_replayed(p);
	keeper_agent_init(a, 1, "log");
	keeper_peer_open(p, a);
	keeper_peer_opened(p, a);
}
