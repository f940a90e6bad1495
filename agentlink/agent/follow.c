/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: a scan finds a file, it is opened and read to its end
 * again and again.
 * What can go wrong: it is renamed (the inode is found under another name, or
 * under none), deleted (what is open is read to its end), truncated (source
 * sees to it), or cannot be opened (said once, tried at each scan).
 */
#include "agentlink/agent/follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentlink/agent/position.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#define PIECE_RECORDS 4000u /* of one file before the next has its turn */
#define QUIET_MS 10000u /* a renamed file that grows no more is left */

struct file {
	struct source *source; /* NULL: it cannot be opened */
	uint64_t device, inode;
	bool is_seen; /* by the last scan */
	uint64_t grown_ms; /* something was read the last time */
};

struct follow {
	struct follow_settings settings;
	char *stream_name;
	struct file *file;
	size_t files, cap;
	size_t turn;
	bool is_scanned; /* at least once */
};

int
follow_new(const struct follow_settings *settings, struct follow **out)
{
	struct follow *f = calloc(1, sizeof(*f));
	if (!f)
		return ERR_NOMEM;
	f->settings = *settings;
	f->stream_name = strdup(settings->source.stream_name);
	if (!f->stream_name) {
		free(f);
		return ERR_NOMEM;
	}
	f->settings.source.stream_name = f->stream_name;
	*out = f;
	return 0;
}

void
follow_free(struct follow *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->files; i++)
		source_close(f->file[i].source);
	free(f->file);
	free(f->stream_name);
	free(f);
}

static void
note(struct follow *f, bool is_error, const char *path, const char *text)
{
	f->settings.on_note(is_error, path, text, f->settings.arg);
}

static struct file *
find(struct follow *f, uint64_t device, uint64_t inode)
{
	for (size_t i = 0; i < f->files; i++)
		if (f->file[i].inode == inode && f->file[i].device == device)
			return &f->file[i];
	return NULL;
}

static struct file *
append(struct follow *f, const struct stat *st)
{
	if (f->files == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 16;
		struct file *all = realloc(f->file, cap * sizeof(*all));
		if (!all)
			return NULL;
		f->file = all;
		f->cap = cap;
	}
	struct file *x = &f->file[f->files++];
	*x = (struct file){.device = st->st_dev, .inode = st->st_ino};
	return x;
}

static void
drop(struct follow *f, size_t i)
{
	source_close(f->file[i].source);
	f->file[i] = f->file[--f->files];
}

/* ---- finding ----------------------------------------------------------------
 */

static void
try_open(struct follow *f, struct file *x, const char *path, bool is_first)
{
	/* Not blocking: a pipe that took the file's place must not stop us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int rc = fd < 0 || fstat(fd, &st) ? err_of_errno(errno) : 0;
	if (!rc &&
	    (st.st_ino != x->inode || st.st_dev != x->device ||
		!S_ISREG(st.st_mode)))
		rc = ERR_AGAIN; /* replaced meanwhile: the next scan */
	if (!rc)
		rc = source_open(&f->settings.source, fd, path,
		    f->settings.starts_at_end && !f->is_scanned, &x->source);
	if (!rc) {
		note(f, false, path, "is followed");
		return;
	}
	if (fd >= 0)
		close(fd);
	if (is_first && rc != ERR_AGAIN)
		note(f, true, path, err_text(rc));
}

static void
see(struct follow *f, const char *path, uint64_t now_ms)
{
	struct stat st;
	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return;
	struct file *x = find(f, st.st_dev, st.st_ino);
	bool is_new = !x;
	if (is_new && !(x = append(f, &st)))
		return;
	x->is_seen = true;
	if (is_new)
		x->grown_ms = now_ms;
	if (!x->source)
		try_open(f, x, path, is_new);
	else if (strcmp(source_path(x->source), path) != 0)
		source_rename(x->source, path);
}

/* A file that was renamed while nobody looked: in the same directory. */
static bool
find_renamed(const struct position *p, char *found, size_t size)
{
	char path[POSITION_PATH_MAX + 1], at[POSITION_PATH_MAX + 1];
	memcpy(path, p->path.ptr, p->path.len);
	path[p->path.len] = '\0';
	const char *dir_name = dirname(path);
	DIR *d = opendir(dir_name);
	bool is_found = false;
	for (struct dirent *e; d && !is_found && (e = readdir(d));) {
		struct stat st;
		if (e->d_ino != p->inode)
			continue;
		int n = snprintf(at, sizeof(at), "%s/%s", dir_name, e->d_name);
		is_found = n > 0 && (size_t)n < size && !lstat(at, &st) &&
		    S_ISREG(st.st_mode) && st.st_dev == p->device;
		if (is_found)
			memcpy(found, at, (size_t)n + 1);
	}
	if (d)
		closedir(d);
	return is_found;
}

