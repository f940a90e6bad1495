/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/targets/file_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"

#define DIGITS 16

char *
file_dir_name(const char *target, uint64_t number, bool packed,
    char text[static FILE_DIR_NAME_SIZE])
{
	snprintf(text, FILE_DIR_NAME_SIZE, "%s-%016" PRIu64 ".log%s", target,
	    number, packed ? ".zst" : "");
	return text;
}

bool
file_dir_parse(const char *target, const char *name, struct file_dir_entry *out)
{
	size_t len = strlen(target);
	const char *digits = name + len + 1, *tail;
	struct file_dir_entry e = {0};

	if (strncmp(name, target, len) || name[len] != '-' ||
	    strspn(digits, "0123456789") != DIGITS)
		return false;
	tail = digits + DIGITS;
	e.packed = !strcmp(tail, ".log.zst");
	e.number = strtoull(digits, NULL, 10);
	if ((!e.packed && strcmp(tail, ".log")) || !e.number)
		return false;
	*out = e;
	return true;
}

static int
each(DIR *d, const char *target, const char *also,
    int (*see)(const struct file_dir_entry *e, void *arg), void *arg,
    char stranger[static 256])
{
	struct file_dir_entry e;
	struct dirent *entry;
	int rc = 0;

	while (!rc && (errno = 0, entry = readdir(d))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (!file_dir_parse(target, entry->d_name, &e)) {
			if (also && file_dir_parse(also, entry->d_name, &e))
				continue;
			snprintf(stranger, 256, "%s", entry->d_name);
			return ERR_EXISTS;
		}
		rc = see(&e, arg);
	}
	return rc ? rc : errno ? err_of_errno(errno) : 0;
}

int
file_dir_each(int dir_fd, const char *target, const char *also,
    int (*see)(const struct file_dir_entry *e, void *arg), void *arg,
    char stranger[static 256])
{
	/* A handle of its own: the position in it is not shared. */
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int rc;

	if (!d) {
		rc = err_of_errno(errno);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	rc = each(d, target, also, see, arg, stranger);
	closedir(d);
	return rc;
}

int
file_dir_has(int dir_fd, const char *target, uint64_t number, bool packed)
{
	char name[FILE_DIR_NAME_SIZE];
	struct stat st;

	file_dir_name(target, number, packed, name);
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return err_of_errno(errno);
	return 0;
}

int
file_dir_rename(int dir_fd, const char *from, const char *to,
    const struct file_dir_entry *e)
{
	char old[FILE_DIR_NAME_SIZE], new[FILE_DIR_NAME_SIZE];

	file_dir_name(from, e->number, e->packed, old);
	file_dir_name(to, e->number, e->packed, new);
	if (renameat2(dir_fd, old, dir_fd, new, RENAME_NOREPLACE))
		return err_of_errno(errno);
	return 0;
}

int
file_dir_remove(int dir_fd, const char *target, uint64_t number, bool packed)
{
	char name[FILE_DIR_NAME_SIZE];

	file_dir_name(target, number, packed, name);
	if (unlinkat(dir_fd, name, 0) && errno != ENOENT)
		return err_of_errno(errno);
	return 0;
}
