/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/print.h"

#include <assert.h>
#include <stdio.h>

#include "lib/config/valuetext.h"

#define INDENT 2 /* columns a level */
#define WIDTH 79
#define LEAD_MAX 16
#define SCALAR_MAX ((size_t)8192)
#define PLAIN                                                            \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
	"/._%-"

void
print_wrapped(const char *text, const char *lead, size_t width, struct buf *b)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > 0 && column + 1 + len > width) {
			buf_add_u8(b, '\n');
			column = 0;
		}
		buf_add_str(b, column == 0 ? lead : " ");
		column += column == 0 ? strlen(lead) + len : 1 + len;
		buf_add(b, text, len);
		text += len + (text[len] == ' ');
	}
	buf_add_u8(b, '\n');
}

static void
indent(unsigned depth, struct buf *b)
{
	for (unsigned i = 0; i < depth * INDENT; i++)
		buf_add_u8(b, ' ');
}

/*
 * Without quotes where no YAML reader could take it for something else:
 * starts with a letter or digit or /, and holds PLAIN only, or colons where
 * the kind has none at its end.  A mode keeps its quotes: 0660 is a number to
 * others.
 */
static bool
is_plain(enum value_kind kind, const char *text)
{
	size_t len = strlen(text);

	if (kind == VALUE_MODE || len == 0 || strchr("._%-", text[0]))
		return false;
	if (kind == VALUE_KEY || kind == VALUE_ADDRESS)
		return strspn(text, PLAIN ":") == len;
	return strspn(text, PLAIN) == len;
}

static void
print_scalar(enum value_kind kind, const char *text, struct buf *b)
{
	if (is_plain(kind, text)) {
		buf_add_str(b, text);
		return;
	}
	buf_add_u8(b, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_u8(b, '\\');
		buf_add_u8(b, (uint8_t)*text);
	}
	buf_add_u8(b, '"');
}

static void
print_list(
    enum value_kind kind, const struct value_strings *list, struct buf *b)
{
	buf_add_u8(b, '[');
	for (size_t i = 0; i < list->count; i++) {
		buf_add_str(b, i ? ", " : "");
		print_scalar(value_item_kind(kind), list->item[i], b);
	}
	buf_add_u8(b, ']');
}

static void
print_value(const struct schema_row *row, const void *item, struct buf *b)
{
	const void *value = schema_value_of(row, item);
	struct buf text;

	if (value_is_list(row->type.kind)) {
		print_list(row->type.kind, value, b);
		return;
	}
	buf_init(&text, SCALAR_MAX);
	value_format(row->type.kind, value, &text);
	buf_add_u8(&text, '\0');
	if (text.err)
		b->err = text.err;
	else
		print_scalar(row->type.kind, (const char *)buf_ptr(&text), b);
	buf_fini(&text);
}

/* The part of a key after its last dot. */
static const char *
leaf_of(const char *key)
{
	const char *dot = strrchr(key, '.');

	return dot ? dot + 1 : key;
}

/* How many dots; the depth of the key below its group. */
static unsigned
depth_of(const char *key)
{
	unsigned depth = 0;

	for (; *key; key++)
		depth += *key == '.';
	return depth;
}

/* Length of what two keys share, up to and with a dot. */
static size_t
shared(const char *a, const char *b)
{
	size_t len = 0;

	for (size_t i = 0; a[i] && a[i] == b[i]; i++) {
		if (a[i] == '.')
			len = i + 1;
	}
	return len;
}

/* What a sample shows besides values. */
struct style {
	const struct schema *schema;
	bool is_sample;
	uint64_t told; /* bits of rows whose text has been printed */
};

static void
print_comment(const char *text, unsigned depth, struct buf *b)
{
	char lead[LEAD_MAX];

	snprintf(lead, sizeof(lead), "%*s# ", (int)(depth * INDENT), "");
	print_wrapped(text, lead, WIDTH, b);
}

/* Open the maps that the key is in and the one before was not. */
static void
print_sections(const char *before, const char *key, unsigned depth,
    const struct style *style, struct buf *b)
{
	size_t from = shared(before, key);
	const char *text;
	size_t len;

	for (size_t i = 0; i < from; i++)
		depth += key[i] == '.';
	for (; strchr(key + from, '.'); from += len + 1, depth++) {
		len = strcspn(key + from, ".");
		if (style->is_sample && depth == 0) {
			char name[LEAD_MAX * 4];

			snprintf(name, sizeof(name), "%.*s", (int)len, key);
			text = schema_section_text(style->schema, name);
			buf_add_u8(b, '\n');
			if (text)
				print_comment(text, depth, b);
		}
		indent(depth, b);
		buf_add_fmt(b, "%.*s:\n", (int)len, key + from);
	}
}

/* Of these kinds the text says all there is to say. */
static bool
is_telling(enum value_kind kind)
{
	return kind != VALUE_PATH && kind != VALUE_MATERIAL &&
	    kind != VALUE_PATHS && kind != VALUE_USER && kind != VALUE_USERS &&
	    kind != VALUE_BOOL;
}

static void
print_text(const struct schema_row *row, unsigned depth, struct buf *b)
{
	struct buf text;

	buf_init(&text, SCALAR_MAX);
	buf_add_str(&text, row->text);
	if (is_telling(row->type.kind)) {
		buf_add_str(&text, " Allowed: ");
		valuetext_allowed(&row->type, &text);
		buf_add_str(&text, ".");
	}
	buf_add_u8(&text, '\0');
	if (text.err)
		b->err = text.err;
	else
		print_comment((const char *)buf_ptr(&text), depth, b);
	buf_fini(&text);
}

