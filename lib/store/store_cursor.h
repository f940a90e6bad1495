/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_cursor - how this room reads in order; outside it is store_cursor_next.
 */
#ifndef LIB_STORE_STORE_CURSOR_H
#define LIB_STORE_STORE_CURSOR_H

#include "lib/store/segment.h"

/* As store_cursor_next, with the choice of segment_what. */
int store_cursor_read(struct store_cursor *c, enum segment_what what,
    struct buf *copy, struct store_batch *batch, struct store_damage *damage);

#endif
