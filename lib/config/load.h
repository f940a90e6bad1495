/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - from a file, or its text, to checked values or error lines.
 */
#ifndef LIB_CONFIG_LOAD_H
#define LIB_CONFIG_LOAD_H

#include <stdbool.h>

#include "lib/base/bytes.h"
#include "lib/config/problem.h"
#include "lib/config/schema.h"

struct load_input {
	const char *name; /* of the file; what error lines begin with */
	bool is_file; /* read it; else the text is given */
	struct bytes text;
};

/*
 * Fill `top`, zeros to begin with, and *why with the error lines, "" if none;
 * both are the caller's (schema_fini, free) whatever is returned.  `check`
 * judges how the values go together.  0, ERR_INVAL if there are lines, or
 * ERR_NOMEM.
 */
int load_schema(const struct schema *schema, const struct load_input *input,
    int (*check)(void *top, struct problem_list *problems), void *top,
    char **why);

/*
 * Append a file's bytes.  ERR_LIMIT when b has no room for all of them; else
 * ERR_IO with errno set, also for what is not a regular file (EISDIR or
 * EINVAL).  ERR_NOMEM.
 */
int load_file(const char *path, struct buf *b);

#endif
