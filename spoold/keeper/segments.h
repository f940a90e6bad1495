/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segments - the store's segments as a list of one's own.
 *
 * The writer may add one, or give one back, at any moment: the list is as it
 * was at one moment, whole.  Any thread.
 */
#ifndef SPOOLD_KEEPER_SEGMENTS_H
#define SPOOLD_KEEPER_SEGMENTS_H

#include <stddef.h>

#include "lib/store/store.h"

/* Oldest first, *n of them; freed with free(). */
struct store_segment *segments_list(const struct store *store, size_t *n);

#endif
