/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/bind.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/config/complain.h"
#include "lib/config/suggest.h"
#include "lib/config/tree.h"
#include "lib/config/valuetext.h"

#define ALLOWED_MAX ((size_t)2048)
#define KEY_MAX 64 /* longest key of a table, dots and all */
#define ENTRIES_TEXT_MAX 32
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define NAME_MAX_LEN 32
#define NAME_ALLOWED "1 to 32 of a-z, 0-9 and -"

struct binder {
	const struct schema *schema;
	void *top;
	struct problem_list *problems;
};

/* One map of the file that rows are looked up in. */
struct scope {
	const struct schema_group *group;
	void *item;
	const char *prefix; /* "", or "rotate." inside rotate */
	uint32_t protocol; /* of the item; 0 if it is not known */
};

static int
bind_list(struct binder *binder, const struct schema_row *row,
    const struct tree_node *node, struct value_strings *list)
{
	enum value_kind kind = value_item_kind(row->type.kind);
	bool is_full;
	int rc;

	for (const struct tree_node *n = node->first; n; n = n->next) {
		if (n->is_bad)
			continue;
		if (n->kind != TREE_SCALAR || tree_is_empty(n)) {
			complain_kind(binder->problems, n, valuetext_kind(kind),
			    &row->type);
			continue;
		}
		rc = value_append(&row->type, n->text, list);
		is_full = rc == ERR_LIMIT;
		if (rc)
			rc = complain_value(
			    binder->problems, n, &row->type, kind, rc);
		if (rc || is_full)
			return rc;
	}
	if (!node->first && row->type.min > 0)
		complain_text(binder->problems, node, node->at, "an empty list",
		    "at least one item", NULL);
	return 0;
}

static int
bind_value(struct binder *binder, const struct scope *scope,
    const struct schema_row *row, const struct tree_node *node)
{
	struct schema_item *head = scope->item;
	enum value_kind kind = row->type.kind;
	void *value = schema_value(row, scope->item);
	bool is_list = value_is_list(kind);
	int rc;

	head->key_at[row - scope->group->rows] = node->at;
	if (node->is_bad)
		return 0;
	if (tree_is_empty(node) ||
	    node->kind != (is_list ? TREE_LIST : TREE_SCALAR)) {
		complain_kind(
		    binder->problems, node, valuetext_kind(kind), &row->type);
		return 0;
	}
	if (is_list)
		return bind_list(binder, row, node, value);
	rc = value_parse(&row->type, node->text, value);
	return rc ? complain_value(binder->problems, node, &row->type, kind, rc)
		  : 0;
}

/* An earlier entry of the same map with the same key; NULL if none. */
static const struct tree_node *
earlier_of(const struct tree_node *node)
{
	for (const struct tree_node *n = node->parent->first; n != node;
	     n = n->next) {
		if (!strcmp(n->key, node->key))
			return n;
	}
	return NULL;
}

static bool
is_repeated(struct binder *binder, const struct tree_node *node)
{
	const struct tree_node *earlier = earlier_of(node);

	if (earlier)
		complain_repeated(binder->problems, node, earlier);
	return earlier != NULL;
}

/* The key of the row from the scope's map on; NULL if it is not in it. */
static const char *
key_in(const struct scope *scope, const struct schema_row *row)
{
	size_t len = strlen(scope->prefix);

	if (strncmp(row->key, scope->prefix, len) != 0)
		return NULL;
	if (scope->protocol && !(row->protocols & scope->protocol))
		return NULL;
	return row->key + len;
}

/* Add one allowed key, unless it is the last one again. */
static void
add_key(struct buf *b, char last[KEY_MAX], const char *key)
{
	size_t len = strcspn(key, ".");

	if (strlen(last) == len && !strncmp(last, key, len))
		return;
	snprintf(last, KEY_MAX, "%.*s", (int)len, key);
	if (b->len)
		buf_add_str(b, ", ");
	buf_add_str(b, last);
}

/* The keys a map may have, and which of them is nearest to what is typed. */
static void
allowed_keys(const struct binder *binder, const struct scope *scope,
    struct bytes typed, struct buf *allowed, char meant[KEY_MAX])
{
	bool is_top = scope->group == binder->schema->top && !*scope->prefix;
	char last[KEY_MAX] = "";
	unsigned distance = UINT_MAX;

	for (size_t i = 0; i < scope->group->row_count; i++) {
		const char *key = key_in(scope, &scope->group->rows[i]);

		if (!key)
			continue;
		add_key(allowed, last, key);
		if (suggest_is_nearer(typed, last, &distance))
			snprintf(meant, KEY_MAX, "%s", last);
	}
	for (const struct schema_group *map = binder->schema->maps;
	     is_top && map->key; map++) {
		add_key(allowed, last, map->key);
		if (suggest_is_nearer(typed, last, &distance))
			snprintf(meant, KEY_MAX, "%s", last);
	}
	buf_add_u8(allowed, '\0');
}

