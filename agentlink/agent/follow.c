/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: a scan finds a file (follow_scan.c), it is opened and read
 * to its end again and again.
 * What can go wrong: it is renamed (the inode is found under another name, or
 * under none), deleted (what is open is read to its end), truncated (source
 * sees to it), or cannot be read any more (it is left, and found again).
 */
#include <stdlib.h>
#include <string.h>

#include "agentlink/agent/follow_internal.h"
#include "lib/base/err.h"

#define PIECE_RECORDS 4000u /* of one file before the next has its turn */

int
follow_new(const struct follow_settings *settings, struct follow **out)
{
	struct follow *f = calloc(1, sizeof(*f));
	if (!f)
		return ERR_NOMEM;
	f->settings = *settings;
	f->stream_name = strdup(settings->source.stream_name);
	f->pattern_errno =
	    calloc(settings->pattern_count + 1, sizeof(*f->pattern_errno));
	if (!f->stream_name || !f->pattern_errno) {
		follow_free(f);
		return ERR_NOMEM;
	}
	f->settings.source.stream_name = f->stream_name;
	*out = f;
	return 0;
}

static void
fini_file(struct follow_file *x)
{
	source_close(x->source);
	free(x->rest_path);
}

void
follow_free(struct follow *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->files; i++)
		fini_file(&f->file[i]);
	free(f->file);
	free(f->bucket);
	free(f->chain);
	free(f->pattern_errno);
	free(f->stream_name);
	free(f);
}

void
follow_note(struct follow *f, bool is_error, const char *path, const char *text)
{
	f->settings.on_note(is_error, path, text, f->settings.arg);
}

void
follow_drop(struct follow *f, size_t i)
{
	if (f->file[i].source)
		f->records += source_records(f->file[i].source);
	fini_file(&f->file[i]);
	f->file[i] = f->file[--f->files];
}

/* ---- reading
 * ------------------------------------------------------------------ */

/* It is read to its end, and no pattern finds it: is that all? */
static bool
is_over(const struct follow *f, const struct follow_file *x, uint64_t now_ms)
{
	struct stat st;
	if (x->is_seen || fstat(source_fd(x->source), &st))
		return false;
	return !st.st_nlink ||
	    (!f->is_blind && now_ms - x->grown_ms >= FOLLOW_QUIET_MS);
}

/* It cannot be read (now): said once, and opened again at the next scan. */
static void
set_aside(struct follow *f, struct follow_file *x, int rc)
{
	if (!x->is_told)
		follow_note(f, true, source_path(x->source), err_text(rc));
	x->is_told = true;
	f->records += source_records(x->source);
	source_close(x->source);
	x->source = NULL;
}

/* The last line, then the end.  ERR_FULL: again later. */
static int
leave(struct follow *f, size_t i)
{
	struct follow_file *x = &f->file[i];
	struct stat st;
	bool is_deleted = !fstat(source_fd(x->source), &st) && !st.st_nlink;
	source_finish(x->source);
	int rc = source_read(x->source, UINT32_MAX);
	if (rc == ERR_FORMAT)
		follow_note(f, true, source_path(x->source),
		    "ends within a record, which is left out");
	else if (rc == ERR_SYS)
		set_aside(f, x, rc);
	if (rc && rc != ERR_FORMAT)
		return rc == ERR_SYS ? 0 : rc;
	follow_note(f, false, source_path(x->source),
	    is_deleted ? "was deleted; it is read to its end"
		       : "was renamed; it is read to its end");
	if (is_deleted)
		source_forget(x->source);
	follow_drop(f, i);
	return 0;
}

/* 1, 0, or an error that concerns all files. */
static int
read_one(struct follow *f, size_t i, uint64_t now_ms)
{
	struct follow_file *x = &f->file[i];
	uint64_t before = source_records(x->source);
	int rc = source_read(x->source, PIECE_RECORDS);
	if (source_records(x->source) != before)
		x->grown_ms = now_ms;
	if (rc >= 0)
		x->is_told = false;
	if (!rc && is_over(f, x, now_ms))
		return leave(f, i);
	if (rc != ERR_SYS)
		return rc;
	set_aside(f, x, rc);
	return 0;
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

void
follow_counts(const struct follow *f, struct follow_counts *counts)
{
	struct follow_counts c = {.records = f->records};
	for (size_t i = 0; i < f->files; i++) {
		const struct follow_file *x = &f->file[i];
		c.files++;
		if (!x->source) {
			c.unreadable += !x->rest_path;
			continue;
		}
		c.records += source_records(x->source);
		c.behind_bytes += source_behind(x->source);
	}
	*counts = c;
}
