/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - a YAML file as maps, lists and scalars, each with its place.
 *
 * Only the plain part of YAML is taken: one document of block or flow maps
 * with scalar keys, lists and scalars.  Anchors, aliases, tags, directives
 * and further documents are problems, as are control characters, invalid
 * UTF-8, and more than TREE_DEPTH_MAX levels or TREE_NODES_MAX nodes.  This
 * is the only file that includes <yaml.h>.
 */
#ifndef LIB_CONFIG_TREE_H
#define LIB_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/config/problem.h"
#include "lib/config/schema.h"

#define TREE_BYTES_MAX ((size_t)1 << 20)
#define TREE_DEPTH_MAX 8
#define TREE_NODES_MAX 16384

enum tree_kind {
	TREE_SCALAR,
	TREE_LIST,
	TREE_MAP,
};

struct tree_node {
	enum tree_kind kind;
	bool is_plain; /* a scalar without quotes */
	bool is_bad; /* its problem has been added already */
	bool is_key_bad; /* likewise */
	struct schema_place at;
	struct schema_place key_at;
	char *key; /* in a map, else NULL */
	struct bytes text; /* of a scalar; a NUL follows */
	size_t index; /* among its siblings */
	struct tree_node *parent, *first, *last, *next;
	struct tree_node *older; /* chain of all nodes */
};

struct tree {
	struct tree_node *root; /* NULL if the file is empty */
	struct tree_node *newest;
	size_t nodes;
	bool is_whole; /* read to its end */
};

/*
 * Read text; what is wrong goes to problems, and *tree then holds what was
 * understood.  0 or ERR_NOMEM.  tree_fini in either case.
 */
int tree_read(
    struct bytes text, struct problem_list *problems, struct tree *tree);
void tree_fini(struct tree *tree);

/* A scalar without quotes that is empty, ~ or null. */
bool tree_is_empty(const struct tree_node *node);

/* Append "targets.siem.address", "servers[1]"; "(file)" for the root. */
void tree_path(const struct tree_node *node, struct buf *b);

/* "a map", "a list" or "a scalar". */
const char *tree_kind_text(enum tree_kind kind);

#endif
