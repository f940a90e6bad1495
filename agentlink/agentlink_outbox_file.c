/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of an outbox: one is written, older ones wait to be removed.
 */
#include "agentlink/agentlink_outbox_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/digest/digest.h"

#define NEW_NAME "outbox.new"
#define NAME_SIZE 32
#define LOCK_WAIT_MS 2000u
#define LOCK_STEP_MS 20

static void
name_of(uint64_t number, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "outbox-%016llx", (unsigned long long)number);
}

static bool
number_of(const char *name, uint64_t *number)
{
	static const char prefix[] = "outbox-";
	const size_t prefix_len = sizeof(prefix) - 1;
	if (strncmp(name, prefix, prefix_len) != 0 ||
	    strlen(name) != prefix_len + 16 ||
	    strspn(name + prefix_len, "0123456789abcdef") != 16)
		return false;
	*number = strtoull(name + prefix_len, NULL, 16);
	return true;
}

int
agentlink_outbox_file_write(int fd, const void *ptr, size_t len, uint64_t at)
{
	const uint8_t *p = ptr;
	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == ENOSPC || errno == EDQUOT))
			return ERR_FULL;
		if (n <= 0)
			return ERR_IO;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int
agentlink_outbox_file_read(int fd, void *ptr, size_t len, uint64_t at)
{
	uint8_t *p = ptr;
	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_IO;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

struct agentlink_outbox_file *
agentlink_outbox_file_find(struct agentlink_outbox *o, uint64_t number)
{
	for (size_t i = o->files; i > 0; i--)
		if (o->file[i - 1].number == number)
			return &o->file[i - 1];
	return NULL;
}

static int
append_file(struct agentlink_outbox *o, const struct agentlink_outbox_file *f)
{
	struct agentlink_outbox_file *all =
	    realloc(o->file, (o->files + 1) * sizeof(*all));
	if (!all)
		return ERR_NOMEM;
	o->file = all;
	o->file[o->files++] = *f;
	o->bytes += f->bytes;
	return 0;
}

/* ---- at the start -----------------------------------------------------------
 */

static int
by_number(const void *a, const void *b)
{
	uint64_t x = ((const struct agentlink_outbox_file *)a)->number;
	uint64_t y = ((const struct agentlink_outbox_file *)b)->number;
	return x < y ? -1 : x > y;
}

static int
open_file(struct agentlink_outbox *o, const char *name, uint64_t number)
{
	struct agentlink_outbox_file f = {.number = number};
	f.fd = openat(o->dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	if (f.fd < 0)
		return err_of_errno(errno);
	int rc = fstat(f.fd, &st) ? ERR_IO : 0;
	f.bytes = (uint64_t)st.st_size;
	if (!rc)
		rc = append_file(o, &f);
	if (rc)
		close(f.fd);
	return rc;
}

static int
open_files(struct agentlink_outbox *o)
{
	int fd = openat(o->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return ERR_IO;
	}
	int rc = 0;
	for (struct dirent *entry; !rc && (entry = readdir(d));) {
		uint64_t number;
		if (!strcmp(entry->d_name, NEW_NAME))
			unlinkat(o->dir_fd, NEW_NAME, 0);
		else if (number_of(entry->d_name, &number))
			rc = open_file(o, entry->d_name, number);
	}
	closedir(d);
	if (o->files)
		qsort(o->file, o->files, sizeof(*o->file), by_number);
	return rc;
}

/*
 * One that was killed has the lock until the kernel has taken it apart, which
 * a disk that is busy can make long; who is started at once in its place is to
 * find the outbox free.
 */
static bool
take_lock(int fd)
{
	for (unsigned waited = 0; flock(fd, LOCK_EX | LOCK_NB);
	     waited += LOCK_STEP_MS) {
		if (waited >= LOCK_WAIT_MS)
			return false;
		poll(NULL, 0, LOCK_STEP_MS);
	}
	return true;
}

int
agentlink_outbox_file_open_all(
    struct agentlink_outbox *o, const char *dir, char *why, size_t why_size)
{
	if (mkdir(dir, 0700) && errno != EEXIST) {
		snprintf(why, why_size, "%s: %s", dir, strerror(errno));
		return err_of_errno(errno);
	}
	o->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->dir_fd >= 0)
		o->lock_fd = openat(o->dir_fd, "lock",
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (o->dir_fd < 0 || o->lock_fd < 0) {
		snprintf(why, why_size, "%s: %s", dir, strerror(errno));
		return err_of_errno(errno);
	}
	if (!take_lock(o->lock_fd)) {
		snprintf(why, why_size, "%s: another agent uses it", dir);
		return ERR_BUSY;
	}
	int rc = open_files(o);
	if (rc)
		snprintf(why, why_size, "%s: %s", dir, strerror(errno));
	return rc;
}

/* ---- a new file
 * -------------------------------------------------------------- */

static void
snapshot_stream(
    struct agentlink_outbox *o, struct buf *b, uint32_t salt, uint32_t stream)
{
	struct agentlink_stream_info info;
	agentlink_engine_stream_info(o->engine, stream, &info);
	struct agentlink_outrec r = {
	    .type = AGENTLINK_OUTREC_STREAM,
	    .stream = stream,
	    .seq = info.next_seq,
	    .marks = info.marks,
	    .name = bytes_of_str(info.name),
	};
	memcpy(r.epoch, info.epoch, sizeof(r.epoch));
	memcpy(r.head, info.next_head, sizeof(r.head));
	for (unsigned i = 0; i < info.marks; i++)
		agentlink_engine_stream_mark(o->engine, stream, i,
		    &r.mark[i].seq, r.mark[i].head, r.mark[i].spool);
	agentlink_outrec_encode(b, salt, &r);
}

static void
snapshot(struct agentlink_outbox *o, struct buf *b,
    const struct agentlink_outbox_file *f)
{
	agentlink_outrec_file_encode(b, f->number, f->salt);
	for (uint32_t i = 0; i < agentlink_engine_streams(o->engine); i++)
		snapshot_stream(o, b, f->salt, i);
	struct agentlink_outrec r = {.type = AGENTLINK_OUTREC_POSITION};
	for (size_t i = 0;
	     !agentlink_outbox_position_at(o, i, &r.key, &r.value); i++)
		agentlink_outrec_encode(b, f->salt, &r);
}

static int
write_new(struct agentlink_outbox *o, struct agentlink_outbox_file *f,
    struct bytes content)
{
	char name[NAME_SIZE];
	name_of(f->number, name);
	f->fd = openat(o->dir_fd, NEW_NAME,
	    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0)
		return err_of_errno(errno);
	int rc =
	    agentlink_outbox_file_write(f->fd, content.ptr, content.len, 0);
	FAILPOINT("outbox-new-written");
	if (!rc && fdatasync(f->fd))
		rc = ERR_IO;
	if (!rc && renameat(o->dir_fd, NEW_NAME, o->dir_fd, name))
		rc = err_of_errno(errno);
	FAILPOINT("outbox-new-renamed");
	if (!rc && fsync(o->dir_fd))
		rc = ERR_IO;
	f->bytes = content.len;
	return rc;
}

int
agentlink_outbox_file_make(struct agentlink_outbox *o)
{
	/* The older file first: a snapshot must not be ahead of batches. */
	if (o->files && fdatasync(o->file[o->files - 1].fd))
		return o->err = ERR_IO;
	struct agentlink_outbox_file f = {
	    .number = o->files ? o->file[o->files - 1].number + 1 : 1,
	    .fd = -1,
	};
	struct buf b;
	buf_init(&b, SIZE_MAX / 2);
	int rc = digest_random(&f.salt, sizeof(f.salt));
	if (!rc) {
		snapshot(o, &b, &f);
		rc = b.err ? b.err : write_new(o, &f, buf_bytes(&b));
	}
	if (!rc)
		rc = append_file(o, &f);
	if (rc && f.fd >= 0)
		close(f.fd);
	if (!rc)
		o->is_dirty = false;
	buf_fini(&b);
	return rc;
}

void
agentlink_outbox_file_tidy(struct agentlink_outbox *o)
{
	while (o->files > 1 && !o->file[0].needed) {
		if (o->is_dirty)
			return; /* what replaces it is not durable yet */
		char name[NAME_SIZE];
		name_of(o->file[0].number, name);
		FAILPOINT("outbox-unlink");
		if (unlinkat(o->dir_fd, name, 0) && errno != ENOENT)
			return;
		close(o->file[0].fd);
		o->bytes -= o->file[0].bytes;
		o->files--;
		memmove(
		    &o->file[0], &o->file[1], o->files * sizeof(o->file[0]));
	}
}
