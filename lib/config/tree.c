/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/tree.h"

#include <stdlib.h>
#include <yaml.h>

#include "lib/base/err.h"
#include "lib/config/utf8.h"

#define PATH_TEXT_MAX ((size_t)1024)

struct reader {
	yaml_parser_t parser;
	struct problem_list *problems;
	struct tree *tree;
	struct tree_node *open; /* innermost map or list; NULL outside */
	char *key; /* read, its value not yet; or NULL */
	struct schema_place key_at;
	bool is_key_bad;
	size_t depth;
	size_t documents;
	bool is_over; /* nothing more can be read */
	int err;
};

static struct schema_place
place_of(yaml_mark_t mark)
{
	return (struct schema_place){
	    (unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

const char *
tree_kind_text(enum tree_kind kind)
{
	static const char *const text[] = {"a scalar", "a list", "a map"};

	return text[kind];
}

bool
tree_is_empty(const struct tree_node *node)
{
	return node->kind == TREE_SCALAR && node->is_plain &&
	    (node->text.len == 0 || bytes_equal_str(node->text, "~") ||
		bytes_equal_str(node->text, "null"));
}

void
tree_path(const struct tree_node *node, struct buf *b)
{
	if (!node->parent) {
		buf_add_str(b, "(file)");
		return;
	}
	if (node->parent->parent)
		tree_path(node->parent, b);
	if (!node->key) {
		buf_add_fmt(b, "[%zu]", node->index);
		return;
	}
	if (node->parent->parent)
		buf_add_u8(b, '.');
	problem_show(bytes_of_str(node->key), b);
}

/* A problem at a place below the innermost open map or list. */
static void
complain(struct reader *r, struct schema_place at, const char *wrong,
    const char *allowed)
{
	struct tree_node here = {.parent = r->open, .key = r->key};
	struct buf b;

	if (r->open && r->open->kind == TREE_LIST)
		here.index = r->open->last ? r->open->last->index + 1 : 0;
	buf_init(&b, PATH_TEXT_MAX);
	if (r->open && r->open->kind == TREE_MAP && !r->key)
		tree_path(r->open, &b);
	else
		tree_path(&here, &b);
	buf_add_u8(&b, '\0');
	if (b.err)
		r->problems->err = ERR_NOMEM;
	else
		problem_add(r->problems, at, (const char *)buf_ptr(&b), wrong,
		    allowed, NULL);
	buf_fini(&b);
}

static void
stop(struct reader *r, struct schema_place at, const char *wrong,
    const char *allowed)
{
	complain(r, at, wrong, allowed);
	r->is_over = true;
}

static struct tree_node *
node_new(struct reader *r, enum tree_kind kind, struct schema_place at)
{
	struct tree_node *node, *parent = r->open;

	if (++r->tree->nodes > TREE_NODES_MAX) {
		stop(r, at, "too many values", "16384 in one file");
		return NULL;
	}
	node = calloc(1, sizeof(*node));
	if (!node) {
		r->err = ERR_NOMEM;
		return NULL;
	}
	node->kind = kind;
	node->at = at;
	node->key = r->key;
	node->key_at = r->key_at;
	node->is_key_bad = node->key && r->is_key_bad;
	r->key = NULL;
	node->older = r->tree->newest;
	r->tree->newest = node;
	node->parent = parent;
	if (!parent) {
		r->tree->root = node;
		return node;
	}
	if (parent->last) {
		node->index = parent->last->index + 1;
		parent->last->next = node;
	} else {
		parent->first = node;
	}
	parent->last = node;
	return node;
}

/* Things of YAML that nobody needs here; true if there was one. */
static bool
has_extras(struct reader *r, struct schema_place at, const yaml_char_t *anchor,
    const yaml_char_t *tag)
{
	if (anchor)
		complain(r, at, "an anchor", "the value itself");
	if (tag)
		complain(r, at, "a tag", "the value without a tag");
	return anchor || tag;
}

static void
on_key(struct reader *r, struct schema_place at, struct bytes text)
{
	char *key = strndup((const char *)text.ptr, text.len);

	if (!key)
		r->err = ERR_NOMEM;
	r->is_key_bad = text.len == 0 || !utf8_is_text(text);
	r->key_at = at;
	if (text.len == 0)
		complain(r, at, "a key without a name", "KEY: VALUE");
	r->key = key;
	if (key && r->is_key_bad && text.len > 0)
		complain(r, at, "a control character in a key",
		    "printable characters");
}

static void
on_scalar(struct reader *r, const yaml_event_t *event)
{
	struct schema_place at = place_of(event->start_mark);
	struct bytes text =
	    bytes_of(event->data.scalar.value, event->data.scalar.length);
	bool is_bad = has_extras(
	    r, at, event->data.scalar.anchor, event->data.scalar.tag);
	struct tree_node *node;
	char *copy;

	if (r->open && r->open->kind == TREE_MAP && !r->key) {
		on_key(r, at, text);
		return;
	}
	if (!utf8_is_text(text)) {
		complain(r, at, "a control character in a value",
		    "printable characters");
		is_bad = true;
		text.len = 0;
	}
	node = node_new(r, TREE_SCALAR, at);
	if (!node)
		return;
	node->is_bad = is_bad;
	node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	copy = strndup((const char *)text.ptr, text.len);
	if (!copy) {
		r->err = ERR_NOMEM;
		return;
	}
	node->text = bytes_of(copy, text.len);
}

static void
on_open(struct reader *r, enum tree_kind kind, yaml_mark_t mark, bool is_bad)
{
	struct schema_place at = place_of(mark);
	struct tree_node *node;

	if (r->open && r->open->kind == TREE_MAP && !r->key) {
		stop(r, at, "a key that is not a scalar", "KEY: VALUE");
		return;
	}
	if (++r->depth > TREE_DEPTH_MAX) {
		stop(r, at, "nested too deeply", "8 levels");
		return;
	}
	node = node_new(r, kind, at);
	if (!node)
		return;
	node->is_bad = is_bad;
	r->open = node;
}

static void
on_close(struct reader *r)
{
	r->open = r->open->parent;
	r->depth--;
}

static void
on_alias(struct reader *r, struct schema_place at)
{
	struct tree_node *node;

	complain(r, at, "an alias", "the value itself");
	if (r->open && r->open->kind == TREE_MAP && !r->key) {
		on_key(r, at, bytes_of_str("*"));
		return;
	}
	node = node_new(r, TREE_SCALAR, at);
	if (node)
		node->is_bad = true;
}

static void
on_document(struct reader *r, const yaml_event_t *event)
{
	struct schema_place at = place_of(event->start_mark);

	if (event->data.document_start.version_directive ||
	    event->data.document_start.tag_directives.start !=
		event->data.document_start.tag_directives.end)
		complain(r, at, "a directive", "a file without % directives");
	if (++r->documents > 1)
		stop(r, at, "a second document", "one document");
}

static void
on_event(struct reader *r, const yaml_event_t *event)
{
	struct schema_place at = place_of(event->start_mark);

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		on_document(r, event);
		break;
	case YAML_ALIAS_EVENT:
		on_alias(r, at);
		break;
	case YAML_SCALAR_EVENT:
		on_scalar(r, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		on_open(r, TREE_LIST, event->start_mark,
		    has_extras(r, at, event->data.sequence_start.anchor,
			event->data.sequence_start.tag));
		break;
	case YAML_MAPPING_START_EVENT:
		on_open(r, TREE_MAP, event->start_mark,
		    has_extras(r, at, event->data.mapping_start.anchor,
			event->data.mapping_start.tag));
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_close(r);
		break;
	case YAML_STREAM_END_EVENT:
		r->tree->is_whole = true;
		r->is_over = true;
		break;
	default:
		break;
	}
}

static void
on_syntax_error(struct reader *r)
{
	struct schema_place at = place_of(r->parser.problem_mark);
	struct buf b;

	if (r->parser.error == YAML_MEMORY_ERROR) {
		r->err = ERR_NOMEM;
		return;
	}
	buf_init(&b, PATH_TEXT_MAX);
	buf_add_str(&b, "not valid YAML: ");
	buf_add_str(&b, r->parser.problem ? r->parser.problem : "no reason");
	buf_add_u8(&b, '\0');
	if (b.err)
		r->err = b.err;
	else
		problem_add(r->problems, at, "(file)",
		    (const char *)buf_ptr(&b), NULL, NULL);
	buf_fini(&b);
	r->is_over = true;
}

/* What must hold before the YAML parser sees the text. */
static bool
check_bytes(struct bytes text, struct problem_list *problems)
{
	struct schema_place at = {1, 1};
	const char *wrong;

	if (text.len > TREE_BYTES_MAX) {
		problem_add(problems, at, "(file)", "longer than 1MiB",
		    "at most 1MiB", NULL);
		return false;
	}
	wrong = utf8_check(text, &at.line, &at.column);
	if (!wrong)
		return true;
	problem_add(problems, at, "(file)", wrong,
	    "UTF-8 without control characters", NULL);
	return false;
}

/* A byte order mark, as some editors put it, says nothing. */
static struct bytes
skip_mark(struct bytes text)
{
	if (text.len >= 3 && !memcmp(text.ptr, "\xef\xbb\xbf", 3))
		return bytes_of(text.ptr + 3, text.len - 3);
	return text;
}

int
tree_read(struct bytes text, struct problem_list *problems, struct tree *tree)
{
	struct reader r = {.problems = problems, .tree = tree};
	yaml_event_t event;

	*tree = (struct tree){0};
	text = skip_mark(text);
	if (!check_bytes(text, problems))
		return problems->err;
	if (!yaml_parser_initialize(&r.parser))
		return ERR_NOMEM;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	/* A file without a byte has no memory, which the library asserts. */
	yaml_parser_set_input_string(
	    &r.parser, text.len ? text.ptr : (const uint8_t *)"", text.len);
	while (!r.is_over && !r.err) {
		if (!yaml_parser_parse(&r.parser, &event)) {
			on_syntax_error(&r);
			break;
		}
		on_event(&r, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&r.parser);
	free(r.key);
	return r.err ? r.err : problems->err;
}

void
tree_fini(struct tree *tree)
{
	struct tree_node *older;

	for (struct tree_node *node = tree->newest; node; node = older) {
		older = node->older;
		free(node->key);
		free((void *)(uintptr_t)node->text.ptr);
		free(node);
	}
	*tree = (struct tree){0};
}
