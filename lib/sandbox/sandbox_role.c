/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sandbox/sandbox.h"

#include <string.h>

#include "lib/base/err.h"

struct row {
	const char *name;
	bool may[SANDBOX_CLASSES];
	const char *reason;
};

static const struct row rows[SANDBOX_ROLES] = {
#define ROLE(id, name, open, connect, socket, exec, fork, threads, reason) \
	[SANDBOX_##id] = {name,                                            \
	    {                                                              \
		[SANDBOX_OPEN] = open,                                     \
		[SANDBOX_CONNECT] = connect,                               \
		[SANDBOX_SOCKET] = socket,                                 \
		[SANDBOX_EXEC] = exec,                                     \
		[SANDBOX_FORK] = fork,                                     \
		[SANDBOX_THREAD] = threads,                                \
	    },                                                             \
	    reason},
#include "lib/sandbox/roles.def"
#undef ROLE
};

int
sandbox_role_parse(const char *name, enum sandbox_role *role)
{
	for (int i = 0; i < SANDBOX_ROLES; i++) {
		if (!strcmp(rows[i].name, name)) {
			*role = (enum sandbox_role)i;
			return 0;
		}
	}
	return ERR_NOENT;
}

const char *
sandbox_role_name(enum sandbox_role role)
{
	return rows[role].name;
}

bool
sandbox_role_may(enum sandbox_role role, enum sandbox_class class)
{
	return rows[role].may[class];
}

const char *
sandbox_role_reason(enum sandbox_role role)
{
	return rows[role].reason;
}
