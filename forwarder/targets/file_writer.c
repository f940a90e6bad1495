/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: recover, then puts and a sync for each group; a file that
 * has reached its size is synced, and the next one is made and the directory
 * synced before anything goes into it.
 *
 * What can go wrong: no space, or a disk that fails.  The file then holds
 * more than counts; recover cuts it.  An fsync that failed may have dropped
 * what it could not write, so nothing since the last one that succeeded is
 * believed.
 */
#include "forwarder/targets/file_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forwarder/targets/file_compress.h"
#include "forwarder/targets/file_dir.h"
#include "lib/base/clock.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/codec/escape.h"

#define OUT_STEP ((size_t)1 << 20) /* written at a time */
#define OUT_MAX ((size_t)64 << 20) /* of 9 MiB of records, all escaped */
#define MODE 0640

struct file_writer {
	int dir_fd, lock_fd, fd;
	char target[ENTRY_NAME_MAX + 1];
	struct file_settings settings;
	struct file_position pos; /* past what was written, not what waits */
	struct render *render;
	struct buf out; /* waits to be written */
};

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

static void
close_file(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
file_writer_free(struct file_writer *w)
{
	if (!w)
		return;
	close_file(&w->fd);
	close_file(&w->lock_fd);
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

/* ---- what is wrong ------------------------------------------------------ */

static int hold(struct file_trouble *t, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
hold(struct file_trouble *t, const char *code, const char *fmt, ...)
{
	va_list ap;

	t->verdict = TARGET_HOLD;
	t->code = code;
	va_start(ap, fmt);
	vsnprintf(t->text, sizeof(t->text), fmt, ap);
	va_end(ap);
	return ERR_STATE;
}

/* A failed system call; the disk may recover, permissions will not. */
static int
failed(struct file_trouble *t, const char *what, const char *name, int rc)
{
	bool denied = rc == ERR_DENIED || errno == EROFS;

	t->verdict = denied ? TARGET_HOLD : TARGET_RETRY;
	t->code = denied ? "DENIED" : rc == ERR_FULL ? "NO_SPACE" : "IO_ERROR";
	snprintf(t->text, sizeof(t->text), "cannot %s %s: %s", what, name,
	    errno ? strerrordesc_np(errno) : err_text(rc));
	return rc;
}

static int
failed_file(struct file_writer *w, struct file_trouble *t, const char *what)
{
	char name[FILE_DIR_NAME_SIZE];

	file_dir_name(w->target, w->pos.number, false, name);
	return failed(t, what, name, err_of_errno(errno));
}

static int
sync_dir(struct file_writer *w, struct file_trouble *t)
{
	if (fsync(w->dir_fd))
		return failed(t, "sync", "the directory", err_of_errno(errno));
	return 0;
}

/* ---- recovery ----------------------------------------------------------- */

/* Two writers in one directory would take each other's records away. */
static int
lock(struct file_writer *w, struct file_trouble *t)
{
	int fd;

	if (w->lock_fd >= 0)
		return 0;
	fd = openat(w->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return failed(t, "open", "the directory", err_of_errno(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int rc = failed(t, "lock", "the directory", ERR_BUSY);

		t->code = "DIRECTORY_BUSY";
		close(fd);
		return rc;
	}
	w->lock_fd = fd;
	return 0;
}

struct survey {
	struct file_writer *w;
	const char *old; /* the target's name before */
	uint64_t keep; /* the number of the position */
	bool fresh; /* nothing was ever written */
	bool removed;
	struct file_dir_entry bad; /* fresh: what must not be there */
};

static bool
is_empty(struct file_writer *w, const struct file_dir_entry *e)
{
	char name[FILE_DIR_NAME_SIZE];
	struct stat st;

	file_dir_name(w->target, e->number, e->packed, name);
	return !fstatat(w->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) &&
	    S_ISREG(st.st_mode) && !st.st_size;
}

static int
look_fresh(const struct file_dir_entry *e, void *arg)
{
	struct survey *s = arg;

	if (e->number == 1 && !e->packed && is_empty(s->w, e))
		return 0;
	s->bad = *e;
	return ERR_STATE;
}

/*
 * Take away what came after the position, and packed files made by halves.
 * Of the position's own file cut() decides.
 */
static int
take_away(const struct file_dir_entry *e, void *arg)
{
	struct survey *s = arg;
	struct file_writer *w = s->w;
	bool by_halves = e->number < s->keep && e->packed &&
	    !file_dir_has(w->dir_fd, w->target, e->number, false);

	if (e->number <= s->keep && !by_halves)
		return 0;
	s->removed = true;
	return file_dir_remove(w->dir_fd, w->target, e->number, e->packed);
}

static int
nothing(const struct file_dir_entry *e, void *arg)
{
	(void)e;
	(void)arg;
	return 0;
}

static int
survey_failed(
    struct survey *s, const char *stranger, int rc, struct file_trouble *t)
{
	char name[FILE_DIR_NAME_SIZE];

	if (*stranger)
		return hold(t, "STRANGE_FILE",
		    "the directory holds %s, which is not this target's: "
		    "move it elsewhere",
		    stranger);
	if (s->bad.number)
		return hold(t, "NOT_EMPTY",
		    "the directory holds %s already, but this target has "
		    "delivered nothing yet: move it elsewhere",
		    file_dir_name(
			s->w->target, s->bad.number, s->bad.packed, name));
	return failed(t, "tidy", "the directory", rc);
}

/* Strangers are found before anything is removed. */
static int
tidy(struct file_writer *w, const struct file_position *at,
    struct file_trouble *t)
{
	struct survey s = {.w = w, .fresh = !at, .keep = at ? at->number : 1};
	char stranger[256] = "";
	int rc;

	errno = 0;
	rc = file_dir_each(w->dir_fd, w->target, NULL,
	    at ? nothing : look_fresh, &s, stranger);
	if (at && !rc)
		do {
			s.removed = false;
			rc = file_dir_each(w->dir_fd, w->target, NULL,
			    take_away, &s, stranger);
		} while (!rc && s.removed);
	return rc ? survey_failed(&s, stranger, rc, t) : 0;
}

static int
rename_one(const struct file_dir_entry *e, void *arg)
{
	struct survey *s = arg;

	s->removed = true;
	return file_dir_rename(s->w->dir_fd, s->old, s->w->target, e);
}

/*
 * The target has a new name: so get its files.  A crash may leave some with
 * the one and some with the other, and the next start goes on; the position
 * has the old name until all of them have the new one.
 */
static int
adopt(struct file_writer *w, const char *old, struct file_trouble *t)
{
	struct survey s = {.w = w, .old = old};
	char stranger[256] = "";
	int rc;

	errno = 0;
	rc = file_dir_each(w->dir_fd, old, w->target, nothing, &s, stranger);
	if (!rc)
		do {
			s.removed = false;
			rc = file_dir_each(w->dir_fd, old, w->target,
			    rename_one, &s, stranger);
			FAILPOINT("file-renamed");
		} while (!rc && s.removed);
	return rc ? survey_failed(&s, stranger, rc, t) : sync_dir(w, t);
}

static int
open_file(struct file_writer *w, uint64_t number, bool make)
{
	char name[FILE_DIR_NAME_SIZE];

	file_dir_name(w->target, number, false, name);
	close_file(&w->fd);
	w->fd = openat(w->dir_fd, name,
	    O_WRONLY | O_NOFOLLOW | O_CLOEXEC | (make ? O_CREAT : 0), MODE);
	return w->fd < 0 ? err_of_errno(errno) : 0;
}

static int
missing(struct file_writer *w, const struct file_position *at, const char *what,
    struct file_trouble *t)
{
	char name[FILE_DIR_NAME_SIZE];

	return hold(t, "FILE_MISSING",
	    "%s is %s, but %" PRIu64 " bytes of it were delivered: put the "
	    "file back, or remove the target and give it a new name",
	    file_dir_name(w->target, at->number, false, name), what,
	    at->offset);
}

/* Whether the open file has the bytes that count. */
static bool
is_long_enough(struct file_writer *w, uint64_t offset)
{
	struct stat st;

	return !fstat(w->fd, &st) && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size >= offset;
}

/*
 * Open the position's file.  If it was packed the keeper's position has gone
 * back since (its meta was lost): it is unpacked.  If a crash broke that off
 * it is too short, and is made anew.
 */
static int
open_counted(struct file_writer *w, const struct file_position *at,
    struct file_trouble *t)
{
	bool packed = !file_dir_has(w->dir_fd, w->target, at->number, true);
	int rc = open_file(w, at->number, !at->offset);

	if (packed &&
	    (rc == ERR_NOENT || (!rc && !is_long_enough(w, at->offset)))) {
		rc = file_compress_undo(
		    w->dir_fd, w->target, at->number, at->offset);
		if (!rc)
			rc = open_file(w, at->number, false);
	}
	if (rc == ERR_NOENT)
		return missing(w, at, "not there", t);
	if (rc == ERR_FORMAT)
		return missing(w, at, "damaged where it was packed", t);
	if (rc)
		return failed_file(w, t, "open");
	if (!is_long_enough(w, at->offset))
		return missing(w, at, "shorter, or no file", t);
	rc = packed ? file_dir_remove(w->dir_fd, w->target, at->number, true)
		    : 0;
	return rc ? failed_file(w, t, "remove the packed form of") : 0;
}

static int
cut(struct file_writer *w, const struct file_position *at,
    struct file_trouble *t)
{
	int rc = open_counted(w, at, t);

	if (rc)
		return rc;
	FAILPOINT("file-before-cut");
	if (ftruncate(w->fd, (off_t)at->offset) || fsync(w->fd))
		return failed_file(w, t, "cut");
	FAILPOINT("file-cut");
	return sync_dir(w, t);
}

static void
set_name(struct file_writer *w)
{
	memset(w->pos.name, 0, sizeof(w->pos.name));
	memcpy(w->pos.name, w->target, strlen(w->target));
}

int
file_writer_recover(struct file_writer *w, const struct file_position *at,
    struct file_trouble *trouble)
{
	struct file_position first = {
	    .number = 1, .framing_length = w->settings.framing_length};
	int rc;

	buf_clear(&w->out);
	close_file(&w->fd);
	rc = lock(w, trouble);
	if (!rc && at && strcmp(at->name, w->target))
		rc = adopt(w, at->name, trouble);
	if (!rc)
		rc = tidy(w, at, trouble);
	w->pos = at ? *at : first;
	set_name(w);
	return rc ? rc : cut(w, &w->pos, trouble);
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
			return failed_file(w, t, "write");
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
	return hold(t, "FILE_MISSING",
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
		return failed_file(w, trouble, "sync");
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
	set_name(w);
	if (open_file(w, w->pos.number, true))
		return failed_file(w, trouble, "make");
	FAILPOINT("file-made");
	return sync_dir(w, trouble);
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
		return failed(t, "write", "a record", w->out.err);
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
		return failed(trouble, "unpack", "a batch", rc);
	}
	if (rc) {
		trouble->unreadable = render_batch_first(batch);
		return hold(trouble, "BATCH_DAMAGED", "%s", err_text(rc));
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
	return failed(trouble, "note", "what was written", runs->err);
}
