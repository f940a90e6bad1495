/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing, and everything that changes names. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/crash/record_impl.h"

/* ---- opening and closing --------------------------------------------------
 */

static void
note_open(int fd, int flags, const char *path, bool existed)
{
	struct record_file *f = fd < RECORD_FDS ? &rec.fd[fd] : NULL;
	struct stat st;

	if (!f || fstat(fd, &st))
		abort();
	free(f->path);
	*f = (struct record_file){
	    .kind = S_ISDIR(st.st_mode) ? RECORD_A_DIR : RECORD_A_FILE,
	    .inode = (uint64_t)st.st_ino,
	    .flags = flags};
	if (f->kind == RECORD_A_DIR) {
		f->path = strdup(path);
		return;
	}
	if (!existed)
		record_log_path(OPLOG_CREATE, f->inode, path);
	else if (flags & O_TRUNC)
		record_log_op((struct oplog_head){.type = OPLOG_TRUNCATE,
				  .inode = f->inode},
		    NULL);
}

static int
open_any(int dirfd, const char *path, int flags, mode_t mode)
{
	char full[PATH_MAX];
	const char *ours = record_below_root(dirfd, path, full);
	struct stat st;
	bool existed = true;
	int how = 0, fd;

	if (!ours)
		return record_forget(
		    (int)syscall(SYS_openat, dirfd, path, flags, mode));
	pthread_mutex_lock(&rec.lock);
	if (flags & O_CREAT) {
		existed = !fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW);
		how = existed ? 0 : record_name_fault();
	}
	if (how > 0) {
		errno = how;
		fd = -1;
	} else {
		fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
		if (fd >= 0)
			note_open(fd, flags, ours, existed);
	}
	record_die_if(how);
	pthread_mutex_unlock(&rec.lock);
	return fd;
}

#define OPEN_WITH_MODE(name, flags_name)        \
	mode_t mode = 0;                        \
	va_list ap;                             \
	if (flags_name & O_CREAT) {             \
		va_start(ap, flags_name);       \
		mode = (mode_t)va_arg(ap, int); \
		va_end(ap);                     \
	}

int
open(const char *path, int flags, ...)
{
	OPEN_WITH_MODE(open, flags)
	return open_any(AT_FDCWD, path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	OPEN_WITH_MODE(open64, flags)
	return open_any(AT_FDCWD, path, flags, mode);
}

int
openat(int dirfd, const char *path, int flags, ...)
{
	OPEN_WITH_MODE(openat, flags)
	return open_any(dirfd, path, flags, mode);
}

int
openat64(int dirfd, const char *path, int flags, ...)
{
	OPEN_WITH_MODE(openat64, flags)
	return open_any(dirfd, path, flags, mode);
}

/* What the fortified headers call instead. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);

int
__open_2(const char *path, int flags)
{
	return open_any(AT_FDCWD, path, flags, 0);
}

int
__open64_2(const char *path, int flags)
{
	return open_any(AT_FDCWD, path, flags, 0);
}

int
__openat_2(int dirfd, const char *path, int flags)
{
	return open_any(dirfd, path, flags, 0);
}

int
__openat64_2(int dirfd, const char *path, int flags)
{
	return open_any(dirfd, path, flags, 0);
}

int
close(int fd)
{
	int rc;

	if (!record_open_of(fd))
		return (int)syscall(SYS_close, fd);
	pthread_mutex_lock(&rec.lock);
	record_forget(fd);
	rc = (int)syscall(SYS_close, fd);
	pthread_mutex_unlock(&rec.lock);
	return rc;
}

/* ---- names ----------------------------------------------------------------
 */

static void
log_rename(const char *from, const char *to)
{
	struct oplog_head h = {.type = OPLOG_RENAME};
	char both[2 * PATH_MAX];
	size_t from_len = strlen(from) + 1, to_len = strlen(to) + 1;

	memcpy(both, from, from_len);
	memcpy(both + from_len, to, to_len);
	h.len = from_len + to_len;
	record_log_op(h, both);
}

static int
rename_any(int from_fd, const char *from, int to_fd, const char *to)
{
	char full_from[PATH_MAX], full_to[PATH_MAX];
	const char *a = record_below_root(from_fd, from, full_from);
	const char *b = record_below_root(to_fd, to, full_to);
	int how, rc = -1;

	if (!a || !b)
		return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
	pthread_mutex_lock(&rec.lock);
	how = record_name_fault();
	if (how > 0)
		errno = how;
	else
		rc = renameat2(from_fd, from, to_fd, to, 0);
	if (!rc)
		log_rename(a, b);
	record_die_if(how);
	pthread_mutex_unlock(&rec.lock);
	return rc;
}

int
rename(const char *from, const char *to)
{
	return rename_any(AT_FDCWD, from, AT_FDCWD, to);
}

int
renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return rename_any(from_fd, from, to_fd, to);
}

int
unlinkat(int dirfd, const char *path, int flags)
{
	char full[PATH_MAX];
	const char *ours = record_below_root(dirfd, path, full);
	int rc;

	pthread_mutex_lock(&rec.lock);
	rc = (int)syscall(SYS_unlinkat, dirfd, path, flags);
	if (!rc && ours)
		record_log_path(OPLOG_UNLINK, 0, ours);
	pthread_mutex_unlock(&rec.lock);
	return rc;
}

int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int
mkdirat(int dirfd, const char *path, mode_t mode)
{
	char full[PATH_MAX];
	const char *ours = record_below_root(dirfd, path, full);
	int rc;

	pthread_mutex_lock(&rec.lock);
	rc = (int)syscall(SYS_mkdirat, dirfd, path, mode);
	if (!rc && ours)
		record_log_path(OPLOG_MKDIR, 0, ours);
	pthread_mutex_unlock(&rec.lock);
	return rc;
}

int
mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}
