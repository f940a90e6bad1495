/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role - what every role's program does with its supervisor.
 *
 * A role is a program that the supervisor started with a channel as
 * descriptor 3.  This says HELLO, hands configurations, descriptors and links
 * to the program, enters the sandbox after the first switch, says READY, and
 * ends the loop when the supervisor is gone.  One thread, the loop's.
 * The messages are specified in doc/protocol-ipc.md.
 *
 * The usual course: HELLO; the supervisor sends descriptors, links and
 * CONFIG_PREPARE (on_prepare: check, keep it aside, say no with a reason);
 * CONFIG_SWITCH (on_switch: use what was prepared; the first time, the role
 * has become its user and is sandboxed right after); READY.  A reload is
 * PREPARE and SWITCH again.
 */
#ifndef LIB_ROLE_ROLE_H
#define LIB_ROLE_ROLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/codec/ipc.h"
#include "lib/codec/kv.h"
#include "lib/loop/loop.h"
#include "lib/sandbox/sandbox.h"

#define ROLE_FD 3

/*
 * How a role ends that could not begin: its world is refused (a missing key, a
 * newer format, a file system that cannot keep the promise), so starting it
 * again is of no use; or another has it at this moment.
 */
#define ROLE_EXIT_REFUSED 9
#define ROLE_EXIT_BUSY 75 /* EX_TEMPFAIL of sysexits.h */

struct role; /* opaque */

struct role_events {
	/*
	 * Could this configuration be used?  0 and kept aside (kv belongs to
	 * the callee), or an error with a sentence in why[256] (kv is freed
	 * by the caller).
	 */
	int (*on_prepare)(struct kv *kv, uint32_t generation, char *why,
	    size_t why_size, void *arg);
	/* Use what was prepared last.  An error ends the program. */
	int (*on_switch)(uint32_t generation, void *arg);
	/*
	 * Called after the first on_switch, when the role has become its user
	 * and before the sandbox closes: open what is still to be opened and
	 * fill in the profile (role is set).  May be NULL.
	 */
	int (*on_sandbox)(struct sandbox_profile *profile, void *arg);
	/* Called in the sandbox, just before READY.  May be NULL. */
	int (*on_ready)(void *arg);
	/* A socket to another role; fd is the callee's.  May be NULL. */
	void (*on_link)(const struct ipc_link *link, int fd, void *arg);
	/* A descriptor; fd is the callee's.  May be NULL. */
	void (*on_fd)(const struct ipc_fd *what, int fd, void *arg);
	/* Finish within this time and call role_end. */
	void (*on_stop)(uint32_t deadline_ms, void *arg);
	/* STATUS and RECEIVERS from the supervisor.  May be NULL. */
	void (*on_message)(const struct ipc_msg *msg, void *arg);
};

/*
 * Take over descriptor 3 and say HELLO as `id` with `name` (slot or target).
 * ERR_NOENT when there is no such descriptor: the program was not started by
 * the supervisor.
 */
int role_start(struct loop *l, enum ipc_role id, enum sandbox_role sandbox,
    const char *name, const struct role_events *events, void *arg,
    struct role **out);

/* Say STATUS with these pairs. */
int role_status(struct role *r, const struct kv *kv);

/* The program is done: ends the loop with this exit status. */
void role_end(struct role *r, int status);

/* The exit status for main, once the loop has ended. */
int role_exit_status(const struct role *r);

void role_free(struct role *r);

#endif
