/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/targets/file_compress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "forwarder/targets/file_dir.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/pack/pack_reader.h"
#include "lib/pack/pack_stream.h"

#define LEVEL 3
#define BLOCK ((size_t)256 << 10)
#define OUT_MAX ((size_t)4 << 20) /* a block, and what waits in the packer */
#define MODE 0640

struct work {
	int dir_fd, from, to;
	const char *target;
	const atomic_bool *stop;
	struct pack_stream *pack;
	struct buf out;
	uint8_t *block;
};

/* Of a file that is unpacked. */
struct undo {
	int from, to;
	struct pack_reader *reader;
	struct buf out;
	uint8_t *block;
	uint64_t left; /* bytes still wanted */
};

struct search {
	uint64_t below, found;
};

static int
look(const struct file_dir_entry *e, void *arg)
{
	struct search *s = arg;

	if (!e->packed && e->number < s->below &&
	    (!s->found || e->number < s->found))
		s->found = e->number;
	return 0;
}

static int
write_out(int fd, struct buf *out)
{
	while (out->len) {
		ssize_t n = write(fd, buf_ptr(out), out->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_of_errno(errno);
		buf_consume(out, (size_t)n);
	}
	return 0;
}

static int
pack_all(struct work *w)
{
	ssize_t n;
	int rc = 0;

	while (!rc && (n = read(w->from, w->block, BLOCK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_of_errno(errno);
		if (atomic_load(w->stop))
			return ERR_CLOSED;
		rc = pack_stream_add(
		    w->pack, bytes_of(w->block, (size_t)n), &w->out);
		if (!rc)
			rc = write_out(w->to, &w->out);
	}
	if (!rc)
		rc = pack_stream_end(w->pack, &w->out);
	return rc ? rc : write_out(w->to, &w->out);
}

static int
open_both(struct work *w, uint64_t number)
{
	char name[FILE_DIR_NAME_SIZE];
	int rc = pack_stream_new(LEVEL, &w->pack);

	if (rc)
		return rc;
	w->block = malloc(BLOCK);
	if (!w->block)
		return ERR_NOMEM;
	file_dir_name(w->target, number, false, name);
	w->from = openat(w->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (w->from < 0)
		return err_of_errno(errno);
	file_dir_name(w->target, number, true, name);
	w->to = openat(w->dir_fd, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, MODE);
	return w->to < 0 ? err_of_errno(errno) : 0;
}

static void
close_both(struct work *w)
{
	if (w->from >= 0)
		close(w->from);
	if (w->to >= 0)
		close(w->to);
	pack_stream_free(w->pack);
	buf_fini(&w->out);
	free(w->block);
}

/* The packed file and its name are durable before the other goes. */
static int
replace(struct work *w, uint64_t number)
{
	if (fsync(w->to) || fsync(w->dir_fd))
		return err_of_errno(errno);
	FAILPOINT("file-packed");
	return file_dir_remove(w->dir_fd, w->target, number, false);
}

int
file_compress_next(
    int dir_fd, const char *target, uint64_t below, const atomic_bool *stop)
{
	struct work w = {.dir_fd = dir_fd,
	    .from = -1,
	    .to = -1,
	    .target = target,
	    .stop = stop};
	struct search search = {.below = below};
	char stranger[256];
	int rc = file_dir_each(dir_fd, target, NULL, look, &search, stranger);

	if (rc || !search.found)
		return rc;
	buf_init(&w.out, OUT_MAX);
	rc = open_both(&w, search.found);
	if (!rc)
		rc = pack_all(&w);
	if (!rc)
		rc = replace(&w, search.found);
	if (rc && w.to >= 0)
		file_dir_remove(dir_fd, target, search.found, true);
	close_both(&w);
	return rc ? rc : 1;
}

/* ---- back to bytes ------------------------------------------------------ */

/* Write what is wanted of what was unpacked. */
static int
keep_wanted(struct undo *u)
{
	if (u->out.len > u->left)
		u->out.len = (size_t)u->left;
	u->left -= u->out.len;
	return write_out(u->to, &u->out);
}

static int
unpack_block(struct undo *u, struct bytes in)
{
	bool filled;
	int rc;

	do {
		buf_clear(&u->out);
		rc = pack_reader_add(u->reader, &in, &u->out);
		filled = u->out.len == u->out.limit;
		if (!rc)
			rc = keep_wanted(u);
	} while (!rc && u->left && (in.len || filled));
	return rc;
}

static int
unpack_all(struct undo *u)
{
	int rc = 0;

	while (!rc && u->left) {
		ssize_t n = read(u->from, u->block, BLOCK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_of_errno(errno);
		if (n == 0)
			return ERR_FORMAT; /* it ends too early */
		rc = unpack_block(u, bytes_of(u->block, (size_t)n));
	}
	return rc;
}

static int
open_undo(struct undo *u, int dir_fd, const char *target, uint64_t number)
{
	char name[FILE_DIR_NAME_SIZE];
	int rc = pack_reader_new(&u->reader);

	if (rc)
		return rc;
	u->block = malloc(BLOCK);
	if (!u->block)
		return ERR_NOMEM;
	file_dir_name(target, number, true, name);
	u->from = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (u->from < 0)
		return err_of_errno(errno);
	file_dir_name(target, number, false, name);
	u->to = openat(dir_fd, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, MODE);
	return u->to < 0 ? err_of_errno(errno) : 0;
}

int
file_compress_undo(
    int dir_fd, const char *target, uint64_t number, uint64_t offset)
{
	struct undo u = {.from = -1, .to = -1, .left = offset};
	int rc;

	buf_init(&u.out, BLOCK);
	rc = open_undo(&u, dir_fd, target, number);
	if (!rc)
		rc = unpack_all(&u);
	FAILPOINT("file-unpacked");
	if (!rc && (fsync(u.to) || fsync(dir_fd)))
		rc = err_of_errno(errno);
	if (u.from >= 0)
		close(u.from);
	if (u.to >= 0)
		close(u.to);
	pack_reader_free(u.reader);
	buf_fini(&u.out);
	free(u.block);
	return rc;
}
