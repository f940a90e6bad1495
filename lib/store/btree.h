/* SPDX-License-Identifier: Apache-2.0 */
/*
 * btree - a bounded walk over the pages of an LMDB file, without LMDB.
 *
 * LMDB trusts what it reads and crashes on rubbish, so a file is walked with
 * this first: every meta, tree page, node and free-list entry is checked
 * against the file's size and against each other (order of keys, counts,
 * each page used exactly once).  What passes cannot lead LMDB astray.  It
 * reads with pread, so an unreadable sector is an error and no signal.
 * The layout is that of LMDB 0.9 on 64-bit little-endian machines with pages
 * of 4,096 bytes (doc/format-store.md).
 */
#ifndef LIB_STORE_BTREE_H
#define LIB_STORE_BTREE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"

#define BTREE_PAGE 4096u
#define BTREE_METAS_SIZE (2 * BTREE_PAGE)
#define BTREE_WHY_SIZE 120

struct btree_db {
	uint16_t flags, depth;
	uint64_t branches, leaves, overflows, entries, root;
};

struct btree_meta {
	uint64_t txnid, map_size, last_page;
	struct btree_db free_db, main_db;
};

struct btree {
	int fd; /* borrowed */
	uint64_t size; /* of the file */
	struct btree_meta newest, older;
	char why[BTREE_WHY_SIZE]; /* after ERR_CORRUPT: what is wrong where */
};

/* Where a value lies in the file. */
struct btree_place {
	uint64_t off;
	uint64_t len;
};

/* Read and check the metas; ERR_CORRUPT, ERR_IO. */
int btree_open(struct btree *b, int fd);

/* Nothing was ever committed. */
bool btree_is_empty(const struct btree *b);

/*
 * Walk all of it.  deep: also the headers of the values' own pages (one read
 * a value).  see (may be NULL) gets each entry of the main database in order;
 * what it returns other than 0 ends the walk.
 */
int btree_check(struct btree *b, bool deep,
    int (*see)(void *arg, struct bytes key, struct btree_place place),
    void *arg);

/*
 * The entry of an 8-byte key, or with ge the first at or after it, else the
 * last before it, in the main database of the newest meta (or the older one).
 * ERR_NOENT, ERR_CORRUPT, ERR_IO.
 */
int btree_find_ge(struct btree *b, const struct btree_meta *m, uint64_t key,
    uint64_t *found, struct btree_place *place);
int btree_find_lt(struct btree *b, const struct btree_meta *m, uint64_t key,
    uint64_t *found, struct btree_place *place);

#endif