static bool
is_later(const struct scope *scope, const char *key)
{
	const char *const *later = scope->group->later;

	if (!later || *scope->prefix)
		return false;
	for (; *later; later++) {
		if (!strcmp(*later, key))
			return true;
	}
	return false;
}

static const char *
protocol_text(uint32_t protocol)
{
	return word_text((enum word)__builtin_ctz(protocol));
}

/* A key that the map may not have: why, and which it may have. */
static void
refuse_key(struct binder *binder, const struct scope *scope,
    const struct tree_node *node, bool is_of_other)
{
	char meant[KEY_MAX] = "", wrong[KEY_MAX] = "unknown key";
	struct buf allowed;

	buf_init(&allowed, ALLOWED_MAX);
	allowed_keys(binder, scope, bytes_of_str(node->key), &allowed, meant);
	if (is_of_other)
		snprintf(wrong, sizeof(wrong), "not a key of protocol %s",
		    protocol_text(scope->protocol));
	else if (is_later(scope, node->key))
		snprintf(wrong, sizeof(wrong), "not in this version");
	if (is_of_other || is_later(scope, node->key))
		*meant = '\0';
	if (allowed.err)
		binder->problems->err = ERR_NOMEM;
	else
		complain_text(binder->problems, node, node->key_at, wrong,
		    (const char *)buf_ptr(&allowed), *meant ? meant : NULL);
	buf_fini(&allowed);
}

static int bind_map(struct binder *binder, const struct scope *scope,
    const struct tree_node *map);

/* The first row whose key is `key`, or begins with `key` and a dot. */
static const struct schema_row *
row_under(const struct schema_group *group, const char *key, bool *is_section)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < group->row_count; i++) {
		const char *k = group->rows[i].key;

		if (strncmp(k, key, len) != 0 || (k[len] && k[len] != '.'))
			continue;
		*is_section = k[len] == '.';
		return &group->rows[i];
	}
	return NULL;
}

static int
bind_section(struct binder *binder, const struct scope *scope, const char *key,
    const struct tree_node *node)
{
	char prefix[KEY_MAX + sizeof(".")];
	struct scope inner = *scope;

	if (node->is_bad || tree_is_empty(node))
		return 0;
	if (node->kind != TREE_MAP) {
		complain_kind(binder->problems, node, "a map", NULL);
		return 0;
	}
	snprintf(prefix, sizeof(prefix), "%s.", key);
	inner.prefix = prefix;
	return bind_map(binder, &inner, node);
}

/* A key of a map that is in the table of the scope's group. */
static int
bind_key(struct binder *binder, const struct scope *scope,
    const struct tree_node *node)
{
	char key[KEY_MAX];
	const struct schema_row *row = NULL;
	bool is_section = false;
	int n;

	n = snprintf(key, sizeof(key), "%s%s", scope->prefix, node->key);
	if (n > 0 && (size_t)n < sizeof(key) && !strchr(node->key, '.') &&
	    *node->key)
		row = row_under(scope->group, key, &is_section);
	if (!row || (scope->protocol && !(row->protocols & scope->protocol))) {
		refuse_key(binder, scope, node, row != NULL);
		return 0;
	}
	if (is_repeated(binder, node))
		return 0;
	return is_section ? bind_section(binder, scope, key, node)
			  : bind_value(binder, scope, row, node);
}

static bool
is_name(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= NAME_MAX_LEN &&
	    strspn(name, NAME_CHARS) == len;
}

static const struct tree_node *
child_of(const struct tree_node *map, const char *key)
{
	for (const struct tree_node *n = map->first; n; n = n->next) {
		if (!strcmp(n->key, key))
			return n;
	}
	return NULL;
}

/* Keys the protocol needs and the file does not have. */
static void
check_needed(struct binder *binder, const struct scope *scope,
    const struct tree_node *node)
{
	const struct schema_item *head = scope->item;

	for (size_t i = 0; i < scope->group->row_count; i++) {
		const struct schema_row *row = &scope->group->rows[i];

		if (!row->is_needed || head->key_at[i].line)
			continue;
		if (row->protocols != UINT32_MAX &&
		    !(row->protocols & scope->protocol))
			continue;
		complain_missing(binder->problems, node, row);
	}
}

