/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/key_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/digest/digest.h"

static const char name[] = "spool.key";
static const char new_name[] = "spool.key.new";

/* Say what cannot be opened, and who should own it. */
static int
cannot_open(const char *directory, const char *file, char *why, size_t why_size)
{
	int rc = err_of_errno(errno);

	if (rc == ERR_DENIED)
		snprintf(why, why_size,
		    "%s%s: the keeper's uid %u may not use it; chown -R %s to "
		    "the user in users.keeper",
		    directory, file, (unsigned)geteuid(), directory);
	else
		snprintf(why, why_size, "%s%s: %s", directory, file,
		    strerror(errno));
	return rc;
}

/* Anything but what a broken first start may have left? */
static bool
has_data(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	bool has = !d;

	if (!d && copy >= 0)
		close(copy);
	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    strcmp(e->d_name, new_name) &&
		    strcmp(e->d_name, "lost+found"))
			has = true;
	if (d)
		closedir(d);
	return has;
}

static int
write_key(int dir, const uint8_t key[KEY_FILE_SIZE])
{
	int fd = openat(dir, new_name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 ? err_of_errno(errno) : 0;

	if (!rc && write(fd, key, KEY_FILE_SIZE) != KEY_FILE_SIZE)
		rc = ERR_IO;
	if (!rc && fsync(fd))
		rc = ERR_IO;
	if (fd >= 0)
		close(fd);
	if (!rc && renameat(dir, new_name, dir, name))
		rc = err_of_errno(errno);
	if (!rc && fsync(dir))
		rc = ERR_IO;
	return rc;
}

static int
read_key(int fd, uint8_t key[KEY_FILE_SIZE])
{
	uint8_t more;

	if (read(fd, key, KEY_FILE_SIZE) != KEY_FILE_SIZE ||
	    read(fd, &more, 1) != 0)
		return ERR_KEY;
	return 0;
}

static int
make_key(int dir, const char *directory, uint8_t key[KEY_FILE_SIZE], char *why,
    size_t why_size)
{
	int rc;

#ifdef MUTANT_NEW_KEY_WHEN_MISSING
	(void)has_data;
	if (!directory) {
#else
	if (has_data(dir)) {
#endif
		snprintf(why, why_size,
		    "%s/%s is missing and the directory is not empty: put the "
		    "key back; without it the records there cannot be read",
		    directory, name);
		return ERR_KEY;
	}
	rc = digest_random(key, KEY_FILE_SIZE);
	if (!rc)
		rc = write_key(dir, key);
	if (rc)
		snprintf(why, why_size, "%s/%s cannot be made: %s", directory,
		    name, err_text(rc));
	return rc;
}

int
key_file_get(const char *directory, uint8_t key[KEY_FILE_SIZE], bool *made,
    char *why, size_t why_size)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = -1, rc;

	*made = false;
	if (dir < 0)
		return cannot_open(directory, "", why, why_size);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		rc = read_key(fd, key);
		close(fd);
		if (rc)
			snprintf(why, why_size,
			    "%s/%s is not a key of %d bytes", directory, name,
			    KEY_FILE_SIZE);
	} else if (errno == ENOENT) {
		rc = make_key(dir, directory, key, why, why_size);
		*made = !rc;
	} else {
		rc = cannot_open(directory, "/spool.key", why, why_size);
	}
	close(dir);
	return rc;
}
