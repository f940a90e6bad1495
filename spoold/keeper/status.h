/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status - the keeper's view of everything, as JSON.
 *
 * The shape is INTERFACES.md's, in doc/protocol-control.md; the same text is
 * written to status.json in the run directory every 2 s, by rename.
 */
#ifndef SPOOLD_KEEPER_STATUS_H
#define SPOOLD_KEEPER_STATUS_H

#include <jansson.h>

#include "spoold/keeper/keeper.h"

struct status *status_new(struct keeper *k);

/* What the supervisor says: roles, users, reload, warnings. */
void status_on_supervisor(struct status *s, const struct kv *kv);

/* The whole of it; the caller owns it. */
json_t *status_make(struct status *s);

/* One target, one listener; NULL if there is none of that name. */
json_t *status_target(struct status *s, const char *name);

#endif
