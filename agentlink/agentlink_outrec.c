/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/agentlink_outrec.h"

#include "lib/base/crc32c.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/codec/cursor.h"

#define FILE_VERSION 1

static const char file_magic[8] = {'A', 'G', 'L', 'O', 'U', 'T', 'B', 'X'};
static const char record_magic[4] = {'a', 'g', 'r', '1'};

void
agentlink_outrec_file_encode(struct buf *b, uint64_t number, uint32_t salt)
{
	uint8_t h[AGENTLINK_OUTREC_FILE_HEADER] = {0};
	memcpy(h, file_magic, sizeof(file_magic));
	endian_put_le16(h + 8, FILE_VERSION);
	endian_put_le64(h + 16, number);
	endian_put_le32(h + 24, salt);
	endian_put_le32(h + 28, crc32c(0, h, 28));
	buf_add(b, h, sizeof(h));
}

int
agentlink_outrec_file_decode(struct bytes in, uint64_t *number, uint32_t *salt)
{
	if (in.len < AGENTLINK_OUTREC_FILE_HEADER ||
	    memcmp(in.ptr, file_magic, sizeof(file_magic)) != 0 ||
	    endian_get_le32(in.ptr + 28) != crc32c(0, in.ptr, 28))
		return ERR_FORMAT;
	if (endian_get_le16(in.ptr + 8) != FILE_VERSION)
		return ERR_VERSION;
	*number = endian_get_le64(in.ptr + 16);
	*salt = endian_get_le32(in.ptr + 24);
	return 0;
}

/* ---- meta ------------------------------------------------------------------
 */

static void
put_stream(struct buf *b, const struct agentlink_outrec *r)
{
	cursor_put_le32(b, r->stream);
	buf_add(b, r->epoch, sizeof(r->epoch));
	cursor_put_le64(b, r->seq);
	buf_add(b, r->head, sizeof(r->head));
	cursor_put_u8(b, (uint8_t)r->marks);
	for (unsigned i = 0; i < r->marks; i++) {
		buf_add(b, r->mark[i].spool, sizeof(r->mark[i].spool));
		cursor_put_le64(b, r->mark[i].seq);
		buf_add(b, r->mark[i].head, sizeof(r->mark[i].head));
	}
	cursor_put_string(b, r->name);
}

static void
get_stream(struct cursor *c, struct agentlink_outrec *r)
{
	r->stream = cursor_le32(c);
	cursor_copy(c, r->epoch, sizeof(r->epoch));
	r->seq = cursor_le64(c);
	cursor_copy(c, r->head, sizeof(r->head));
	r->marks = cursor_u8(c);
	if (r->marks > AGENTLINK_OUTREC_MARKS_MAX) {
		r->marks = 0;
		cursor_fail(c, ERR_FORMAT);
	}
	for (unsigned i = 0; i < r->marks; i++) {
		cursor_copy(c, r->mark[i].spool, sizeof(r->mark[i].spool));
		r->mark[i].seq = cursor_le64(c);
		cursor_copy(c, r->mark[i].head, sizeof(r->mark[i].head));
	}
	r->name = cursor_string(c, AGENTLINK_BATCH_NAME_MAX);
}

static void
put_batch(struct buf *b, const struct agentlink_outrec *r)
{
	const struct agentlink_batch *t = &r->batch;
	cursor_put_le32(b, r->stream);
	cursor_put_le64(b, r->seq);
	cursor_put_le32(b, t->count);
	cursor_put_le32(b, t->raw_len);
	cursor_put_le32(b, t->bytes);
	cursor_put_u8(b, t->codec);
	cursor_put_u8(b, t->flags);
	cursor_put_le32(b, t->severities);
	cursor_put_le64(b, (uint64_t)t->event_min_ns);
	cursor_put_le64(b, (uint64_t)t->event_max_ns);
	buf_add(b, t->digest, sizeof(t->digest));
	buf_add(b, r->head, sizeof(r->head));
	cursor_put_string(b, r->path);
	cursor_put_string(b, r->key);
	cursor_put_string(b, r->value);
}

static void
get_batch(struct cursor *c, struct agentlink_outrec *r)
{
	struct agentlink_batch *t = &r->batch;
	r->stream = cursor_le32(c);
	r->seq = cursor_le64(c);
	t->count = cursor_le32(c);
	t->raw_len = cursor_le32(c);
	t->bytes = cursor_le32(c);
	t->codec = cursor_u8(c);
	t->flags = cursor_u8(c);
	t->severities = cursor_le32(c);
	t->event_min_ns = (int64_t)cursor_le64(c);
	t->event_max_ns = (int64_t)cursor_le64(c);
	cursor_copy(c, t->digest, sizeof(t->digest));
	cursor_copy(c, r->head, sizeof(r->head));
	r->path = cursor_string(c, AGENTLINK_BATCH_PATH_MAX);
	r->key = cursor_string(c, AGENTLINK_OUTREC_KEY_MAX);
	r->value = cursor_string(c, AGENTLINK_OUTREC_VALUE_MAX);
	if (!t->count || !r->seq || r->seq + t->count < r->seq)
		cursor_fail(c, ERR_FORMAT);
}

