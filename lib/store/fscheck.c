/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/fscheck.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/err.h"

struct filesystem {
	unsigned long magic;
	bool allowed;
	const char *name;
};

/* linux/magic.h has most of them; XFS's is not there. */
static const struct filesystem filesystems[] = {
    {0xEF53, true, "ext4"}, /* ext2 and ext3 share it */
    {0x58465342, true, "xfs"},
    {0x01021994, false, "tmpfs"},
    {0x858458f6, false, "ramfs"},
    {0x6969, false, "nfs"},
    {0x794c7630, false, "overlay"},
    {0x9123683E, false, "btrfs"},
    {0x2fc12fc1, false, "zfs"},
    {0xFF534D42, false, "cifs"},
    {0xFE534D42, false, "smb2"},
    {0x65735546, false, "fuse"},
    {0x4d44, false, "vfat"},
    {0x73717368, false, "squashfs"},
    {0xF2F52010, false, "f2fs"},
    {0x01021997, false, "9p"},
};

static const struct filesystem *
find(unsigned long magic)
{
	for (size_t i = 0; i < sizeof(filesystems) / sizeof(*filesystems); i++)
		if (filesystems[i].magic == magic)
			return &filesystems[i];
	return NULL;
}

static int
check_owner(int fd, const char *path, char *why, size_t why_size)
{
	struct stat st;

	if (fstat(fd, &st)) {
		snprintf(why, why_size, "%s: cannot be examined", path);
		return ERR_IO;
	}
	if (st.st_uid != geteuid()) {
		snprintf(why, why_size,
		    "%s: belongs to uid %u, not to the keeper's uid %u; "
		    "chown it",
		    path, (unsigned)st.st_uid, (unsigned)geteuid());
		return ERR_DENIED;
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		snprintf(why, why_size,
		    "%s: others may write to it (mode %04o); chmod 0700 it",
		    path, (unsigned)st.st_mode & 07777);
		return ERR_DENIED;
	}
	return 0;
}

bool
fscheck_type(unsigned long magic, const char **name)
{
	const struct filesystem *f = find(magic & 0xffffffff);

	*name = f ? f->name : "an unknown file system";
	return f && f->allowed;
}

int
fscheck_dir(int fd, const char *path, bool allow_any, char *why,
    size_t why_size, const char **name)
{
	struct statfs fs;
	bool allowed;
	int rc = check_owner(fd, path, why, why_size);

	if (rc)
		return rc;
	if (fstatfs(fd, &fs)) {
		snprintf(why, why_size,
		    "%s: its file system cannot be examined", path);
		return ERR_IO;
	}
	allowed = fscheck_type((unsigned long)fs.f_type, name);
	if (!allow_any && !allowed) {
		snprintf(why, why_size,
		    "%s: is on %s (type 0x%lx), where acknowledged records may "
		    "be lost; use ext4 or xfs",
		    path, *name, (unsigned long)fs.f_type);
		return ERR_UNSUPPORTED;
	}
	return 0;
}
