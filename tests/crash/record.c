/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record - stands between a process and its spool directory (LD_PRELOAD).
 *
 * Logs each operation that changes files below SPOOLD_RECORD_DIR to
 * SPOOLD_RECORD_LOG (oplog.h; that log must exist), and makes the k-th write
 * or sync fail as SPOOLD_FAULT says (record_fault.h).  Either may be left
 * out.  The real system calls are made directly, so that nothing has to be
 * looked up; some are siblings of what was asked for, so the process runs
 * with its sandbox off.
 *
 * An operation and its line in the log are one step under a lock; a sync
 * notes where the log stood when it began.  Lock files of LMDB ("-lock") are
 * left out: they are not read after a crash.  What is written through a
 * mapping is not seen; the store maps nothing writable but those.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/crash/oplog.h"
#include "tests/crash/record_fault.h"
#include "tests/crash/record_impl.h"

#define LOG_FD 3000 /* out of the way of the process's own */

struct record rec = {.lock = PTHREAD_MUTEX_INITIALIZER, .log = -1};

/* For a scenario that wants other faults as it goes on. */
void record_arm(const char *spec, unsigned long *seen, unsigned long *failed);

__attribute__((constructor)) static void
start(void)
{
	const char *dir = getenv(OPLOG_ENV_DIR);
	const char *log = getenv(OPLOG_ENV);
	int fd;

	if (!dir)
		return;
	rec.root_len = strlen(dir);
	if (rec.root_len >= sizeof(rec.root))
		abort();
	memcpy(rec.root, dir, rec.root_len + 1);
	record_fault_set(getenv(RECORD_FAULT_ENV));
	if (!log)
		return;
	fd = (int)syscall(
	    SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CLOEXEC);
	rec.log = fcntl(fd, F_DUPFD_CLOEXEC, LOG_FD);
	if (rec.log < 0)
		rec.log = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (rec.log < 0)
		abort();
	close(fd);
}

/* ---- what is ours ---------------------------------------------------------
 */

static bool
is_left_out(const char *path)
{
	size_t len = strlen(path);

	return len >= 5 && !strcmp(path + len - 5, "-lock");
}

/* The path below the root, or NULL if it is none of ours. */
const char *
record_below_root(int dirfd, const char *path, char full[static PATH_MAX])
{
	const char *dir;

	if (!rec.root_len || is_left_out(path))
		return NULL;
	if (path[0] == '/') {
		if (strncmp(path, rec.root, rec.root_len) ||
		    (path[rec.root_len] && path[rec.root_len] != '/'))
			return NULL;
		path += rec.root_len;
		return *path ? path + 1 : path;
	}
	if (dirfd < 0 || dirfd >= RECORD_FDS ||
	    rec.fd[dirfd].kind != RECORD_A_DIR)
		return NULL;
	dir = rec.fd[dirfd].path;
	snprintf(full, PATH_MAX, "%s%s%s", dir, *dir ? "/" : "", path);
	return full;
}

struct record_file *
record_open_of(int fd)
{
	if (fd < 0 || fd >= RECORD_FDS || rec.fd[fd].kind == RECORD_NOT_OURS)
		return NULL;
	return &rec.fd[fd];
}

static struct record_file *
file_of(int fd)
{
	struct record_file *f = record_open_of(fd);

	return f && f->kind == RECORD_A_FILE ? f : NULL;
}

/* closedir closes without telling us, so a number may come again. */
int
record_forget(int fd)
{
	struct record_file *f = record_open_of(fd);

	if (f) {
		free(f->path);
		*f = (struct record_file){.kind = RECORD_NOT_OURS};
	}
	return fd;
}

void
record_log_op(struct oplog_head h, const void *data)
{
	h.magic = OPLOG_MAGIC;
	if (rec.log >= 0 && oplog_append(rec.log, &h, data))
		abort();
}

