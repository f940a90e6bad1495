/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"

#include "admin/ask.h"
#include "admin/json.h"
#include "admin/nouns.h"
#include "admin/rows.h"

int
commands_listener_ls(struct command_context *cx)
{
	json_t *status = NULL;
	int rc = rows_check(cx, &nouns_listeners);

	if (!rc)
		rc = ask_status(cx, &status);
	if (!rc)
		rc = rows_print(
		    cx, &nouns_listeners, json_at(status, "listeners"));
	json_decref(status);
	return rc;
}

int
commands_listener_show(struct command_context *cx)
{
	const char *name = cx->args->words[0];
	const json_t *row = NULL;
	json_t *status = NULL;
	int rc = rows_check(cx, &nouns_listeners);

	if (!rc)
		rc = ask_status(cx, &status);
	if (!rc)
		row = nouns_find(json_at(status, "listeners"), name);
	if (!rc && !row) {
		rc = fault_set(&cx->fault, FAULT_NOT_FOUND, "LISTENER_UNKNOWN",
		    "there is no listener %.64s", name);
		fault_hint(&cx->fault, "spoolctl listener ls shows them");
	}
	if (!rc)
		rc = rows_show(cx, &nouns_listeners, row);
	json_decref(status);
	return rc;
}
