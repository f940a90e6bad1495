/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/view.h"

#include <string.h>

#include "admin/json.h"

/* One key of "a,b,c". */
static int
choose_key(const struct view *v, const char *key, size_t len,
    struct view_choice *choice, struct fault *fault)
{
	for (const struct writer_column *c = v->columns; c->key; c++) {
		if (strlen(c->key) != len || memcmp(c->key, key, len) != 0)
			continue;
		if (choice->count == VIEW_COLUMNS)
			return fault_set(fault, FAULT_USAGE, "COLUMNS_MANY",
			    "more than %d columns", VIEW_COLUMNS);
		choice->columns[choice->count++] = c;
		return FAULT_OK;
	}
	return fault_set(fault, FAULT_USAGE, "COLUMN_UNKNOWN",
	    "there is no column %.*s", (int)(len > 64 ? 64 : len), key);
}

static void
hint_keys(const struct view *v, struct fault *fault)
{
	size_t at = 0;

	for (const struct writer_column *c = v->columns; c->key; c++) {
		int n = snprintf(fault->hint + at, sizeof(fault->hint) - at,
		    "%s%s", at ? ", " : "one of: ", c->key);

		if (n < 0 || (size_t)n >= sizeof(fault->hint) - at)
			return;
		at += (size_t)n;
	}
}

int
view_choose(const struct view *v, const struct args *args,
    struct view_choice *choice, struct fault *fault)
{
	const char *keys = args->text[ARGS_COLUMNS];

	*choice = (struct view_choice){.is_chosen = keys != NULL};
	while (keys && *keys) {
		size_t len = strcspn(keys, ",");

		if (choose_key(v, keys, len, choice, fault)) {
			hint_keys(v, fault);
			return FAULT_USAGE;
		}
		keys += len + (keys[len] == ',');
	}
	for (const struct writer_column *c = v->columns;
	     !choice->is_chosen && c->key; c++) {
		if (!c->is_wide || args->form != WRITER_TABLE)
			choice->columns[choice->count++] = c;
	}
	return FAULT_OK;
}

static void
give_columns(
    struct writer *w, const struct view_choice *choice, const json_t *row)
{
	for (size_t i = 0; i < choice->count; i++)
		writer_attr(w, choice->columns[i],
		    json_at(row, choice->columns[i]->key));
}

/* The columns' lifetime is that of the call: only for JSON. */
static void
give_keys(struct writer *w, const json_t *object)
{
	json_t *o = (json_t *)(uintptr_t)object; /* only read */
	const char *key;
	json_t *value;

	json_object_foreach(o, key, value)
	{
		struct writer_column c = {.key = key};

		writer_attr(w, &c, value);
	}
}

static bool
is_json(const struct writer *w)
{
	return writer_form(w) == WRITER_JSON || writer_form(w) == WRITER_NDJSON;
}

void
view_row(struct writer *w, const struct view *v,
    const struct view_choice *choice, const json_t *row)
{
	writer_start(w, WRITER_ROW, NULL);
	if (is_json(w) && !choice->is_chosen)
		give_keys(w, row);
	else
		give_columns(w, choice, row);
	writer_end(w);
	if (v->note && !choice->is_chosen && writer_is_prose(w))
		v->note(w, row, v->arg);
}

void
view_show(struct writer *w, const struct view *v,
    const struct view_choice *choice, const json_t *row)
{
	struct view_choice all = {.is_chosen = false};

	for (const struct writer_column *c = v->columns; c->key; c++)
		all.columns[all.count++] = c;
	view_row(w, v, choice->is_chosen ? choice : &all, row);
}

void
view_list_start(
    struct writer *w, const struct view *v, const struct view_choice *choice)
{
	writer_start(w, WRITER_LIST, v->list);
	writer_head(w, choice->columns, choice->count);
}

void
view_list(struct writer *w, const struct view *v,
    const struct view_choice *choice, const json_t *rows, size_t limit)
{
	size_t count = json_array_size(rows);

	view_list_start(w, v, choice);
	for (size_t i = 0; i < count && i < limit; i++)
		view_row(w, v, choice, json_array_get(rows, i));
	writer_end(w);
	if (!count && v->none)
		writer_data(w, WRITER_PLAIN, v->none);
}

void
view_object(struct writer *w, const json_t *object)
{
	writer_start(w, WRITER_ROW, NULL);
	give_keys(w, object);
	writer_end(w);
}
