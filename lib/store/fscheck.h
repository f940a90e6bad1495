/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fscheck - whether a directory may hold a spool at all.
 *
 * Only file systems on which a written file can be overwritten without new
 * space, and whose fsync is known to hold, are allowed: ext2/3/4 and XFS.
 */
#ifndef LIB_STORE_FSCHECK_H
#define LIB_STORE_FSCHECK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Check what the open directory `fd` (named `path`) is: a directory of ours
 * that nobody else may write, on a file system of the list.  *name is static
 * ("ext4").  ERR_DENIED or ERR_UNSUPPORTED, with a sentence in why.
 */
int fscheck_dir(int fd, const char *path, bool allow_any, char *why,
    size_t why_size, const char **name);

/* Whether a file system with this f_type will do; *name is static. */
bool fscheck_type(unsigned long magic, const char **name);

#endif
