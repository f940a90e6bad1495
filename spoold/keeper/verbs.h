/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs - what spoolctl may ask for: one table.
 *
 * A verb ends its call with control_answer or control_refuse, at once or later.
 */
#ifndef SPOOLD_KEEPER_VERBS_H
#define SPOOLD_KEEPER_VERBS_H

#include <jansson.h>

#include "spoold/keeper/control.h"

void verbs_run(struct control_call *call, json_t *request);

/* A string argument, or NULL. */
const char *verbs_text(json_t *args, const char *key);

/* Refuse it: an argument is wrong, or there is no such target. */
void verbs_fail_argument(struct control_call *call, const char *which);
void verbs_fail_target(struct control_call *call, const char *name);

/* End the call: the log could not be read, or the keeper is stopping. */
void verbs_fail_read(struct control_call *call, int rc);

#endif
