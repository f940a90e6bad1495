/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/oplog.h"

#define PAGE 4096u

/* dir/below; aborts if it is too long. */
static char *
join(char path[static PATH_MAX], const char *dir, const char *below)
{
	if (snprintf(path, PATH_MAX, "%s/%s", dir, below) >= PATH_MAX)
		abort();
	return path;
}

static uint8_t *
read_file(const char *path, size_t size)
{
	uint8_t *data = malloc(size + PAGE);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (!data || fd < 0 || read(fd, data, size) != (ssize_t)size)
		abort();
	memset(data + size, 0, PAGE);
	close(fd);
	return data;
}

static void
add(struct tree *t, const char *dir, const char *below)
{
	char path[PATH_MAX];
	struct tree_file f = {0};
	struct stat st;

	if (stat(join(path, dir, below), &st))
		abort();
	t->file = realloc(t->file, (t->n + 1) * sizeof(*t->file));
	if (!t->file ||
	    asprintf(&f.path, "%s%s", below, S_ISDIR(st.st_mode) ? "/" : "") <
		0)
		abort();
	if (S_ISREG(st.st_mode)) {
		f.size = (size_t)st.st_size;
		f.data = read_file(path, f.size);
	}
	t->file[t->n++] = f;
}

/* A folder comes before what lies in it. */
static void
load(struct tree *t, const char *dir, const char *below)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d;

	d = opendir(join(path, dir, below));
	if (!d)
		abort();
	while ((e = readdir(d))) {
		size_t len = strlen(e->d_name);
		char *name;

		if (e->d_name[0] == '.' ||
		    (len > 5 && !strcmp(e->d_name + len - 5, "-lock")))
			continue;
		if (asprintf(&name, "%s%s", below, e->d_name) < 0)
			abort();
		add(t, dir, name);
		free(name);
		if (!t->file[t->n - 1].data)
			load(t, dir, t->file[t->n - 1].path);
	}
	closedir(d);
}

void
tree_load(struct tree *t, const char *dir)
{
	*t = (struct tree){0};
	load(t, dir, "");
}

void
tree_fini(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->file[i].path);
		free(t->file[i].data);
	}
	free(t->file);
}

void
tree_write_file(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t at = 0;

	if (fd < 0 && errno == ENOENT)
		return; /* its directory was lost */
	if (fd < 0 || ftruncate(fd, (off_t)size))
		abort();
	while (at < size) {
		size_t end = at;

		while (end < size &&
		    !oplog_is_zero(
			data + end, size - end < PAGE ? size - end : PAGE))
			end += PAGE;
		if (end > at) {
			size_t len = (end < size ? end : size) - at;

			if (pwrite(fd, data + at, len, (off_t)at) !=
			    (ssize_t)len)
				abort();
		}
		at = end + PAGE;
	}
	close(fd);
}

void
tree_write(const struct tree *t, const char *dir)
{
	if (mkdir(dir, 0700))
		abort();
	for (size_t i = 0; i < t->n; i++) {
		const struct tree_file *f = &t->file[i];
		char path[PATH_MAX];

		join(path, dir, f->path);
		if (f->data)
			tree_write_file(path, f->data, f->size);
		else if (mkdir(path, 0700))
			abort();
	}
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
tree_remove(const char *dir)
{
	if (nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		abort();
}

const char *
tree_scratch(void)
{
	return access("/dev/shm", W_OK) ? "/var/tmp" : "/dev/shm";
}
