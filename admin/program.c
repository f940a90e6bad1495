/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/program.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/command.h"
#include "lib/base/err.h"

#define DEFAULT_SOCKET                                        \
	"/run/spoold/control.sock" /* run_directory's default \
				    */
#define CLEAR "\033[H\033[2J"

static bool
is_terminal(FILE *f)
{
	int fd = fileno(f);

	return fd >= 0 && isatty(fd);
}

static bool
wants_colour(void)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return (!no || !*no) && term && strcmp(term, "dumb") != 0;
}

static const char *
socket_path(const struct args *a)
{
	const char *env = getenv("SPOOLCTL_SOCKET");

	if (a->given[ARGS_SOCKET])
		return a->text[ARGS_SOCKET];
	return env && *env ? env : DEFAULT_SOCKET;
}

static void
print_fault(const struct command_context *cx)
{
	bool as_json =
	    cx->args->form == WRITER_JSON || cx->args->form == WRITER_NDJSON;

	if (cx->fault.exit)
		fault_print(&cx->fault, as_json, cx->err);
	fflush(cx->err);
}

static int
run_once(struct command_context *cx)
{
	int rc;

	cx->fault = (struct fault){.exit = FAULT_OK};
	rc = cx->args->command->run(cx);
	print_fault(cx);
	return rc;
}

/* The whole screen at once, so that it does not flicker. */
static int
run_on_screen(struct command_context *cx)
{
	FILE *out = cx->out;
	char *text = NULL;
	size_t len = 0;
	int rc;

	cx->out = open_memstream(&text, &len);
	if (!cx->out) {
		cx->out = out;
		return run_once(cx);
	}
	cx->fault = (struct fault){.exit = FAULT_OK};
	rc = cx->args->command->run(cx);
	fclose(cx->out);
	cx->out = out;
	fputs(CLEAR, out);
	fwrite(text, 1, len, out);
	fflush(out);
	free(text);
	print_fault(cx);
	return rc;
}

/* Until interrupted, or nobody reads any more. */
static int
watch(struct command_context *cx)
{
	uint64_t ms = cx->args->number[ARGS_WATCH];
	int rc, pause_ms = ms > INT_MAX ? INT_MAX : (int)ms;

	do {
		rc = cx->is_terminal ? run_on_screen(cx) : run_once(cx);
		fflush(cx->out);
	} while (
	    rc != FAULT_USAGE && !ferror(cx->out) && !poll(NULL, 0, pause_ms));
	return rc;
}

int
program_run(int argc, char **argv, FILE *in, FILE *out, FILE *err)
{
	struct args args;
	struct command_context cx = {
	    .args = &args,
	    .in = in,
	    .out = out,
	    .err = err,
	    .is_terminal = is_terminal(out),
	    .can_ask = is_terminal(in) && is_terminal(err),
	};
	FILE *quiet = NULL;
	int rc = args_parse(argc, argv, &args, &cx.fault);

	cx.colour = cx.is_terminal && wants_colour();
	cx.socket = socket_path(&args);
	if (!rc && args.given[ARGS_QUIET]) {
		quiet = fopen("/dev/null", "we");
		cx.out = quiet ? quiet : out;
	}
	if (rc)
		print_fault(&cx);
	else
		rc = args.given[ARGS_WATCH] ? watch(&cx) : run_once(&cx);
	if (quiet)
		fclose(quiet);
	args_fini(&args);
	return rc;
}
