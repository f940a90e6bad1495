/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manual - spoolctl(1) in mdoc, made from the tables of commands, options and
 * exit statuses.
 */
#ifndef ADMIN_MANUAL_H
#define ADMIN_MANUAL_H

#include "lib/base/buf.h"

void manual_print(struct buf *b);

#endif
