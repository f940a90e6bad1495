/* SPDX-License-Identifier: Apache-2.0 */
/* verify and prove: 0 it holds, 9 it is broken, 8 it cannot be told. */
#include "admin/commands.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "admin/ask.h"
#include "admin/json.h"
#include "admin/view.h"
#include "lib/base/clock.h"

#define RESTART_US UINT64_C(10000000) /* how long a keeper may be away */
#define PAUSE_MS 200

/* Reading everything takes as long as it takes, unless --timeout. */
static int
ask_once(struct command_context *cx, const char *verb, json_t **result)
{
	struct client *c = NULL;
	int rc = client_open(cx->socket,
	    cx->args->given[ARGS_TIMEOUT] ? cx->args->number[ARGS_TIMEOUT] : 0,
	    &c, &cx->fault);

	if (!rc)
		rc = client_ask(c, verb, NULL, NULL, NULL, result, &cx->fault);
	client_close(c);
	return rc;
}

/* What is away for longer than a restart cannot be asked: exit status 8. */
static int
ask(struct command_context *cx, const char *verb, json_t **result)
{
	uint64_t end = clock_now().mono_us + RESTART_US;
	int rc;

	while ((rc = ask_once(cx, verb, result)) &&
	    cx->fault.exit == FAULT_UNREACHABLE && clock_now().mono_us < end)
		poll(NULL, 0, PAUSE_MS);
	if (rc && cx->fault.exit == FAULT_UNREACHABLE)
		cx->fault.exit = FAULT_PARTIAL;
	return rc ? (int)cx->fault.exit : FAULT_OK;
}

static void
print_equation(struct writer *w, const json_t *e)
{
	bool holds = json_flag(e, "holds", false);
	char text[512];

	snprintf(text, sizeof(text), "%s %.300s: %" PRIu64 " = %" PRIu64,
	    holds ? "holds " : "BROKEN", json_str(e, "name", "?"),
	    json_u64(e, "left", 0), json_u64(e, "right", 0));
	writer_data(w, holds ? WRITER_GOOD : WRITER_BAD, text);
}

static void
print_bad(struct writer *w, const json_t *bad)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "DAMAGED segment %" PRIu64 ", batch %" PRIu64 ", rec %" PRIu64
	    ": %.512s",
	    json_u64(bad, "segment", 0), json_u64(bad, "batch", 0),
	    json_u64(bad, "rec", 0), json_str(bad, "text", ""));
	writer_data(w, WRITER_BAD, text);
}

static void
print_prose(struct writer *w, const json_t *result)
{
	const json_t *row;
	char text[256];
	size_t i;

	json_array_foreach(json_at(result, "equations"), i, row)
	    print_equation(w, row);
	json_array_foreach(json_at(result, "bad"), i, row) print_bad(w, row);
	if (!json_at(result, "batches"))
		return;
	snprintf(text, sizeof(text),
	    "%" PRIu64 " records in %" PRIu64 " batches were read",
	    json_u64(result, "records", 0), json_u64(result, "batches", 0));
	writer_data(w, WRITER_PLAIN, text);
	if (!json_at(result, "inspected"))
		return;
	snprintf(text, sizeof(text),
	    "%" PRIu64 " batches of records were unpacked and compared",
	    json_u64(result, "inspected", 0));
	writer_data(w, WRITER_PLAIN, text);
}

static int
print(struct command_context *cx, const json_t *result)
{
	struct writer *w;
	int rc = ask_open(cx, &w);

	if (rc)
		return rc;
	if (writer_is_prose(w))
		print_prose(w, result);
	else
		view_object(w, result);
	return ask_close(cx, w);
}

static int
judge(struct command_context *cx, const json_t *result, const char *broken)
{
	const json_t *ok = json_at(result, "ok");

	if (json_is_true(ok))
		return FAULT_OK;
	if (json_is_false(ok))
		return fault_set(
		    &cx->fault, FAULT_INVALID, "PROOF_FAILED", "%s", broken);
	fault_set(
	    &cx->fault, FAULT_PARTIAL, "CANNOT_TELL", "it cannot be told");
	if (json_at(result, "unchecked"))
		fault_cause(&cx->fault,
		    "%" PRIu64 " batches could not be unpacked: the worker "
		    "is away",
		    json_u64(result, "unchecked", 0));
	else
		fault_cause(&cx->fault, "%" PRIu64 " batches cannot be read",
		    json_u64(result, "unreadable", 0));
	return FAULT_PARTIAL;
}

static int
run(struct command_context *cx, const char *verb, const char *broken)
{
	json_t *result = NULL;
	int rc = ask(cx, verb, &result);

	if (!rc)
		rc = print(cx, result);
	if (!rc)
		rc = judge(cx, result, broken);
	json_decref(result);
	return rc;
}

int
commands_verify(struct command_context *cx)
{
	return run(cx, "verify", "what is stored is damaged");
}

int
commands_prove(struct command_context *cx)
{
	return run(cx, "prove", "records are unaccounted for");
}
