/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_impl - what the files of this room share; nobody else includes it.
 */
#ifndef LIB_SANDBOX_SANDBOX_IMPL_H
#define LIB_SANDBOX_SANDBOX_IMPL_H

#include "lib/sandbox/sandbox.h"

/* What a role needs a system call for; the columns of roles.def. */
enum sandbox_need {
	SANDBOX_NEED_LIFE, /* every role */
	SANDBOX_NEED_OPEN,
	SANDBOX_NEED_CONNECT,
	SANDBOX_NEED_SOCKET,
	SANDBOX_NEED_THREAD,
};

/* The ABI in use, 0 when Landlock is not to be had. */
int sandbox_landlock_enter(const struct sandbox_profile *profile);

/* Install the filter for all threads; ERR_SYS, ERR_NOMEM. */
int sandbox_seccomp_enter(enum sandbox_role role, bool kill);

/* No interface but the loopback. */
bool sandbox_network_is_empty(void);

#endif
