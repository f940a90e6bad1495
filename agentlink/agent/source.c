/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: a piece is read behind what is left over, records are
 * given to the sender until it has a batch, the batch is sealed with the
 * offset behind its last record.
 * What can go wrong: the sender is full (the record stays in our buffer and
 * is given again), the file shrinks or is another one under the same inode
 * (its head has another digest: begin again), a record does not end.
 */
#include "agentlink/agent/source.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentlink/agent/position.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#define PIECE (256u * 1024)

struct source {
	struct source_settings settings;
	int fd;
	bool is_pipe, is_finishing, is_over, is_known;
	char *path, *stream_name;
	uint64_t device, inode;
	uint64_t offset; /* of the first byte in `in` */
	uint64_t line; /* records before it */
	uint64_t taken; /* since it was opened */
	struct buf in;
	uint32_t head_len;
	uint8_t head[DIGEST_SIZE];
	struct digest_sha256 *sha;
	bool is_skipping;
	uint64_t skip_left;
	uint8_t flags; /* for the next batch */
	bool is_at_end; /* of a file, as it was when looked at last */
	struct stat last;
};

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
		s->fd = -1;
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

/* The digest of the first `len` bytes; false if they are not there. */
static bool
digest_head(struct source *s, uint32_t len, uint8_t *digest)
{
	uint8_t head[POSITION_HEAD];
	ssize_t n = pread(s->fd, head, len, 0);
	if (n != (ssize_t)len)
		return false;
	digest_sha256_of(s->sha, bytes_of(head, len), digest);
	return true;
}

static bool
head_is(struct source *s, uint32_t len, const uint8_t *want)
{
	uint8_t digest[DIGEST_SIZE];
	return !len ||
	    (digest_head(s, len, digest) &&
		!memcmp(digest, want, sizeof(digest)));
}

static void
make_key(const struct source *s, struct buf *key)
{
	buf_init(key, 512);
	position_key(key, bytes_of_str(s->stream_name), s->device, s->inode);
}

/* Go on where the outbox says, if it is the same file. */
static bool
find_position(struct source *s)
{
	struct agentlink_outbox *o =
	    agentlink_sender_outbox(s->settings.sender);
	if (!o)
		return false;
	struct buf key;
	struct bytes value;
	struct position p = {.offset = 0};
	make_key(s, &key);
	bool is_known = !agentlink_outbox_find(o, buf_bytes(&key), &value) &&
	    !position_value_decode(value, &p) && head_is(s, p.head_len, p.head);
	buf_fini(&key);
	if (!is_known)
		return false;
	s->offset = p.offset;
	s->line = p.records;
	s->head_len = p.head_len;
	memcpy(s->head, p.head, sizeof(s->head));
	return true;
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
	s->is_known = find_position(s);
	if (!s->is_known && from_end)
		s->offset = (uint64_t)st.st_size;
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

/* ---- sealing
 * ------------------------------------------------------------------ */

/* Know the file by as much of its beginning as has been read. */
static void
grow_head(struct source *s)
{
	uint32_t len =
	    s->offset < POSITION_HEAD ? (uint32_t)s->offset : POSITION_HEAD;
	uint8_t digest[DIGEST_SIZE];
	if (len <= s->head_len || !digest_head(s, len, digest))
		return;
	s->head_len = len;
	memcpy(s->head, digest, sizeof(digest));
}

static void
make_value(struct source *s, struct buf *value)
{
	grow_head(s);
	struct position p = {
	    .offset = s->offset,
	    .records = s->line,
	    .head_len = s->head_len,
	    .path = bytes_of_str(s->path),
	};
	memcpy(p.head, s->head, sizeof(p.head));
	buf_init(value, 2 * POSITION_PATH_MAX);
	position_value(value, &p);
}

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
		make_key(s, &key);
		make_value(s, &value);
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
		return err_of_errno(errno);
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

/* Nothing was written since all of it was read. */
static bool
is_unchanged(const struct source *s, const struct stat *st)
{
	return s->is_at_end && !s->is_finishing &&
	    st->st_size == s->last.st_size &&
	    st->st_mtim.tv_sec == s->last.st_mtim.tv_sec &&
	    st->st_mtim.tv_nsec == s->last.st_mtim.tv_nsec;
}

/* Another content under the same name: begin again. */
static void
check_truncation(struct source *s, const struct stat *now)
{
	s->last = *now;
	bool is_shorter = (uint64_t)now->st_size < s->offset + s->in.len;
	if (!is_shorter && head_is(s, s->head_len, s->head))
		return;
	s->settings.events.on_truncated(s->path, s->settings.events.arg);
	buf_clear(&s->in);
	s->offset = s->line = 0;
	s->head_len = 0;
	s->is_skipping = false;
	s->flags |= AGENTLINK_BATCH_RESTART;
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
		check_truncation(s, &st);
	}
	int rc = read_on(s, max_records);
	if (rc < 0)
		return rc;
	if (!s->is_pipe || s->is_finishing) {
		int flushed = source_flush(s);
		if (flushed)
			return flushed;
	}
	s->is_at_end = !rc;
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

uint64_t
source_device(const struct source *s)
{
	return s->device;
}

uint64_t
source_inode(const struct source *s)
{
	return s->inode;
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

int
source_forget(struct source *s)
{
	struct agentlink_outbox *o =
	    agentlink_sender_outbox(s->settings.sender);
	if (!o)
		return 0;
	struct buf key;
	make_key(s, &key);
	int rc =
	    agentlink_outbox_position(o, buf_bytes(&key), bytes_of(NULL, 0));
	buf_fini(&key);
	return rc;
}
