/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs_prove - the verb that proves conservation, in a thread of the pool.
 */
#ifndef SPOOLD_KEEPER_VERBS_PROVE_H
#define SPOOLD_KEEPER_VERBS_PROVE_H

#include "spoold/keeper/verbs.h"

void verbs_prove(struct control_call *call, json_t *args);

#endif
