/* SPDX-License-Identifier: Apache-2.0 */
/*
 * complain - problems about one node of a tree, each in its own words.
 */
#ifndef LIB_CONFIG_COMPLAIN_H
#define LIB_CONFIG_COMPLAIN_H

#include "lib/config/problem.h"
#include "lib/config/tree.h"
#include "lib/config/value.h"

/* Fixed words; allowed and meant may be NULL. */
void complain_text(struct problem_list *problems, const struct tree_node *node,
    struct schema_place at, const char *wrong, const char *allowed,
    const char *meant);

/* "a map, not a size", or "has no value"; type may be NULL. */
void complain_kind(struct problem_list *problems, const struct tree_node *node,
    const char *wanted, const struct value_type *type);

/*
 * What value_parse or value_append (rc) said about a scalar; `kind` is that of
 * the scalar.  ERR_NOMEM passes through, all else becomes a problem and 0.
 */
int complain_value(struct problem_list *problems, const struct tree_node *node,
    const struct value_type *type, enum value_kind kind, int rc);

/* The same key was in the map before. */
void complain_repeated(struct problem_list *problems,
    const struct tree_node *node, const struct tree_node *earlier);

/* `node`, a map, lacks the row's key. */
void complain_missing(struct problem_list *problems,
    const struct tree_node *node, const struct schema_row *row);

#endif
