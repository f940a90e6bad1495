/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"

#include <string.h>

#include "admin/ask.h"
#include "admin/json.h"
#include "admin/nouns.h"
#include "admin/rows.h"

struct listing {
	const struct args *args;
	const char *name; /* only streams of this name; NULL: all */
	struct view_choice choice;
	struct writer *writer;
	uint64_t left; /* by --limit */
	uint64_t found;
};

static bool
is_wanted(const struct listing *l, const json_t *row)
{
	const char *origin = l->args->text[ARGS_ORIGIN];
	const char *listener = l->args->text[ARGS_LISTENER];

	return (!l->name || !strcmp(json_str(row, "stream", ""), l->name)) &&
	    (!origin || !strcmp(json_str(row, "origin", ""), origin)) &&
	    (!listener || !strcmp(json_str(row, "listener", ""), listener));
}

static int
on_frame(const struct ctl_frame *frame, void *arg, struct fault *fault)
{
	struct listing *l = arg;
	json_t *row;
	int rc = ask_stream(frame, &row, fault);

	if (rc)
		return rc;
	if (is_wanted(l, row)) {
		l->found++;
		if (l->left > 0) {
			view_row(l->writer, &nouns_streams, &l->choice, row);
			l->left--;
		}
	}
	json_decref(row);
	return FAULT_OK;
}

static int
list(struct command_context *cx, struct listing *l, const char *verb,
    json_t *args)
{
	json_t *result = NULL;
	int closed, rc;

	rc = view_choose(&nouns_streams, cx->args, &l->choice, &cx->fault);
	if (!rc)
		rc = ask_open(cx, &l->writer);
	if (rc) {
		json_decref(args);
		return rc;
	}
	view_list_start(l->writer, &nouns_streams, &l->choice);
	rc = ask_keeper(cx, verb, args, on_frame, l, &result);
	writer_end(l->writer);
	if (!rc && !l->found)
		writer_data(l->writer, WRITER_PLAIN, nouns_streams.none);
	json_decref(result);
	closed = ask_close(cx, l->writer);
	return rc ? rc : closed;
}

int
commands_stream_ls(struct command_context *cx)
{
	const struct args *a = cx->args;
	struct listing l = {.args = a, .left = UINT64_MAX};
	json_t *args = json_object();

	if (a->given[ARGS_LIMIT])
		l.left = a->number[ARGS_LIMIT];
	if (a->given[ARGS_LISTENER])
		json_object_set_new(
		    args, "listener", json_string(a->text[ARGS_LISTENER]));
	return list(cx, &l, "streams", args);
}

int
commands_stream_show(struct command_context *cx)
{
	const struct args *a = cx->args;
	struct listing l = {.args = a, .name = a->words[0], .left = UINT64_MAX};
	json_t *args = json_pack("{s:s}", "name", l.name);
	int rc;

	if (a->given[ARGS_ORIGIN])
		json_object_set_new(
		    args, "origin", json_string(a->text[ARGS_ORIGIN]));
	rc = list(cx, &l, "stream", args);
	if (!rc && !l.found) {
		rc = fault_set(&cx->fault, FAULT_NOT_FOUND, "STREAM_UNKNOWN",
		    "there is no stream %.64s", l.name);
		fault_hint(&cx->fault, "spoolctl stream ls shows them");
	}
	return rc;
}
