/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/ask.h"
#include "admin/confirm.h"
#include "admin/human.h"
#include "admin/json.h"
#include "admin/nouns.h"
#include "admin/rows.h"
#include "admin/statusview.h"
#include "lib/base/clock.h"

static void
note(struct writer *w, const json_t *row, void *arg)
{
	const int64_t *now_s = arg;

	if (writer_form(w) == WRITER_TABLE)
		statusview_target(w, row, *now_s);
}

/* A row as a person reads it; other forms get it as it is. */
static json_t *
row_for(const struct args *args, const json_t *target)
{
	return args->form <= WRITER_WIDE ? statusview_plain_target(target)
					 : json_deep_copy(target);
}

static json_t *
rows_for(const struct args *args, const json_t *targets)
{
	json_t *rows = json_array();
	const json_t *t;
	size_t i;

	json_array_foreach(targets, i, t)
	{
		json_array_append_new(rows, row_for(args, t));
	}
	return rows;
}

int
commands_target_ls(struct command_context *cx)
{
	int64_t now_s = clock_now().wall_ns / 1000000000;
	struct view view = nouns_targets;
	json_t *status = NULL, *rows;
	int rc = rows_check(cx, &nouns_targets);

	if (!rc)
		rc = ask_status(cx, &status);
	if (rc)
		return rc;
	view.note = note;
	view.arg = &now_s;
	rows = rows_for(cx->args, json_at(status, "targets"));
	rc = rows_print(cx, &view, rows);
	json_decref(rows);
	json_decref(status);
	return rc;
}

int
commands_target_show(struct command_context *cx)
{
	const char *name = cx->args->words[0];
	json_t *result = NULL, *row = NULL;
	int rc = rows_check(cx, &nouns_targets);

	if (!rc)
		rc = ask_keeper(cx, "target", json_pack("{s:s}", "name", name),
		    NULL, NULL, &result);
	if (!rc) {
		row = row_for(cx->args, json_at(result, "target"));
		rc = rows_show(cx, &nouns_targets, row);
	}
	json_decref(row);
	json_decref(result);
	return rc;
}

static json_t *
with_reason(struct command_context *cx, json_t *args)
{
	const char *reason = cx->args->text[ARGS_REASON];

	if (reason)
		json_object_set_new(
		    args, "reason", json_text(bytes_of_str(reason)));
	return args;
}

static int
order(struct command_context *cx, const char *verb, const char *done)
{
	const char *name = cx->args->words[0];
	json_t *args = with_reason(cx, json_pack("{s:s}", "name", name));
	json_t *result = NULL;
	int rc = ask_keeper(cx, verb, args, NULL, NULL, &result);

	if (!rc)
		rc = ask_print(cx, result, "%.64s %s.", name, done);
	json_decref(result);
	return rc;
}

int
commands_target_pause(struct command_context *cx)
{
	return order(cx, "target.pause",
	    "is paused; what it is owed stays in the spool");
}

int
commands_target_resume(struct command_context *cx)
{
	return order(cx, "target.resume", "is delivered to again");
}

int
commands_target_retry(struct command_context *cx)
{
	return order(cx, "target.retry", "is tried now");
}

int
commands_target_rename(struct command_context *cx)
{
	const char *const *names = cx->args->words;
	json_t *args = with_reason(
	    cx, json_pack("{s:s,s:s}", "old", names[0], "new", names[1]));
	json_t *result = NULL;
	int rc = ask_keeper(cx, "target.rename", args, NULL, NULL, &result);

	if (!rc)
		rc = ask_print(cx, result,
		    "%.64s is now %.64s; change it in the configuration too.",
		    names[0], names[1]);
	json_decref(result);
	return rc;
}

static int
ask_remove(struct command_context *cx, bool is_dry, json_t **result)
{
	json_t *args = with_reason(cx,
	    json_pack("{s:s,s:b,s:b}", "name", cx->args->words[0], "yes",
		!is_dry, "dry_run", is_dry));

	return ask_keeper(cx, "target.remove", args, NULL, NULL, result);
}

/* "12,345 records (1.2 MiB, exactly 1,258,291 bytes)" */
static void
say_figures(const json_t *result, char *text, size_t size)
{
	uint64_t bytes = json_u64(result, "bytes", 0);
	struct buf b;

	buf_init(&b, 256);
	human_exact(json_u64(result, "records", 0), &b);
	buf_add_str(&b, " records (");
	human_exact(bytes, &b);
	buf_add_str(&b, " bytes");
	if (bytes >= 1024) {
		buf_add_str(&b, ", ");
		human_bytes(bytes, &b);
	}
	buf_add_str(&b, ")");
	snprintf(text, size, "%.*s", (int)b.len, (const char *)buf_ptr(&b));
	buf_fini(&b);
}

int
commands_target_remove(struct command_context *cx)
{
	const struct args *a = cx->args;
	const char *name = a->words[0];
	char figures[256], what[512];
	json_t *result = NULL;
	int rc = ask_remove(cx, true, &result);

	if (rc)
		return rc;
	say_figures(result, figures, sizeof(figures));
	if (a->given[ARGS_DRY_RUN]) {
		rc = ask_print(cx, result, "Removing %.64s would give up %s.",
		    name, figures);
		json_decref(result);
		return rc;
	}
	json_decref(result);
	result = NULL;
	snprintf(what, sizeof(what), "Removing %.64s gives up %s for ever.",
	    name, figures);
	rc = confirm_by_name(cx, what, name);
	if (!rc)
		rc = ask_remove(cx, false, &result);
	if (!rc) {
		say_figures(result, figures, sizeof(figures));
		rc = ask_print(cx, result, "%.64s is removed; %s given up.",
		    name, figures);
	}
	json_decref(result);
	return rc;
}
