/* SPDX-License-Identifier: Apache-2.0 */
/* writer_impl - what writer*.c share; for them only. */
#ifndef ADMIN_WRITER_IMPL_H
#define ADMIN_WRITER_IMPL_H

#include "admin/writer.h"

#define WRITER_COLUMNS 64
#define WRITER_TEXT_MAX ((size_t)64 << 20) /* bytes of one table */

/* A form: each of these may count on the order that writer.h tells. */
struct writer_ops {
	void (*start)(struct writer *w, const char *name);
	void (*attr)(struct writer *w, const struct writer_column *column,
	    const json_t *value);
	void (*data)(struct writer *w, enum writer_tone tone, size_t max,
	    const char *text);
	void (*end)(struct writer *w);
	void (*head)(struct writer *w,
	    const struct writer_column *const *columns, size_t count);
};

/* A table's line: a row, whose cells are in `text`, or prose. */
struct writer_line {
	size_t at; /* of its cells in text, each with a NUL */
	bool is_prose;
	enum writer_tone tone;
};

struct writer {
	struct writer_options options;
	const struct writer_ops *ops;
	int err;
	enum writer_level open[2];
	unsigned depth;
	bool has_head; /* the list's columns were told */
	unsigned long rows; /* of the list so far */
	json_t *row; /* json: what it has so far */
	const struct writer_column *columns[WRITER_COLUMNS];
	unsigned column_count; /* of the row, or the widest one */
	struct buf text; /* table: cells; csv: the row */
	struct buf lines; /* table: struct writer_line; csv: the keys */
};

extern const struct writer_ops writer_table_ops;
extern const struct writer_ops writer_json_ops;
extern const struct writer_ops writer_csv_ops;

static inline bool
writer_is_in_list(const struct writer *w)
{
	return w->depth > 0 && w->open[0] == WRITER_LIST;
}

/* Whether the row is the innermost thing that is open. */
static inline bool
writer_is_in_row(const struct writer *w)
{
	return w->depth > 0 && w->open[w->depth - 1] == WRITER_ROW;
}

#endif
