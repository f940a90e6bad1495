/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nouns - what there is to list, and the columns each has.
 *
 * Keys are those of the status JSON and of doc/protocol-control.md.  The
 * narrow tables fit 80 columns with every value at its longest.
 */
#ifndef ADMIN_NOUNS_H
#define ADMIN_NOUNS_H

#include "admin/view.h"

extern const struct view nouns_roles;
extern const struct view nouns_listeners;
extern const struct view nouns_targets;
extern const struct view nouns_streams;
extern const struct view nouns_queues;
extern const struct view nouns_records;

/* The row of an array whose "name" is that; NULL. */
const json_t *nouns_find(const json_t *rows, const char *name);

#endif
