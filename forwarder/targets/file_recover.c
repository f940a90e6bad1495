/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the directory is locked and looked through, later files
 * go, the position's own file is cut at its offset.
 *
 * What can go wrong: files that are not this target's (nothing is removed
 * before that is known); the target had another name; the position's file was
 * packed since, is too short or has gone; a crash at any place: the next
 * recovery does the rest.
 */
#include "forwarder/targets/file_recover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forwarder/targets/file_compress.h"
#include "forwarder/targets/file_dir.h"
#include "forwarder/targets/file_writer_state.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"

/* Two writers in one directory would take each other's records away. */
static int
lock(struct file_writer *w, struct file_trouble *t)
{
	int fd;

	if (w->lock_fd >= 0)
		return 0;
	fd = openat(w->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return file_trouble_failed(
		    t, "open", "the directory", err_of_errno(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int rc =
		    file_trouble_failed(t, "lock", "the directory", ERR_BUSY);

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
		return file_trouble_hold(t, "STRANGE_FILE",
		    "the directory holds %s, which is not this target's: "
		    "move it elsewhere",
		    stranger);
	if (s->bad.number)
		return file_trouble_hold(t, "NOT_EMPTY",
		    "the directory holds %s already, but this target has "
		    "delivered nothing yet: move it elsewhere",
		    file_dir_name(
			s->w->target, s->bad.number, s->bad.packed, name));
	return file_trouble_failed(t, "tidy", "the directory", rc);
}

/* Strangers are found before anything is removed. */
static int
tidy(struct file_writer *w, const struct file_position *at,
    struct file_trouble *t)
{
	struct survey s = {.w = w, .keep = at ? at->number : 1};
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
	return rc ? survey_failed(&s, stranger, rc, t)
		  : file_writer_sync_dir(w, t);
}

static int
missing(struct file_writer *w, const struct file_position *at, const char *what,
    struct file_trouble *t)
{
	char name[FILE_DIR_NAME_SIZE];

	return file_trouble_hold(t, "FILE_MISSING",
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
	int rc = file_writer_open_file(w, at->number, !at->offset);

	if (packed &&
	    (rc == ERR_NOENT || (!rc && !is_long_enough(w, at->offset)))) {
		rc = file_compress_undo(
		    w->dir_fd, w->target, at->number, at->offset);
		if (!rc)
			rc = file_writer_open_file(w, at->number, false);
	}
	if (rc == ERR_NOENT)
		return missing(w, at, "not there", t);
	if (rc == ERR_FORMAT)
		return missing(w, at, "damaged where it was packed", t);
	if (rc)
		return file_writer_failed(w, t, "open");
	if (!is_long_enough(w, at->offset))
		return missing(w, at, "shorter, or no file", t);
	rc = packed ? file_dir_remove(w->dir_fd, w->target, at->number, true)
		    : 0;
	return rc ? file_writer_failed(w, t, "remove the packed form of") : 0;
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
		return file_writer_failed(w, t, "cut");
	FAILPOINT("file-cut");
	return file_writer_sync_dir(w, t);
}

int
file_recover(struct file_writer *w, const struct file_position *at,
    struct file_trouble *trouble)
{
	struct file_position first = {
	    .number = 1, .framing_length = w->settings.framing_length};
	int rc;

	buf_clear(&w->out);
	file_writer_close_fd(&w->fd);
	rc = lock(w, trouble);
	if (!rc && at && strcmp(at->name, w->target))
		rc = adopt(w, at->name, trouble);
	if (!rc)
		rc = tidy(w, at, trouble);
	w->pos = at ? *at : first;
	file_writer_set_name(w);
	return rc ? rc : cut(w, &w->pos, trouble);
}
