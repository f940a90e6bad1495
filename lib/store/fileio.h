/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fileio - whole reads and writes of files, and the syncs that make them last.
 *
 * Each function returns 0 or a code; a short read is ERR_CORRUPT, so a
 * caller never works on half of what it asked for.
 */
#ifndef LIB_STORE_FILEIO_H
#define LIB_STORE_FILEIO_H

#include <stddef.h>
#include <stdint.h>

/* Exactly len bytes at an offset. */
int fileio_read(int fd, void *to, size_t len, uint64_t off);
int fileio_write(int fd, const void *from, size_t len, uint64_t off);

/* Zeros from 0 to size, written (not only allocated). */
int fileio_fill(int fd, uint64_t size);

int fileio_sync(int fd);

/* Make names in a directory last. */
int fileio_sync_dir(int fd);

/* Size of an open file; ERR_IO. */
int fileio_size(int fd, uint64_t *size);

#endif
