/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"

#include <stdlib.h>
#include <string.h>

#include "admin/ask.h"
#include "admin/human.h"
#include "admin/json.h"
#include "admin/nouns.h"
#include "admin/rows.h"
#include "admin/statusfile.h"
#include "admin/statusview.h"
#include "lib/base/clock.h"

static int
print(struct command_context *cx, const json_t *status, int64_t now_s)
{
	struct writer *w;
	int rc = ask_open(cx, &w), closed;

	if (rc)
		return rc;
	rc = statusview_write(w, status, cx->args, now_s, &cx->fault);
	closed = ask_close(cx, w);
	return rc ? rc : closed;
}

/*
 * The keeper is away: what it last wrote, with its age.  The fault stays, so
 * that nobody takes the old for the new; NULL if there is no file.
 */
static json_t *
read_old(struct command_context *cx, int64_t now_s)
{
	struct fault none = {.exit = FAULT_OK};
	json_t *status = NULL;
	int64_t written_s;
	struct buf age;

	if (statusfile_read(cx->socket, &status, &written_s) ||
	    ask_check_status(status, &none)) {
		json_decref(status);
		return NULL;
	}
	buf_init(&age, 64);
	human_seconds((double)(now_s - written_s), &age);
	buf_add_u8(&age, '\0');
	fault_hint(&cx->fault, "what is shown is the status file, %s old",
	    (const char *)buf_ptr(&age));
	buf_fini(&age);
	json_object_set_new(
	    status, "stale_seconds", json_integer(now_s - written_s));
	return status;
}

int
commands_status(struct command_context *cx)
{
	int64_t now_s = clock_now().wall_ns / 1000000000;
	json_t *status = NULL;
	struct fault away;
	int rc = rows_check(cx, &nouns_targets);

	if (rc)
		return rc;
	rc = ask_status(cx, &status);
	if (!rc) {
		rc = print(cx, status, now_s);
	} else if (client_is_away(&cx->fault)) {
		status = read_old(cx, now_s);
		away = cx->fault;
		if (status)
			print(cx, status, now_s);
		cx->fault = away;
		if (status)
			cx->fault.exit = FAULT_UNREACHABLE;
		rc = (int)cx->fault.exit;
	}
	json_decref(status);
	return rc;
}
