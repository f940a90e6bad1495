/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file a source is, and where it goes on: by device and inode, and by
 * the digest of its first bytes.
 */
#include <errno.h>
#include <unistd.h>

#include "agentlink/agent/source_internal.h"
#include "lib/base/err.h"

/* The digest of the first `len` bytes.  1; 0: they are not there; an error. */
static int
digest_head(struct source *s, uint32_t len, uint8_t *digest)
{
	uint8_t head[POSITION_HEAD];
	ssize_t n = pread(s->fd, head, len, 0);
	if (n < 0)
		return ERR_SYS;
	if (n != (ssize_t)len)
		return 0;
	digest_sha256_of(s->sha, bytes_of(head, len), digest);
	return 1;
}

/* Does the file begin so?  1, 0, or an error: then nothing is known. */
int
source_place_head_is(struct source *s, uint32_t len, const uint8_t *want)
{
	uint8_t digest[DIGEST_SIZE];
	int rc = len ? digest_head(s, len, digest) : 1;
	if (len && rc == 1)
		return !memcmp(digest, want, sizeof(digest));
	return rc;
}

void
source_place_key(const struct source *s, struct buf *key)
{
	buf_init(key, 512);
	position_key(key, bytes_of_str(s->stream_name), s->device, s->inode);
}

/* Know the file by as much of its beginning as has been read. */
static void
grow_head(struct source *s)
{
	uint32_t len =
	    s->offset < POSITION_HEAD ? (uint32_t)s->offset : POSITION_HEAD;
	uint8_t digest[DIGEST_SIZE];
	if (len <= s->head_len || digest_head(s, len, digest) != 1)
		return;
	s->head_len = len;
	memcpy(s->head, digest, sizeof(digest));
}

void
source_place_value(struct source *s, struct buf *value)
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

static void
go_on_from(struct source *s, const struct position *p)
{
	s->is_known = true;
	s->offset = p->offset;
	s->line = p->records;
	s->head_len = p->head_len;
	memcpy(s->head, p->head, sizeof(s->head));
}

int
source_place_keep(struct source *s)
{
	struct agentlink_outbox *o =
	    agentlink_sender_outbox(s->settings.sender);
	if (!o)
		return 0;
	struct buf key, value;
	source_place_key(s, &key);
	source_place_value(s, &value);
	int rc =
	    agentlink_outbox_position(o, buf_bytes(&key), buf_bytes(&value));
	buf_fini(&key);
	buf_fini(&value);
	return rc;
}

/* The position under its new key, and only then not under the old one. */
static int
adopt(struct source *s, struct agentlink_outbox *o, struct bytes old,
    const struct position *p)
{
	go_on_from(s, p);
	int rc = source_place_keep(s);
	return rc ? rc : agentlink_outbox_position(o, old, bytes_of(NULL, 0));
}

/*
 * The number of a device may be another after a restart of the machine: the
 * same inode under the same path, with the same beginning, is the same file.
 */
static int
find_moved(struct source *s, struct agentlink_outbox *o)
{
	struct bytes key, value, stream;
	for (size_t i = 0; !agentlink_outbox_position_at(o, i, &key, &value);
	     i++) {
		struct position p;
		if (position_key_decode(key, &stream, &p.device, &p.inode) ||
		    p.inode != s->inode ||
		    !bytes_equal_str(stream, s->stream_name) ||
		    position_value_decode(value, &p) || !p.head_len ||
		    !bytes_equal_str(p.path, s->path))
			continue;
		int rc = source_place_head_is(s, p.head_len, p.head);
		if (rc == 1)
			rc = adopt(s, o, key, &p);
		return rc;
	}
	return 0;
}

/* Go on where the outbox says, if it is the same file. */
int
source_place_find(struct source *s)
{
	struct agentlink_outbox *o =
	    agentlink_sender_outbox(s->settings.sender);
	if (!o)
		return 0;
	struct buf key;
	struct bytes value;
	struct position p = {.offset = 0};
	source_place_key(s, &key);
	int rc = agentlink_outbox_find(o, buf_bytes(&key), &value);
	buf_fini(&key);
	if (rc)
		return find_moved(s, o);
	if (position_value_decode(value, &p))
		return 0;
	rc = source_place_head_is(s, p.head_len, p.head);
	if (rc == 1)
		go_on_from(s, &p);
	return rc < 0 ? rc : 0;
}

int
source_forget(struct source *s)
{
	struct agentlink_outbox *o =
	    agentlink_sender_outbox(s->settings.sender);
	if (!o)
		return 0;
	struct buf key;
	source_place_key(s, &key);
	int rc =
	    agentlink_outbox_position(o, buf_bytes(&key), bytes_of(NULL, 0));
	buf_fini(&key);
	return rc;
}
