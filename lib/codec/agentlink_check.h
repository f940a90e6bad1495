/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentlink_check - what a message's fields must be to each other.
 *
 * For agentlink_msg.c alone: its tables read the fields, these functions judge
 * what one field cannot say.  0 or ERR_FORMAT.  What the receiver answers with
 * a NACK (limits that HELLO_OK announced) is not judged here.
 */
#ifndef LIB_CODEC_AGENTLINK_CHECK_H
#define LIB_CODEC_AGENTLINK_CHECK_H

#include "lib/codec/agentlink_msg.h"

int agentlink_check_hello(const struct agentlink_msg *m);
int agentlink_check_stream_open(const struct agentlink_msg *m);
int agentlink_check_stream_state(const struct agentlink_msg *m);
int agentlink_check_stream_close(const struct agentlink_msg *m);
int agentlink_check_data(const struct agentlink_msg *m);
int agentlink_check_advance(const struct agentlink_msg *m);
int agentlink_check_chain_open(const struct agentlink_msg *m);
int agentlink_check_chain_state(const struct agentlink_msg *m);
int agentlink_check_chain_def(const struct agentlink_msg *m);
int agentlink_check_chain_data(const struct agentlink_msg *m);
int agentlink_check_chain_ack(const struct agentlink_msg *m);
int agentlink_check_skip(const struct agentlink_msg *m);

#endif
