/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/ask.h"

#include <stdarg.h>
#include <string.h>

#include "admin/json.h"
#include "admin/view.h"
#include "lib/base/err.h"

#define SCHEMA "spoold.status"
#define SCHEMA_VERSION 1

int
ask_keeper(struct command_context *cx, const char *verb, json_t *args,
    client_frame_fn *on_frame, void *arg, json_t **result)
{
	const struct args *a = cx->args;
	struct client *c = NULL;
	int rc = client_open(cx->socket,
	    a->given[ARGS_TIMEOUT] ? a->number[ARGS_TIMEOUT]
				   : CLIENT_TIMEOUT_MS,
	    &c, &cx->fault);

	if (rc)
		json_decref(args);
	else
		rc = client_ask(
		    c, verb, args, on_frame, arg, result, &cx->fault);
	client_close(c);
	return rc;
}

int
ask_check_status(const json_t *status, struct fault *fault)
{
	if (!strcmp(json_str(status, "schema", ""), SCHEMA) &&
	    json_u64(status, "schema_version", 0) == SCHEMA_VERSION)
		return FAULT_OK;
	fault_set(fault, FAULT_FAILED, "STATUS_UNKNOWN",
	    "the status is not of schema %s, version %d", SCHEMA,
	    SCHEMA_VERSION);
	fault_hint(fault, "use the spoolctl that came with the daemon");
	return FAULT_FAILED;
}

int
ask_status(struct command_context *cx, json_t **status)
{
	json_t *result = NULL;
	int rc = ask_keeper(cx, "status", NULL, NULL, NULL, &result);

	if (!rc)
		rc = ask_check_status(result, &cx->fault);
	if (rc) {
		json_decref(result);
		return rc;
	}
	*status = result;
	return FAULT_OK;
}

int
ask_stream(const struct ctl_frame *frame, json_t **row, struct fault *fault)
{
	int rc = frame->kind == CTL_STREAM
	    ? json_read(frame->payload, row, NULL)
	    : ERR_FORMAT;

	return rc ? fault_of_err(fault, rc, "a stream cannot be read")
		  : FAULT_OK;
}

int
ask_open(struct command_context *cx, struct writer **out)
{
	struct writer_options o = {
	    .form = cx->args->form,
	    .no_headers = cx->args->given[ARGS_NO_HEADERS],
	    .colour = cx->colour,
	    .is_terminal = cx->is_terminal,
	    .to = cx->out,
	};

	if (writer_new(&o, out))
		return fault_of_err(&cx->fault, ERR_NOMEM, "cannot print");
	return FAULT_OK;
}

int
ask_close(struct command_context *cx, struct writer *w)
{
	int rc = writer_close(w);

	writer_free(w);
	return rc ? fault_of_err(&cx->fault, rc, "cannot print all of it")
		  : FAULT_OK;
}

int
ask_print(
    struct command_context *cx, const json_t *object, const char *sentence, ...)
{
	struct writer *w;
	char text[512];
	va_list ap;
	int rc = ask_open(cx, &w);

	if (rc)
		return rc;
	va_start(ap, sentence);
	vsnprintf(text, sizeof(text), sentence, ap);
	va_end(ap);
	if (writer_is_prose(w))
		writer_data(w, WRITER_PLAIN, text);
	else
		view_object(w, object);
	return ask_close(cx, w);
}
