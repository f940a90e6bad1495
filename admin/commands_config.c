/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/ask.h"
#include "admin/json.h"
#include "lib/base/err.h"
#include "lib/config/config.h"

#define DEFAULT_FILE SYSCONFDIR "/spoold/spoold.yaml"

static const char *
file_of(const struct command_context *cx)
{
	return cx->args->word_count ? cx->args->words[0] : DEFAULT_FILE;
}

/* The error lines: as they are for a person, a list in JSON. */
static void
tell_lines(struct command_context *cx, const char *lines)
{
	json_t *errors, *o;

	if (cx->args->form <= WRITER_WIDE) {
		fputs(lines, cx->err);
		return;
	}
	errors = json_array();
	o = json_pack("{s:b,s:o,s:o}", "ok", 0, "file",
	    json_text(bytes_of_str(file_of(cx))), "errors", errors);
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		json_array_append_new(errors, json_text(bytes_of(lines, len)));
		lines += len + (lines[len] == '\n');
	}
	json_write(o, cx->args->form == WRITER_JSON ? 2 : 0, cx->out);
	json_decref(o);
}

/* *config is the caller's, also after a fault. */
static int
load(struct command_context *cx, struct config **config)
{
	int rc;

	/* A file that is not there is not wrong: it is not there. */
	if (access(file_of(cx), F_OK) && errno == ENOENT)
		return fault_set(&cx->fault, FAULT_NOT_FOUND, "FILE_UNKNOWN",
		    "there is no file %.300s", file_of(cx));
	rc = config_load(file_of(cx), config);
	if (!rc)
		return FAULT_OK;
	if (!*config)
		return fault_of_err(&cx->fault, rc, "cannot check");
	tell_lines(cx, config_why(*config));
	return fault_set(&cx->fault, FAULT_INVALID, "CONFIG_INVALID",
	    "%.300s is wrong", file_of(cx));
}

int
commands_config_check(struct command_context *cx)
{
	struct config *config = NULL;
	json_t *ok;
	int rc = load(cx, &config);

	if (!rc) {
		ok = json_pack("{s:b,s:o}", "ok", 1, "file",
		    json_text(bytes_of_str(file_of(cx))));
		rc = ask_print(cx, ok, "%.400s is valid.", file_of(cx));
		json_decref(ok);
	}
	config_free(config);
	return rc;
}

int
commands_config_show(struct command_context *cx)
{
	struct config *config = NULL;
	struct buf b;
	int rc = load(cx, &config);

	buf_init(&b, CONFIG_FILE_MAX);
	if (!rc) {
		config_print(config, &b);
		if (b.err)
			rc = fault_of_err(&cx->fault, b.err, "cannot print");
	}
	if (!rc &&
	    (fwrite(buf_ptr(&b), 1, b.len, cx->out) != b.len ||
		fflush(cx->out)))
		rc = fault_of_err(&cx->fault, ERR_IO, "cannot print");
	buf_fini(&b);
	config_free(config);
	return rc;
}
