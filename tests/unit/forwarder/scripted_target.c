/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/forwarder/scripted_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "tests/helpers/cmocka_all.h"

static struct target *last;

struct target *
scripted_target_last(void)
{
	return last;
}

static void
note(struct target *t, const char *what, uint64_t n)
{
	size_t len = strlen(t->calls);

	snprintf(t->calls + len, SCRIPTED_TARGET_CALLS - len,
	    n ? "%s:%llu " : "%s ", what, (unsigned long long)n);
}

static int
fake_open(struct target_host *host, const struct kv *kv, int dir_fd,
    struct target **out)
{
	struct target *t = calloc(1, sizeof(*t));

	(void)kv;
	(void)dir_fd;
	assert_non_null(t);
	t->host = host;
	t->room = 1000;
	*out = last = t;
	return 0;
}

static void
fake_close(struct target *t)
{
	free(t);
}

static int
fake_configure(struct target *t, const struct kv *kv)
{
	(void)kv;
	note(t, "configure", 0);
	return 0;
}

static int
fake_state(struct target *t, const struct ipc_target_state *state)
{
	(void)state;
	note(t, "state", 0);
	return 0;
}

static void
fake_start(struct target *t)
{
	note(t, "start", 0);
	t->starts++;
	if (t->refuses)
		target_host_fail(t->host, TARGET_RETRY, "REFUSED", "no", 0);
	else if (!t->stays_down)
		target_host_up(t->host);
}

static void
fake_reset(struct target *t)
{
	note(t, "reset", 0);
}

static int
fake_send(struct target *t, const struct target_batch *batch)
{
	if (!t->room) {
		note(t, "again", batch->first_rec);
		return ERR_AGAIN;
	}
	t->room--;
	note(t, "send", batch->first_rec);
	if (t->on_batch)
		t->on_batch(t, batch);
	if (t->settles)
		target_host_settle(t->host, ENTRY_TERM_DELIVERED,
		    batch->first_rec, batch->first_rec + batch->records, NULL);
	return 0;
}

static void
fake_idle(struct target *t)
{
	note(t, "idle", 0);
}

static void
fake_durable(struct target *t, const uint8_t opaque[static ENTRY_OPAQUE_SIZE])
{
	memcpy(t->durable, opaque, ENTRY_OPAQUE_SIZE);
	note(t, "durable", opaque[0]);
}

static int
fake_hole(struct target *t, uint64_t from, uint64_t to, uint8_t reason)
{
	(void)to;
	(void)reason;
	note(t, "hole", from);
	return 0;
}

const struct target_class scripted_target_class = {
    .protocol = "fake",
    .sandbox = SANDBOX_FORWARDER,
    .open = fake_open,
    .close = fake_close,
    .configure = fake_configure,
    .state = fake_state,
    .start = fake_start,
    .reset = fake_reset,
    .send = fake_send,
    .idle = fake_idle,
    .durable = fake_durable,
    .hole = fake_hole,
};
