/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/btree.h"

#include <stdlib.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/store/btree_page.h"
#include "lib/store/fileio.h"

#define KEY_MAX 511

struct key {
	uint8_t byte[KEY_MAX];
	size_t len;
	bool set;
};

struct walk {
	struct btree *b;
	const struct btree_meta *m;
	const struct btree_db *db;
	bool integers; /* keys are native 64-bit integers: the free list's */
	bool deep;
	uint8_t *used; /* a bit a page */
	uint64_t used_count;
	struct key last; /* the key before, in order */
	struct key floor; /* separator that the next key must reach */
	uint64_t branches, leaves, overflows, entries;
	int (*see)(void *arg, struct bytes key, struct btree_place place);
	void *arg;
};

/* Each page belongs to exactly one tree, value or free list. */
static int
mark(struct walk *w, uint64_t page, uint64_t count)
{
	for (uint64_t i = page; i < page + count; i++) {
		uint8_t bit = (uint8_t)(1 << i % 8);

		if (i < 2 || i > w->m->last_page)
			return btree_page_bad(w->b, i, "out of range");
		if (w->used[i / 8] & bit)
			return btree_page_bad(w->b, i, "is used twice");
		w->used[i / 8] |= bit;
	}
	w->used_count += count;
	return 0;
}

static int
compare(const struct walk *w, const struct key *a, struct bytes b)
{
	size_t n = a->len < b.len ? a->len : b.len;
	int d;

	if (w->integers) {
		uint64_t x = endian_get_le64(a->byte);
		uint64_t y = endian_get_le64(b.ptr);

		return x < y ? -1 : x > y;
	}
	d = memcmp(a->byte, b.ptr, n);
	if (d)
		return d;
	return a->len < b.len ? -1 : a->len > b.len;
}

static void
keep(struct key *k, struct bytes key)
{
	memcpy(k->byte, key.ptr, key.len);
	k->len = key.len;
	k->set = true;
}

static int
check_order(struct walk *w, uint64_t page, struct bytes key)
{
	if (key.len == 0 || (w->integers && key.len != 8))
		return btree_page_bad(w->b, page, "a key of another size");
	if (w->last.set && compare(w, &w->last, key) >= 0)
		return btree_page_bad(w->b, page, "keys are out of order");
	if (w->floor.set && compare(w, &w->floor, key) > 0)
		return btree_page_bad(w->b, page, "a key before its branch");
	return 0;
}

static int
value_pages(struct walk *w, const struct btree_node *node)
{
	uint64_t run = btree_page_run(node->value_len);
	uint8_t head[BTREE_PAGE_HEADER];
	uint64_t pages;
	int rc;

	if (w->deep) {
		rc = fileio_read(
		    w->b->fd, head, sizeof(head), node->child * BTREE_PAGE);
		if (rc)
			return rc;
		pages = endian_get_le32(head + 12);
		if (endian_get_le64(head) != node->child ||
		    endian_get_le16(head + 10) != BTREE_PAGE_OVERFLOW ||
		    pages < run || pages > w->m->last_page - node->child + 1)
			return btree_page_bad(
			    w->b, node->child, "not the value's first page");
		run = pages;
	}
	w->overflows += run;
	return mark(w, node->child, run);
}

static int
leaf_node(
    struct walk *w, const struct btree_page *p, const struct btree_node *node)
{
	int rc = check_order(w, p->number, node->key);

	if (rc)
		return rc;
	keep(&w->last, node->key);
	w->floor.set = false;
	w->entries++;
	if (node->big)
		rc = value_pages(w, node);
	if (!rc && w->see)
		rc = w->see(w->arg, node->key,
		    (struct btree_place){node->value_off, node->value_len});
	return rc;
}

static int walk_page(struct walk *w, uint64_t number, unsigned depth);

static int
branch_node(struct walk *w, const struct btree_page *p, uint32_t i,
    const struct btree_node *node, unsigned depth)
{
	if (i > 0) {
		int rc = check_order(w, p->number, node->key);

		if (rc)
			return rc;
		keep(&w->floor, node->key);
	}
	return walk_page(w, node->child, depth + 1);
}

static int
walk_page(struct walk *w, uint64_t number, unsigned depth)
{
	struct btree_page p;
	int rc = btree_page_read(w->b, w->m, number, &p);

	if (!rc)
		rc = mark(w, number, 1);
	if (rc)
		return rc;
	if ((p.kind == BTREE_PAGE_LEAF) != (depth + 1 == w->db->depth) ||
	    depth >= w->db->depth)
		return btree_page_bad(w->b, number, "at the wrong depth");
	*(p.kind == BTREE_PAGE_LEAF ? &w->leaves : &w->branches) += 1;
	for (uint32_t i = 0; !rc && i < p.nodes; i++) {
		struct btree_node node;

		rc = btree_page_node(w->b, w->m, &p, i, &node);
		if (rc)
			return rc;
		rc = p.kind == BTREE_PAGE_LEAF
		    ? leaf_node(w, &p, &node)
		    : branch_node(w, &p, i, &node, depth);
	}
	return rc;
}

static int
walk_db(struct walk *w, const struct btree_db *db)
{
	int rc = 0;

	w->db = db;
	w->last.set = w->floor.set = false;
	w->branches = w->leaves = w->overflows = w->entries = 0;
	if (db->root != BTREE_NO_PAGE)
		rc = walk_page(w, db->root, 0);
	if (!rc &&
	    (w->branches != db->branches || w->leaves != db->leaves ||
		w->overflows != db->overflows || w->entries != db->entries))
		rc = btree_page_bad(w->b, 0, "the counts do not add up");
	return rc;
}

/* A list of free pages: its length, then the pages, descending. */
static int
free_list(void *arg, struct bytes key, struct btree_place place)
{
	struct walk *w = arg;
	uint64_t n = place.len / 8, before = UINT64_MAX;
	uint8_t *list;
	int rc = 0;

	(void)key;
	if (place.len % 8 || n < 1 || n > w->m->last_page + 2)
		return btree_page_bad(w->b, 0, "a free list of odd size");
	list = malloc(place.len);
	if (!list)
		return ERR_NOMEM;
	rc = fileio_read(w->b->fd, list, place.len, place.off);
	if (!rc && endian_get_le64(list) != n - 1)
		rc = btree_page_bad(w->b, 0, "a free list of another length");
	for (uint64_t i = 1; !rc && i < n; i++) {
		uint64_t page = endian_get_le64(list + i * 8);

		if (page >= before)
			rc = btree_page_bad(w->b, page, "free out of order");
		else
			rc = mark(w, page, 1);
		before = page;
	}
	free(list);
	return rc;
}

int
btree_check(struct btree *b, bool deep,
    int (*see)(void *arg, struct bytes key, struct btree_place place),
    void *arg)
{
	const struct btree_meta *m = &b->newest;
	struct walk *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return ERR_NOMEM;
	w->b = b;
	w->m = m;
	w->deep = deep;
	w->see = see;
	w->arg = arg;
	w->used = calloc(1, m->last_page / 8 + 1);
	rc = w->used ? walk_db(w, &m->main_db) : ERR_NOMEM;
	if (!rc) {
		w->integers = true;
		w->deep = true;
		w->see = free_list;
		w->arg = w;
		rc = walk_db(w, &m->free_db);
	}
	if (!rc && w->used_count != m->last_page - 1)
		rc = btree_page_bad(b, 0, "pages belong to nobody");
	free(w->used);
	free(w);
	return rc;
}
