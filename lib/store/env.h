/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env - LMDB environments as the store opens them, and LMDB's errors as ours.
 *
 * Full sync always: none of NOSYNC, NOMETASYNC, MAPASYNC, WRITEMAP (a mutant
 * of the build apart).  One file each, no thread-local slots; what nobody
 * writes any more is opened read-only and without a lock file.
 */
#ifndef LIB_STORE_ENV_H
#define LIB_STORE_ENV_H

#include <lmdb.h>
#include <stdint.h>

/* Our code for LMDB's; what the disk did is ERR_IO. */
int env_err(int rc);

/*
 * Open a file for one writer and readers of this process.  Its size is the
 * map's, for life.  The lock file beside it is removed first: the store's own
 * lock keeps others out.
 */
int env_open_write(const char *path, uint64_t map_size, MDB_env **out);

/* Read-only, no lock file; the map is as large as the file says. */
int env_open_read(const char *path, MDB_env **out);

/* Close, and remove the lock file of a writing one; NULL is allowed. */
void env_close_write(const char *path, MDB_env *env);

/* The two meta pages of an empty environment of this map size. */
#define ENV_METAS_SIZE 8192
int env_fresh_metas(const char *scratch_path, uint64_t map_size,
    uint8_t metas[static ENV_METAS_SIZE]);

#endif