static void
print_sample_value(
    const struct schema_row *row, const char *value, struct buf *b)
{
	enum value_kind kind = row->type.kind;

	if (!value_is_list(kind)) {
		print_scalar(kind, value, b);
		return;
	}
	buf_add_u8(b, '[');
	print_scalar(value_item_kind(kind), value, b);
	buf_add_u8(b, ']');
}

/* `key: value`, or in a comment `# key: default`. */
static void
print_sample_row(const struct schema_row *row, const char *value,
    unsigned depth, bool is_told, struct buf *b)
{
	if (!is_told)
		print_text(row, depth, b);
	indent(depth, b);
	buf_add_fmt(b, "%s%s:", value ? "" : "# ", leaf_of(row->key));
	if (value || row->def)
		buf_add_u8(b, ' ');
	if (value)
		print_sample_value(row, value, b);
	else if (row->def && value_is_list(row->type.kind))
		buf_add_str(b, row->def);
	else if (row->def)
		print_scalar(row->type.kind, row->def, b);
	buf_add_u8(b, '\n');
}

static void
print_row(const struct schema_row *row, const void *item, unsigned depth,
    struct buf *b)
{
	bool is_set = value_is_set(row->type.kind, schema_value_of(row, item));

	indent(depth, b);
	if (is_set || (row->def && value_is_list(row->type.kind))) {
		buf_add_fmt(b, "%s: ", leaf_of(row->key));
		print_value(row, item, b);
		buf_add_u8(b, '\n');
	} else {
		buf_add_fmt(b, "# %s:\n", leaf_of(row->key));
	}
}

static void
print_rows(const struct style *style, const struct schema_group *group,
    const void *item, unsigned depth, struct buf *b)
{
	uint32_t protocol = schema_protocol(group, item);
	const char *before = "";

	for (size_t i = 0; i < group->row_count; i++) {
		const struct schema_row *row = &group->rows[i];

		if (!(row->protocols & protocol))
			continue;
		print_sections(before, row->key, depth, style, b);
		print_row(row, item, depth + depth_of(row->key), b);
		before = row->key;
	}
}

void
print_values(const struct schema *schema, const void *top, struct buf *b)
{
	struct style style = {.schema = schema};

	print_rows(&style, schema->top, top, 0, b);
	for (const struct schema_group *map = schema->maps; map->key; map++) {
		size_t count;
		const char *items = schema_items(map, top, &count);

		buf_add_fmt(b, "%s:%s\n", map->key, count ? "" : " {}");
		for (size_t i = 0; i < count; i++) {
			const void *item = items + i * map->size;
			const struct schema_item *head = item;

			indent(1, b);
			print_scalar(VALUE_WORD, head->name, b);
			buf_add_str(b, ":\n");
			print_rows(&style, map, item, 2, b);
		}
	}
}

/* The protocol of a sample entry, as a bit; all bits if it has none. */
static uint32_t
sample_protocol(const struct schema *schema, const struct schema_group *group,
    const char *name)
{
	const struct schema_row *row = schema_find(group, "protocol");
	const char *text =
	    schema_sample_value(schema, group->key, name, "protocol");
	enum word w;

	if (!row || !text ||
	    word_parse(row->type.words, bytes_of_str(text), &w))
		return UINT32_MAX;
	return 1u << w;
}

/* One entry, or the top of the file (name ""). */
static void
print_sample_rows(struct style *style, const struct schema_group *group,
    const char *name, unsigned depth, struct buf *b)
{
	uint32_t protocol = sample_protocol(style->schema, group, name);
	const char *before = "";

	for (size_t i = 0; i < group->row_count; i++) {
		const struct schema_row *row = &group->rows[i];
		bool is_told = style->told & 1ull << i;

		if (!(row->protocols & protocol))
			continue;
		if (!strchr(row->key, '.') && depth == 0)
			buf_add_u8(b, '\n');
		print_sections(before, row->key, depth, style, b);
		print_sample_row(row,
		    schema_sample_value(
			style->schema, group->key, name, row->key),
		    depth + depth_of(row->key), is_told, b);
		before = row->key;
		style->told |= 1ull << i;
	}
}

static void
print_sample_group(
    const struct schema *schema, const struct schema_group *map, struct buf *b)
{
	struct style style = {.schema = schema, .is_sample = true};
	const char *text = schema_section_text(schema, map->key);
	const char *name = "";

	buf_add_u8(b, '\n');
	if (text)
		print_comment(text, 0, b);
	buf_add_fmt(b, "%s:\n", map->key);
	for (const struct schema_sample *s = schema->samples; s->key; s++) {
		if (strcmp(s->group, map->key) != 0 || !strcmp(s->name, name))
			continue;
		buf_add_str(b, *name ? "\n" : "");
		name = s->name;
		indent(1, b);
		buf_add_fmt(b, "%s:\n", name);
		print_sample_rows(&style, map, name, 2, b);
	}
}

void
print_sample(const struct schema *schema, struct buf *b)
{
	struct style style = {.schema = schema, .is_sample = true};

	buf_add_fmt(b,
	    "# %s: %s.  See %s(5).\n# Every key is here; a key in a comment "
	    "shows its "
	    "default.\n",
	    schema->file, schema->about, schema->file);
	assert(schema->top->row_count <= 64);
	print_sample_rows(&style, schema->top, "", 0, b);
	for (const struct schema_group *map = schema->maps; map->key; map++)
		print_sample_group(schema, map, b);
}
