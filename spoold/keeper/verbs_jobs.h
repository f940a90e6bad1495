/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs_jobs - the verbs that read records: peek, verify.
 *
 * Each works in a thread of the pool, in steps, so that neither a slow disk nor
 * a slow caller holds up the keeper.
 */
#ifndef SPOOLD_KEEPER_VERBS_JOBS_H
#define SPOOLD_KEEPER_VERBS_JOBS_H

#include "spoold/keeper/verbs.h"

void verbs_jobs_peek(struct control_call *call, json_t *args);
void verbs_jobs_verify(struct control_call *call, json_t *args);

/* A damaged place of the log, for an answer. */
json_t *verbs_jobs_damage(const struct store_damage *d);

#endif
