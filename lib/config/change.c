/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/change.h"

#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/config/problem.h"

#define TEXT_MAX ((size_t)8192)

static const char *const fixed[] = {
    "spool.directory",
    "spool.quota",
    "spool.encryption.key",
    "spool.allow_filesystem",
    "run_directory",
    "users.keeper",
    "users.receiver",
    "users.forwarder",
    "control.socket",
};

/* The value as it would be written; nothing if it is not set. */
static void
format(const struct schema_row *row, const struct config *c, struct buf *b)
{
	const void *value = schema_value_of(row, c);

	buf_init(b, TEXT_MAX);
	if (value_is_set(row->type.kind, value))
		value_format(row->type.kind, value, b);
}

static void
complain(const struct config *next, const struct schema_row *row,
    struct bytes old, struct problem_list *problems)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	if (old.len)
		buf_add_bytes(&b, old);
	else
		buf_add_str(&b, "nothing set");
	buf_add_str(&b, ", as now, until spoold is restarted");
	buf_add_u8(&b, '\0');
	if (b.err)
		problems->err = ERR_NOMEM;
	else
		problem_add(problems,
		    schema_place_of(
			config_schema()->top, &next->item, row->key),
		    row->key, "cannot change while spoold runs",
		    (const char *)buf_ptr(&b), NULL);
	buf_fini(&b);
}

static void
compare(const struct config *now, const struct config *next, const char *key,
    struct problem_list *problems)
{
	const struct schema_row *row = schema_find(config_schema()->top, key);
	struct buf old, new;

	format(row, now, &old);
	format(row, next, &new);
	if (old.err || new.err)
		problems->err = ERR_NOMEM;
	else if (!bytes_equal(buf_bytes(&old), buf_bytes(&new)))
		complain(next, row, buf_bytes(&old), problems);
	buf_fini(&old);
	buf_fini(&new);
}

int
change_check(
    const struct config *now, const struct config *next, struct buf *lines)
{
	struct problem_list problems;
	char *text = NULL;
	int rc;

	problem_init(&problems, next->file);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		compare(now, next, fixed[i], &problems);
	rc = problem_lines(&problems, &text);
	if (!rc && *text) {
		buf_add_str(lines, text);
		rc = lines->err ? lines->err : ERR_INVAL;
	}
	free(text);
	problem_fini(&problems);
	return rc;
}
