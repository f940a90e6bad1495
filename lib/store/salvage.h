/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salvage - find a segment's batches without its B-tree.
 *
 * Header and batches begin 16 bytes into a page of their own, with a magic,
 * the segment's UUID and a checksum, so a scan of all pages finds whatever is
 * whole.  A recycled file's stale pages bear another UUID.
 */
#ifndef LIB_STORE_SALVAGE_H
#define LIB_STORE_SALVAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/uuid.h"
#include "lib/store/segfmt.h"

struct salvage; /* opaque: an index of batches by number */

struct salvage_entry {
	uint64_t number;
	uint64_t off;
	uint32_t len;
	uint64_t first_rec;
	uint32_t records;
};

struct salvage_found {
	bool has_header;
	struct segfmt_header header;
	bool has_footer;
	struct segfmt_footer footer;
};

/*
 * Scan an open file (borrowed, and kept by the index: it is duplicated).
 * wanted: the segment's UUID, or NULL if it is to be taken from the header
 * of segment `id`, or failing that from the newest batch.  If no header is
 * whole, one is made up from the oldest batch; has_header is false only if
 * there is nothing at all.  ERR_NOMEM, ERR_IO.
 */
int salvage_scan(int fd, uint64_t id, const struct uuid *spool,
    const struct uuid *wanted, struct salvage_found *found,
    struct salvage **out);
void salvage_free(struct salvage *v);

/* First entry at or after a number, or the last before it; or NULL. */
const struct salvage_entry *salvage_ge(
    const struct salvage *v, uint64_t number);
const struct salvage_entry *salvage_lt(
    const struct salvage *v, uint64_t number);

/* Read an entry's value, entry->len bytes. */
int salvage_read(
    const struct salvage *v, const struct salvage_entry *entry, uint8_t *to);

#endif
