/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/backlog.h"
#include "spoold/keeper/dispatch.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/status.h"
#include "spoold/keeper/targets.h"
#include "spoold/keeper/verbs_jobs.h"
#include "spoold/keeper/verbs_look.h"
#include "spoold/keeper/verbs_prove.h"

const char *
verbs_text(json_t *args, const char *key)
{
	return json_string_value(json_object_get(args, key));
}

/* ---- errors ---- */

void
verbs_fail_argument(struct control_call *call, const char *which)
{
	control_refuse(call, REFUSAL_ARGUMENT_MISSING, which, NULL);
}

void
verbs_fail_target(struct control_call *call, const char *name)
{
	if (name)
		control_refuse(call, REFUSAL_TARGET_UNKNOWN, name, NULL);
	else
		verbs_fail_argument(call, "name");
}

void
verbs_fail_read(struct control_call *call, int rc)
{
	if (control_keeper(call)->stopping)
		control_refuse(call, REFUSAL_DAEMON_STOPPING, NULL, NULL);
	else
		control_refuse(
		    call, REFUSAL_LOG_UNREADABLE, NULL, err_text(rc));
}

/* ---- changing ---- */

struct wish {
	struct control_call *call;
	char name[ENTRY_NAME_MAX + 1];
	json_t *result; /* or NULL: the target as it is then */
};

static struct wish *
wish_new(struct control_call *call, const char *name, json_t *result)
{
	struct wish *w = mem_new(sizeof(*w));

	w->call = call;
	w->result = result;
	snprintf(w->name, sizeof(w->name), "%s", name);
	return w;
}

static json_t *
state_json(struct keeper *k, const char *name)
{
	json_t *row = status_target(k->status, name);
	const char *state =
	    row ? json_string_value(json_object_get(row, "state")) : "gone";
	json_t *o = json_pack("{s:s, s:s}", "target", name, "state", state);

	json_decref(row);
	return o;
}

static void
on_done(void *arg)
{
	struct wish *w = arg;
	json_t *o = w->result;

	if (!o)
		o = state_json(control_keeper(w->call), w->name);
	control_answer(w->call, o);
	free(w);
}

/* It cannot be done: what the rules of targets say (targets.h). */
static void
end_wish(struct wish *w, int rc, enum refusal state, const char *new_name)
{
	enum refusal what = rc == ERR_NOENT ? REFUSAL_TARGET_UNKNOWN
	    : rc == ERR_STATE		    ? state
	    : rc == ERR_INVAL		    ? REFUSAL_NAME_INVALID
	    : rc == ERR_EXISTS		    ? REFUSAL_TARGET_EXISTS
					    : REFUSAL_FAILED;
	bool is_new = rc == ERR_INVAL || rc == ERR_EXISTS;

	json_decref(w->result);
	control_refuse(w->call, what, is_new ? new_name : w->name,
	    what == REFUSAL_FAILED ? err_text(rc) : NULL);
	free(w);
}

static struct targets_actor
actor_of(struct control_call *call, json_t *args)
{
	const char *reason = verbs_text(args, "reason");

	return (struct targets_actor){
	    .actor = control_actor(call), .reason = reason ? reason : ""};
}

static void
pause_or_resume(struct control_call *call, json_t *args, bool pause)
{
	const char *name = verbs_text(args, "name");
	struct targets_actor by = actor_of(call, args);
	struct wish *w;
	int rc;

	if (!name) {
		verbs_fail_target(call, NULL);
		return;
	}
	w = wish_new(call, name, NULL);
	rc = targets_pause(control_keeper(call), name, pause, &by, on_done, w);
	if (rc == ERR_STATE)
		on_done(w); /* it is so already */
	else if (rc)
		end_wish(w, rc, REFUSAL_TARGET_CHANGING, NULL);
}

static void
run_target_pause(struct control_call *call, json_t *args)
{
	pause_or_resume(call, args, true);
}

static void
run_target_resume(struct control_call *call, json_t *args)
{
	pause_or_resume(call, args, false);
}

static void
run_target_retry(struct control_call *call, json_t *args)
{
	struct keeper *k = control_keeper(call);
	const char *name = verbs_text(args, "name");
	struct targets_actor by = actor_of(call, args);
	struct cursors_target *t =
	    name ? cursors_find(&k->cursors, bytes_of_str(name)) : NULL;

	if (!t)
		verbs_fail_target(call, name);
	else if (t->paused)
		control_refuse(call, REFUSAL_TARGET_PAUSED, name, NULL);
	else if (dispatch_control(k->dispatch, name, IPC_CONTROL_RETRY))
		control_refuse(call, REFUSAL_TARGET_DISCONNECTED, name, NULL);
	else
		targets_audit(k, "target retry", name, &by, on_done,
		    wish_new(call, name, NULL));
}

