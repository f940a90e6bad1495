/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/writer.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "admin/human.h"
#include "admin/safe.h"
#include "admin/writer_impl.h"
#include "lib/base/err.h"

static const struct writer_ops *const forms[] = {
    [WRITER_TABLE] = &writer_table_ops,
    [WRITER_WIDE] = &writer_table_ops,
    [WRITER_JSON] = &writer_json_ops,
    [WRITER_NDJSON] = &writer_json_ops,
    [WRITER_CSV] = &writer_csv_ops,
};

int
writer_new(const struct writer_options *options, struct writer **out)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (!w)
		return ERR_NOMEM;
	w->options = *options;
	w->ops = forms[options->form];
	buf_init(&w->text, WRITER_TEXT_MAX);
	buf_init(&w->lines, WRITER_TEXT_MAX);
	*out = w;
	return 0;
}

void
writer_free(struct writer *w)
{
	if (!w)
		return;
	json_decref(w->row);
	buf_fini(&w->text);
	buf_fini(&w->lines);
	free(w);
}

enum writer_form
writer_form(const struct writer *w)
{
	return w->options.form;
}

bool
writer_is_prose(const struct writer *w)
{
	return w->options.form <= WRITER_WIDE;
}

void
writer_start(struct writer *w, enum writer_level level, const char *name)
{
	assert(w->depth == 0 ||
	    (w->depth == 1 && level == WRITER_ROW && writer_is_in_list(w)));
	w->open[w->depth++] = level;
	if (level == WRITER_LIST) {
		w->rows = 0;
		w->has_head = false;
	}
	w->ops->start(w, name);
}

void
writer_head(
    struct writer *w, const struct writer_column *const *columns, size_t count)
{
	assert(writer_is_in_list(w) && !writer_is_in_row(w));
	if (w->ops->head && !w->options.no_headers)
		w->ops->head(w, columns, count);
	w->has_head = true;
}

void
writer_attr(
    struct writer *w, const struct writer_column *column, const json_t *value)
{
	assert(writer_is_in_row(w));
	w->ops->attr(w, column, json_is_null(value) ? NULL : value);
}

void
writer_data(struct writer *w, enum writer_tone tone, const char *text)
{
	if (w->ops->data)
		w->ops->data(w, tone, SIZE_MAX, text);
}

void
writer_note(struct writer *w, enum writer_tone tone, const char *text)
{
	bool is_narrow = w->options.form == WRITER_TABLE;

	if (w->ops->data)
		w->ops->data(
		    w, tone, is_narrow ? WRITER_SCREEN : SIZE_MAX, text);
}

void
writer_end(struct writer *w)
{
	assert(w->depth > 0);
	w->ops->end(w);
	if (w->open[--w->depth] == WRITER_ROW)
		w->rows++;
}

int
writer_close(struct writer *w)
{
	if (fflush(w->options.to) || ferror(w->options.to))
		w->err = ERR_IO;
	return w->err ? w->err : w->text.err ? w->text.err : w->lines.err;
}

static void
show_scalar(const json_t *value, struct buf *out)
{
	char *text;

	if (json_is_string(value)) {
		safe_add(bytes_of(json_string_value(value),
			     json_string_length(value)),
		    out);
		return;
	}
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text)
		safe_add(bytes_of_str(text), out);
	free(text);
}

/* "2026-11-26T04:15:00.123456Z" without what a person does not need. */
static void
show_time(const char *text, struct buf *out)
{
	size_t len = strlen(text);

	if (len < 20 || text[10] != 'T' || text[len - 1] != 'Z') {
		safe_add(bytes_of_str(text), out);
		return;
	}
	safe_add(bytes_of(text, 10), out);
	buf_add_u8(out, ' ');
	safe_add(bytes_of(text + 11, 8), out);
	buf_add_u8(out, 'Z');
}

/* Only what is not negative is a quantity. */
static bool
is_quantity(const json_t *value)
{
	return json_is_number(value) && json_number_value(value) >= 0 &&
	    json_number_value(value) < 0x1p63;
}

void
writer_show(enum writer_look look, const json_t *value, struct buf *out)
{
	bool is_text = look == WRITER_TEXT || look == WRITER_STATE;

	if (!value || json_is_null(value))
		buf_add_str(out, "-");
	else if (look == WRITER_TIME && json_is_string(value))
		show_time(json_string_value(value), out);
	else if (look == WRITER_YES && json_is_boolean(value))
		buf_add_str(out, json_is_true(value) ? "yes" : "no");
	else if (is_text || !json_is_number(value))
		show_scalar(value, out);
	else if (!is_quantity(value))
		buf_add_str(out, "-");
	else if (look == WRITER_COUNT)
		human_count((uint64_t)json_number_value(value), out);
	else if (look == WRITER_BYTES)
		human_bytes((uint64_t)json_number_value(value), out);
	else if (look == WRITER_RATE)
		human_rate(json_number_value(value), out);
	else if (look == WRITER_SECONDS)
		human_seconds(json_number_value(value), out);
	else
		show_scalar(value, out);
}

enum writer_tone
writer_state_tone(const char *state)
{
	static const struct {
		const char *state;
		enum writer_tone tone;
	} states[] = {
	    {"ok", WRITER_GOOD},
	    {"open", WRITER_GOOD},
	    {"full", WRITER_BAD},
	    {"absent", WRITER_WARN},
	    {"retry", WRITER_WARN},
	    {"paused", WRITER_WARN},
	    {"hold", WRITER_BAD},
	    {"disconnected", WRITER_BAD},
	    {"orphaned", WRITER_BAD},
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (!strcmp(state, states[i].state))
			return states[i].tone;
	}
	return WRITER_PLAIN;
}
