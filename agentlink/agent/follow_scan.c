/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the patterns name files, those that are not known by
 * device and inode are opened.
 * What can go wrong: a file or a directory may not be read (said once, tried
 * at each scan), descriptors run out (the file that has been quiet for the
 * longest time is closed, and opened again when it changes), a directory is
 * not there for a while (a network file system that is not mounted: what is
 * known of its files is kept).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agentlink/agent/follow_internal.h"
#include "agentlink/agent/position.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#define BUCKETS_MIN 64u
#define DESCRIPTORS_LEFT 32u

/* ---- known files, by inode
 * ------------------------------------------------- */

static size_t
bucket_of(const struct follow *f, uint64_t inode)
{
	return (inode * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (f->buckets - 1);
}

static void
index_one(struct follow *f, size_t i)
{
	uint32_t *head = &f->bucket[bucket_of(f, f->file[i].inode)];
	f->chain[i] = *head;
	*head = (uint32_t)i + 1;
}

/* Made anew for each scan: reading moves the files about. */
static bool
index_all(struct follow *f)
{
	size_t want = BUCKETS_MIN;
	while (want < f->cap)
		want *= 2;
	uint32_t *bucket = calloc(want, sizeof(*bucket));
	uint32_t *chain =
	    realloc(f->chain, (f->cap ? f->cap : 1) * sizeof(*chain));
	if (chain)
		f->chain = chain;
	if (!bucket || !chain) {
		free(bucket);
		return false;
	}
	free(f->bucket);
	f->bucket = bucket;
	f->buckets = want;
	for (size_t i = 0; i < f->files; i++)
		index_one(f, i);
	return true;
}

static struct follow_file *
find(struct follow *f, uint64_t device, uint64_t inode)
{
	uint32_t at = f->bucket[bucket_of(f, inode)];
	while (at &&
	    (f->file[at - 1].inode != inode ||
		f->file[at - 1].device != device))
		at = f->chain[at - 1];
	return at ? &f->file[at - 1] : NULL;
}

static bool
grow(struct follow *f)
{
	size_t cap = f->cap ? 2 * f->cap : 16;
	struct follow_file *all = realloc(f->file, cap * sizeof(*all));
	if (!all)
		return false;
	f->file = all;
	f->cap = cap;
	return index_all(f);
}

static struct follow_file *
append(struct follow *f, const struct stat *st, uint64_t now_ms)
{
	if (f->files == f->cap && !grow(f))
		return NULL;
	struct follow_file *x = &f->file[f->files++];
	*x = (struct follow_file){
	    .device = st->st_dev,
	    .inode = st->st_ino,
	    .from_end = f->settings.starts_at_end && !f->is_scanned,
	    .grown_ms = now_ms,
	};
	index_one(f, f->files - 1);
	return x;
}

/* ---- opening
 * --------------------------------------------------------------- */

/* Close the file that has been quiet for longest; false: all have news. */
static bool
make_one_rest(struct follow *f)
{
	struct follow_file *best = NULL;
	for (size_t i = 0; i < f->files; i++) {
		struct follow_file *x = &f->file[i];
		struct stat st;
		if (!x->source || (best && best->grown_ms <= x->grown_ms) ||
		    !source_is_at_rest(x->source, &st) || !st.st_nlink)
			continue;
		best = x;
		x->rest = st;
	}
	if (best)
		best->rest_path = strdup(source_path(best->source));
	if (!best || !best->rest_path)
		return false;
	f->records += source_records(best->source);
	source_close(best->source);
	best->source = NULL;
	return true;
}

/* Some descriptors are left for directories, the outbox, the connection. */
static bool
is_last(int fd)
{
	struct rlimit files;
	return !getrlimit(RLIMIT_NOFILE, &files) &&
	    (rlim_t)fd + DESCRIPTORS_LEFT >= files.rlim_cur;
}

static int
open_once(struct follow *f, struct follow_file *x, const char *path)
{
	/* Not blocking: a pipe that took the file's place must not stop us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int rc = fd < 0 || fstat(fd, &st) ? err_of_errno(errno) : 0;
	if (!rc && is_last(fd))
		rc = ERR_LIMIT;
	if (!rc &&
	    (st.st_ino != x->inode || st.st_dev != x->device ||
		!S_ISREG(st.st_mode)))
		rc = ERR_AGAIN; /* replaced meanwhile: the next scan */
	if (!rc)
		rc = source_open(
		    &f->settings.source, fd, path, x->from_end, &x->source);
	if (rc && fd >= 0)
		close(fd);
	return rc;
}

static void
watch_directory(struct follow *f, const char *path)
{
	char copy[POSITION_PATH_MAX + 1];
	snprintf(copy, sizeof(copy), "%s", path);
	if (f->settings.on_directory)
		f->settings.on_directory(dirname(copy), f->settings.arg);
}

/* Short of descriptors is said once, not of thousands of files. */
static void
say_why(struct follow *f, struct follow_file *x, const char *path, int rc)
{
	bool *is_told = rc == ERR_LIMIT ? &f->is_short : &x->is_told;
	if (rc == ERR_AGAIN)
		return;
	if (!*is_told)
		follow_note(f, true, path,
		    rc == ERR_LIMIT
			? "too many open files; files are read in turn"
			: err_text(rc));
	*is_told = true;
}

static void
try_open(struct follow *f, struct follow_file *x, const char *path)
{
	bool did_rest = x->rest_path != NULL;
	int rc = open_once(f, x, path);
	if (rc == ERR_LIMIT && make_one_rest(f))
		rc = open_once(f, x, path);
	if (rc) {
		say_why(f, x, path, rc);
		return;
	}
	free(x->rest_path);
	x->rest_path = NULL;
	watch_directory(f, path);
	if (!did_rest && !x->is_told)
		follow_note(f, false, path, "is followed");
}

static void
see(struct follow *f, const char *path, uint64_t now_ms)
{
	struct stat st;
	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return;
	struct follow_file *x = find(f, st.st_dev, st.st_ino);
	if (!x && !(x = append(f, &st, now_ms)))
		return;
	x->is_seen = true;
	if (x->source) {
		if (strcmp(source_path(x->source), path) != 0)
			source_rename(x->source, path);
	} else if (!x->rest_path || !source_is_same(&st, &x->rest)) {
		try_open(f, x, path);
	}
}

/* ---- what was renamed while nobody looked
 * ---------------------------------- */

/* The file of this inode, in the same directory. */
static bool
find_renamed(
    const char *old, uint64_t device, uint64_t inode, char *found, size_t size)
{
	char path[POSITION_PATH_MAX + 1];
	snprintf(path, sizeof(path), "%s", old);
	const char *dir_name = dirname(path);
	DIR *d = opendir(dir_name);
	bool is_found = false;
	for (struct dirent *e; d && !is_found && (e = readdir(d));) {
		char at[POSITION_PATH_MAX + 1];
		struct stat st;
		if (e->d_ino != inode)
			continue;
		int n = snprintf(at, sizeof(at), "%s/%s", dir_name, e->d_name);
		is_found = n > 0 && (size_t)n < size &&
		    (size_t)n < sizeof(at) && !lstat(at, &st) &&
		    S_ISREG(st.st_mode) && st.st_dev == device;
		if (is_found)
			memcpy(found, at, (size_t)n + 1);
	}
	if (d)
		closedir(d);
	return is_found;
}

/*
 * Is it sure that the file is gone?  Not while its directory cannot be looked
 * at, or something else is mounted there than was.
 */
static bool
is_gone(const char *old, uint64_t device)
{
	char path[POSITION_PATH_MAX + 1];
	snprintf(path, sizeof(path), "%s", old);
	for (;;) {
		char *dir_name = dirname(path);
		struct stat st;
		int rc = stat(dir_name, &st);
		if (!rc)
			return st.st_dev == device &&
			    !access(dir_name, R_OK | X_OK);
		if (errno != ENOENT || !strcmp(dir_name, "/"))
			return false;
		memmove(path, dir_name, strlen(dir_name) + 1);
	}
}

/* One known position whose file no pattern finds; true: forgotten. */
static bool
recover(struct follow *f, struct bytes key, const struct position *p,
    uint64_t now_ms)
{
	char old[POSITION_PATH_MAX + 1], path[POSITION_PATH_MAX + 1];
	struct stat st = {.st_dev = p->device, .st_ino = p->inode};
	struct follow_file *x = NULL;
	memcpy(old, p->path.ptr, p->path.len);
	old[p->path.len] = '\0';
	if (find_renamed(old, p->device, p->inode, path, sizeof(path)) &&
	    (x = append(f, &st, now_ms)) != NULL) {
		try_open(f, x, path);
		if (x->source && source_is_known(x->source))
			return false;
		bool is_another = x->source != NULL;
		follow_drop(f, f->files - 1);
		index_all(f);
		if (!is_another)
			return false; /* it may be readable another day */
	} else if (x || !is_gone(old, p->device)) {
		return false;
	}
	agentlink_outbox_position(
	    agentlink_sender_outbox(f->settings.source.sender), key,
	    bytes_of(NULL, 0));
	return true;
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
		struct buf copy, key_copy;
		buf_init(&copy, 1 << 20);
		buf_init(&key_copy, 1 << 20);
		buf_add_bytes(&copy, value);
		buf_add_bytes(&key_copy, key);
		if (!position_value_decode(buf_bytes(&copy), &p) &&
		    recover(f, buf_bytes(&key_copy), &p, now_ms))
			i--; /* another took its place */
		buf_fini(&copy);
		buf_fini(&key_copy);
	}
}

