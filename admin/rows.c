/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/rows.h"

#include "admin/ask.h"

int
rows_check(struct command_context *cx, const struct view *view)
{
	struct view_choice choice;

	return view_choose(view, cx->args, &choice, &cx->fault);
}

int
rows_print(
    struct command_context *cx, const struct view *view, const json_t *rows)
{
	const struct args *a = cx->args;
	struct view_choice choice;
	struct writer *w;
	int rc = view_choose(view, a, &choice, &cx->fault);

	if (!rc)
		rc = ask_open(cx, &w);
	if (rc)
		return rc;
	view_list(w, view, &choice, rows,
	    a->given[ARGS_LIMIT] ? a->number[ARGS_LIMIT] : SIZE_MAX);
	return ask_close(cx, w);
}

int
rows_show(
    struct command_context *cx, const struct view *view, const json_t *row)
{
	struct view_choice choice;
	struct writer *w;
	int rc = view_choose(view, cx->args, &choice, &cx->fault);

	if (!rc)
		rc = ask_open(cx, &w);
	if (rc)
		return rc;
	view_show(w, view, &choice, row);
	return ask_close(cx, w);
}
