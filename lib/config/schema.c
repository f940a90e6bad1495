/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/schema.h"

#include <stdlib.h>

#include "lib/base/err.h"

void *
schema_value(const struct schema_row *row, void *item)
{
	return (char *)item + row->offset;
}

const void *
schema_value_of(const struct schema_row *row, const void *item)
{
	return (const char *)item + row->offset;
}

const struct schema_row *
schema_find(const struct schema_group *group, const char *key)
{
	for (size_t i = 0; i < group->row_count; i++) {
		if (!strcmp(group->rows[i].key, key))
			return &group->rows[i];
	}
	return NULL;
}

struct schema_place
schema_place_of(const struct schema_group *group,
    const struct schema_item *item, const char *key)
{
	const struct schema_row *row = schema_find(group, key);
	struct schema_place at = {0};

	if (row && item->key_at)
		at = item->key_at[row - group->rows];
	if (at.line == 0)
		at = item->at;
	return at.line == 0 ? (struct schema_place){1, 1} : at;
}

bool
schema_is_in_file(const struct schema_group *group,
    const struct schema_item *item, const char *key)
{
	const struct schema_row *row = schema_find(group, key);

	return row && item->key_at[row - group->rows].line != 0;
}

uint32_t
schema_protocol(const struct schema_group *group, const void *item)
{
	const struct schema_row *row = schema_find(group, "protocol");
	enum word w;

	if (!row)
		return UINT32_MAX;
	w = *(const enum word *)schema_value_of(row, item);
	return w == WORD_NONE ? 0 : 1u << w;
}

const char *
schema_section_text(const struct schema *s, const char *key)
{
	for (const struct schema_section *x = s->sections; x->key; x++) {
		if (!strcmp(x->key, key))
			return x->text;
	}
	return NULL;
}

const char *
schema_sample_value(const struct schema *s, const char *group, const char *name,
    const char *key)
{
	for (const struct schema_sample *x = s->samples; x->key; x++) {
		if (!strcmp(x->group, group) && !strcmp(x->name, name) &&
		    !strcmp(x->key, key))
			return x->value;
	}
	return NULL;
}

int
schema_item_init(const struct schema_group *group, void *item)
{
	struct schema_item *head = item;

	for (size_t i = 0; i < group->row_count; i++) {
		const struct schema_row *row = &group->rows[i];

		value_fini(row->type.kind, schema_value(row, item));
	}
	head->key_at = calloc(group->row_count, sizeof(head->key_at[0]));
	return head->key_at ? 0 : ERR_NOMEM;
}

static void
item_fini(const struct schema_group *group, void *item)
{
	struct schema_item *head = item;

	for (size_t i = 0; i < group->row_count; i++) {
		const struct schema_row *row = &group->rows[i];

		value_fini(row->type.kind, schema_value(row, item));
	}
	free(head->name);
	free(head->key_at);
	*head = (struct schema_item){0};
}

void *
schema_items(const struct schema_group *group, const void *top, size_t *count)
{
	void *items;

	memcpy(count, (const char *)top + group->count_offset, sizeof(*count));
	memcpy(&items, (const char *)top + group->items_offset, sizeof(items));
	return items;
}

void
schema_set_items(
    const struct schema_group *group, void *top, void *items, size_t count)
{
	memcpy((char *)top + group->count_offset, &count, sizeof(count));
	memcpy((char *)top + group->items_offset, &items, sizeof(items));
}

void
schema_fini(const struct schema *s, void *top)
{
	for (const struct schema_group *map = s->maps; map->key; map++) {
		size_t count;
		char *items = schema_items(map, top, &count);

		for (size_t i = 0; i < count; i++)
			item_fini(map, items + i * map->size);
		free(items);
		schema_set_items(map, top, NULL, 0);
	}
	item_fini(s->top, top);
}

/* Give a row that is not in the file its default. */
static int
set_default(const struct schema_row *row, void *value)
{
	if (!row->def || value_is_list(row->type.kind) ||
	    value_is_set(row->type.kind, value))
		return 0;
	return value_parse(&row->type, bytes_of_str(row->def), value);
}

int
schema_defaults(const struct schema_group *group, void *item)
{
	const struct schema_item *head = item;
	uint32_t protocol = schema_protocol(group, item);
	int rc = 0;

	for (size_t i = 0; i < group->row_count && !rc; i++) {
		const struct schema_row *row = &group->rows[i];

		if (head->key_at[i].line == 0 && (row->protocols & protocol))
			rc = set_default(row, schema_value(row, item));
	}
	return rc;
}