void
record_log_path(enum oplog_type type, uint64_t inode, const char *path)
{
	struct oplog_head h = {.type = (uint16_t)type, .inode = inode};

	h.len = strlen(path) + 1;
	record_log_op(h, path);
}

static void
log_text(const char *text)
{
	record_log_path(OPLOG_MARK, 0, text);
}

static uint64_t
log_size(void)
{
	struct stat st;

	return rec.log >= 0 && !fstat(rec.log, &st) ? (uint64_t)st.st_size : 0;
}

/* ---- faults ---------------------------------------------------------------
 */

/* For a harness that counts what it has hit. */
static void
tell_hit(void)
{
	static const char line[] = "failpoint write-or-sync\n";
	const char *path = getenv("SPOOLD_FAILPOINT_LOG");
	int fd;

	if (!path || rec.told)
		return;
	rec.told = true;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0 || syscall(SYS_write, fd, line, sizeof(line) - 1) < 0)
		abort();
	syscall(SYS_close, fd);
}

static int
record_next_fault(enum record_fault_what what)
{
	int how = record_fault_next(what);

	if (how)
		log_text(how == RECORD_FAULT_SHORT ? "fault short"
			: how == RECORD_FAULT_KILL ? "fault kill"
						   : "fault error");
	if (how)
		tell_hit();
	return how;
}

