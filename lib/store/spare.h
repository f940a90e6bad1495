/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spare - segment files written ahead, so that a commit needs no new space.
 *
 * A spare is a file of a segment's full size, written and synced, with the
 * metas of an empty environment.  `reserve` is one more, for control batches
 * when nothing else is left.  Specified in doc/format-store.md.
 */
#ifndef LIB_STORE_SPARE_H
#define LIB_STORE_SPARE_H

#include "lib/store/store_internal.h"
#include "lib/store/table.h"

/* Once, when seg/ is there: learn what fresh metas look like. */
int spare_init(struct store *s);

/* Take over what the scan found: whole spares, and files opened in vain. */
int spare_load(struct store *s, const struct table_rest *rest);

/* Remove half-written files and those that wait to be dropped. */
int spare_drop_surplus(struct store *s);

/*
 * Take one for the next segment: its path, and its size.  Data may not go
 * into the reserve.  Makes a small one if none is ready.  ERR_FULL.
 */
int spare_take(struct store *s, bool control, char path[static STORE_PATH_MAX],
    uint64_t *bytes);

/* A spare's file is what it must be: fresh metas, written if need be. */
int spare_freshen(struct store *s, const char *path, uint64_t bytes);

/*
 * A file that is no segment any more: rename it to a spare, or to something
 * that spare_drop_surplus unlinks.  Its metas are made fresh.  Lock held.
 */
int spare_give(struct store *s, const char *path, uint64_t bytes);

/*
 * A damaged segment's file is kept in quarantine/ for a person to look at,
 * as long as there are few,
 * but for the oldest of too many.  Lock held.
 */
int spare_quarantine(
    struct store *s, const char *path, const struct segment *seg);

#endif
