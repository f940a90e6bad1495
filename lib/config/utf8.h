/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8 - is a run of bytes text that a configuration may contain?
 */
#ifndef LIB_CONFIG_UTF8_H
#define LIB_CONFIG_UTF8_H

#include <stdbool.h>

#include "lib/base/bytes.h"

/*
 * A whole file: well-formed UTF-8, no control characters but tab, LF and CR.
 * NULL if it is; else what is wrong, and its line and column from 1.
 */
const char *utf8_check(struct bytes text, unsigned *line, unsigned *column);

/* One value: as above, and neither tab nor line ends of any kind. */
bool utf8_is_text(struct bytes text);

#endif
