/* SPDX-License-Identifier: Apache-2.0 */
/* verbs_look - the verbs that show what is there, and change nothing. */
#ifndef SPOOLD_KEEPER_VERBS_LOOK_H
#define SPOOLD_KEEPER_VERBS_LOOK_H

#include "spoold/keeper/verbs.h"

void verbs_look_status(struct control_call *call, json_t *args);
void verbs_look_target(struct control_call *call, json_t *args);
void verbs_look_streams(struct control_call *call, json_t *args);
void verbs_look_stream(struct control_call *call, json_t *args);
void verbs_look_store(struct control_call *call, json_t *args);
void verbs_look_queue_ls(struct control_call *call, json_t *args);

#endif
