/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/waiting.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/json.h"
#include "admin/nouns.h"

static bool
is_left_out(const json_t *target)
{
	const char *state = json_str(target, "state", "");

	return !strcmp(state, "paused") || !strcmp(state, "orphaned");
}

/*
 * Everything delivered, and nothing that a crash could undo.  What a
 * connection took less than two seconds ago is still pending (the forwarder
 * gives no verdict before); `durable` says that the positions are on disk.
 */
static bool
is_drained(const json_t *t, char *missing, size_t size)
{
	const char *name = json_str(t, "name", "?");
	uint64_t pending = json_u64(t, "pending", UINT64_MAX);

	if (pending == UINT64_MAX)
		snprintf(
		    missing, size, "%s: what is pending is not known", name);
	else if (pending)
		snprintf(missing, size, "%s: %" PRIu64 " records are pending",
		    name, pending);
	else if (!json_flag(t, "durable", true))
		snprintf(
		    missing, size, "%s: its position is not durable yet", name);
	else
		return true;
	return false;
}

static enum waiting_verdict
judge_targets(const json_t *status, const struct waiting_wish *wish,
    char *missing, size_t size)
{
	const json_t *targets = json_at(status, "targets");
	const json_t *t;
	size_t i;

	if (!json_is_array(targets)) {
		snprintf(missing, size, "the status tells of no targets");
		return WAITING_NOT_YET;
	}
	if (wish->target) {
		t = nouns_find(targets, wish->target);
		if (!t)
			return WAITING_NEVER;
		return is_drained(t, missing, size) ? WAITING_DONE
						    : WAITING_NOT_YET;
	}
	json_array_foreach(targets, i, t)
	{
		if (!is_left_out(t) && !is_drained(t, missing, size))
			return WAITING_NOT_YET;
	}
	return WAITING_DONE;
}

enum waiting_verdict
waiting_judge(const json_t *status, const struct waiting_wish *wish,
    char *missing, size_t size)
{
	if (!json_flag(status, "ready", false)) {
		snprintf(missing, size, "the daemon is not ready");
		return WAITING_NOT_YET;
	}
	if (wish->drained)
		return judge_targets(status, wish, missing, size);
	if (wish->target &&
	    !nouns_find(json_at(status, "targets"), wish->target))
		return WAITING_NEVER;
	return WAITING_DONE;
}
