/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/access.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

#include "spoold/keeper/control.h"

#define GROUPS_MAX 1024

static bool
is_member(const struct settings *s, enum settings_group which,
    const gid_t *groups, size_t n)
{
	size_t i, j;

	for (i = 0; i < s->groups[which]; i++)
		for (j = 0; j < n; j++)
			if (s->group[which][i] == groups[j])
				return true;
	return false;
}

unsigned
access_rights(
    const struct settings *s, uid_t uid, const gid_t *groups, size_t n)
{
	static const unsigned may[SETTINGS_GROUPS] = {
	    [SETTINGS_VIEWERS] = CONTROL_VIEW,
	    [SETTINGS_OPERATORS] = CONTROL_VIEW | CONTROL_OPERATE,
	    [SETTINGS_ADMINS] = CONTROL_VIEW | CONTROL_OPERATE | CONTROL_ADMIN,
	    [SETTINGS_READERS] = CONTROL_VIEW | CONTROL_READ,
	};
	unsigned rights = 0, i;

	if (uid == 0 || uid == s->starter)
		return CONTROL_VIEW | CONTROL_OPERATE | CONTROL_ADMIN |
		    CONTROL_READ;
	for (i = 0; i < SETTINGS_GROUPS; i++)
		if (is_member(s, i, groups, n))
			rights |= may[i];
	return rights;
}

unsigned
access_of(int fd, const struct settings *s, char *actor, size_t actor_size)
{
	struct ucred who = {.uid = (uid_t)-1};
	gid_t group[GROUPS_MAX + 1];
	socklen_t len = sizeof(who), bytes = GROUPS_MAX * sizeof(gid_t);
	size_t n = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len)) {
		snprintf(actor, actor_size, "unknown");
		return 0;
	}
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, group, &bytes))
		n = bytes / sizeof(gid_t);
	group[n++] = who.gid;
	snprintf(actor, actor_size, "uid %u, pid %d", (unsigned)who.uid,
	    (int)who.pid);
	return access_rights(s, who.uid, group, n);
}
