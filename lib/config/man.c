/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/man.h"

#include <ctype.h>
#include <stdio.h>

#include "lib/config/print.h"
#include "lib/config/valuetext.h"

#define WIDTH 79
#define TEXT_MAX ((size_t)4096)
#define NAME_TEXT_MAX 64

/* A paragraph: wrapped, and no line taken for a request of roff. */
static void
add_text(const char *text, struct buf *b)
{
	struct buf plain;

	buf_init(&plain, TEXT_MAX);
	for (; *text; text++) {
		/* A sentence ends its line, as mdoc wants it. */
		if (*text == '\\')
			buf_add_str(&plain, "\\e");
		else
			buf_add_u8(&plain, (uint8_t)*text);
	}
	buf_add_u8(&plain, '\0');
	if (plain.err)
		b->err = plain.err;
	else
		print_wrapped((const char *)buf_ptr(&plain), "", WIDTH, b);
	buf_fini(&plain);
}

/* Each sentence on lines of its own. */
static void
add_sentences(const char *text, struct buf *b)
{
	char sentence[TEXT_MAX];

	while (*text) {
		const char *end = strstr(text, ". ");
		size_t len = end ? (size_t)(end - text) + 1 : strlen(text);

		snprintf(sentence, sizeof(sentence), "%.*s", (int)len, text);
		add_text(sentence, b);
		text += len + (end ? 1 : 0);
	}
}

static void
add_title(const char *file, struct buf *b)
{
	char title[NAME_TEXT_MAX];
	size_t i;

	for (i = 0; file[i] && i + 1 < sizeof(title); i++)
		title[i] = (char)toupper((unsigned char)file[i]);
	title[i] = '\0';
	buf_add_fmt(b, ".Dt %s 5\n", title);
}

static void
add_protocols(const struct schema_group *group, const struct schema_row *row,
    struct buf *b)
{
	const struct schema_row *protocol = schema_find(group, "protocol");
	const char *text, *comma = "";
	enum word w;

	if (!protocol || row->protocols == UINT32_MAX)
		return;
	buf_add_str(b, "Only with protocol ");
	for (size_t i = 0; (text = word_at(protocol->type.words, i)); i++) {
		if (word_parse(protocol->type.words, bytes_of_str(text), &w) ||
		    !(row->protocols & 1u << w))
			continue;
		buf_add_fmt(b, "%s%s", comma, text);
		comma = " or ";
	}
	buf_add_str(b, ".\n");
}

static void
add_row(const struct schema_group *group, const struct schema_row *row,
    struct buf *b)
{
	struct buf allowed;

	buf_add_fmt(b, ".It Ic %s\n", row->key);
	add_sentences(row->text, b);
	buf_init(&allowed, TEXT_MAX);
	buf_add_str(&allowed, "Allowed: ");
	valuetext_allowed(&row->type, &allowed);
	buf_add_str(&allowed, ".");
	buf_add_u8(&allowed, '\0');
	if (allowed.err)
		b->err = allowed.err;
	else
		add_text((const char *)buf_ptr(&allowed), b);
	buf_fini(&allowed);
	if (row->def)
		buf_add_fmt(b, "Default:\n.Li %s\n", row->def);
	if (row->is_needed)
		buf_add_str(b, "Must be set.\n");
	add_protocols(group, row, b);
}

static void
add_rows(const struct schema_group *group, struct buf *b)
{
	buf_add_str(b, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < group->row_count; i++)
		add_row(group, &group->rows[i], b);
	buf_add_str(b, ".El\n");
}

static void
add_sections(const struct schema *schema, struct buf *b)
{
	for (const struct schema_section *s = schema->sections; s->key; s++) {
		buf_add_fmt(b, ".It Ic %s\n", s->key);
		add_sentences(s->text, b);
	}
}

static void
add_description(const struct schema *schema, struct buf *b)
{
	buf_add_fmt(
	    b, ".Sh DESCRIPTION\n.Nm\nis read by\n.Xr %s .\n", schema->program);
	add_sentences(
	    "It is a YAML file: one document of maps, lists and scalars in "
	    "UTF-8, without anchors, aliases, tags and directives, of at most "
	    "1MiB. A key with a dot in this page is a key in a map: "
	    "rotate.size "
	    "is size in the map rotate. Sizes, rates and durations are whole "
	    "numbers with a unit and no space: 200GiB, 8Mbit/s, 30s. A key "
	    "that "
	    "is absent has its default. A key that is unknown, repeated, or of "
	    "another protocol is an error.",
	    b);
	buf_add_str(b, ".Pp\n");
	add_sentences(
	    "Every error is one line on standard error, all of them at once:",
	    b);
	buf_add_str(b,
	    ".Bd -literal -offset indent\n"
	    "FILE:LINE:COLUMN: KEY: what is wrong; allowed: what is allowed\n"
	    ".Ed\n");
}

void
man_print(const struct schema *schema, struct buf *b)
{
	buf_add_str(b,
	    ".\\\" SPDX-License-Identifier: Apache-2.0\n"
	    ".\\\" Made from the settings table by lib/config/generate.\n"
	    ".Dd November 26, 2026\n");
	add_title(schema->file, b);
	buf_add_fmt(
	    b, ".Os\n.Sh NAME\n.Nm %s\n.Nd %s\n", schema->file, schema->about);
	add_description(schema, b);
	buf_add_str(b, ".Sh SECTIONS\n.Bl -tag -width Ds\n");
	add_sections(schema, b);
	buf_add_str(b, ".El\n.Sh KEYS\n");
	add_rows(schema->top, b);
	for (const struct schema_group *map = schema->maps; map->key; map++) {
		buf_add_fmt(b, ".Ss Each entry of %s\n", map->key);
		add_rows(map, b);
	}
	buf_add_fmt(
	    b, ".Sh FILES\n.Bl -tag -width Ds\n.It Pa %s\n", schema->install);
	buf_add_str(b, "The usual place.\n.El\n");
	buf_add_fmt(b, ".Sh SEE ALSO\n.Xr %s\n", schema->program);
}
