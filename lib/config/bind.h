/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bind - put the values of a tree into a struct, as its schema says.
 *
 * Unknown, repeated and missing keys, keys of another protocol or a later
 * version, wrong kinds and values are problems.  What the file does not say
 * gets its default.
 */
#ifndef LIB_CONFIG_BIND_H
#define LIB_CONFIG_BIND_H

#include "lib/base/bytes.h"
#include "lib/config/problem.h"
#include "lib/config/schema.h"

/*
 * Read text into `top`, which schema_item_init has made; schema_fini frees
 * what it owns afterwards, also on failure.  0 or ERR_NOMEM; whether the values
 * are good is told by `problems`.
 */
int bind_text(const struct schema *schema, struct bytes text, void *top,
    struct problem_list *problems);

#endif
