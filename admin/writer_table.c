/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables: a list is kept until its end, so that its columns can be aligned;
 * a row of its own is a line an attribute.  Text is left, numbers right.
 */
#include <assert.h>

#include "admin/human.h"
#include "admin/safe.h"
#include "admin/writer_impl.h"
#include "lib/base/err.h"

#define GAP 2 /* spaces between two columns */

static const char *const tones[] = {
    [WRITER_PLAIN] = "",
    [WRITER_GOOD] = "\033[32m",
    [WRITER_BAD] = "\033[31m",
    [WRITER_WARN] = "\033[33m",
    [WRITER_STRONG] = "\033[1m",
};

static bool
is_right(const struct writer_column *c)
{
	return c->look >= WRITER_COUNT && c->look <= WRITER_SECONDS;
}

static const char *
heading(const struct writer_column *c)
{
	return c->heading ? c->heading : c->key;
}

static void
put(struct writer *w, enum writer_tone tone, struct bytes text)
{
	bool is_coloured = w->options.colour && tone != WRITER_PLAIN;

	if (is_coloured)
		fputs(tones[tone], w->options.to);
	fwrite(text.ptr, 1, text.len, w->options.to);
	if (is_coloured)
		fputs("\033[0m", w->options.to);
}

static void
add_line(struct writer *w, bool is_prose, enum writer_tone tone)
{
	struct writer_line line = {w->text.len, is_prose, tone};

	buf_add(&w->lines, &line, sizeof(line));
}

static void
start(struct writer *w, const char *name)
{
	(void)name;
	if (writer_is_in_row(w) && writer_is_in_list(w))
		add_line(w, false, WRITER_PLAIN);
	else
		w->text.len = w->lines.len = 0;
	w->column_count = 0;
}

/* "HEADING: value" of a row of its own. */
static void
put_line(
    struct writer *w, const struct writer_column *column, const json_t *value)
{
	struct buf b;

	buf_init(&b, WRITER_TEXT_MAX);
	writer_show(column->look, value, &b);
	fprintf(w->options.to, "%-20s ", heading(column));
	put(w,
	    column->look == WRITER_STATE && json_is_string(value)
		? writer_state_tone(json_string_value(value))
		: WRITER_PLAIN,
	    buf_bytes(&b));
	fputc('\n', w->options.to);
	buf_fini(&b);
}

static void
attr(struct writer *w, const struct writer_column *column, const json_t *value)
{
	struct buf b;

	if (!writer_is_in_list(w)) {
		put_line(w, column, value);
		return;
	}
	if (w->column_count == WRITER_COLUMNS)
		return;
	w->columns[w->column_count++] = column;
	buf_init(&b, WRITER_TEXT_MAX);
	writer_show(column->look, value, &b);
	if (column->max && w->options.form == WRITER_TABLE)
		safe_add_cut(buf_bytes(&b), column->max, &w->text);
	else
		buf_add_bytes(&w->text, buf_bytes(&b));
	buf_add_u8(&w->text, '\0');
	buf_fini(&b);
}

static void
data(struct writer *w, enum writer_tone tone, size_t max, const char *text)
{
	struct buf safe, cut;

	buf_init(&safe, WRITER_TEXT_MAX);
	buf_init(&cut, WRITER_TEXT_MAX);
	safe_add(bytes_of_str(text), &safe);
	safe_add_cut(buf_bytes(&safe), max, &cut);
	if (writer_is_in_list(w)) {
		add_line(w, true, tone);
		buf_add_bytes(&w->text, buf_bytes(&cut));
		buf_add_u8(&w->text, '\0');
	} else {
		put(w, tone, buf_bytes(&cut));
		fputc('\n', w->options.to);
	}
	buf_fini(&safe);
	buf_fini(&cut);
}

static const struct writer_line *
lines_of(const struct writer *w, size_t *count)
{
	*count = w->lines.len / sizeof(struct writer_line);
	return (const struct writer_line *)(const void *)(w->lines.mem +
	    w->lines.start);
}

static void
measure(struct writer *w, size_t width[static WRITER_COLUMNS])
{
	size_t count;
	const struct writer_line *lines = lines_of(w, &count);

	for (unsigned c = 0; c < w->column_count; c++)
		width[c] = w->options.no_headers
		    ? 0
		    : safe_width(bytes_of_str(heading(w->columns[c])));
	for (size_t i = 0; i < count; i++) {
		const char *cell = (char *)buf_ptr(&w->text) + lines[i].at;

		if (lines[i].is_prose)
			continue;
		for (unsigned c = 0; c < w->column_count; c++) {
			size_t n = safe_width(bytes_of_str(cell));

			width[c] = n > width[c] ? n : width[c];
			cell += strlen(cell) + 1;
		}
	}
}

static void
pad(size_t n, FILE *to)
{
	while (n-- > 0)
		fputc(' ', to);
}

/* One cell; the last column is not padded. */
static void
put_cell(struct writer *w, unsigned column, size_t width, const char *cell,
    enum writer_tone tone)
{
	size_t space = width - safe_width(bytes_of_str(cell));
	bool is_last = column + 1 == w->column_count;

	if (is_right(w->columns[column]))
		pad(space, w->options.to);
	put(w, tone, bytes_of_str(cell));
	if (!is_last)
		pad(GAP + (is_right(w->columns[column]) ? 0 : space),
		    w->options.to);
}

static void
put_row(struct writer *w, const size_t *width, const char *cell)
{
	for (unsigned c = 0; c < w->column_count; c++) {
		put_cell(w, c, width[c], cell,
		    w->columns[c]->look == WRITER_STATE
			? writer_state_tone(cell)
			: WRITER_PLAIN);
		cell += strlen(cell) + 1;
	}
	fputc('\n', w->options.to);
}

static void
put_list(struct writer *w)
{
	size_t width[WRITER_COLUMNS], count;
	const struct writer_line *lines = lines_of(w, &count);

	measure(w, width);
	if (!w->options.no_headers && w->column_count > 0) {
		for (unsigned c = 0; c < w->column_count; c++)
			put_cell(w, c, width[c], heading(w->columns[c]),
			    WRITER_STRONG);
		fputc('\n', w->options.to);
	}
	for (size_t i = 0; i < count; i++) {
		const char *cell = (char *)buf_ptr(&w->text) + lines[i].at;

		if (!lines[i].is_prose) {
			put_row(w, width, cell);
			continue;
		}
		put(w, lines[i].tone, bytes_of_str(cell));
		fputc('\n', w->options.to);
	}
}

static void
end(struct writer *w)
{
	if (writer_is_in_row(w))
		return;
	if (!w->text.err && !w->lines.err)
		put_list(w);
	w->text.len = w->lines.len = 0;
}

const struct writer_ops writer_table_ops = {start, attr, data, end, NULL};