/*
 * A file that rests is found no more: deleted, or renamed and perhaps grown
 * before.  Else it was one that never could be opened.  True: it stays.
 */
static bool
look_after(struct follow *f, struct follow_file *x)
{
	char path[POSITION_PATH_MAX + 1];
	if (!x->rest_path ||
	    !find_renamed(
		x->rest_path, x->device, x->inode, path, sizeof(path)))
		return false;
	try_open(f, x, path);
	return true;
}

/* ---- a scan
 * ---------------------------------------------------------------- */

/* The directory before the first special character of a pattern. */
static void
fixed_directory(const char *pattern, char *dir, size_t size)
{
	snprintf(dir, size, "%s", pattern);
	dir[strcspn(dir, "*?[\\")] = '\0';
	char *slash = strrchr(dir, '/');
	if (slash && slash != dir)
		*slash = '\0';
	else if (slash)
		slash[1] = '\0';
}

/* In one that may not be read nothing is found: say so, once. */
static bool
check_directory(struct follow *f, size_t i)
{
	char dir[POSITION_PATH_MAX + 1];
	fixed_directory(f->settings.patterns[i], dir, sizeof(dir));
	int rc = access(dir, R_OK | X_OK) ? errno : 0;
	if (rc && rc != ENOENT && rc != f->pattern_errno[i])
		follow_note(f, true, dir, strerror(rc));
	f->pattern_errno[i] = rc;
	if (!rc && f->settings.on_directory)
		f->settings.on_directory(dir, f->settings.arg);
	return !rc;
}

void
follow_scan(struct follow *f, uint64_t now_ms)
{
	if (!index_all(f))
		return; /* at the next scan */
	f->is_blind = false;
	for (size_t i = 0; i < f->files; i++)
		f->file[i].is_seen = false;
	for (size_t i = 0; i < f->settings.pattern_count; i++) {
		glob_t g;
		f->is_blind |= !check_directory(f, i);
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
		if (!f->file[i - 1].source && !f->file[i - 1].is_seen &&
		    !look_after(f, &f->file[i - 1]))
			follow_drop(f, i - 1);
}
