/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk - what a disk may show after the power failed at some operation.
 *
 * Plays a log of operations (oplog.h) forward.  At every place it knows what
 * must be there (synced, or written with O_DSYNC), what may be there (written,
 * not synced since; or pending when a sync failed, and then for good), and
 * which names may be lost (no sync of their directory since).  disk_write
 * makes one of the possible states as a real directory: any subset of the
 * pending writes, each perhaps torn at 512 bytes or 4 KiB, and any of the
 * pending names.  The operation at the place itself is pending too: it was
 * under way.
 *
 * What is assumed: a 512-byte sector is written whole or not at all, and a
 * flush that succeeded is honoured.
 */
#ifndef TESTS_CRASH_DISK_H
#define TESTS_CRASH_DISK_H

#include <stddef.h>
#include <stdint.h>

#include "tests/crash/oplog.h"
#include "tests/crash/rng.h"

struct disk; /* opaque */

/* Of the pending writes, or names, these have reached the disk. */
enum disk_kept {
	DISK_NONE,
	DISK_ALL,
	DISK_ONE,
	DISK_ALL_BUT_ONE,
	DISK_SOME, /* each by a coin */
	DISK_FIRST, /* those before a random one */
	DISK_TORN, /* each by a coin, and torn */
	DISK_KEPTS,
};

/* A word for it, "none". */
const char *disk_kept_name(enum disk_kept kept);

/* ops stays the caller's and must live as long.  Aborts without memory. */
struct disk *disk_new(const struct oplog_op *ops, size_t n);
void disk_free(struct disk *d);

/* Play on until operation `at` (not with it); only forward. */
void disk_advance(struct disk *d, size_t at);

/* Pending writes and names here, with the one under way. */
size_t disk_pending(const struct disk *d);

/*
 * Make the directory `dir` (it must not exist) show one state of this place.
 * Aborts if it cannot be written.
 */
void disk_write(const struct disk *d, const char *dir, enum disk_kept writes,
    enum disk_kept names, struct rng *rng);

#endif
