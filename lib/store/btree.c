/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/btree.h"

#include <stdio.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/store/btree_page.h"
#include "lib/store/fileio.h"

#define META_MAGIC 0xBEEFC0DEu
#define META_VERSION 1u
#define FREE_DB_FLAGS 0x0008u /* integer keys */
#define NOSUBDIR_FLAG 0x4000u /* may be noted beside them */
#define MAP_SIZE_MAX (1ull << 36)

static void
get_db(const uint8_t *p, struct btree_db *db)
{
	db->flags = endian_get_le16(p + 4);
	db->depth = endian_get_le16(p + 6);
	db->branches = endian_get_le64(p + 8);
	db->leaves = endian_get_le64(p + 16);
	db->overflows = endian_get_le64(p + 24);
	db->entries = endian_get_le64(p + 32);
	db->root = endian_get_le64(p + 40);
}

static bool
db_is_sane(const struct btree_db *db, uint64_t last_page)
{
	if (db->depth > BTREE_DEPTH_MAX)
		return false;
	if (db->root == BTREE_NO_PAGE)
		return db->depth == 0 && db->entries == 0;
	return db->depth > 0 && db->root >= 2 && db->root <= last_page;
}

static int
check_meta(
    struct btree *b, uint64_t i, const uint8_t *p, const struct btree_meta *m)
{
	if (endian_get_le64(p) != i ||
	    endian_get_le16(p + 10) != BTREE_PAGE_META)
		return btree_page_bad(b, i, "is no meta page");
	if (endian_get_le32(p + 16) != META_MAGIC ||
	    endian_get_le32(p + 20) != META_VERSION)
		return btree_page_bad(b, i, "another magic or version");
	if (endian_get_le64(p + 24) || endian_get_le32(p + 40) != BTREE_PAGE)
		return btree_page_bad(b, i, "another page size");
	if (m->map_size % BTREE_PAGE || m->map_size > MAP_SIZE_MAX)
		return btree_page_bad(b, i, "its size is not the file's");
	if (m->txnid && m->txnid % 2 != i)
		return btree_page_bad(b, i, "the other page's transaction");
	return 0;
}

static int
check_roots(
    struct btree *b, uint64_t i, const uint8_t *p, const struct btree_meta *m)
{
	if (m->last_page < 1 || m->last_page >= m->map_size / BTREE_PAGE ||
	    m->last_page >= b->size / BTREE_PAGE)
		return btree_page_bad(b, i, "its size is not the file's");
	if ((m->free_db.flags & ~NOSUBDIR_FLAG) != FREE_DB_FLAGS ||
	    m->main_db.flags || endian_get_le32(p + 88) ||
	    !db_is_sane(&m->free_db, m->last_page) ||
	    !db_is_sane(&m->main_db, m->last_page))
		return btree_page_bad(b, i, "impossible roots");
	return 0;
}

/*
 * When a meta could not be written, LMDB puts the old number back, and leaves
 * the new roots: that is no damage, nobody reads them.
 */
static void
forget_roots(struct btree_meta *m)
{
	m->last_page = 1;
	m->free_db = m->main_db = (struct btree_db){.root = BTREE_NO_PAGE};
}

static int
get_meta(struct btree *b, uint64_t i, const uint8_t *p, struct btree_meta *m)
{
	m->map_size = endian_get_le64(p + 32);
	get_db(p + 40, &m->free_db);
	get_db(p + 88, &m->main_db);
	m->last_page = endian_get_le64(p + 136);
	m->txnid = endian_get_le64(p + 144);
	return check_meta(b, i, p, m);
}

int
btree_open(struct btree *b, int fd)
{
	struct btree_meta m[2];
	uint8_t raw[BTREE_METAS_SIZE];
	int newest, rc;

	*b = (struct btree){.fd = fd};
	rc = fileio_size(fd, &b->size);
	if (!rc)
		rc = fileio_read(fd, raw, sizeof(raw), 0);
	if (rc) {
		snprintf(b->why, sizeof(b->why), "metas cannot be read");
		return rc;
	}
	rc = get_meta(b, 0, raw, &m[0]);
	if (!rc)
		rc = get_meta(b, 1, raw + BTREE_PAGE, &m[1]);
	if (rc)
		return rc;
	newest = m[1].txnid > m[0].txnid;
	rc = check_roots(
	    b, (uint64_t)newest, raw + newest * (int)BTREE_PAGE, &m[newest]);
	if (rc)
		return rc;
	if (check_roots(b, (uint64_t)!newest, raw + !newest * (int)BTREE_PAGE,
		&m[!newest]))
		forget_roots(&m[!newest]);
	b->newest = m[newest];
	b->older = m[!newest];
	b->why[0] = '\0';
	if (b->newest.txnid > b->older.txnid + 1 ||
	    b->newest.map_size != b->older.map_size)
		return btree_page_bad(b, 0, "the metas do not fit together");
	return 0;
}

