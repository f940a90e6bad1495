/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem - what is wrong with a file, one line each, sorted by place.
 *
 *     FILE:LINE:COLUMN: KEY: what is wrong; what is allowed (did you mean KEY?)
 *
 * At most PROBLEM_MAX lines are kept; a last line tells how many more there
 * were.  Bytes that are not printable are shown as \xHH, long ones shortened.
 */
#ifndef LIB_CONFIG_PROBLEM_H
#define LIB_CONFIG_PROBLEM_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/config/schema.h"

#define PROBLEM_MAX 1000

struct problem {
	struct schema_place at;
	char *text; /* from KEY on, without LF */
};

struct problem_list {
	const char *file; /* borrowed */
	struct problem *problems;
	size_t count;
	size_t dropped;
	struct schema_place last; /* of those dropped */
	int err; /* 0 or ERR_NOMEM; sticky */
};

void problem_init(struct problem_list *list, const char *file);
void problem_fini(struct problem_list *list);

/*
 * Add one.  `allowed` and `meant` may be NULL; `wrong` is a whole phrase,
 * made with problem_quote where it shows something of the file.
 */
void problem_add(struct problem_list *list, struct schema_place at,
    const char *key, const char *wrong, const char *allowed, const char *meant);

/* Append text in double quotes, shortened and made printable. */
void problem_quote(struct bytes text, struct buf *b);

/* Append text made printable, without quotes. */
void problem_show(struct bytes text, struct buf *b);

/* Sort and write all lines; *out is the caller's.  ERR_NOMEM. */
int problem_lines(struct problem_list *list, char **out);

#endif
