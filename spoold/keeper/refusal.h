/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal - why the control socket says no: one table of stable codes.
 *
 * A code never changes its meaning or its exit status; what a person reads may.
 * doc/protocol-control.md has the same list, and a test compares them.
 */
#ifndef SPOOLD_KEEPER_REFUSAL_H
#define SPOOLD_KEEPER_REFUSAL_H

/* code, exit status, message, hint */
#define REFUSAL_LIST(X)                                                      \
	X(REQUEST_MALFORMED, 2, "the request is not well formed",            \
	    "spoolctl and spoold should be of one version")                  \
	X(VERB_UNKNOWN, 2, "this spoold has no such verb",                   \
	    "spoolctl and spoold should be of one version")                  \
	X(ARGUMENT_MISSING, 2, "an argument is missing",                     \
	    "see doc/protocol-control.md")                                   \
	X(NAME_INVALID, 2, "this is no name for a target",                   \
	    "1 to 32 of a-z, 0-9 and -")                                     \
	X(NOT_CONFIRMED, 2, "removing a target gives up its backlog",        \
	    "see the figures with --dry-run, confirm with --yes")            \
	X(TARGET_UNKNOWN, 3, "there is no such target",                      \
	    "spoolctl target ls shows all targets")                          \
	X(STREAM_UNKNOWN, 3, "there is no such stream",                      \
	    "spoolctl stream ls shows all streams")                          \
	X(DENIED, 4, "your user and groups do not permit this",              \
	    "control.viewers, operators, admins and readers of the "         \
	    "configuration say who may")                                     \
	X(CONTROL_BUSY, 5, "too many connections to the control socket",     \
	    "try again")                                                     \
	X(DAEMON_STOPPING, 5, "the daemon is being stopped",                 \
	    "ask again when it runs")                                        \
	X(TARGET_EXISTS, 7, "there is a target of that name already",        \
	    "spoolctl target ls shows all targets")                          \
	X(TARGET_CONFIGURED, 7, "the target is in the configuration",        \
	    "take it out of the file and reload spoold first")               \
	X(TARGET_CHANGING, 7, "another change of the target is under way",   \
	    "try again in a moment")                                         \
	X(TARGET_PAUSED, 7, "the target is paused",                          \
	    "spoolctl target resume delivers to it again")                   \
	X(TARGET_DISCONNECTED, 7, "no forwarder runs for the target",        \
	    "it is orphaned, or its role is being started: spoolctl status") \
	X(VERIFY_RUNNING, 7, "it is being verified already",                 \
	    "one at a time: wait for the other one")                         \
	X(LOG_UNREADABLE, 1, "the log of the spool could not be read",       \
	    "the log messages of spoold say more")                           \
	X(CALLER_GONE, 10, "the caller has hung up", "")                     \
	X(FAILED, 1, "it failed", "the log messages of spoold say more")

enum refusal {
#define X(name, exit, message, hint) REFUSAL_##name,
	REFUSAL_LIST(X)
#undef X
	    REFUSALS,
};

struct refusal_row {
	const char *code;
	int exit;
	const char *message, *hint;
};

const struct refusal_row *refusal_row(enum refusal what);

#endif
