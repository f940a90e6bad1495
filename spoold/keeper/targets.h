/* SPDX-License-Identifier: Apache-2.0 */
/*
 * targets - targets come, go, and are told what to do.
 *
 * A target of the configuration that the spool does not know is added at the
 * next record (or the oldest); one that the configuration no longer has is
 * orphaned and keeps its backlog until it is removed (RULES.md 7).  Each
 * change is in the log before it takes effect.
 */
#ifndef SPOOLD_KEEPER_TARGETS_H
#define SPOOLD_KEEPER_TARGETS_H

#include <stdbool.h>

#include "spoold/keeper/keeper.h"

/* Told when the change is durable and has taken effect. */
typedef void (*targets_done)(void *arg);

/* Who did it and why, for the audit entry. */
struct targets_actor {
	const char *actor, *reason;
};

/* Follow the settings in use. */
void targets_apply(struct keeper *k);

/*
 * Every target of the configuration is in the log.  Before that the keeper is
 * not ready: whoever waits for "everything delivered" must see all targets.
 */
bool targets_are_known(const struct keeper *k);

/*
 * Put what somebody is about to do into the log; `done` is called when that is
 * durable.  For what changes no target: the others do it themselves.
 */
void targets_audit(struct keeper *k, const char *action, const char *name,
    const struct targets_actor *by, targets_done done, void *arg);

/* ERR_NOENT; ERR_STATE (is so already); on 0 `done` will be called. */
int targets_pause(struct keeper *k, const char *name, bool pause,
    const struct targets_actor *by, targets_done done, void *arg);

/* ERR_NOENT; ERR_STATE: it is in the configuration. */
int targets_remove(struct keeper *k, const char *name,
    const struct targets_actor *by, targets_done done, void *arg);

/* ERR_NOENT, ERR_EXISTS, ERR_INVAL (the new name). */
int targets_rename(struct keeper *k, const char *name, const char *new_name,
    const struct targets_actor *by, targets_done done, void *arg);

#endif
