/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: ask the kernel for its version of Landlock, handle all
 * that this version knows, allow the profile's directories, restrict.  What
 * can go wrong: an old kernel, or one started without it; the result is then
 * 0, and the system call filter stands alone.  The constants are spelled out
 * here because the headers of Debian 12 know only the first versions.
 */
#include "config.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/sandbox/sandbox_impl.h"

#define QUERY_VERSION 1U
#define RULE_PATH_BENEATH 1

#define FS_EXECUTE (UINT64_C(1) << 0)
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_REMOVE_DIR (UINT64_C(1) << 4)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_DIR (UINT64_C(1) << 7)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_REFER (UINT64_C(1) << 13) /* from version 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14) /* from version 3 */

#define FS_ALL_1 ((UINT64_C(1) << 13) - 1)
#define FS_ALL_2 ((UINT64_C(1) << 14) - 1)
#define FS_ALL_3 ((UINT64_C(1) << 15) - 1)
#define FS_ALL_5 ((UINT64_C(1) << 16) - 1)

#define NET_BIND_TCP (UINT64_C(1) << 0) /* from version 4 */
#define NET_CONNECT_TCP (UINT64_C(1) << 1)

#define SCOPE_ABSTRACT_UNIX (UINT64_C(1) << 0) /* from version 6 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

#define FS_READ (FS_READ_FILE | FS_READ_DIR)
#define FS_WRITE                                                        \
	(FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | \
	    FS_MAKE_REG | FS_REFER | FS_TRUNCATE)
#define FS_OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)

struct attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

static uint64_t
known_fs(long version)
{
	if (version >= 5)
		return FS_ALL_5;
	if (version >= 3)
		return FS_ALL_3;
	return version == 2 ? FS_ALL_2 : FS_ALL_1;
}

static int
make_ruleset(long version, enum sandbox_role role)
{
	struct attr attr = {.fs = known_fs(version)};
	size_t size = sizeof(attr.fs);

	if (version >= 4) {
		attr.net = NET_BIND_TCP;
		if (!sandbox_role_may(role, SANDBOX_CONNECT))
			attr.net |= NET_CONNECT_TCP;
		size += sizeof(attr.net);
	}
	if (version >= 6) {
		attr.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
		size += sizeof(attr.scoped);
	}
	return (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0U);
}

static int
allow_dir(int ruleset, long version, const struct sandbox_dir *dir)
{
	struct path_beneath rule = {.allowed = FS_READ, .fd = dir->fd};
	struct stat st;

	if (fstat(dir->fd, &st))
		return -1;
	if (dir->write)
		rule.allowed |= FS_WRITE;
	if (!S_ISDIR(st.st_mode))
		rule.allowed &= FS_OF_FILES;
	rule.allowed &= known_fs(version);
	return (int)syscall(
	    SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0U);
}

int
sandbox_landlock_enter(const struct sandbox_profile *profile)
{
	long version = syscall(
	    SYS_landlock_create_ruleset, NULL, (size_t)0, QUERY_VERSION);
	int ruleset, rc = 0;

	if (version < 1)
		return 0;
	ruleset = make_ruleset(version, profile->role);
	if (ruleset < 0)
		return 0;
	for (size_t i = 0; i < profile->dir_count && !rc; i++)
		rc = allow_dir(ruleset, version, &profile->dirs[i]);
	if (!rc)
		rc = (int)syscall(SYS_landlock_restrict_self, ruleset, 0U);
	close(ruleset);
	return rc ? 0 : (int)version;
}
