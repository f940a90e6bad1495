/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/oplog.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MARK_MAX 4096

size_t
oplog_stored_len(const struct oplog_head *h)
{
	if (h->type == OPLOG_TRUNCATE || h->flags & OPLOG_ZERO)
		return 0;
	return (size_t)h->len;
}

bool
oplog_is_zero(const void *ptr, size_t len)
{
	const uint8_t *p = ptr;

	return len == 0 || (!p[0] && !memcmp(p, p + 1, len - 1));
}

/* The system call itself, because record.so stands in for writev. */
int
oplog_append(int fd, const struct oplog_head *h, const void *data)
{
	size_t len = oplog_stored_len(h);
	struct iovec iov[2] = {{(void *)h, sizeof(*h)}, {(void *)data, len}};
	long n = syscall(SYS_writev, fd, iov, len ? 2 : 1);

	return n == (long)(sizeof(*h) + len) ? 0 : -1;
}

void
oplog_mark(const char *fmt, ...)
{
	struct oplog_head h = {.magic = OPLOG_MAGIC, .type = OPLOG_MARK};
	const char *path = getenv(OPLOG_ENV);
	char text[MARK_MAX];
	va_list ap;
	int fd, n;

	if (!path)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	h.len = (uint64_t)n + 1;
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || n >= MARK_MAX || oplog_append(fd, &h, text))
		abort();
	close(fd);
}

static size_t
count(const uint8_t *log, size_t size, struct oplog_op *ops)
{
	size_t n = 0, at = 0;

	while (size - at >= sizeof(struct oplog_head)) {
		struct oplog_op op = {.at = at};

		memcpy(&op.head, log + at, sizeof(op.head));
		at += sizeof(op.head);
		if (op.head.magic != OPLOG_MAGIC ||
		    size - at < oplog_stored_len(&op.head))
			return 0;
		if (oplog_stored_len(&op.head))
			op.data = log + at;
		at += oplog_stored_len(&op.head);
		if (ops)
			ops[n] = op;
		n++;
	}
	return at == size ? n : 0;
}

struct oplog_op *
oplog_load(const char *path, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct oplog_op *ops = NULL;
	struct stat st;
	const uint8_t *log;

	if (fd < 0 || fstat(fd, &st) || st.st_size == 0)
		goto out;
	log = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (log == MAP_FAILED)
		goto out;
	*n = count(log, (size_t)st.st_size, NULL);
	ops = *n ? calloc(*n, sizeof(*ops)) : NULL;
	if (ops)
		count(log, (size_t)st.st_size, ops);
out:
	if (fd >= 0)
		close(fd);
	return ops;
}
