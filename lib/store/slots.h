/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots - the wrapped data keys: one block a segment, in keys.a and keys.b.
 *
 * Both files hold the same; a block is written to a, synced, then to b,
 * synced, so at any moment one of them is whole.  A bad block is mended from
 * its twin.  Erased means overwritten with zeros in both.  Bytes:
 * doc/format-store.md; the order: RULES.md 6.  Not thread-safe: the store's
 * lock covers it.
 */
#ifndef LIB_STORE_SLOTS_H
#define LIB_STORE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/uuid.h"

struct slots; /* opaque */

#define SLOTS_KEY_SIZE 32
#define SLOTS_KEY_ID_SIZE 16

/* The key check value: what LOCK and headers remember of a key. */
int slots_key_id(const uint8_t kek[static SLOTS_KEY_SIZE],
    uint8_t id[static SLOTS_KEY_ID_SIZE]);

/*
 * Read both files in the directory; they may be missing.  Nothing is written
 * yet.  The key is copied.  ERR_IO, ERR_NOMEM.
 */
int slots_open(
    int dirfd, const uint8_t kek[static SLOTS_KEY_SIZE], struct slots **out);
void slots_close(struct slots *s);

/* Make missing files, mend what can be mended; *mended counts. */
int slots_mend(struct slots *s, size_t *mended);

/* The data key of a segment; ERR_NOENT, ERR_KEY. */
int slots_get(const struct slots *s, const struct uuid *segment,
    uint8_t key[static SLOTS_KEY_SIZE]);

/* The UUID of the segment with this id; ERR_NOENT. */
int slots_uuid_of(
    const struct slots *s, uint64_t segment_id, struct uuid *segment);

/* Make a new data key for a segment and store it durably. */
int slots_add(struct slots *s, uint64_t segment_id, const struct uuid *segment,
    int64_t now_ns, uint8_t key[static SLOTS_KEY_SIZE]);

/* Overwrite in both files; nothing to do is success. */
int slots_erase(struct slots *s, const struct uuid *segment);

/* Erase every key whose segment id `keep` does not want. */
int slots_sweep(
    struct slots *s, bool (*keep)(void *arg, uint64_t id), void *arg);

/* Bytes of both files. */
uint64_t slots_bytes(const struct slots *s);

#endif
