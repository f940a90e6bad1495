/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/diskfault.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static struct diskfault armed; /* of the whole process, as the calls are */
static atomic_long count;
static atomic_bool on;

void
diskfault_arm(const struct diskfault *fault)
{
	armed = *fault;
	atomic_store(&count, 0);
	atomic_store(&on, true);
}

long
diskfault_disarm(void)
{
	atomic_store(&on, false);
	return atomic_load(&count);
}

static bool
fails(unsigned kind)
{
	long n;

	if (!atomic_load(&on) || !(armed.kinds & kind))
		return false;
	n = atomic_fetch_add(&count, 1) + 1;
	return n == armed.k || (armed.persistent && n > armed.k);
}

ssize_t
pwrite(int fd, const void *buf, size_t len, off_t off)
{
	if (fails(DISKFAULT_WRITE)) {
		if (armed.short_write && len > 1)
			return syscall(SYS_pwrite64, fd, buf, len / 2, off);
		if (armed.late)
			syscall(SYS_pwrite64, fd, buf, len, off);
		errno = armed.errnum;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, buf, len, off);
}

ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	if (fails(DISKFAULT_WRITE)) {
		if (armed.short_write)
			return syscall(SYS_writev, fd, iov, 1);
		if (armed.late)
			syscall(SYS_writev, fd, iov, n);
		errno = armed.errnum;
		return -1;
	}
	return syscall(SYS_writev, fd, iov, n);
}

static int
sync_with(long number, int fd)
{
	if (fails(DISKFAULT_SYNC)) {
		if (armed.late)
			syscall(number, fd);
		errno = armed.errnum;
		return -1;
	}
	return (int)syscall(number, fd);
}

int
fdatasync(int fd)
{
	return sync_with(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	return sync_with(SYS_fsync, fd);
}

int
ftruncate(int fd, off_t len)
{
	if (fails(DISKFAULT_NAME)) {
		errno = armed.errnum;
		return -1;
	}
	return (int)syscall(SYS_ftruncate, fd, len);
}

int
rename(const char *from, const char *to)
{
	if (fails(DISKFAULT_NAME)) {
		errno = armed.errnum;
		return -1;
	}
	return (int)syscall(SYS_rename, from, to);
}
