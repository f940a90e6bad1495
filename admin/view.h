/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view - rows of JSON, as the columns of a table or whole.
 *
 * A view is a row of a noun's columns.  --columns chooses among all keys that
 * it has; JSON without it gives objects as the daemon gave them, so that
 * nothing is left out.
 */
#ifndef ADMIN_VIEW_H
#define ADMIN_VIEW_H

#include <jansson.h>

#include "admin/args.h"
#include "admin/fault.h"
#include "admin/writer.h"

#define VIEW_COLUMNS 32

struct view {
	const char *list; /* its key in JSON: "targets" */
	const char *none; /* what to say if it is empty; NULL: nothing */
	const struct writer_column *columns; /* ends with a key NULL */
	/* Prose after a row, or NULL. */
	void (*note)(struct writer *w, const json_t *row, void *arg);
	void *arg;
};

/* The columns that will be shown. */
struct view_choice {
	const struct writer_column *columns[VIEW_COLUMNS];
	size_t count;
	bool is_chosen; /* by --columns */
};

/* By the options; the exit status, and a fault for an unknown key. */
int view_choose(const struct view *v, const struct args *args,
    struct view_choice *choice, struct fault *fault);

/* A row of its own: all keys, also those of the wide table. */
void view_show(struct writer *w, const struct view *v,
    const struct view_choice *choice, const json_t *row);

/* Rows of an array, at most `limit`. */
void view_list(struct writer *w, const struct view *v,
    const struct view_choice *choice, const json_t *rows, size_t limit);

/* Begin a list of rows; the caller ends it. */
void view_list_start(
    struct writer *w, const struct view *v, const struct view_choice *choice);

/* One row within a list that the caller started. */
void view_row(struct writer *w, const struct view *v,
    const struct view_choice *choice, const json_t *row);

/* An object by its own keys. */
void view_object(struct writer *w, const json_t *object);

#endif
