/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - the table of commands, and what a command is given to run.
 *
 * A command is a row: its words, its arguments, its options, its function,
 * its text.  The parser, help, the manual page and the completions are all
 * made from it, so adding a command is adding a row.
 */
#ifndef ADMIN_COMMAND_H
#define ADMIN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "admin/args.h"
#include "admin/fault.h"
#include "admin/writer.h"

/* Where a command runs: what main found out, and where errors go. */
struct command_context {
	const struct args *args;
	const char *socket; /* path */
	FILE *in;
	FILE *out;
	FILE *err;
	bool is_terminal; /* out */
	bool can_ask; /* in and err are a terminal */
	bool colour;
	struct fault fault;
};

/* Returns the exit status; the context's fault is set if it is not 0. */
typedef int command_fn(struct command_context *cx);

/* What an argument is, for completions. */
enum command_completes {
	COMMAND_NOTHING,
	COMMAND_TARGET,
	COMMAND_LISTENER,
	COMMAND_STREAM,
	COMMAND_FILE,
	COMMAND_COMMAND,
	COMMAND_SHELL,
};

struct command {
	const char *name; /* one word or two: "target pause" */
	const char *arguments; /* as shown: "NAME", "" */
	size_t least, most; /* of them */
	enum command_completes completes;
	uint32_t options; /* ARGS_BIT, besides ARGS_COMMON */
	command_fn *run;
	const char *summary; /* one line, no full stop */
	const char *text; /* sentences; "" if the summary says all */
};

extern const struct command command_table[];
extern const size_t command_count;

/* The command with exactly these words; NULL. */
const struct command *command_find(const char *name);

/* Whether an option may be given with it. */
bool command_takes(const struct command *c, enum args_option option);

#endif
