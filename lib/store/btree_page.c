/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/btree_page.h"

#include <stdio.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/store/fileio.h"

#define NODE_HEADER 8u
#define NODE_BIG 0x01u
#define KEY_MAX 511u

int
btree_page_bad(struct btree *b, uint64_t page, const char *what)
{
	snprintf(b->why, sizeof(b->why), "page %llu: %s",
	    (unsigned long long)page, what);
	return ERR_CORRUPT;
}

uint64_t
btree_page_run(uint64_t value_len)
{
	return (BTREE_PAGE_HEADER - 1 + value_len) / BTREE_PAGE + 1;
}

static int
check_header(struct btree *b, struct btree_page *p)
{
	uint32_t lower = endian_get_le16(p->raw + 12);
	uint32_t upper = endian_get_le16(p->raw + 14);
	uint16_t flags = endian_get_le16(p->raw + 10);

	if (endian_get_le64(p->raw) != p->number)
		return btree_page_bad(b, p->number, "another page's number");
	if (flags != BTREE_PAGE_BRANCH && flags != BTREE_PAGE_LEAF)
		return btree_page_bad(b, p->number, "neither branch nor leaf");
	if (lower <= BTREE_PAGE_HEADER || lower > upper || upper > BTREE_PAGE ||
	    lower % 2)
		return btree_page_bad(b, p->number, "impossible bounds");
	p->kind = flags;
	p->nodes = (lower - BTREE_PAGE_HEADER) / 2;
	return 0;
}

int
btree_page_read(struct btree *b, const struct btree_meta *m, uint64_t number,
    struct btree_page *p)
{
	int rc;

	if (number < 2 || number > m->last_page)
		return btree_page_bad(b, number, "referred to, out of range");
	rc = fileio_read(b->fd, p->raw, BTREE_PAGE, number * BTREE_PAGE);
	if (rc) {
		btree_page_bad(b, number, "cannot be read");
		return rc;
	}
	p->number = number;
	return check_header(b, p);
}

/* A leaf's value: in the page, or in pages of its own. */
static int
leaf_value(struct btree *b, const struct btree_meta *m,
    const struct btree_page *p, uint32_t data_at, uint16_t flags,
    struct btree_node *node)
{
	uint64_t inside = flags & NODE_BIG ? 8 : node->value_len;

	if (flags & ~NODE_BIG)
		return btree_page_bad(b, p->number, "unknown node flags");
	if (inside > BTREE_PAGE - data_at)
		return btree_page_bad(b, p->number, "value out of the page");
	node->big = flags & NODE_BIG;
	node->value_off = p->number * BTREE_PAGE + data_at;
	if (!node->big)
		return 0;
	node->child = endian_get_le64(p->raw + data_at);
	if (node->child < 2 || node->child > m->last_page ||
	    btree_page_run(node->value_len) > m->last_page - node->child + 1)
		return btree_page_bad(b, p->number, "value out of the file");
	node->value_off = node->child * BTREE_PAGE + BTREE_PAGE_HEADER;
	return 0;
}

int
btree_page_node(struct btree *b, const struct btree_meta *m,
    const struct btree_page *p, uint32_t i, struct btree_node *node)
{
	uint32_t at =
	    endian_get_le16(p->raw + BTREE_PAGE_HEADER + (size_t)i * 2);
	uint32_t upper = endian_get_le16(p->raw + 14);
	uint32_t low, key_len;
	uint16_t flags;

	if (at < upper || at > BTREE_PAGE - NODE_HEADER || at % 2)
		return btree_page_bad(b, p->number, "node out of the page");
	low = endian_get_le32(p->raw + at);
	flags = endian_get_le16(p->raw + at + 4);
	key_len = endian_get_le16(p->raw + at + 6);
	if (key_len > KEY_MAX || key_len > BTREE_PAGE - NODE_HEADER - at)
		return btree_page_bad(b, p->number, "key out of the page");
	*node = (struct btree_node){
	    .key = bytes_of(p->raw + at + NODE_HEADER, key_len)};
	if (p->kind == BTREE_PAGE_BRANCH) {
		node->child = low | (uint64_t)flags << 32;
		return 0;
	}
	node->value_len = low;
	return leaf_value(b, m, p, at + NODE_HEADER + key_len, flags, node);
}
