/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: a list is {"NAME":[ROW,...]}, a row of its own is an object.
 * NDJSON: each row is a line.  Rows go out as they end.
 */
#include "admin/json.h"
#include "admin/writer_impl.h"
#include "lib/base/err.h"

#define INDENT 2

static bool
is_lines(const struct writer *w)
{
	return w->options.form == WRITER_NDJSON;
}

static void
start(struct writer *w, const char *name)
{
	if (writer_is_in_row(w)) {
		w->row = json_object();
		if (!w->row)
			w->err = ERR_NOMEM;
	} else if (!is_lines(w)) {
		fprintf(w->options.to, "{\"%s\":[", name);
	}
}

static void
attr(struct writer *w, const struct writer_column *column, const json_t *value)
{
	json_t *copy = value ? json_deep_copy(value) : json_null();

	if (!copy || json_object_set_new(w->row, column->key, copy))
		w->err = ERR_NOMEM;
}

static void
end_row(struct writer *w)
{
	if (!is_lines(w) && writer_is_in_list(w))
		fputs(w->rows ? "," : "\n", w->options.to);
	json_write(w->row, is_lines(w) || writer_is_in_list(w) ? 0 : INDENT,
	    w->options.to);
	json_decref(w->row);
	w->row = NULL;
}

static void
end(struct writer *w)
{
	if (writer_is_in_row(w))
		end_row(w);
	else if (!is_lines(w))
		fputs("]}\n", w->options.to);
}

const struct writer_ops writer_json_ops = {start, attr, NULL, end, NULL};
