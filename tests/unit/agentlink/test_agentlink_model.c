/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random courses of agent, network and spool, from a seed: bytes stop and
 * connections break anywhere, the agent is killed and opened again, the spool
 * refuses with every code, forgets its newest batches, and begins anew.
 * At the end nothing may be lost and nothing stored twice.
 * AGENTLINK_MODEL_SEED=N runs one course, AGENTLINK_MODEL_RUNS=N more.
 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agentlink/agentlink_state.h"
#include "tests/unit/agentlink/rig.h"

#define STEPS 300

static uint64_t random_state;

static uint32_t
draw(uint32_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 2685821657736338717u) >> 33) % below;
}

static int
pseudo_random(void *arg, void *ptr, size_t len)
{
	(void)arg;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)ptr)[i] = (uint8_t)draw(256);
	return 0;
}

static bool
all_stored_is_acked(const struct rig *r)
{
	for (uint32_t i = 0; i < r->engine->streams; i++) {
		const struct agentlink_stream *s = r->engine->stream[i];
		struct spoolsim_stream *t = spoolsim_find(r->spool[0], s->name);
		if (t &&
		    (!uuid_equal(&t->epoch, &s->epoch) || t->last != s->acked))
			return false;
	}
	return true;
}

static void
refuse(struct rig *r)
{
	static const uint16_t codes[] = {
	    AGENTLINK_CODE_GAP,
	    AGENTLINK_CODE_DIGEST,
	    AGENTLINK_CODE_MALFORMED,
	    AGENTLINK_CODE_LATER,
	    AGENTLINK_CODE_CREDIT,
	    AGENTLINK_CODE_PARTIAL,
	    AGENTLINK_CODE_LIMIT,
	    AGENTLINK_CODE_FORK,
	};
	uint16_t code = codes[draw(8)];
	/*
	 * A real fork tells that what is stored is not ours; here it is, so
	 * it is only told when all of that is acknowledged.
	 */
	if (code == AGENTLINK_CODE_FORK && !all_stored_is_acked(r))
		return;
	if (r->is_connected)
		r->conn.nack_next = code;
}

static void
forget(struct rig *r)
{
	struct spoolsim_stream *t = spoolsim_find(r->spool[0], "s");
	/* Only of the present epoch: others are not held any more. */
	if (!t || !uuid_equal(&t->epoch, &r->engine->stream[0]->epoch))
		return;
	rig_disconnect(r);
	spoolsim_forget(r->spool[0], t, draw(4));
}

static void
step(struct rig *r, bool forgets)
{
	static const char *const names[] = {"s", "t", "u"};
	switch (draw(12)) {
	case 0:
	case 1:
	case 2:
		assert_int_equal(agentlink_sender_stream(
				     r->sender, names[draw(3)], &r->stream),
		    0);
		rig_batch(r, 1 + draw(50));
		break;
	case 3:
		rig_disconnect(r);
		break;
	case 4:
		if (r->outbox && !draw(3)) {
			rig_kill(r);
			rig_open(r);
		}
		break;
	case 5:
		refuse(r);
		break;
	case 6:
		if (forgets && !draw(4))
			forget(r);
		break;
	case 7:
		r->spool[0]->credit_batches = draw(5);
		break;
	default:
		rig_carry(r, draw(4) ? SIZE_MAX : draw(700), draw(3) == 0);
	}
	r->now_ms += draw(2000);
	agentlink_engine_on_timer(r->engine, rig_now(r));
	rig_events(r);
}

static void
run(uint64_t seed, const char *dir, bool forgets, uint64_t keep)
{
	random_state = seed * 2654435761u + 1;
	struct rig r;
	rig_init(&r, NULL, 1);
	rig_kill(&r);
	r.settings.random = pseudo_random;
	r.settings.keep_max = keep;
	r.outbox = dir;
	rig_open(&r);
	for (int i = 0; i < STEPS; i++)
		step(&r, forgets);
	r.spool[0]->credit_batches = 50;
	rig_settle(&r);
	/* What the spool forgot and we no longer hold was said to it. */
	uint64_t told = r.spool[0]->advanced_records[ENTRY_ADVANCE_ACKED_HERE];
	uint32_t lost = 0, twice = 0;
	for (uint32_t i = 0; i < r.next_record; i++) {
		lost += r.stored[i] == 0;
		twice += r.stored[i] > 1;
	}
	if (!agentlink_engine_is_drained(r.engine) || lost > told || twice ||
	    r.lost || r.spool[0]->bad_order || (!forgets && told))
		fail_msg("seed %lu: %u of %u lost, %lu told, %u twice, %lu "
			 "out of order, %lu given up%s (%s)",
		    seed, lost, r.next_record, told, twice,
		    r.spool[0]->bad_order, r.lost,
		    agentlink_engine_is_drained(r.engine) ? ""
							  : ", not drained",
		    r.last_text);
	rig_fini(&r);
}

static void
run_all(const char *kind, bool is_durable, bool forgets, uint64_t keep)
{
	const char *one = getenv("AGENTLINK_MODEL_SEED");
	const char *runs = getenv("AGENTLINK_MODEL_RUNS");
	uint64_t from = one ? strtoull(one, NULL, 10) : 1;
	uint64_t n = one ? 1 : runs ? strtoull(runs, NULL, 10) : 150;
	char base[64], dir[96], command[200];
	snprintf(base, sizeof(base), "%s/agentlink-model-XXXXXX",
	    access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(base));
	for (uint64_t seed = from; seed < from + n; seed++) {
		snprintf(dir, sizeof(dir), "%s/%s", base, kind);
		snprintf(command, sizeof(command), "rm -rf %s", dir);
		assert_int_equal(system(command), 0);
		run(seed, is_durable ? dir : NULL, forgets, keep);
	}
	snprintf(command, sizeof(command), "rm -rf %s", base);
	assert_int_equal(system(command), 0);
}

static void
in_memory_nothing_is_lost_or_stored_twice(void **state)
{
	(void)state;
	run_all("memory", false, false, 1u << 20);
}

static void
with_an_outbox_and_kills_nothing_is_lost_or_stored_twice(void **state)
{
	(void)state;
	run_all("outbox", true, false, 1u << 20);
}

static void
a_forgetful_spool_gets_again_what_is_held(void **state)
{
	(void)state;
	run_all("forget", true, true, 64u << 20);
}

static void
a_forgetful_spool_is_told_what_is_not_held_any_more(void **state)
{
	(void)state;
	run_all("told", true, true, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(in_memory_nothing_is_lost_or_stored_twice),
	    cmocka_unit_test(
		with_an_outbox_and_kills_nothing_is_lost_or_stored_twice),
	    cmocka_unit_test(a_forgetful_spool_gets_again_what_is_held),
	    cmocka_unit_test(
		a_forgetful_spool_is_told_what_is_not_held_any_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
