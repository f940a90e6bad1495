/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer - one way to say things, several forms in which they come out.
 *
 * A command starts a list or a row, gives attributes and ends them; a row
 * outside a list is an object of its own.  Prose for a person (writer_data)
 * goes to tables only.  What a value looks like is the form's business: JSON
 * and CSV get it as it is, tables as writer_column says.
 */
#ifndef ADMIN_WRITER_H
#define ADMIN_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/base/buf.h"

enum writer_form {
	WRITER_TABLE,
	WRITER_WIDE,
	WRITER_JSON,
	WRITER_NDJSON,
	WRITER_CSV,
};

/* How a value is shown to a person. */
enum writer_look {
	WRITER_TEXT,
	WRITER_STATE, /* a word, coloured by whether it is good */
	WRITER_COUNT,
	WRITER_BYTES,
	WRITER_RATE, /* per second */
	WRITER_SECONDS,
	WRITER_TIME, /* RFC 3339 text, shown to the second */
	WRITER_YES, /* a boolean */
};

struct writer_column {
	const char *key; /* path in the object; name in CSV and --columns */
	const char *heading; /* NULL: the key */
	enum writer_look look;
	bool is_wide; /* only in the wide table */
	unsigned max; /* columns in the narrow table; 0: as many as needed */
};

#define WRITER_SCREEN 80 /* columns that the narrow table has */

enum writer_level { WRITER_LIST, WRITER_ROW };

enum writer_tone {
	WRITER_PLAIN,
	WRITER_GOOD,
	WRITER_BAD,
	WRITER_WARN,
	WRITER_STRONG,
};

struct writer_options {
	enum writer_form form;
	bool no_headers;
	bool colour;
	bool is_terminal; /* what is written must be harmless to it */
	FILE *to;
};

struct writer; /* opaque */

int writer_new(const struct writer_options *options, struct writer **out);
void writer_free(struct writer *w);

enum writer_form writer_form(const struct writer *w);

/* For a person to read: table or wide. */
bool writer_is_prose(const struct writer *w);

/* `name`: the key of a list in JSON; of a row, not used. */
void writer_start(struct writer *w, enum writer_level level, const char *name);

/*
 * The columns of the list that was started, which may stay empty: a form that
 * has a line of headings for machines writes it now.
 */
void writer_head(
    struct writer *w, const struct writer_column *const *columns, size_t count);

/* `value` may be NULL: not known.  The column must live until the end. */
void writer_attr(
    struct writer *w, const struct writer_column *column, const json_t *value);

/* A line of prose, made safe; within a list it follows the row before it. */
void writer_data(struct writer *w, enum writer_tone tone, const char *text);

/* The same, cut to the width of a screen in the narrow table. */
void writer_note(struct writer *w, enum writer_tone tone, const char *text);

void writer_end(struct writer *w);

/* Flush; ERR_IO if anything could not be written, ERR_NOMEM. */
int writer_close(struct writer *w);

/* Append a value as a person reads it; "-" if it is not known. */
void writer_show(enum writer_look look, const json_t *value, struct buf *out);

/* Is a state good, bad, or waiting for somebody? */
enum writer_tone writer_state_tone(const char *state);

#endif
