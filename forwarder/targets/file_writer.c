/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: recover, then puts and a sync for each group; a file that
 * has reached its size is synced, and the next one is made and the directory
 * synced before anything goes into it.
 *
 * What can go wrong: no space, or a disk that fails.  The file then holds
 * more than counts; file_recover cuts it.  An fsync that failed may have
 * dropped what it could not write, so nothing since the last one that succeeded
 * is believed.
 */
#include "forwarder/targets/file_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forwarder/targets/file_dir.h"
#include "forwarder/targets/file_writer_state.h"
#include "lib/base/clock.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/codec/escape.h"

#define OUT_STEP ((size_t)1 << 20) /* written at a time */
#define OUT_MAX ((size_t)64 << 20) /* of 9 MiB of records, all escaped */
#define MODE 0640 /* of a file */

/* ---- shared with file_recover ---- */

void
file_writer_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int
file_writer_failed(
    struct file_writer *w, struct file_trouble *t, const char *what)
{
	char name[FILE_DIR_NAME_SIZE];

	file_dir_name(w->target, w->pos.number, false, name);
	return file_trouble_failed(t, what, name, err_of_errno(errno));
}

int
file_writer_sync_dir(struct file_writer *w, struct file_trouble *t)
{
	if (fsync(w->dir_fd))
		return file_trouble_failed(
		    t, "sync", "the directory", err_of_errno(errno));
	return 0;
}

int
file_writer_open_file(struct file_writer *w, uint64_t number, bool make)
{
	char name[FILE_DIR_NAME_SIZE];

	file_dir_name(w->target, number, false, name);
	file_writer_close_fd(&w->fd);
	w->fd = openat(w->dir_fd, name,
	    O_WRONLY | O_NOFOLLOW | O_CLOEXEC | (make ? O_CREAT : 0), MODE);
	return w->fd < 0 ? err_of_errno(errno) : 0;
}

void
file_writer_set_name(struct file_writer *w)
{
	memset(w->pos.name, 0, sizeof(w->pos.name));
	memcpy(w->pos.name, w->target, strlen(w->target));
}

/* ---- life cycle ---- */

int
file_writer_new(int dir_fd, const char *target, struct file_writer **out)
{
	struct file_writer *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return ERR_NOMEM;
	w->dir_fd = dir_fd;
	w->lock_fd = w->fd = -1;
	snprintf(w->target, sizeof(w->target), "%s", target);
	buf_init(&w->out, OUT_MAX);
	rc = render_new(&w->render);
	if (rc) {
		file_writer_free(w);
		return rc;
	}
	*out = w;
	return 0;
}

void
file_writer_free(struct file_writer *w)
{
	if (!w)
		return;
	file_writer_close_fd(&w->fd);
	file_writer_close_fd(&w->lock_fd);
	render_free(w->render);
	buf_fini(&w->out);
	free(w);
}

void
file_writer_set(struct file_writer *w, const struct file_settings *s)
{
	w->settings = *s;
}

const struct file_position *
file_writer_position(const struct file_writer *w)
{
	return &w->pos;
}

/* ---- writing ------------------------------------------------------------ */

