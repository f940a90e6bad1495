/* SPDX-License-Identifier: Apache-2.0 */
/* Which file systems may hold a spool: those of the list, and no other. */
#include <linux/magic.h>
#include <string.h>

#include "lib/store/fscheck.h"
#include "tests/helpers/cmocka_all.h"

static const struct {
	unsigned long magic;
	bool allowed;
	const char *name;
} table[] = {
    {EXT4_SUPER_MAGIC, true, "ext4"},
    {0x58465342 /* "XFSB" */, true, "xfs"},
    {NFS_SUPER_MAGIC, false, "nfs"},
    {OVERLAYFS_SUPER_MAGIC, false, "overlay"},
    {TMPFS_MAGIC, false, "tmpfs"},
    {RAMFS_MAGIC, false, "ramfs"},
    {BTRFS_SUPER_MAGIC, false, "btrfs"},
    {0x2fc12fc1, false, "zfs"},
    {CIFS_SUPER_MAGIC, false, "cifs"},
    {SMB2_SUPER_MAGIC, false, "smb2"},
    {FUSE_SUPER_MAGIC, false, "fuse"},
    {MSDOS_SUPER_MAGIC, false, "vfat"},
    {SQUASHFS_MAGIC, false, "squashfs"},
    {F2FS_SUPER_MAGIC, false, "f2fs"},
    {V9FS_MAGIC, false, "9p"},
    {NILFS_SUPER_MAGIC, false, "an unknown file system"},
    {0, false, "an unknown file system"},
};

static void
each_file_system_is_allowed_or_refused_by_its_name(void **state)
{
	const char *name;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		assert_int_equal(
		    fscheck_type(table[i].magic, &name), table[i].allowed);
		assert_string_equal(name, table[i].name);
	}
	/* f_type is signed where long is: the sign does not count. */
	assert_false(fscheck_type((unsigned long)(int)CIFS_SUPER_MAGIC, &name));
	assert_string_equal(name, "cifs");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		each_file_system_is_allowed_or_refused_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
