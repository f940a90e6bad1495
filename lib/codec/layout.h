/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout - the tables of fields, for the test that holds the documents
 * against them (tests/unit/lib/codec/test_doc.c).  NULL for a number without
 * a message.
 */
#ifndef LIB_CODEC_LAYOUT_H
#define LIB_CODEC_LAYOUT_H

#include "lib/codec/field.h"

const struct field *agentlink_msg_fields(uint8_t type);
const struct field *entry_fields(uint16_t type);
const struct field *ipc_fields(uint16_t type);

#endif