static void
put_meta(struct buf *b, const struct agentlink_outrec *r)
{
	switch (r->type) {
	case AGENTLINK_OUTREC_STREAM:
		put_stream(b, r);
		break;
	case AGENTLINK_OUTREC_BATCH:
		put_batch(b, r);
		break;
	case AGENTLINK_OUTREC_ACKED:
		cursor_put_le32(b, r->stream);
		cursor_put_le64(b, r->seq);
		buf_add(b, r->head, sizeof(r->head));
		buf_add(b, r->spool, sizeof(r->spool));
		break;
	case AGENTLINK_OUTREC_EPOCH:
		cursor_put_le32(b, r->stream);
		buf_add(b, r->epoch, sizeof(r->epoch));
		break;
	case AGENTLINK_OUTREC_POSITION:
		cursor_put_string(b, r->key);
		cursor_put_string(b, r->value);
		break;
	default:
		b->err = b->err ? b->err : ERR_INVAL;
	}
}

static void
get_meta(struct cursor *c, struct agentlink_outrec *r)
{
	switch (r->type) {
	case AGENTLINK_OUTREC_STREAM:
		get_stream(c, r);
		break;
	case AGENTLINK_OUTREC_BATCH:
		get_batch(c, r);
		break;
	case AGENTLINK_OUTREC_ACKED:
		r->stream = cursor_le32(c);
		r->seq = cursor_le64(c);
		cursor_copy(c, r->head, sizeof(r->head));
		cursor_copy(c, r->spool, sizeof(r->spool));
		break;
	case AGENTLINK_OUTREC_EPOCH:
		r->stream = cursor_le32(c);
		cursor_copy(c, r->epoch, sizeof(r->epoch));
		break;
	case AGENTLINK_OUTREC_POSITION:
		r->key = cursor_string(c, AGENTLINK_OUTREC_KEY_MAX);
		r->value = cursor_string(c, AGENTLINK_OUTREC_VALUE_MAX);
		break;
	default:
		cursor_fail(c, ERR_FORMAT);
	}
}

/* ---- records ----------------------------------------------------------------
 */

void
agentlink_outrec_encode(
    struct buf *b, uint32_t salt, const struct agentlink_outrec *r)
{
	struct buf meta;
	buf_init(&meta, AGENTLINK_OUTREC_META_MAX);
	put_meta(&meta, r);
	if (meta.err || r->body.len > AGENTLINK_OUTREC_BODY_MAX) {
		b->err = meta.err ? meta.err : ERR_LIMIT;
		buf_fini(&meta);
		return;
	}
	uint8_t h[AGENTLINK_OUTREC_HEADER] = {0};
	memcpy(h, record_magic, sizeof(record_magic));
	h[4] = r->type;
	endian_put_le32(h + 8, (uint32_t)meta.len);
	endian_put_le32(h + 12, (uint32_t)r->body.len);
	endian_put_le32(h + 16, crc32c(0, r->body.ptr, r->body.len));
	uint32_t crc = crc32c(salt, h, 20);
	endian_put_le32(h + 20, crc32c(crc, buf_ptr(&meta), meta.len));
	buf_add(b, h, sizeof(h));
	buf_add_bytes(b, buf_bytes(&meta));
	buf_add_bytes(b, r->body);
	buf_fini(&meta);
}

static bool
header_is_sound(const uint8_t *h)
{
	return !memcmp(h, record_magic, sizeof(record_magic)) && !h[5] &&
	    !h[6] && !h[7] &&
	    endian_get_le32(h + 8) <= AGENTLINK_OUTREC_META_MAX &&
	    endian_get_le32(h + 12) <= AGENTLINK_OUTREC_BODY_MAX &&
	    (h[4] == AGENTLINK_OUTREC_BATCH || !endian_get_le32(h + 12));
}

int
agentlink_outrec_decode(
    struct bytes in, uint32_t salt, struct agentlink_outrec *r, size_t *len)
{
	if (in.len < AGENTLINK_OUTREC_HEADER)
		return 0;
	if (!header_is_sound(in.ptr))
		return ERR_FORMAT;
	size_t meta_len = endian_get_le32(in.ptr + 8);
	size_t body_len = endian_get_le32(in.ptr + 12);
	const uint8_t *meta = in.ptr + AGENTLINK_OUTREC_HEADER;
	if (in.len - AGENTLINK_OUTREC_HEADER < meta_len)
		return 0;
	uint32_t crc = crc32c(salt, in.ptr, 20);
	if (endian_get_le32(in.ptr + 20) != crc32c(crc, meta, meta_len))
		return ERR_FORMAT;
	if (in.len - AGENTLINK_OUTREC_HEADER - meta_len < body_len)
		return 0;
	struct agentlink_outrec x = {.type = in.ptr[4]};
	struct cursor c;
	cursor_init(&c, bytes_of(meta, meta_len));
	get_meta(&c, &x);
	if (cursor_end(&c))
		return ERR_FORMAT;
	x.body = bytes_of(meta + meta_len, body_len);
	x.batch.payload_len = body_len;
	x.body_crc = endian_get_le32(in.ptr + 16);
	*r = x;
	*len = AGENTLINK_OUTREC_HEADER + meta_len + body_len;
	return 1;
}

bool
agentlink_outrec_body_is_sound(const struct agentlink_outrec *r)
{
	return crc32c(0, r->body.ptr, r->body.len) == r->body_crc;
}

size_t
agentlink_outrec_seek(struct bytes in, uint32_t salt, size_t from)
{
	struct agentlink_outrec r;
	size_t len;
	for (size_t at = from; at + AGENTLINK_OUTREC_HEADER <= in.len; at++) {
		const uint8_t *p =
		    memchr(in.ptr + at, record_magic[0], in.len - at);
		if (!p)
			break;
		at = (size_t)(p - in.ptr);
		if (agentlink_outrec_decode(
			bytes_of(p, in.len - at), salt, &r, &len) == 1)
			return at;
	}
	return in.len;
}
