/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion - scripts that complete spoolctl's command lines, made from the
 * table of commands.  Names of targets, listeners and streams come from the
 * daemon, if it answers.
 */
#ifndef ADMIN_COMPLETION_H
#define ADMIN_COMPLETION_H

#include <stdbool.h>

#include "lib/base/buf.h"

/* "bash", "zsh" or "fish"; false for another, and nothing is appended. */
bool completion_print(const char *shell, struct buf *b);

#endif
