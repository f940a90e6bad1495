/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/targets/file_rename.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "forwarder/targets/file_dir.h"
#include "lib/base/err.h"

#define NAME_MAX_LEN 32
#define TAIL_LEN (1 + 16 + 4) /* "-", digits, ".log" */

/* The target's name that a file's name begins with; "" if none can be. */
static void
name_of(const char *file, char name[static NAME_MAX_LEN + 1])
{
	struct file_dir_entry e;
	size_t len = strlen(file);

	name[0] = '\0';
	if (len > 4 && !strcmp(file + len - 4, ".zst"))
		len -= 4;
	if (len <= TAIL_LEN || len - TAIL_LEN > NAME_MAX_LEN)
		return;
	memcpy(name, file, len - TAIL_LEN);
	name[len - TAIL_LEN] = '\0';
	if (!file_dir_parse(name, file, &e))
		name[0] = '\0';
}

static DIR *
open_again(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

/* The one other name that all strangers bear; false if there is not one. */
static bool
find_old_name(DIR *d, const char *target, char old[static NAME_MAX_LEN + 1])
{
	char name[NAME_MAX_LEN + 1];
	struct dirent *e;

	old[0] = '\0';
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		name_of(e->d_name, name);
		if (!strcmp(name, target))
			continue;
		if (!*name || (*old && strcmp(old, name)))
			return false;
		memcpy(old, name, sizeof(name));
	}
	return *old;
}

static int
rename_one(int dir_fd, const char *target, const char *old,
    const struct file_dir_entry *e)
{
	char from[FILE_DIR_NAME_SIZE], to[FILE_DIR_NAME_SIZE];

	file_dir_name(old, e->number, e->packed, from);
	file_dir_name(target, e->number, e->packed, to);
	return renameat(dir_fd, from, dir_fd, to) ? err_of_errno(errno) : 0;
}

/* All files of the old name but `number`, or only that. */
static int
rename_some(int dir_fd, DIR *d, const char *target, const char *old,
    uint64_t number, bool only)
{
	struct file_dir_entry f;
	struct dirent *e;
	int rc = 0;

	rewinddir(d);
	while (!rc && (e = readdir(d)))
		if (file_dir_parse(old, e->d_name, &f) &&
		    (f.number == number) == only)
			rc = rename_one(dir_fd, target, old, &f);
	return rc;
}

static bool
has(int dir_fd, const char *target, uint64_t number)
{
	return !file_dir_has(dir_fd, target, number, false) ||
	    !file_dir_has(dir_fd, target, number, true);
}

int
file_rename_adopt(int dir_fd, const char *target, uint64_t number)
{
	char old[NAME_MAX_LEN + 1];
	int rc = 0;
	DIR *d;

	if (has(dir_fd, target, number))
		return 0;
	d = open_again(dir_fd);
	if (!d)
		return err_of_errno(errno);
	if (find_old_name(d, target, old) && has(dir_fd, old, number)) {
		rc = rename_some(dir_fd, d, target, old, number, false);
		if (!rc)
			rc = rename_some(dir_fd, d, target, old, number, true);
		if (!rc && fsync(dir_fd))
			rc = err_of_errno(errno);
	}
	closedir(d);
	return rc;
}