bool
btree_is_empty(const struct btree *b)
{
	return b->newest.txnid == 0 || b->newest.main_db.root == BTREE_NO_PAGE;
}

/* ---- finding --------------------------------------------------------------
 */

struct search {
	struct btree *b;
	const struct btree_meta *m;
	uint8_t key[8];
	bool ge;
	uint64_t found;
	struct btree_place place;
};

static int
compare(struct bytes a, const uint8_t key[8])
{
	size_t n = a.len < 8 ? a.len : 8;
	int d = memcmp(a.ptr, key, n);

	return d ? d : (int)a.len - 8;
}

/* Index of the first node at or after the key; p->nodes if none. */
static int
first_at_or_after(struct search *s, const struct btree_page *p, uint32_t *out)
{
	uint32_t low = p->kind == BTREE_PAGE_BRANCH ? 1 : 0;
	uint32_t high = p->nodes;

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		struct btree_node node;
		int rc = btree_page_node(s->b, s->m, p, mid, &node);

		if (rc)
			return rc;
		if (compare(node.key, s->key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*out = low;
	return 0;
}

static int
take(struct search *s, const struct btree_page *p, uint32_t i)
{
	struct btree_node node;
	int rc = btree_page_node(s->b, s->m, p, i, &node);

	if (rc)
		return rc;
	if (node.key.len != 8)
		return btree_page_bad(s->b, p->number, "a key of another size");
	s->found = endian_get_be64(node.key.ptr);
	s->place = (struct btree_place){node.value_off, node.value_len};
	return 0;
}

static int find(struct search *s, uint64_t number, unsigned depth);

/*
 * The child before the first greater separator holds the key's place; its
 * neighbour is asked if the wanted side of that place is empty.
 */
static int
find_below(
    struct search *s, const struct btree_page *p, uint32_t at, unsigned depth)
{
	uint32_t i = at > 0 ? at - 1 : 0;
	struct btree_node node;
	int rc = ERR_NOENT;

	/* A separator equal to the key begins the child that has it. */
	if (s->ge && at < p->nodes && at > 0) {
		rc = btree_page_node(s->b, s->m, p, at, &node);
		if (rc)
			return rc;
		if (compare(node.key, s->key) == 0)
			i = at;
	}
	for (int tries = 0; tries < 2 && i < p->nodes; tries++) {
		rc = btree_page_node(s->b, s->m, p, i, &node);
		if (!rc)
			rc = find(s, node.child, depth + 1);
		if (rc != ERR_NOENT)
			return rc;
		if (!s->ge && i == 0)
			return ERR_NOENT;
		i = s->ge ? i + 1 : i - 1;
	}
	return ERR_NOENT;
}

static int
find(struct search *s, uint64_t number, unsigned depth)
{
	struct btree_page p;
	uint32_t at;
	int rc;

	if (depth >= s->m->main_db.depth)
		return btree_page_bad(s->b, number, "the tree is too deep");
	rc = btree_page_read(s->b, s->m, number, &p);
	if (!rc)
		rc = first_at_or_after(s, &p, &at);
	if (rc)
		return rc;
	if (p.kind == BTREE_PAGE_BRANCH)
		return find_below(s, &p, at, depth);
	if (s->ge)
		return at < p.nodes ? take(s, &p, at) : ERR_NOENT;
	return at > 0 ? take(s, &p, at - 1) : ERR_NOENT;
}

static int
run(struct search *s, uint64_t key, uint64_t *found, struct btree_place *place)
{
	int rc;

	if (s->m->main_db.root == BTREE_NO_PAGE)
		return ERR_NOENT;
	endian_put_be64(s->key, key);
	rc = find(s, s->m->main_db.root, 0);
	if (rc)
		return rc;
	*found = s->found;
	*place = s->place;
	return 0;
}

int
btree_find_ge(struct btree *b, const struct btree_meta *m, uint64_t key,
    uint64_t *found, struct btree_place *place)
{
	struct search s = {.b = b, .m = m, .ge = true};

	return run(&s, key, found, place);
}

int
btree_find_lt(struct btree *b, const struct btree_meta *m, uint64_t key,
    uint64_t *found, struct btree_place *place)
{
	struct search s = {.b = b, .m = m, .ge = false};

	return run(&s, key, found, place);
}