/* One known position whose file no pattern finds. */
static void
recover(struct follow *f, struct bytes key, const struct position *p,
    uint64_t now_ms)
{
	char path[POSITION_PATH_MAX + 1];
	struct stat st = {.st_dev = p->device, .st_ino = p->inode};
	struct file *x = NULL;
	if (find_renamed(p, path, sizeof(path)) &&
	    (x = append(f, &st)) != NULL) {
		x->grown_ms = now_ms;
		try_open(f, x, path, true);
		if (x->source && source_is_known(x->source))
			return;
		drop(f, f->files - 1);
	}
	agentlink_outbox_position(
	    agentlink_sender_outbox(f->settings.source.sender), key,
	    bytes_of(NULL, 0));
}

/* After the first scan: what was followed before and is not found now. */
static void
recover_all(struct follow *f, uint64_t now_ms)
{
	struct agentlink_outbox *o =
	    agentlink_sender_outbox(f->settings.source.sender);
	struct bytes key, value, stream;
	for (size_t i = 0;
	     o && !agentlink_outbox_position_at(o, i, &key, &value); i++) {
		struct position p;
		if (position_key_decode(key, &stream, &p.device, &p.inode) ||
		    !bytes_equal_str(stream, f->stream_name) ||
		    position_value_decode(value, &p) ||
		    find(f, p.device, p.inode))
			continue;
		/* Copies: the table changes when one is forgotten. */
		struct buf copy;
		buf_init(&copy, 1 << 20);
		buf_add_bytes(&copy, value);
		position_value_decode(buf_bytes(&copy), &p);
		struct buf key_copy;
		buf_init(&key_copy, 1 << 20);
		buf_add_bytes(&key_copy, key);
		size_t files = f->files;
		recover(f, buf_bytes(&key_copy), &p, now_ms);
		if (f->files == files)
			i--; /* forgotten: another took its place */
		buf_fini(&copy);
		buf_fini(&key_copy);
	}
}

void
follow_scan(struct follow *f, uint64_t now_ms)
{
	for (size_t i = 0; i < f->files; i++)
		f->file[i].is_seen = false;
	for (size_t i = 0; i < f->settings.pattern_count; i++) {
		glob_t g;
		if (!glob(f->settings.patterns[i], GLOB_NOSORT, NULL, &g)) {
			for (size_t k = 0; k < g.gl_pathc; k++)
				see(f, g.gl_pathv[k], now_ms);
			globfree(&g);
		}
	}
	if (!f->is_scanned)
		recover_all(f, now_ms);
	f->is_scanned = true;
	for (size_t i = f->files; i > 0; i--)
		if (!f->file[i - 1].source && !f->file[i - 1].is_seen)
			drop(f, i - 1);
}

/* ---- reading
 * ------------------------------------------------------------------ */

/* It is read to its end, and no pattern finds it: is that all? */
static bool
is_over(const struct file *x, uint64_t now_ms)
{
	struct stat st;
	if (x->is_seen || fstat(source_fd(x->source), &st))
		return false;
	return !st.st_nlink || now_ms - x->grown_ms >= QUIET_MS;
}

/* The last line, then the end.  ERR_FULL: again later. */
static int
leave(struct follow *f, size_t i)
{
	struct file *x = &f->file[i];
	struct stat st;
	bool is_deleted = !fstat(source_fd(x->source), &st) && !st.st_nlink;
	source_finish(x->source);
	int rc = source_read(x->source, UINT32_MAX);
	if (rc)
		return rc;
	note(f, false, source_path(x->source),
	    is_deleted ? "was deleted; it is read to its end"
		       : "was renamed; it is read to its end");
	if (is_deleted)
		source_forget(x->source);
	drop(f, i);
	return 0;
}

/* 1, 0, or an error that concerns all files. */
static int
read_one(struct follow *f, size_t i, uint64_t now_ms)
{
	struct file *x = &f->file[i];
	uint64_t before = source_records(x->source);
	int rc = source_read(x->source, PIECE_RECORDS);
	if (source_records(x->source) != before)
		x->grown_ms = now_ms;
	if (!rc && is_over(x, now_ms))
		rc = leave(f, i);
	if (rc == ERR_FORMAT || rc == ERR_IO || rc == ERR_SYS) {
		note(f, true, source_path(x->source), err_text(rc));
		drop(f, i);
		return 0;
	}
	return rc;
}

int
follow_read(struct follow *f, uint64_t now_ms)
{
	bool is_more = false;
	for (size_t n = f->files; n && f->files; n--) {
		f->turn = (f->turn + 1) % f->files;
		if (!f->file[f->turn].source)
			continue;
		int rc = read_one(f, f->turn, now_ms);
		if (rc < 0)
			return rc;
		is_more |= rc == 1;
	}
	return is_more;
}

size_t
follow_count(const struct follow *f)
{
	size_t n = 0;
	for (size_t i = 0; i < f->files; i++)
		n += f->file[i].source != NULL;
	return n;
}
