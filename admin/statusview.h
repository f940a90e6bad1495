/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statusview - the status JSON as one screen for a person.
 *
 * First what matters: days of autonomy, ready or not, how many targets need
 * somebody.  Then the spool, listeners, targets with their last errors, and
 * warnings.  The narrow form fits 80 columns.  JSON forms give the object as
 * it is; CSV gives the targets.  The time is an argument.
 */
#ifndef ADMIN_STATUSVIEW_H
#define ADMIN_STATUSVIEW_H

#include <jansson.h>
#include <stdint.h>

#include "admin/args.h"
#include "admin/fault.h"
#include "admin/writer.h"

/* The exit status; a fault for an unknown column. */
int statusview_write(struct writer *w, const json_t *status,
    const struct args *args, int64_t now_s, struct fault *fault);

/* Notes on a target's row: its last error, if it still matters. */
void statusview_target(struct writer *w, const json_t *target, int64_t now_s);

/* A copy of a target's row without numbers that would mislead a person. */
json_t *statusview_plain_target(const json_t *target);

#endif
