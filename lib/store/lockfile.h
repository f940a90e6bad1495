/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lockfile - the file LOCK: who owns the spool, and how it was left.
 *
 * It is locked for as long as it is open, so a second keeper is refused.  It
 * holds two copies of one record, written in turn, so a torn write leaves the
 * other.  Bytes: doc/format-store.md.
 */
#ifndef LIB_STORE_LOCKFILE_H
#define LIB_STORE_LOCKFILE_H

#include <stdbool.h>

#include "lib/store/segfmt.h"

struct lockfile {
	int fd; /* -1: not open */
	bool present; /* a valid record was read */
	struct segfmt_lock record;
};

/*
 * Open (and make, if it is not there) and lock; read the record.  ERR_BUSY,
 * ERR_VERSION, ERR_IO.  A file without a valid record is not an error.
 */
int lockfile_open(struct lockfile *l, int dirfd);

/* Make l->record durable as the next generation. */
int lockfile_write(struct lockfile *l);
void lockfile_close(struct lockfile *l);

#endif
