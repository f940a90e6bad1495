/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the live state is copied, a thread of the pool counts the
 * log and judges, the answer is made on the loop's thread.
 */
#include "spoold/keeper/verbs_prove.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "spoold/keeper/jsonput.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/prove.h"
#include "spoold/keeper/verbs_jobs.h"

struct proof_job {
	struct control_call *call;
	struct keeper *k;
	bool all; /* streams that hold as well */
	struct prove_state state;
	struct prove_result result;
	int rc;
};

static void
run_prove(void *arg)
{
	struct proof_job *j = arg;

	j->rc = prove_run(j->k->store, &j->state, &j->k->stopping, &j->result);
}

/* ---- streams: a frame each ---- */

static json_t *
verdict_json(enum prove_verdict v)
{
	return v == PROVE_UNTOLD ? json_null() : json_boolean(v == PROVE_HOLDS);
}

static json_t *
stream_json(const struct prove_stream *p, size_t id)
{
	json_t *o = jsonput_stream(&p->key, id, p->listener, p->peer);

	json_object_set_new(o, "holds", verdict_json(p->verdict));
	jsonput_u64(o, "received", p->live.received);
	jsonput_u64(o, "stored", p->stored);
	jsonput_u64(o, "duplicate", p->live.duplicate);
	jsonput_u64(o, "refused", p->live.refused);
	jsonput_u64(o, "quarantined", p->quarantined);
	jsonput_u64(o, "stored_counter", p->live.stored);
	return o;
}

static void
send_streams(struct proof_job *j)
{
	size_t i;

	for (i = 0; i < j->state.streams; i++)
		if (j->all || j->state.stream[i].verdict != PROVE_HOLDS)
			control_send_stream(
			    j->call, stream_json(&j->state.stream[i], i + 1));
}

/* ---- listeners and targets ---- */

static json_t *
equation(const char *what, const char *name, uint64_t left, uint64_t right,
    bool holds, json_t *terms)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %s", what, name);
	return json_pack("{s:s, s:I, s:I, s:b, s:o}", "name", text, "left",
	    (json_int_t)left, "right", (json_int_t)right, "holds",
	    holds ? 1 : 0, "terms", terms);
}

static json_t *
listener_json(const struct prove_listener *l)
{
	json_t *terms = json_object();

	jsonput_u64(terms, "received", l->received);
	jsonput_u64(terms, "stored", l->stored);
	jsonput_u64(terms, "duplicate", l->duplicate);
	jsonput_u64(terms, "refused", l->refused);
	jsonput_u64(terms, "quarantined", l->quarantined);
	jsonput_u64(terms, "stored_counter", l->counter_stored);
	return equation("listener", l->name, l->received,
	    l->stored + l->duplicate + l->refused + l->quarantined, l->holds,
	    terms);
}

static json_t *
target_json(const struct prove_target *t)
{
	static const char *const key[ENTRY_TERMS] = {
	    [ENTRY_TERM_DELIVERED] = "delivered",
	    [ENTRY_TERM_UNCONFIRMED] = "unconfirmed",
	    [ENTRY_TERM_FILTERED] = "filtered",
	    [ENTRY_TERM_DEAD_LETTERED] = "dead_lettered",
	    [ENTRY_TERM_EXPIRED] = "expired",
	    [ENTRY_TERM_SHED] = "shed",
	    [ENTRY_TERM_QUARANTINED] = "quarantined",
	};
	json_t *terms = json_object();
	uint64_t right = t->pending;
	size_t i;

	jsonput_u64(terms, "stored", t->stored);
	jsonput_u64(terms, "pending", t->pending);
	for (i = 0; i < ENTRY_TERMS; i++) {
		jsonput_u64(terms, key[i], t->term[i]);
		right += t->term[i];
	}
	jsonput_u64(terms, "backlog_bytes", t->backlog_bytes);
	return equation("target", t->name, t->stored, right, t->holds, terms);
}

static json_t *
equations_json(const struct prove_result *r)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < r->listeners; i++)
		json_array_append_new(a, listener_json(&r->listener[i]));
	for (i = 0; i < r->targets; i++)
		json_array_append_new(a, target_json(&r->target[i]));
	return a;
}

/* ---- the answer ---- */

static json_t *
proof_json(const struct proof_job *j)
{
	const struct prove_result *r = &j->result;
	json_t *ok =
	    r->cannot_tell && r->holds ? json_null() : json_boolean(r->holds);
	json_t *bad = json_array();
	json_t *o = json_pack("{s:o, s:o, s:{s:I, s:I, s:I}, s:o}", "ok", ok,
	    "equations", equations_json(r), "streams", "hold",
	    (json_int_t)(j->state.streams - r->streams_broken -
		r->streams_untold),
	    "broken", (json_int_t)r->streams_broken, "untold",
	    (json_int_t)r->streams_untold, "damage", bad);
	size_t i;

	for (i = 0; i < r->damages && i < PROVE_DAMAGE_MAX; i++)
		json_array_append_new(bad, verbs_jobs_damage(&r->damage[i]));
	jsonput_u64(o, "batches", r->batches);
	jsonput_u64(o, "records", r->records);
	jsonput_u64(o, "damaged", r->damages);
	jsonput_u64(o, "unreadable", r->unreadable);
	jsonput_u64(o, "not_set_aside", r->not_set_aside);
	jsonput_u64(o, "segments_skipped", r->skipped);
	return o;
}

static void
on_prove_done(int rc, void *arg)
{
	struct proof_job *j = arg;

	if (!rc)
		rc = j->rc;
	if (rc) {
		verbs_fail_read(j->call, rc);
	} else {
		send_streams(j);
		control_answer(j->call, proof_json(j));
	}
	prove_result_fini(&j->result);
	prove_state_fini(&j->state);
	free(j);
}

void
verbs_prove(struct control_call *call, json_t *args)
{
	struct proof_job *j = mem_new(sizeof(*j));
	struct keeper *k = control_keeper(call);
	const struct prove_live live = {
	    .next_number = k->next_number,
	    .next_rec = k->next_rec,
	    .counters = &k->counters,
	    .cursors = &k->cursors,
	    .streams = intake_streams(k->intake),
	};

	j->call = call;
	j->k = k;
	j->all = json_is_true(json_object_get(args, "streams"));
	prove_state_copy(&j->state, &live);
	if (keeper_work(k, run_prove, on_prove_done, j))
		on_prove_done(ERR_SYS, j);
}
