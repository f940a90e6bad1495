/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access - who is at the other end of a control connection, and what may it?
 *
 * The kernel says who it was when it connected.  root and the user who
 * started spoold may do everything; others by the groups of the configuration.
 */
#ifndef SPOOLD_KEEPER_ACCESS_H
#define SPOOLD_KEEPER_ACCESS_H

#include <stddef.h>

#include "spoold/keeper/settings.h"

/* Rights as of enum control_may; 0: none.  Fills in who it is, as text. */
unsigned access_of(
    int fd, const struct settings *s, char *actor, size_t actor_size);

/* The rights of a user with these groups. */
unsigned access_rights(
    const struct settings *s, uid_t uid, const gid_t *groups, size_t n);

#endif
