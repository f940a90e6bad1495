/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/confirm.h"

#include <string.h>

#include "admin/safe.h"

#define ANSWER_MAX 256

static bool
is_typed(struct command_context *cx, const char *name)
{
	char answer[ANSWER_MAX];
	size_t len;

	if (!fgets(answer, sizeof(answer), cx->in))
		return false;
	len = strcspn(answer, "\r\n");
	answer[len] = '\0';
	return !strcmp(answer, name);
}

int
confirm_by_name(struct command_context *cx, const char *what, const char *name)
{
	if (cx->args->given[ARGS_YES])
		return FAULT_OK;
	if (!cx->can_ask) {
		fault_set(&cx->fault, FAULT_USAGE, "CONFIRMATION_NEEDED",
		    "nobody is there to be asked");
		fault_cause(&cx->fault, "%s", what);
		fault_hint(&cx->fault,
		    "--yes does it, --dry-run only shows the figures");
		return FAULT_USAGE;
	}
	safe_write(bytes_of_str(what), cx->err);
	fputs("\nType the name to go on: ", cx->err);
	fflush(cx->err);
	if (is_typed(cx, name))
		return FAULT_OK;
	return fault_set(
	    &cx->fault, FAULT_CANCELLED, "CANCELLED", "nothing was done");
}
