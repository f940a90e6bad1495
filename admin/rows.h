/* SPDX-License-Identifier: Apache-2.0 */
/* rows - the whole output of `NOUN ls` and of `NOUN show`. */
#ifndef ADMIN_ROWS_H
#define ADMIN_ROWS_H

#include "admin/command.h"
#include "admin/view.h"

/* Are --columns among the view's?  Before anything is asked or printed. */
int rows_check(struct command_context *cx, const struct view *view);

/* An array as the whole output, as --limit and --columns say. */
int rows_print(
    struct command_context *cx, const struct view *view, const json_t *rows);

/* One row as the whole output. */
int rows_show(
    struct command_context *cx, const struct view *view, const json_t *row);

#endif
