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

void
keeper_rig_fill(struct keeper_peer *p, struct keeper_agent *a, uint64_t batches,
    uint32_t bytes)
{
	uint64_t n;

	for (n = 1; n <= batches; n++) {
		keeper_peer_large(p, n, a, 10, bytes);
		keeper_peer_committed(p, n);
	}
}

void
keeper_rig_start_with(struct keeper_rig *r, uint64_t batches)
{
	struct keeper_agent a;
	struct keeper_peer in;

	keeper_rig_start(r, 1);
	keeper_rig_agent(r, &in, &a, 1);
	keeper_rig_fill(&in, &a, batches, KEEPER_RIG_SMALL);
	keeper_peer_close(&in);
}

void
keeper_rig_connect(
    struct keeper_rig *r, const char *target, struct keeper_peer *p)
{
	keeper_rig_forwarder(r, target, p);
	keeper_peer_target(p, target);
	keeper_peer_work(p, 64 * KEEPER_RIG_MIB, 64);
}

void
keeper_rig_take(struct keeper_rig *r, const char *target, struct keeper_peer *p,
    uint64_t batches)
{
	keeper_rig_connect(r, target, p);
	while (batches--)
		keeper_peer_stored(p);
}