void
record_die_if(int how)
{
	if (how != RECORD_FAULT_KILL)
		return;
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

void
record_arm(const char *spec, unsigned long *seen, unsigned long *failed)
{
	pthread_mutex_lock(&rec.lock);
	record_fault_counts(seen, failed);
	record_fault_set(spec);
	pthread_mutex_unlock(&rec.lock);
}

/* A change of names that fails changes nothing. */
int
record_name_fault(void)
{
	int how = record_next_fault(RECORD_FAULT_WRITE);

	return how == RECORD_FAULT_SHORT ? EIO : how;
}

/* ---- writing --------------------------------------------------------------
 */

static void
log_write(const struct record_file *f, uint64_t off, const uint8_t *ptr,
    size_t len, bool failed)
{
	struct oplog_head h = {
	    .type = OPLOG_WRITE, .inode = f->inode, .off = off, .len = len};

	if (failed)
		h.flags |= OPLOG_FAILED;
	else if (f->flags & (O_DSYNC | O_SYNC))
		h.flags |= OPLOG_DURABLE;
	if (oplog_is_zero(ptr, len))
		h.flags |= OPLOG_ZERO;
	record_log_op(h, ptr);
}

/*
 * Write one piece at `off`.  An error of a write that is to be durable comes
 * after the page cache has the new bytes, one of another comes before.
 */
static ssize_t
write_at(int fd, const struct record_file *f, const void *ptr, size_t len,
    uint64_t off)
{
	int how = record_next_fault(RECORD_FAULT_WRITE);
	bool late = how == EIO && f->flags & (O_DSYNC | O_SYNC);
	ssize_t n;

	if (how > 0 && !late) {
		errno = how;
		return -1;
	}
	if (how == RECORD_FAULT_SHORT)
		len = len > 1 ? len / 2 : len;
	n = syscall(SYS_pwrite64, fd, ptr, len, off);
	if (n > 0)
		log_write(f, off, ptr, (size_t)n, late);
	record_die_if(how);
	if (!late)
		return n;
	errno = how;
	return -1;
}

static ssize_t
write_pieces(int fd, const struct iovec *iov, int count, uint64_t off)
{
	const struct record_file *f = &rec.fd[fd];
	ssize_t total = 0;

	pthread_mutex_lock(&rec.lock);
	for (int i = 0; i < count; i++) {
		ssize_t n = write_at(fd, f, iov[i].iov_base, iov[i].iov_len,
		    off + (uint64_t)total);

		if (n < 0 && total == 0)
			total = n;
		if (n < 0)
			break;
		total += n;
		if ((size_t)n < iov[i].iov_len)
			break;
	}
	pthread_mutex_unlock(&rec.lock);
	return total;
}

/* Where a write without an offset goes. */
static uint64_t
place_of(int fd)
{
	bool append = rec.fd[fd].flags & O_APPEND;

	return (uint64_t)syscall(
	    SYS_lseek, fd, 0, append ? SEEK_END : SEEK_CUR);
}

static ssize_t
write_on(int fd, const struct iovec *iov, int count)
{
	uint64_t off = place_of(fd);
	ssize_t n = write_pieces(fd, iov, count, off);

	if (n > 0)
		syscall(SYS_lseek, fd, off + (uint64_t)n, SEEK_SET);
	return n;
}

ssize_t
pwrite(int fd, const void *ptr, size_t len, off_t off)
{
	struct iovec iov = {(void *)ptr, len};

	if (!file_of(fd))
		return syscall(SYS_pwrite64, fd, ptr, len, off);
	return write_pieces(fd, &iov, 1, (uint64_t)off);
}

ssize_t
pwrite64(int fd, const void *ptr, size_t len, off64_t off)
{
	return pwrite(fd, ptr, len, off);
}

ssize_t
pwritev(int fd, const struct iovec *iov, int count, off_t off)
{
	if (!file_of(fd))
		return syscall(SYS_pwritev, fd, iov, count, off, 0);
	return write_pieces(fd, iov, count, (uint64_t)off);
}

ssize_t
pwritev64(int fd, const struct iovec *iov, int count, off64_t off)
{
	return pwritev(fd, iov, count, off);
}

ssize_t
write(int fd, const void *ptr, size_t len)
{
	struct iovec iov = {(void *)ptr, len};

	if (!file_of(fd))
		return syscall(SYS_write, fd, ptr, len);
	return write_on(fd, &iov, 1);
}

ssize_t
writev(int fd, const struct iovec *iov, int count)
{
	if (!file_of(fd))
		return syscall(SYS_writev, fd, iov, count);
	return write_on(fd, iov, count);
}

int
ftruncate(int fd, off_t size)
{
	struct record_file *f = file_of(fd);
	int how, rc = -1;

	if (!f)
		return (int)syscall(SYS_ftruncate, fd, size);
	pthread_mutex_lock(&rec.lock);
	how = record_name_fault();
	if (how > 0)
		errno = how;
	else
		rc = (int)syscall(SYS_ftruncate, fd, size);
	if (!rc)
		record_log_op((struct oplog_head){.type = OPLOG_TRUNCATE,
				  .inode = f->inode,
				  .off = (uint64_t)size},
		    NULL);
	record_die_if(how);
	pthread_mutex_unlock(&rec.lock);
	return rc;
}

int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

/* ---- syncing --------------------------------------------------------------
 */

static void
log_sync(const struct record_file *f, uint64_t began, bool failed)
{
	struct oplog_head h = {
	    .type = OPLOG_SYNC, .inode = f->inode, .began = began};

	if (f->kind == RECORD_A_DIR) {
		h.type = OPLOG_SYNC_DIR;
		h.len = strlen(f->path) + 1;
		if (!failed)
			record_log_op(h, f->path);
		return;
	}
	if (failed)
		h.type = OPLOG_SYNC_FAILED;
	record_log_op(h, NULL);
}

static int
sync_any(long call, int fd)
{
	struct record_file *f = record_open_of(fd);
	uint64_t began;
	int how, rc;

	if (!f)
		return (int)syscall(call, fd);
	pthread_mutex_lock(&rec.lock);
	how = record_next_fault(RECORD_FAULT_SYNC);
	began = log_size();
	pthread_mutex_unlock(&rec.lock);
	rc = how > 0 ? -1 : (int)syscall(call, fd);
	pthread_mutex_lock(&rec.lock);
	log_sync(f, began, rc != 0);
	record_die_if(how);
	pthread_mutex_unlock(&rec.lock);
	if (how > 0)
		errno = how;
	return rc;
}

int
fsync(int fd)
{
	return sync_any(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return sync_any(SYS_fdatasync, fd);
}