static json_t *
removal_json(struct keeper *k, const struct cursors_target *t, bool removed)
{
	json_t *o = status_target(k->status, t->name);
	json_t *r = json_pack("{s:s, s:O, s:O, s:b}", "target", t->name,
	    "records", json_object_get(o, "pending"), "bytes",
	    json_object_get(o, "backlog_bytes"), "removed", removed ? 1 : 0);

	json_decref(o);
	return r;
}

static void
remove_target(struct control_call *call, json_t *args, struct cursors_target *t,
    json_t *result)
{
	struct targets_actor by = actor_of(call, args);
	struct wish *w = wish_new(call, t->name, result);
	int rc = targets_remove(control_keeper(call), t->name, &by, on_done, w);

	if (rc)
		end_wish(w, rc,
		    t->configured ? REFUSAL_TARGET_CONFIGURED
				  : REFUSAL_TARGET_CHANGING,
		    NULL);
}

/* The figures are exact by now. */
static void
give_up_target(struct control_call *call, json_t *args)
{
	struct keeper *k = control_keeper(call);
	const char *name = verbs_text(args, "name");
	struct cursors_target *t =
	    name ? cursors_find(&k->cursors, bytes_of_str(name)) : NULL;

	if (!t)
		verbs_fail_target(call, name);
	else if (json_is_true(json_object_get(args, "dry_run")))
		control_answer(call, removal_json(k, t, false));
	else if (!json_is_true(json_object_get(args, "yes")))
		control_refuse(call, REFUSAL_NOT_CONFIRMED, name, NULL);
	else
		remove_target(call, args, t, removal_json(k, t, true));
}

struct removal {
	struct control_call *call;
	json_t *args;
};

static void
on_exact(void *arg)
{
	struct removal *r = arg;

	if (control_is_gone(r->call))
		control_refuse(r->call, REFUSAL_CALLER_GONE, NULL, NULL);
	else
		give_up_target(r->call, r->args);
	json_decref(r->args);
	free(r);
}

static void
run_target_remove(struct control_call *call, json_t *args)
{
	struct keeper *k = control_keeper(call);
	const char *name = verbs_text(args, "name");
	struct cursors_target *t =
	    name ? cursors_find(&k->cursors, bytes_of_str(name)) : NULL;
	struct removal *r;

	if (!t) {
		verbs_fail_target(call, name);
		return;
	}
	r = mem_new(sizeof(*r));
	*r = (struct removal){.call = call, .args = json_incref(args)};
	backlog_when_exact(k->backlog, t, on_exact, r);
}

static void
run_target_rename(struct control_call *call, json_t *args)
{
	const char *name = verbs_text(args, "old");
	const char *new_name = verbs_text(args, "new");
	struct targets_actor by = actor_of(call, args);
	struct wish *w;
	int rc;

	if (!name || !new_name) {
		verbs_fail_argument(call, name ? "new" : "old");
		return;
	}
	w = wish_new(
	    call, name, json_pack("{s:s, s:s}", "old", name, "new", new_name));
	rc = targets_rename(
	    control_keeper(call), name, new_name, &by, on_done, w);
	if (rc)
		end_wish(w, rc, REFUSAL_TARGET_CHANGING, new_name);
}

/* ---- the table ---- */

static const struct verb {
	const char *name;
	unsigned needs; /* all of these rights */
	void (*run)(struct control_call *call, json_t *args);
} verbs[] = {
    {"status", CONTROL_VIEW, verbs_look_status},
    {"streams", CONTROL_VIEW, verbs_look_streams},
    {"stream", CONTROL_VIEW, verbs_look_stream},
    {"target", CONTROL_VIEW, verbs_look_target},
    {"target.pause", CONTROL_OPERATE, run_target_pause},
    {"target.resume", CONTROL_OPERATE, run_target_resume},
    {"target.retry", CONTROL_OPERATE, run_target_retry},
    {"target.remove", CONTROL_ADMIN, run_target_remove},
    {"target.rename", CONTROL_ADMIN, run_target_rename},
    {"queue.ls", CONTROL_VIEW, verbs_look_queue_ls},
    {"queue.peek", CONTROL_READ, verbs_jobs_peek},
    {"store", CONTROL_VIEW, verbs_look_store},
    {"verify", CONTROL_OPERATE, verbs_jobs_verify},
    {"prove", CONTROL_VIEW, verbs_prove},
};

void
verbs_run(struct control_call *call, json_t *request)
{
	const char *name = verbs_text(request, "verb");
	json_t *args = json_object_get(request, "args");
	size_t i, n = sizeof(verbs) / sizeof(verbs[0]);

	for (i = 0; name && i < n; i++)
		if (!strcmp(verbs[i].name, name))
			break;
	if (!name || i == n)
		control_refuse(call, REFUSAL_VERB_UNKNOWN, name, NULL);
	else if ((control_rights(call) & verbs[i].needs) != verbs[i].needs)
		control_refuse(call, REFUSAL_DENIED, NULL, NULL);
	else
		verbs[i].run(call, args);
}
