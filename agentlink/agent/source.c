/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: a piece is read behind what is left over, records are
 * given to the sender until it has a batch, the batch is sealed with the
 * offset behind its last record.
 * What can go wrong: the sender is full (the record stays in our buffer and
 * is given again), the file shrinks or is another one under the same inode
 * (its head has another digest: begin again), a record does not end.
 */
#include "agentlink/agent/source_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/err.h"

#define PIECE (256u * 1024)
#define REST_MAX 4096u /* kept of a line that has not ended */

/* ---- life -------------------------------------------------------------------
 */

static int
new_source(const struct source_settings *settings, int fd, const char *path,
    struct source **out)
{
	struct source *s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	s->settings = *settings;
	s->fd = fd;
	buf_init(&s->in, AGENTLINK_BATCH_RECORD_MAX + 4 * PIECE);
	s->path = strdup(path);
	s->stream_name = strdup(settings->stream_name);
	int rc = digest_sha256_new(&s->sha);
	if (!rc && (!s->path || !s->stream_name))
		rc = ERR_NOMEM;
	if (rc) {
		s->fd = -1; /* stays the caller's */
		source_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
source_close(struct source *s)
{
	if (!s)
		return;
	if (s->fd >= 0 && !s->is_pipe)
		close(s->fd);
	digest_sha256_free(s->sha);
	buf_fini(&s->in);
	free(s->path);
	free(s->stream_name);
	free(s);
}

int
source_open(const struct source_settings *settings, int fd, const char *path,
    bool from_end, struct source **out)
{
	struct stat st;
	if (fstat(fd, &st))
		return err_of_errno(errno);
	struct source *s;
	int rc = new_source(settings, fd, path, &s);
	if (rc)
		return rc;
	s->device = st.st_dev;
	s->inode = st.st_ino;
	rc = source_place_find(s);
	if (!rc && !s->is_known && from_end) {
		s->offset = (uint64_t)st.st_size;
		rc = source_place_keep(s);
	}
	if (rc) {
		s->fd = -1; /* stays the caller's */
		source_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

int
source_open_pipe(
    const struct source_settings *settings, int fd, struct source **out)
{
	int rc = new_source(settings, fd, "standard input", out);
	if (!rc)
		(*out)->is_pipe = true;
	return rc;
}

void
source_move(struct source *s, const struct source_settings *settings)
{
	s->settings = *settings;
}

/* ---- sealing
 * ------------------------------------------------------------------ */

int
source_flush(struct source *s)
{
	struct agentlink_sender *sender = s->settings.sender;
	if (!agentlink_sender_gathered(sender))
		return 0;
	int rc;
	struct bytes none = bytes_of(NULL, 0);
	if (s->is_pipe) {
		rc = agentlink_sender_seal(sender, NULL, s->flags, none, none);
	} else {
		struct buf key, value;
		source_place_key(s, &key);
		source_place_value(s, &value);
		rc = agentlink_sender_seal(sender, s->path, s->flags,
		    buf_bytes(&key), buf_bytes(&value));
		buf_fini(&key);
		buf_fini(&value);
	}
	if (!rc)
		s->flags = 0;
	return rc;
}

/* ---- reading
 * ------------------------------------------------------------------- */

/* Bytes from the descriptor; *n 0: none now, or the end. */
static int
fill(struct source *s, size_t *n)
{
	*n = 0;
	uint8_t *to = buf_reserve(&s->in, PIECE);
	if (!to)
		return s->in.err;
	ssize_t got = s->is_pipe
	    ? read(s->fd, to, PIECE)
	    : pread(s->fd, to, PIECE, (off_t)(s->offset + s->in.len));
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got < 0)
		return ERR_SYS; /* of the input, not of the outbox */
	if (!got && s->is_pipe)
		s->is_finishing = true;
	buf_claim(&s->in, (size_t)got);
	*n = (size_t)got;
	return 0;
}

static void
consume(struct source *s, size_t used)
{
	buf_consume(&s->in, used);
	s->offset += used;
}

static void
skip(struct source *s)
{
	bool done;
	consume(s,
	    framing_skip(
		s->settings.framing, buf_bytes(&s->in), &s->skip_left, &done));
	s->is_skipping = !done;
	if (done) {
		s->line++;
		s->flags |= AGENTLINK_BATCH_GAP_BEFORE;
	}
}

/* Records out of the buffer.  1: it needs more bytes. */
static int
take(struct source *s, uint64_t max_records, bool at_end)
{
	struct agentlink_sender *sender = s->settings.sender;
	for (uint64_t end = s->taken + max_records; s->taken < end;) {
		struct bytes record;
		size_t used;
		int rc = framing_next(s->settings.framing, buf_bytes(&s->in),
		    AGENTLINK_BATCH_RECORD_MAX, at_end, &record, &used);
		if (rc <= 0)
			return rc ? rc : 1;
		rc = agentlink_sender_add(
		    sender, s->settings.stream, record.ptr, record.len);
		if (rc == ERR_FULL) {
			rc = source_flush(s);
			if (rc)
				return rc;
			continue;
		}
		if (rc)
			return rc;
		consume(s, used);
		s->line++;
		s->taken++;
	}
	return 0;
}

/* A record that does not end: tell, and leave it out or stop. */
static int
too_long(struct source *s)
{
	int rc = source_flush(s);
	if (rc)
		return rc;
	s->settings.events.on_too_long(
	    s->path, s->line + 1, s->offset, s->settings.events.arg);
	if (s->settings.stops_at_too_long) {
		s->is_over = true;
		return ERR_LIMIT;
	}
	s->is_skipping = true;
	s->skip_left = 0;
	return 0;
}

bool
source_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Nothing was written since all of it was read. */
static bool
is_unchanged(const struct source *s, const struct stat *st)
{
	return s->is_at_end && !s->is_finishing && source_is_same(st, &s->last);
}

/* Another content under the same name: begin again. */
static int
check_truncation(struct source *s, const struct stat *now)
{
	s->last = *now;
	bool is_shorter = (uint64_t)now->st_size < s->offset + s->in.len;
	int rc = is_shorter ? 0 : source_place_head_is(s, s->head_len, s->head);
	if (rc)
		return rc < 0 ? rc : 0;
	s->settings.events.on_truncated(s->path, s->settings.events.arg);
	buf_clear(&s->in);
	s->offset = s->line = 0;
	s->head_len = 0;
	s->is_skipping = false;
	s->flags |= AGENTLINK_BATCH_RESTART;
	return 0;
}

/* Thousands of files at rest must not keep a piece of memory each. */
static void
rest_buffer(struct source *s)
{
	struct buf old = s->in;
	if (old.cap <= REST_MAX || old.len > REST_MAX)
		return;
	buf_init(&s->in, old.limit);
	buf_add_bytes(&s->in, buf_bytes(&old));
	if (s->in.err) {
		buf_fini(&s->in);
		s->in = old;
		return;
	}
	buf_fini(&old);
}

static int
read_on(struct source *s, uint64_t max_records)
{
	uint64_t end = s->taken + max_records;
	bool at_end = false;
	while (s->taken < end) {
		int rc = 1;
		if (s->is_skipping)
			skip(s);
		if (!s->is_skipping)
			rc = take(s, end - s->taken, at_end);
		if (rc == ERR_LIMIT)
			rc = too_long(s);
		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		if (at_end)
			return 0;
		size_t n;
		rc = fill(s, &n);
		if (rc)
			return rc;
		if (!n && !s->is_finishing)
			return 0;
		at_end = !n;
	}
	return 1;
}

int
source_read(struct source *s, uint64_t max_records)
{
	struct agentlink_sender *sender = s->settings.sender;
	if (s->is_over)
		return s->is_pipe ? ERR_CLOSED : 0;
	if (!s->is_pipe && agentlink_sender_gathered(sender)) {
		/* Of a pipe, or sealed already and waiting for room. */
		struct bytes none = bytes_of(NULL, 0);
		int rc = agentlink_sender_seal(sender, NULL, 0, none, none);
		if (rc)
			return rc;
	}
	struct stat st;
	if (!s->is_pipe && !fstat(s->fd, &st)) {
		if (is_unchanged(s, &st))
			return 0;
		int checked = check_truncation(s, &st);
		if (checked)
			return checked;
	}
	int rc = read_on(s, max_records);
	/* What was taken before an error goes with its position. */
	bool is_flushing = rc == ERR_SYS || rc == ERR_FORMAT ||
	    (rc >= 0 && (!s->is_pipe || s->is_finishing));
	if (is_flushing) {
		int flushed = source_flush(s);
		if (flushed)
			return flushed;
	}
	if (rc < 0)
		return rc;
	s->is_at_end = !rc;
	if (!rc && !s->is_pipe)
		rest_buffer(s);
	if (!rc && s->is_finishing)
		s->is_over = true;
	return !rc && s->is_over && s->is_pipe ? ERR_CLOSED : rc;
}

void
source_finish(struct source *s)
{
	s->is_finishing = true;
}

/* ---- about it
 * -------------------------------------------------------------------- */

bool
source_is_known(const struct source *s)
{
	return s->is_known;
}

void
source_rename(struct source *s, const char *path)
{
	char *copy = strdup(path);
	if (!copy)
		return; /* the old name serves as well */
	free(s->path);
	s->path = copy;
}

const char *
source_path(const struct source *s)
{
	return s->path;
}

int
source_fd(const struct source *s)
{
	return s->fd;
}

uint64_t
source_records(const struct source *s)
{
	return s->taken;
}

uint64_t
source_behind(const struct source *s)
{
	struct stat st;
	if (s->is_pipe || fstat(s->fd, &st) ||
	    (uint64_t)st.st_size <= s->offset)
		return 0;
	return (uint64_t)st.st_size - s->offset;
}

bool
source_is_at_rest(const struct source *s, struct stat *st)
{
	return !fstat(s->fd, st) && is_unchanged(s, st);
}
