/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment - one segment of the table: loading what it says, reading batches.
 *
 * Reading goes through LMDB when the tree was walked and is sound, else
 * through the salvage scan; the caller sees no difference but what is missing.
 * A value is copied out and checked before it is believed.
 */
#ifndef LIB_STORE_SEGMENT_H
#define LIB_STORE_SEGMENT_H

#include "lib/store/store_internal.h"

/*
 * Read header and footer of the file seg/<id>.sp without LMDB; nothing is
 * written.  Without any header it is loaded as lost.  ERR_NOENT: nothing was
 * ever committed in it; ERR_VERSION; ERR_IO; ERR_NOMEM.
 */
int segment_load(struct store *s, uint64_t id, struct segment **out);
void segment_free(struct store *s, struct segment *seg);

char *segment_path(
    const struct store *s, uint64_t id, char path[static STORE_PATH_MAX]);

enum segment_where { SEGMENT_GE, SEGMENT_LT };

enum segment_what {
	SEGMENT_WHOLE,
	SEGMENT_HEADER, /* header and ranges; the view has no payload */
	SEGMENT_CONTROL, /* the payload of control batches only */
};

struct segment_hit {
	uint64_t number; /* by its key */
	bool damaged;
	const char *why; /* static, if damaged */
	struct batch_view view; /* into the caller's buf, unless damaged */
};

/*
 * The first batch numbered at or after `number`, or the last before it.
 * The value, or the part of it that is asked for, is copied into `copy`.
 * ERR_NOENT; damage of the value is no error but a hit.
 * The lock must not be held.
 */
int segment_read(struct store *s, struct segment *seg, uint64_t number,
    enum segment_where where, enum segment_what what, struct buf *copy,
    struct segment_hit *hit);

/* Count what is in the segment below `limit`. */
int segment_tally(struct store *s, struct segment *seg, uint64_t limit,
    struct segment_tally *tally);

/* SHA-256 over a stored batch's header and ranges. */
void segment_digest(struct digest_sha256 *sha, const struct batch_view *view,
    uint8_t digest[static DIGEST_SIZE]);

/*
 * Let go of the environment (it closes when its last user is done) and of the
 * salvage index.  The lock is held.
 */
void segment_drop_env(struct store *s, struct segment *seg);

/* Its tree is damaged: from now on read it by salvage.  The lock is held. */
void segment_condemn(struct store *s, struct segment *seg, const char *why);

/*
 * The segment's environment for one short read, or NULL with *rc 0 if it is
 * read by salvage (seg->salvage then stays while the caller reads: only the
 * thread that holds the segment as a reader, or the writer, may rely on it).
 */
struct segment_env *segment_use(struct store *s, struct segment *seg, int *rc);
void segment_unuse(struct store *s, struct segment_env *e);

#endif
