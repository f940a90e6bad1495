/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help - the table of commands as text: an overview, a noun, one command.
 */
#ifndef ADMIN_HELP_H
#define ADMIN_HELP_H

#include "admin/command.h"
#include "lib/base/buf.h"

void help_overview(struct buf *b);

/* The commands of a noun; false if there are none. */
bool help_noun(const char *noun, struct buf *b);

void help_command(const struct command *c, struct buf *b);

#endif