/* The protocol decides which keys are allowed, wherever in the map it is. */
static int
bind_protocol(
    struct binder *binder, struct scope *scope, const struct tree_node *node)
{
	const struct schema_row *row = schema_find(scope->group, "protocol");
	const struct tree_node *n = row ? child_of(node, "protocol") : NULL;
	int rc = n ? bind_value(binder, scope, row, n) : 0;

	if (!rc && row)
		scope->protocol = schema_protocol(scope->group, scope->item);
	return rc;
}

static int
bind_item(struct binder *binder, const struct schema_group *group, void *item,
    const struct tree_node *node)
{
	struct scope scope = {.group = group, .item = item, .prefix = ""};
	struct schema_item *head = item;
	int rc;

	head->at = node->key_at;
	head->name = strdup(node->key);
	if (!head->name)
		return ERR_NOMEM;
	if (!is_name(node->key))
		complain_text(binder->problems, node, node->key_at,
		    "not a name", NAME_ALLOWED, NULL);
	if (node->is_bad)
		return 0;
	if (node->kind != TREE_MAP && !tree_is_empty(node)) {
		complain_kind(binder->problems, node, "a map", NULL);
		return 0;
	}
	rc = bind_protocol(binder, &scope, node);
	if (!rc)
		rc = bind_map(binder, &scope, node);
	if (rc)
		return rc;
	check_needed(binder, &scope, node);
	return schema_defaults(group, item);
}

/* Entries of listeners, targets or inputs. */
static int
bind_items(struct binder *binder, const struct schema_group *group,
    const struct tree_node *node)
{
	char *items;
	char most[ENTRIES_TEXT_MAX];
	size_t count = 0;
	int rc = 0;

	if (node->is_bad || tree_is_empty(node) || is_repeated(binder, node))
		return 0;
	if (node->kind != TREE_MAP) {
		complain_kind(binder->problems, node, "a map", NULL);
		return 0;
	}
	items = calloc(group->items_max, group->size);
	if (!items)
		return ERR_NOMEM;
	schema_set_items(group, binder->top, items, 0);
	for (const struct tree_node *n = node->first; n && !rc; n = n->next) {
		void *item = items + count * group->size;

		if (n->is_key_bad || is_repeated(binder, n))
			continue;
		if (count == group->items_max) {
			snprintf(most, sizeof(most), "at most %zu",
			    group->items_max);
			complain_text(binder->problems, n, n->key_at,
			    "one entry too many", most, NULL);
			break;
		}
		rc = schema_item_init(group, item);
		schema_set_items(group, binder->top, items, ++count);
		if (!rc)
			rc = bind_item(binder, group, item, n);
	}
	return rc;
}

static const struct schema_group *
group_of(
    const struct binder *binder, const struct scope *scope, const char *key)
{
	if (scope->group != binder->schema->top || *scope->prefix)
		return NULL;
	for (const struct schema_group *g = binder->schema->maps; g->key; g++) {
		if (!strcmp(g->key, key))
			return g;
	}
	return NULL;
}

static int
bind_map(struct binder *binder, const struct scope *scope,
    const struct tree_node *map)
{
	int rc = 0;

	for (const struct tree_node *n = map->first; n && !rc; n = n->next) {
		const struct schema_group *group =
		    group_of(binder, scope, n->key);
		bool is_protocol =
		    !*scope->prefix && !strcmp(n->key, "protocol");

		if (n->is_key_bad)
			continue;
		/* bind_protocol has taken the first one already. */
		if (is_protocol && !earlier_of(n) &&
		    schema_find(scope->group, "protocol"))
			continue;
		rc = group ? bind_items(binder, group, n)
			   : bind_key(binder, scope, n);
	}
	return rc;
}

static int
bind_root(struct binder *binder, const struct tree_node *root)
{
	struct scope scope = {
	    .group = binder->schema->top,
	    .item = binder->top,
	    .prefix = "",
	};
	int rc;

	if (root->kind != TREE_MAP) {
		complain_kind(binder->problems, root, "a map", NULL);
		return 0;
	}
	rc = bind_map(binder, &scope, root);
	if (rc)
		return rc;
	check_needed(binder, &scope, root);
	return schema_defaults(binder->schema->top, binder->top);
}

int
bind_text(const struct schema *schema, struct bytes text, void *top,
    struct problem_list *problems)
{
	struct binder binder = {schema, top, problems};
	struct tree tree;
	int rc;

	rc = tree_read(text, problems, &tree);
	if (!rc && tree.is_whole && tree.root)
		rc = bind_root(&binder, tree.root);
	else if (!rc && tree.is_whole)
		problem_add(problems, (struct schema_place){1, 1}, "(file)",
		    "empty", "a map of keys and values", NULL);
	tree_fini(&tree);
	return rc ? rc : problems->err;
}
