/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema - a settings table: which keys there are, and where their values go.
 *
 * A schema has one group of rows at the top of the file and one for each map
 * of named entries (listeners, targets, inputs).  The structs the values go
 * into begin with a struct schema_item.  Keys with dots are nested maps:
 * `rotate.size` is the key size in the map rotate.
 */
#ifndef LIB_CONFIG_SCHEMA_H
#define LIB_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/config/value.h"

/* Line and column in the file, from 1; line 0: not in the file. */
struct schema_place {
	unsigned line, column;
};

/* What every struct of settings begins with. */
struct schema_item {
	char *name; /* NULL at the top */
	struct schema_place at; /* of the name */
	struct schema_place *key_at; /* of each row's value */
};

struct schema_row {
	const char *key;
	struct value_type type;
	size_t offset; /* of the value in the struct */
	uint32_t protocols; /* bits 1 << WORD_x: who has this key */
	bool is_needed;
	const char *def; /* as written, or NULL */
	const char *text; /* for the sample and the manual */
};

struct schema_section {
	const char *key;
	const char *text;
};

struct schema_sample {
	const char *group, *name, *key, *value;
};

struct schema_group {
	const char *key; /* "" at the top, "listeners" */
	const struct schema_row *rows;
	size_t row_count;
	const char *const *later; /* keys of later versions, ends with NULL */
	size_t size; /* of one struct */
	size_t items_offset, count_offset; /* in the top struct */
	size_t items_max;
};

struct schema {
	const char *file; /* "spoold.yaml" */
	const char *about; /* one sentence for the manual's NAME */
	const char *install; /* where the file usually is */
	const char *program; /* who reads it */
	const struct schema_group *top;
	const struct schema_group *maps; /* ends with key NULL */
	const struct schema_section *sections; /* ends with key NULL */
	const struct schema_sample *samples; /* ends with key NULL */
};

/* The row's value inside an item. */
void *schema_value(const struct schema_row *row, void *item);
const void *schema_value_of(const struct schema_row *row, const void *item);

/* Row of a key; NULL if there is none. */
const struct schema_row *schema_find(
    const struct schema_group *group, const char *key);

/* The place of a key's value in the file, else of its entry, else 1:1. */
struct schema_place schema_place_of(const struct schema_group *group,
    const struct schema_item *item, const char *key);

/* Does the file say this key of the item? */
bool schema_is_in_file(const struct schema_group *group,
    const struct schema_item *item, const char *key);

/*
 * The bit of an item's protocol; all bits if the group has none, no bit if
 * it is not set.
 */
uint32_t schema_protocol(const struct schema_group *group, const void *item);

/* Text of a section; NULL if it has none. */
const char *schema_section_text(const struct schema *s, const char *key);

/* What the sample has for a key; NULL if nothing. */
const char *schema_sample_value(const struct schema *s, const char *group,
    const char *name, const char *key);

/* Make all values of an item, zeros, "not set".  ERR_NOMEM. */
int schema_item_init(const struct schema_group *group, void *item);

/*
 * Set what the file does not say to its default, if the item's protocol has
 * the key.  A default that is wrong gives the error of value_parse.
 */
int schema_defaults(const struct schema_group *group, void *item);

/* Give back what a top struct with its maps owns. */
void schema_fini(const struct schema *s, void *top);

/* The entries of a map group in a top struct. */
void *schema_items(
    const struct schema_group *group, const void *top, size_t *count);
void schema_set_items(
    const struct schema_group *group, void *top, void *items, size_t count);

#endif
