/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print - a schema's values, or its sample, as YAML.
 */
#ifndef LIB_CONFIG_PRINT_H
#define LIB_CONFIG_PRINT_H

#include "lib/base/buf.h"
#include "lib/config/schema.h"

/* Every key: its value, or `# key:` where it is not set. */
void print_values(const struct schema *schema, const void *top, struct buf *b);

/* Every key with its text: the sample's value, or its default in a comment. */
void print_sample(const struct schema *schema, struct buf *b);

/*
 * Append text in lines of at most `width` columns, each after `lead`; breaks
 * at spaces.
 */
void print_wrapped(
    const char *text, const char *lead, size_t width, struct buf *b);

#endif
