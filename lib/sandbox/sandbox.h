/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox - give up for good what a role does not need.
 *
 * A role opens what it needs, then calls sandbox_enter once, before it makes
 * any thread; then it says READY.  What each role may do afterwards is one
 * table, roles.def, which the tests read too.  What the kernel lacks is left
 * out and reported, not an error.  Nothing here can be undone.
 */
#ifndef LIB_SANDBOX_SANDBOX_H
#define LIB_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One role of the design's table: enum SANDBOX_RECEIVER, ... */
enum sandbox_role {
#define ROLE(id, name, open, connect, socket, exec, fork, threads, reason) \
	SANDBOX_##id,
#include "lib/sandbox/roles.def"
#undef ROLE
	SANDBOX_ROLES
};

/* Classes of system calls that a test can watch under strace. */
enum sandbox_class {
	SANDBOX_OPEN, /* open, openat, openat2, creat */
	SANDBOX_CONNECT, /* connect */
	SANDBOX_SOCKET, /* socket, socketpair */
	SANDBOX_EXEC, /* execve, execveat */
	SANDBOX_FORK, /* fork, vfork, clone without CLONE_THREAD */
	SANDBOX_THREAD, /* clone with CLONE_THREAD */
	SANDBOX_CLASSES
};

/* "receiver", "keeper", ...; ERR_NOENT for another word. */
int sandbox_role_parse(const char *name, enum sandbox_role *role);
const char *sandbox_role_name(enum sandbox_role role);
bool sandbox_role_may(enum sandbox_role role, enum sandbox_class class);
/* Why the role may what it may; one sentence. */
const char *sandbox_role_reason(enum sandbox_role role);

/*
 * A directory (or one file) whose tree stays usable, for roles that may
 * open.  The handle may be O_PATH and may be closed after sandbox_enter.
 */
struct sandbox_dir {
	int fd;
	bool write; /* else read only */
};

struct sandbox_profile {
	enum sandbox_role role;
	const struct sandbox_dir *dirs;
	size_t dir_count;
	uint64_t max_files; /* RLIMIT_NOFILE; 0 leaves it */
	bool kill; /* a forbidden call ends the process; else EPERM */
	bool off; /* setting sandbox=off, and sanitizer builds */
};

/* What was reached; for READY and the status. */
struct sandbox_report {
	bool off; /* nothing was done */
	bool no_new_privs;
	bool capabilities; /* all dropped */
	bool seccomp;
	bool network; /* there is no network to be reached */
	int landlock_abi; /* 0: the kernel has none, or refused */
};

/*
 * Enter.  Returns 0 with a report; an error only when what no kernel lacks
 * (no_new_privs, limits, seccomp) fails, or ERR_STATE when there is more
 * than one thread: the role then must not go on.
 */
int sandbox_enter(
    const struct sandbox_profile *profile, struct sandbox_report *report);

/* "seccomp on, landlock 2, capabilities none, ..."; returns text. */
#define SANDBOX_TEXT_SIZE 160
char *sandbox_report_format(
    const struct sandbox_report *report, char text[static SANDBOX_TEXT_SIZE]);

/*
 * Leave the network for an empty one.  Needs privileges, so it is for the
 * time before sandbox_become; for roles that may not make sockets only, and
 * sockets that they have or are given stay usable.  ERR_DENIED, ERR_STATE
 * (the role needs the network), ERR_UNSUPPORTED: nothing changed.
 */
int sandbox_leave_network(enum sandbox_role role);

/*
 * Become another user for good: groups (none but its own), gid, uid, and a
 * check that there is no way back.  ERR_NOENT: no such user; ERR_DENIED: not
 * allowed to.  Being that user already is success.
 */
int sandbox_become(const char *user);

/*
 * Die when the parent dies.  To be called after the last change of user,
 * which clears the setting; ERR_CLOSED when the parent is gone already.
 */
int sandbox_die_with_parent(pid_t expected);

#endif
