/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest - which of some words did a person mean?
 */
#ifndef LIB_CONFIG_SUGGEST_H
#define LIB_CONFIG_SUGGEST_H

#include <stdbool.h>

#include "lib/base/bytes.h"

/* Letters to insert, drop, change or swap; UINT_MAX for a long word. */
unsigned suggest_distance(struct bytes a, struct bytes b);

/*
 * Is the candidate near enough to be meant, and nearer than *distance (at
 * first UINT_MAX)?  Then *distance becomes its own.
 */
bool suggest_is_nearer(
    struct bytes typed, const char *candidate, unsigned *distance);

#endif
