/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args - the command line of spoolctl, from the tables of options and of
 * commands.
 *
 * Options may stand anywhere; `--` ends them.  Everything is checked before
 * anything is done: unknown words, options that the command does not have,
 * values.  Nothing here does I/O.
 */
#ifndef ADMIN_ARGS_H
#define ADMIN_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/fault.h"
#include "admin/writer.h"

struct command;

enum args_kind {
	ARGS_FLAG,
	ARGS_TEXT,
	ARGS_NUMBER,
	ARGS_DURATION,
	ARGS_DURATION_MAYBE, /* --watch or --watch=2s */
	ARGS_WORD, /* one of a list */
};

/* name, letter, kind, value, words, text */
#define ARGS_OPTIONS(X)                                                       \
	X(SOCKET, "socket", 0, ARGS_TEXT, "PATH", "",                         \
	    "The control socket of the daemon. Also SPOOLCTL_SOCKET in the "  \
	    "environment; by default /run/spoold/control.sock.")              \
	X(OUTPUT, "output", 'o', ARGS_WORD, "FORM",                           \
	    "table wide json ndjson csv",                                     \
	    "The form of what is printed, also of errors; table by default. " \
	    "Times in JSON are RFC 3339 in UTC, durations seconds, sizes "    \
	    "bytes.")                                                         \
	X(COLUMNS, "columns", 0, ARGS_TEXT, "KEY,KEY...", "",                 \
	    "Only these columns, in this order, by the keys that CSV has.")   \
	X(NO_HEADERS, "no-headers", 0, ARGS_FLAG, "", "",                     \
	    "Tables and CSV without the line of headings.")                   \
	X(QUIET, "quiet", 'q', ARGS_FLAG, "", "",                             \
	    "Print nothing but errors; the exit status tells.")               \
	X(WATCH, "watch", 'w', ARGS_DURATION_MAYBE, "DURATION", "",           \
	    "Again and again, every 2s or as given, until interrupted.")      \
	X(LIMIT, "limit", 0, ARGS_NUMBER, "N", "", "At most N rows.")         \
	X(READY, "ready", 0, ARGS_FLAG, "", "",                               \
	    "Until the daemon is ready: every role runs with the "            \
	    "configuration in use, and all targets are known.")               \
	X(DRAINED, "drained", 0, ARGS_FLAG, "", "",                           \
	    "Until nothing is pending for any target that is neither "        \
	    "paused nor orphaned, and positions are durable.")                \
	X(TARGET, "target", 0, ARGS_TEXT, "NAME", "", "Only this target.")    \
	X(TIMEOUT, "timeout", 0, ARGS_DURATION, "DURATION", "",               \
	    "Give up after that long, with exit status 6.")                   \
	X(LISTENER, "listener", 0, ARGS_TEXT, "NAME", "",                     \
	    "Only streams that come in there.")                               \
	X(ORIGIN, "origin", 0, ARGS_TEXT, "UUID", "",                         \
	    "Only streams of this agent or spool.")                           \
	X(FROM, "from", 0, ARGS_NUMBER, "REC", "",                            \
	    "Begin at this record number.")                                   \
	X(DRY_RUN, "dry-run", 0, ARGS_FLAG, "", "",                           \
	    "Only say what would be done, with exact counts and bytes.")      \
	X(YES, "yes", 'y', ARGS_FLAG, "", "",                                 \
	    "Do not ask. Needed where there is no terminal to ask at.")       \
	X(REASON, "reason", 0, ARGS_TEXT, "TEXT", "",                         \
	    "Why; kept in the log of the spool beside who did it.")           \
	X(FRAMING, "framing", 0, ARGS_WORD, "HOW", "lf nul length none",      \
	    "What is put between the records: a line feed after each, a "     \
	    "zero byte, 32 bits of length before, or nothing.")               \
	X(HELP, "help", 'h', ARGS_FLAG, "", "", "Explain the command.")       \
	X(VERSION, "version", 'V', ARGS_FLAG, "", "", "Print the version.")

enum args_option {
#define X(name, ...) ARGS_##name,
	ARGS_OPTIONS(X)
#undef X
	    ARGS_OPTION_COUNT,
};

#define ARGS_BIT(name) (1u << ARGS_##name)

/* What every command takes. */
#define ARGS_COMMON                                              \
	(ARGS_BIT(SOCKET) | ARGS_BIT(OUTPUT) | ARGS_BIT(QUIET) | \
	    ARGS_BIT(HELP) | ARGS_BIT(VERSION))
/* What commands that print rows take besides. */
#define ARGS_ROWS (ARGS_BIT(COLUMNS) | ARGS_BIT(NO_HEADERS) | ARGS_BIT(WATCH))

struct args_option_row {
	const char *name; /* without -- */
	char letter; /* 0: none */
	enum args_kind kind;
	const char *value; /* its name in help; "" for flags */
	const char *words; /* allowed ones, separated by spaces */
	const char *text;
};

/* ARGS_OPTION_COUNT rows. */
extern const struct args_option_row args_options[];

struct args {
	const struct command *command;
	const char **words; /* the command's arguments; then NULL */
	size_t word_count;
	bool given[ARGS_OPTION_COUNT];
	const char *text[ARGS_OPTION_COUNT];
	uint64_t number[ARGS_OPTION_COUNT]; /* durations in milliseconds */
	enum writer_form form;
};

/*
 * argv as main has it, which must live as long as *args.  The exit status, 0
 * or that of *fault.  *args is to be given to args_fini in any case; its form
 * is valid even after a fault, as far as it was read.
 */
int args_parse(int argc, char **argv, struct args *args, struct fault *fault);
void args_fini(struct args *args);

#endif
