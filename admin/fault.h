/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault - why a command failed: code, message, cause, hint, exit status.
 *
 * The code is stable and for programs; the rest is for a person.  A fault is
 * printed once, by program.c, on standard error: as text, or as JSON with
 * --output json.  The exit statuses are the same for every command.
 */
#ifndef ADMIN_FAULT_H
#define ADMIN_FAULT_H

#include <stdbool.h>
#include <stdio.h>

#define FAULT_EXITS(X)                                                     \
	X(OK, 0, "The command did what it says.")                          \
	X(FAILED, 1, "It failed.")                                         \
	X(USAGE, 2, "The command line is wrong.")                          \
	X(NOT_FOUND, 3, "There is no such target, stream or file.")        \
	X(DENIED, 4, "This user may not do that.")                         \
	X(UNREACHABLE, 5,                                                  \
	    "The daemon does not answer, or what was shown is old.")       \
	X(TIMEOUT, 6, "It did not come true, or no answer came, in time.") \
	X(CONFLICT, 7, "The state does not allow it.")                     \
	X(PARTIAL, 8, "Only part of it was done, or it cannot be told.")   \
	X(INVALID, 9, "Validation or a proof failed.")                     \
	X(CANCELLED, 10, "The question was answered with no.")

enum fault_exit {
#define X(name, value, text) FAULT_##name = (value),
	FAULT_EXITS(X)
#undef X
};

#define FAULT_EXIT_MAX FAULT_CANCELLED

struct fault {
	enum fault_exit exit; /* FAULT_OK: no fault */
	char code[48];
	char message[512];
	char cause[8192]; /* "" if none; may have several lines */
	char hint[512]; /* "" if none */
};

/* Set all but cause and hint, which become ""; returns exit. */
int fault_set(struct fault *f, enum fault_exit exit, const char *code,
    const char *message, ...) __attribute__((format(printf, 4, 5)));

void fault_cause(struct fault *f, const char *cause, ...)
    __attribute__((format(printf, 2, 3)));
void fault_hint(struct fault *f, const char *hint, ...)
    __attribute__((format(printf, 2, 3)));

/* Out of memory, or another ERR_ code that needs no words; returns exit. */
int fault_of_err(struct fault *f, int rc, const char *what);

/* One object on a line, or a few lines of text. */
void fault_print(const struct fault *f, bool as_json, FILE *to);

#endif
