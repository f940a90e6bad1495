/* SPDX-License-Identifier: Apache-2.0 */
/*
 * when - times of the status JSON as numbers.
 */
#ifndef ADMIN_WHEN_H
#define ADMIN_WHEN_H

#include <stdint.h>

/* RFC 3339 in UTC, to the second; ERR_FORMAT for anything else, also NULL. */
int when_parse(const char *text, int64_t *wall_s);

#endif
