/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/env.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/store/btree.h"
#include "lib/store/fileio.h"

#define LOCK_SUFFIX "-lock"

#if defined(MUTANT_NO_FSYNC)
#define SYNC_FLAGS MDB_NOSYNC
#elif defined(MUTANT_NOMETASYNC_IMMEDIATE)
#define SYNC_FLAGS MDB_NOMETASYNC
#else
#define SYNC_FLAGS 0
#endif

int
env_err(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case ENOMEM:
		return ERR_NOMEM;
	case ENOENT:
	case MDB_NOTFOUND:
		return ERR_NOENT;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return ERR_MAPFULL;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
		return ERR_CORRUPT;
	case MDB_VERSION_MISMATCH:
		return ERR_VERSION;
	case MDB_KEYEXIST:
		return ERR_EXISTS;
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	default:
		return ERR_IO;
	}
}

static void
remove_lock_file(const char *path)
{
	char name[PATH_MAX];

	if (snprintf(name, sizeof(name), "%s" LOCK_SUFFIX, path) <
	    (int)sizeof(name))
		unlink(name);
}

static int
open_env(const char *path, uint64_t map_size, unsigned flags, MDB_env **out)
{
	MDB_env *env;
	int rc = mdb_env_create(&env);

	if (rc)
		return env_err(rc);
	if (map_size)
		rc = mdb_env_set_mapsize(env, map_size);
	if (!rc)
		rc = mdb_env_open(
		    env, path, MDB_NOSUBDIR | MDB_NOTLS | flags, 0600);
	if (rc) {
		mdb_env_close(env);
		return env_err(rc);
	}
	*out = env;
	return 0;
}

int
env_open_write(const char *path, uint64_t map_size, MDB_env **out)
{
	remove_lock_file(path);
	return open_env(path, map_size, SYNC_FLAGS, out);
}

int
env_open_read(const char *path, MDB_env **out)
{
	return open_env(path, 0, MDB_RDONLY | MDB_NOLOCK, out);
}

void
env_close_write(const char *path, MDB_env *env)
{
	if (!env)
		return;
	mdb_env_close(env);
	remove_lock_file(path);
}

/* The template must be what the tests pinned: LMDB 0.9, nothing in it. */
static int
read_template(
    const char *path, uint64_t map_size, uint8_t metas[static ENV_METAS_SIZE])
{
	struct btree b;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return ERR_IO;
	rc = btree_open(&b, fd);
	if (!rc &&
	    (b.newest.txnid || b.newest.map_size != map_size ||
		b.newest.last_page != 1 || !btree_is_empty(&b)))
		rc = ERR_UNSUPPORTED;
	if (!rc)
		rc = fileio_read(fd, metas, ENV_METAS_SIZE, 0);
	close(fd);
	return rc == ERR_CORRUPT ? ERR_UNSUPPORTED : rc;
}

int
env_fresh_metas(const char *scratch_path, uint64_t map_size,
    uint8_t metas[static ENV_METAS_SIZE])
{
	int major, minor, patch, rc;
	MDB_env *env;

	mdb_version(&major, &minor, &patch);
	if (major != 0 || minor != 9)
		return ERR_UNSUPPORTED;
	unlink(scratch_path);
	rc = open_env(scratch_path, map_size, MDB_NOLOCK | MDB_NOSYNC, &env);
	if (!rc) {
		mdb_env_close(env);
		rc = read_template(scratch_path, map_size, metas);
	}
	unlink(scratch_path);
	return rc;
}
