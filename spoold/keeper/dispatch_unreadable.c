/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A forwarder says that it cannot unpack a batch.
 *
 * The usual course: it is not believed; the worker is given that batch, from
 * the log.  If the worker finds it broken, or dies of it, the batch is settled
 * as quarantined for every target, all of them are told of the hole, and the
 * one that asked begins anew with the rest.
 * What can go wrong: the worker finds it good: then the forwarder is at fault,
 * and its target stays on HOLD and says so; no worker is there: the same, and
 * it asks again with its next try.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "spoold/keeper/dispatch_state.h"
#include "spoold/keeper/keeper.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/verify.h"

struct suspect {
	struct dispatch_link *link;
	uint64_t from, to; /* as the forwarder has it */
	int rc;
	struct verify_result result;
};

static void
run_suspect(void *arg)
{
	struct suspect *x = arg;
	struct keeper *k = x->link->all->k;

	x->rc = verify_batch(
	    k->store, k->worker, x->from, &k->stopping, &x->result);
}

/* A target that is told by SKIP must know; the others pay no heed. */
static void
tell_all(struct dispatch *d, const struct entry_quarantine *q)
{
	struct ipc_msg m = {.type = IPC_HOLE};
	struct dispatch_link *l;

	m.u.interval = (struct ipc_interval){.from = q->from,
	    .to = q->to,
	    .reason = ENTRY_SKIP_QUARANTINED,
	    .count = q->count};
	for (l = d->links; l; l = l->next)
		if (l->answered && !l->ended)
			dispatch_say(l, &m);
}

static void
set_aside(struct dispatch *d, const struct store_damage *bad)
{
	struct entry_quarantine q = {
	    .from = bad->from,
	    .to = bad->to,
	    .number = bad->number,
	    .count = bad->to - bad->from,
	    .segment = bad->segment,
	    .why = bytes_of_str(bad->why),
	};

	keeper_quarantine(d->k, &q);
	if (q.from < q.to)
		tell_all(d, &q);
}

/* It is settled: the rest may be tried at once. */
static void
begin_anew(struct dispatch_link *l)
{
	struct ipc_msg m = {.type = IPC_CONTROL};

	m.u.control.what = IPC_CONTROL_RETRY;
	dispatch_say_state(l);
	dispatch_say(l, &m);
	if (!l->ended)
		dispatch_work_restart(l);
}

static void
say_judged(struct dispatch_link *l, const struct suspect *x, bool holds)
{
	struct ipc_msg m = {.type = IPC_JUDGED};

	m.u.judged = (struct ipc_judged){.from = x->from,
	    .to = x->to,
	    .code = holds ? IPC_INSPECT_HOLDS : IPC_INSPECT_CANNOT_TELL};
	if (holds)
		keeper_alarm(l->all->k,
		    "UNREADABLE: target %s cannot unpack records %" PRIu64
		    " to %" PRIu64 ", and the worker can",
		    l->name, x->from, x->to - 1);
	dispatch_say(l, &m);
}

static void
on_judged(int rc, void *arg)
{
	struct suspect *x = arg;
	struct dispatch_link *l = x->link;
	const struct verify_result *v = &x->result;
	bool told = !rc && !x->rc;

	l->queries--;
	l->suspects = false;
	if (told && v->bad)
		set_aside(l->all, &v->first_bad[0]);
	if (l->ended)
		dispatch_end(l, NULL); /* it waited for this */
	else if (told && v->bad)
		begin_anew(l);
	else
		say_judged(l, x, told && v->inspected);
	free(x);
}

void
dispatch_unreadable(struct dispatch_link *l, const struct ipc_unreadable *m)
{
	struct keeper *k = l->all->k;
	struct suspect *x;

	if (!l->answered || !l->target || m->to > k->next_rec) {
		dispatch_end(l, "UNREADABLE of what it never had");
		return;
	}
	if (l->suspects)
		return; /* the answer is on its way */
	/* Another target has had it judged. */
	if (!cursors_pending_in(l->target, m->from, m->to)) {
		begin_anew(l);
		return;
	}
	x = mem_new(sizeof(*x));
	x->link = l;
	x->from = m->from;
	x->to = m->to;
	l->suspects = true;
	l->queries++;
	if (keeper_work(k, run_suspect, on_judged, x))
		on_judged(ERR_SYS, x);
}
