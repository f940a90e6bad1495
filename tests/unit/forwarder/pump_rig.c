/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/forwarder/pump_rig.h"

#include <string.h>
#include <unistd.h>

#include "tests/helpers/cmocka_all.h"

void
pump_rig_connect(struct pump_rig *f)
{
	int fd;

	peer_again(&f->peer, &fd);
	pump_connect(f->pump, fd);
	while (peer_turn(&f->peer, PEER_WAIT_MS) != IPC_TARGET)
		;
}

void
pump_rig_begin(struct pump_rig *f)
{
	struct kv *kv;
	int fd;

	memset(f, 0, sizeof(*f));
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(kv_new(&kv), 0);
	kv_add_u64(kv, "retry_max", 100);
	assert_int_equal(pump_new_of(&scripted_target_class, f->loop, "far", kv,
			     -1, &f->pump),
	    0);
	kv_free(kv);
	f->t = scripted_target_last();
	peer_init(&f->peer, f->loop, &fd);
	close(fd);
	pump_rig_connect(f);
}

void
pump_rig_greet(struct pump_rig *f)
{
	peer_state(&f->peer);
	peer_stream(&f->peer, 1, "one");
	peer_stream(&f->peer, 2, "two");
	while (peer_turn(&f->peer, PEER_WAIT_MS) != IPC_WORK)
		;
}

void
pump_rig_end(struct pump_rig *f)
{
	pump_free(f->pump);
	loop_free(f->loop);
	peer_fini(&f->peer);
}

struct wish {
	struct target *t;
	const char *calls;
};

static bool
has_calls(void *arg)
{
	struct wish *w = arg;

	return strstr(w->t->calls, w->calls);
}

void
pump_rig_until(struct pump_rig *f, const char *calls)
{
	struct wish w = {f->t, calls};

	peer_until(&f->peer, has_calls, &w);
}

void
pump_rig_send(struct pump_rig *f, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++)
		peer_batch(
		    &f->peer, 1 + i * PUMP_RIG_BATCH, PUMP_RIG_BATCH, false);
}

void
pump_rig_settle(struct pump_rig *f, uint64_t from, uint64_t to)
{
	target_host_settle(f->t->host, ENTRY_TERM_DELIVERED, from, to, NULL);
}

void
pump_rig_fail(struct pump_rig *f, enum target_verdict verdict, const char *code)
{
	target_host_fail(f->t->host, verdict, code, "a sentence", 0);
}
