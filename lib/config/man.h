/* SPDX-License-Identifier: Apache-2.0 */
/*
 * man - the manual page of a schema's file, in mdoc.
 */
#ifndef LIB_CONFIG_MAN_H
#define LIB_CONFIG_MAN_H

#include "lib/base/buf.h"
#include "lib/config/schema.h"

void man_print(const struct schema *schema, struct buf *b);

#endif