static int
write_out(struct file_writer *w, struct file_trouble *t)
{
	while (w->out.len) {
		ssize_t n = pwrite(
		    w->fd, buf_ptr(&w->out), w->out.len, (off_t)w->pos.offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return file_writer_failed(w, t, "write");
		buf_consume(&w->out, (size_t)n);
		w->pos.offset += (uint64_t)n;
	}
	return 0;
}

/*
 * Is the file still what its name leads to?  What goes into one that was
 * deleted, or moved away, may be gone as soon as it is closed.
 */
static int
check_place(struct file_writer *w, struct file_trouble *t)
{
	char name[FILE_DIR_NAME_SIZE];
	struct stat ours, theirs;

	file_dir_name(w->target, w->pos.number, false, name);
	if (!fstat(w->fd, &ours) &&
	    !fstatat(w->dir_fd, name, &theirs, AT_SYMLINK_NOFOLLOW) &&
	    ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
		return 0;
	return file_trouble_hold(t, "FILE_MISSING",
	    "%s was deleted or moved away: put it back, or remove the target "
	    "and give it a new name",
	    name);
}

int
file_writer_sync(struct file_writer *w, struct file_trouble *trouble)
{
	int rc = write_out(w, trouble);

	if (rc)
		return rc;
	FAILPOINT("file-written");
	if (fdatasync(w->fd))
		return file_writer_failed(w, trouble, "sync");
	FAILPOINT("file-synced");
	return check_place(w, trouble);
}

int
file_writer_rotate(struct file_writer *w, struct file_trouble *trouble)
{
	int rc = file_writer_sync(w, trouble);

	if (rc || !w->pos.offset)
		return rc;
	w->pos = (struct file_position){.number = w->pos.number + 1,
	    .framing_length = w->settings.framing_length};
	file_writer_set_name(w);
	if (file_writer_open_file(w, w->pos.number, true))
		return file_writer_failed(w, trouble, "make");
	FAILPOINT("file-made");
	return file_writer_sync_dir(w, trouble);
}

static void
add_line(struct file_writer *w, const struct render_record *r)
{
	char id[DIGEST_ORIGIN_TEXT_SIZE];

	render_id(r, id);
	id[DIGEST_ORIGIN_TEXT_SIZE - 1] = '\t';
	buf_add(&w->out, id, sizeof(id));
	escape_encode(r->bytes, &w->out);
	buf_add_u8(&w->out, '\n');
}

static int
add_record(struct file_writer *w, const struct render_record *r,
    struct file_trouble *t)
{
	uint8_t len[4];
	int rc = 0;

	if (!w->pos.begun_ns)
		w->pos.begun_ns = clock_now().wall_ns;
	if (w->pos.framing_length) {
		endian_put_le32(len, (uint32_t)r->bytes.len);
		buf_add(&w->out, len, sizeof(len));
		buf_add_bytes(&w->out, r->bytes);
	} else {
		add_line(w, r);
	}
	if (w->out.err) {
		errno = 0;
		return file_trouble_failed(t, "write", "a record", w->out.err);
	}
	if (w->pos.offset + w->out.len >= w->settings.rotate_size)
		return file_writer_rotate(w, t);
	if (w->out.len >= OUT_STEP)
		rc = write_out(w, t);
	return rc;
}

static void
note(struct entry_settled *run, struct buf *runs, uint64_t rec, bool wanted)
{
	uint8_t term = wanted ? ENTRY_TERM_DELIVERED : ENTRY_TERM_FILTERED;

	if (run->to == rec && run->term == term) {
		run->to++;
		return;
	}
	if (run->to)
		buf_add(runs, run, sizeof(*run));
	*run = (struct entry_settled){.term = term, .from = rec, .to = rec + 1};
}

int
file_writer_put(struct file_writer *w, const struct render_batch *batch,
    struct buf *runs, struct file_trouble *trouble)
{
	struct entry_settled run = {0};
	struct render_record r;
	int rc = render_begin(w->render, batch);

	if (rc == ERR_NOMEM) {
		errno = ENOMEM;
		return file_trouble_failed(trouble, "unpack", "a batch", rc);
	}
	if (rc) {
		trouble->unreadable = render_batch_first(batch);
		return file_trouble_hold(
		    trouble, "BATCH_DAMAGED", "%s", err_text(rc));
	}
	/* One file has one framing. */
	if (w->pos.framing_length != w->settings.framing_length) {
		rc = file_writer_rotate(w, trouble);
		w->pos.framing_length = w->settings.framing_length;
	}
	while (!rc && render_next(w->render, &r)) {
		note(&run, runs, r.rec, r.range->wanted);
		if (r.range->wanted)
			rc = add_record(w, &r, trouble);
	}
	if (!rc && run.to)
		buf_add(runs, &run, sizeof(run));
	if (rc || !runs->err)
		return rc;
	errno = 0;
	return file_trouble_failed(
	    trouble, "note", "what was written", runs->err);
}
