/* SPDX-License-Identifier: Apache-2.0 */
/*
 * btree_page - one page of an LMDB file taken apart within its bounds.
 */
#ifndef LIB_STORE_BTREE_PAGE_H
#define LIB_STORE_BTREE_PAGE_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/store/btree.h"

#define BTREE_PAGE_HEADER 16u
#define BTREE_DEPTH_MAX 16
#define BTREE_NO_PAGE UINT64_MAX

enum btree_page_kind {
	BTREE_PAGE_BRANCH = 0x01,
	BTREE_PAGE_LEAF = 0x02,
	BTREE_PAGE_OVERFLOW = 0x04,
	BTREE_PAGE_META = 0x08,
};

struct btree_page {
	uint64_t number;
	enum btree_page_kind kind;
	uint32_t nodes;
	uint8_t raw[BTREE_PAGE];
};

struct btree_node {
	struct bytes key; /* borrowed from the page */
	uint64_t child; /* of a branch */
	bool big; /* the value has pages of its own, from `child` on */
	uint64_t value_len; /* of a leaf */
	uint64_t value_off; /* in the file */
};

/* Read page `number` and check its header; it must be a branch or a leaf. */
int btree_page_read(struct btree *b, const struct btree_meta *m,
    uint64_t number, struct btree_page *p);

/* Node i < p->nodes; ERR_CORRUPT if it does not lie within the page. */
int btree_page_node(struct btree *b, const struct btree_meta *m,
    const struct btree_page *p, uint32_t i, struct btree_node *node);

/* Pages that a value of its own takes. */
uint64_t btree_page_run(uint64_t value_len);

/* Set b->why and return ERR_CORRUPT. */
int btree_page_bad(struct btree *b, uint64_t page, const char *what);

#endif
