/* SPDX-License-Identifier: Apache-2.0 */
/* help, version and completion: what needs no daemon. */
#include "admin/commands.h"

#include <stdio.h>
#include <string.h>

#include "admin/ask.h"
#include "admin/completion.h"
#include "admin/help.h"
#include "config.h"
#include "lib/base/err.h"

#define TEXT_MAX ((size_t)1 << 20)

static int
print(struct command_context *cx, const struct buf *b)
{
	struct bytes text = buf_bytes(b);

	if (b->err)
		return fault_of_err(&cx->fault, b->err, "cannot print");
	if (fwrite(text.ptr, 1, text.len, cx->out) != text.len ||
	    fflush(cx->out))
		return fault_of_err(&cx->fault, ERR_IO, "cannot print");
	return FAULT_OK;
}

static int
explain(struct command_context *cx, const char *name, struct buf *b)
{
	const struct command *c = command_find(name);

	if (c)
		help_command(c, b);
	else if (!help_noun(name, b))
		return fault_set(&cx->fault, FAULT_USAGE, "COMMAND_UNKNOWN",
		    "there is no command %.64s", name);
	return FAULT_OK;
}

int
commands_help(struct command_context *cx)
{
	const struct args *a = cx->args;
	char name[128];
	struct buf b;
	int rc = FAULT_OK;

	buf_init(&b, TEXT_MAX);
	if (a->word_count > 1) {
		snprintf(name, sizeof(name), "%.60s %.60s", a->words[0],
		    a->words[1]);
		/* `target show siem --help` and `decode FILE --help` too. */
		rc = explain(cx, command_find(name) ? name : a->words[0], &b);
	} else if (a->word_count == 1) {
		rc = explain(cx, a->words[0], &b);
	} else {
		help_overview(&b);
	}
	if (!rc)
		rc = print(cx, &b);
	buf_fini(&b);
	return rc;
}

int
commands_version(struct command_context *cx)
{
	json_t *o = json_pack("{s:s}", "version", PACKAGE_VERSION);
	int rc =
	    ask_print(cx, o, "spoolctl (%s) %s", PACKAGE_NAME, PACKAGE_VERSION);

	json_decref(o);
	return rc;
}

int
commands_completion(struct command_context *cx)
{
	const char *shell = cx->args->words[0];
	struct buf b;
	int rc;

	buf_init(&b, TEXT_MAX);
	if (completion_print(shell, &b)) {
		rc = print(cx, &b);
	} else {
		rc = fault_set(&cx->fault, FAULT_USAGE, "SHELL_UNKNOWN",
		    "there is no completion for %.64s", shell);
		fault_hint(&cx->fault, "one of: bash, zsh, fish");
	}
	buf_fini(&b);
	return rc;
}
