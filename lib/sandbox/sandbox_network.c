/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/sandbox/sandbox_impl.h"

bool
sandbox_network_is_empty(void)
{
	struct if_nameindex *all = if_nameindex();
	bool empty = true;

	if (!all)
		return false;
	for (struct if_nameindex *i = all; i->if_name; i++)
		if (strcmp(i->if_name, "lo") != 0)
			empty = false;
	if_freenameindex(all);
	return empty;
}

int
sandbox_leave_network(enum sandbox_role role)
{
	if (sandbox_role_may(role, SANDBOX_SOCKET))
		return ERR_STATE;
	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	return errno == EPERM ? ERR_DENIED : ERR_UNSUPPORTED;
}
