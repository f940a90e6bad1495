/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV (RFC 4180, but for LF as the end of a line): the keys, then a line a
 * row.  Numbers are plain; what is not known is empty.
 */
#include <stdlib.h>
#include <string.h>

#include "admin/json.h"
#include "admin/safe.h"
#include "admin/writer_impl.h"
#include "lib/base/err.h"

static void
start(struct writer *w, const char *name)
{
	(void)name;
	if (!writer_is_in_row(w))
		return;
	w->text.len = w->lines.len = 0;
	w->column_count = 0;
}

static void
add_quoted(struct bytes text, struct buf *out)
{
	buf_add_u8(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"')
			buf_add_u8(out, '"');
		buf_add_u8(out, text.ptr[i]);
	}
	buf_add_u8(out, '"');
}

static void
add_field(struct bytes text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		if (strchr("\",\r\n ", text.ptr[i])) {
			add_quoted(text, out);
			return;
		}
	}
	buf_add_bytes(out, text);
}

/* On a terminal control characters would act. */
static void
add_value(struct writer *w, struct bytes text)
{
	struct buf safe;

	if (!w->options.is_terminal) {
		add_field(text, &w->text);
		return;
	}
	buf_init(&safe, WRITER_TEXT_MAX);
	safe_add(text, &safe);
	add_field(buf_bytes(&safe), &w->text);
	buf_fini(&safe);
}

static void
attr(struct writer *w, const struct writer_column *column, const json_t *value)
{
	char *text = NULL;

	if (w->column_count++ > 0) {
		buf_add_u8(&w->text, ',');
		buf_add_u8(&w->lines, ',');
	}
	buf_add_str(&w->lines, column->key);
	if (json_is_string(value)) {
		add_value(w,
		    bytes_of(
			json_string_value(value), json_string_length(value)));
	} else if (value) {
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		add_value(w, bytes_of_str(text));
		free(text);
	}
}

static void
end(struct writer *w)
{
	if (!writer_is_in_row(w))
		return;
	if (!w->rows && !w->has_head && !w->options.no_headers) {
		fwrite(buf_ptr(&w->lines), 1, w->lines.len, w->options.to);
		fputc('\n', w->options.to);
	}
	fwrite(buf_ptr(&w->text), 1, w->text.len, w->options.to);
	fputc('\n', w->options.to);
}

/* Also of a list without rows, so that a program finds its columns. */
static void
head(struct writer *w, const struct writer_column *const *columns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(w->options.to, "%s%s", i ? "," : "", columns[i]->key);
	fputc('\n', w->options.to);
}

const struct writer_ops writer_csv_ops = {start, attr, NULL, end, head};
