/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row - how a row of settings.def or agent.def becomes a struct schema_row.
 *
 * For the files that own such a table: config.c and agentconfig.c.
 */
#ifndef LIB_CONFIG_ROW_H
#define LIB_CONFIG_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "lib/config/schema.h"

/* The protocols column: everybody has the key. */
#define ROW_ALL UINT32_MAX

/* The limits and the needed column, by the word in the table. */
#define ROW_ANY .min = 0
#define ROW_LIMITS(low, high) .min = (low), .max = (high)
#define ROW_WORDS(set) .words = WORD_SET_##set
#define ROW_NEEDED true
#define ROW_OPTIONAL false

/* clang-format off */
#define ROW(holder, kind_, field, key_, who, def_, limits, needed, text_) \
	{                                                                 \
		.key = key_,                                              \
		.type = {.kind = VALUE_##kind_, ROW_##limits},            \
		.offset = offsetof(struct holder, field),                 \
		.protocols = who,                                         \
		.is_needed = ROW_##needed,                                \
		.def = def_,                                              \
		.text = text_,                                            \
	},
/* clang-format on */

#endif
