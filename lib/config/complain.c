/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/complain.h"

#include <limits.h>

#include "lib/base/err.h"
#include "lib/config/suggest.h"
#include "lib/config/valuetext.h"

#define PHRASE_MAX ((size_t)2048)

/* The phrases of one line while it is made. */
struct phrases {
	struct buf key, wrong, allowed;
};

static void
begin(struct phrases *p, const struct tree_node *node)
{
	buf_init(&p->key, PHRASE_MAX);
	buf_init(&p->wrong, PHRASE_MAX);
	buf_init(&p->allowed, PHRASE_MAX);
	tree_path(node, &p->key);
}

static const char *
text_of(struct buf *b)
{
	buf_add_u8(b, '\0');
	return b->err ? "" : (const char *)buf_ptr(b);
}

/* Add the line and give the phrases back. */
static void
finish(struct phrases *p, struct problem_list *problems, struct schema_place at,
    const char *meant)
{
	const char *key = text_of(&p->key), *wrong = text_of(&p->wrong);
	const char *allowed = p->allowed.len ? text_of(&p->allowed) : NULL;

	if (p->key.err || p->wrong.err || p->allowed.err)
		problems->err = ERR_NOMEM;
	else
		problem_add(problems, at, key, wrong, allowed, meant);
	buf_fini(&p->key);
	buf_fini(&p->wrong);
	buf_fini(&p->allowed);
}

void
complain_text(struct problem_list *problems, const struct tree_node *node,
    struct schema_place at, const char *wrong, const char *allowed,
    const char *meant)
{
	struct phrases p;

	begin(&p, node);
	buf_add_str(&p.wrong, wrong);
	if (allowed)
		buf_add_str(&p.allowed, allowed);
	finish(&p, problems, at, meant);
}

void
complain_kind(struct problem_list *problems, const struct tree_node *node,
    const char *wanted, const struct value_type *type)
{
	struct phrases p;

	begin(&p, node);
	if (tree_is_empty(node))
		buf_add_str(&p.wrong, "has no value");
	else
		buf_add_fmt(
		    &p.wrong, "%s, not %s", tree_kind_text(node->kind), wanted);
	if (type)
		valuetext_allowed(type, &p.allowed);
	finish(&p, problems, node->at, NULL);
}

static const char *
meant_word(enum word_set set, struct bytes typed)
{
	const char *word, *best = NULL;
	unsigned distance = UINT_MAX;

	for (size_t i = 0; (word = word_at(set, i)); i++) {
		if (suggest_is_nearer(typed, word, &distance))
			best = word;
	}
	return best;
}

static void
add_verdict(struct buf *wrong, enum value_kind kind, int rc)
{
	if (rc == ERR_RANGE)
		buf_add_str(wrong, " is out of range");
	else if (rc == ERR_UNSUPPORTED)
		buf_add_str(wrong, " is not in this version");
	else if (rc == ERR_NOENT)
		buf_add_str(wrong, " is not known");
	else if (rc == ERR_EXISTS)
		buf_add_str(wrong, " is in the list already");
	else if (rc == ERR_LIMIT)
		buf_add_str(wrong, " is one item too many");
	else
		buf_add_fmt(wrong, " is not %s", valuetext_kind(kind));
}

int
complain_value(struct problem_list *problems, const struct tree_node *node,
    const struct value_type *type, enum value_kind kind, int rc)
{
	const char *meant = NULL;
	struct phrases p;

	if (rc == ERR_NOMEM)
		return rc;
	begin(&p, node);
	problem_quote(node->text, &p.wrong);
	add_verdict(&p.wrong, kind, rc);
	valuetext_allowed(type, &p.allowed);
	if (type->kind == VALUE_WORD && rc == ERR_NOENT)
		meant = meant_word(type->words, node->text);
	finish(&p, problems, node->at, meant);
	return 0;
}

void
complain_repeated(struct problem_list *problems, const struct tree_node *node,
    const struct tree_node *earlier)
{
	struct phrases p;

	begin(&p, node);
	buf_add_fmt(&p.wrong, "already set in line %u", earlier->key_at.line);
	buf_add_str(&p.allowed, "each key once");
	finish(&p, problems, node->key_at, NULL);
}

void
complain_missing(struct problem_list *problems, const struct tree_node *node,
    const struct schema_row *row)
{
	struct phrases p;

	begin(&p, node);
	if (node->parent)
		buf_add_u8(&p.key, '.');
	else
		buf_clear(&p.key);
	buf_add_str(&p.key, row->key);
	buf_add_str(&p.wrong, "not set");
	valuetext_allowed(&row->type, &p.allowed);
	finish(&p, problems, node->parent ? node->key_at : node->at, NULL);
}
