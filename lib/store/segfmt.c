/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/segfmt.h"

#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/codec/cursor.h"

#define RECORD_SIZE 256 /* header and footer, CRC included */
#define CRC_SIZE 4
#define LOCK_RECORD_SIZE 128
#define SLOT_RECORD_SIZE 140

static const char header_magic[] = "SPLSEGMT";
static const char footer_magic[] = "SPLSEGFT";
static const char slot_magic[] = "SPLKEYSL";
static const char lock_magic[] = "SPLLOCKF";

#define MAGIC_SIZE 8
#define META_VERSION 1

/* ---- writing: a cursor that moves over zeroed memory ---- */

struct writer {
	uint8_t *begin;
	uint8_t *ptr;
};

static void
put(struct writer *w, const void *from, size_t len)
{
	memcpy(w->ptr, from, len);
	w->ptr += len;
}

static void
put64(struct writer *w, uint64_t x)
{
	endian_put_le64(w->ptr, x);
	w->ptr += 8;
}

static struct writer
begin(uint8_t *to, size_t size, const char *magic, uint16_t len)
{
	struct writer w = {to, to};

	memset(to, 0, size);
	put(&w, magic, MAGIC_SIZE);
	endian_put_le16(w.ptr, SEGFMT_VERSION);
	endian_put_le16(w.ptr + 2, len);
	w.ptr += 8;
	return w;
}

static void
finish(struct writer *w, size_t record_size)
{
	uint8_t *crc = w->begin + record_size - CRC_SIZE;

	endian_put_le32(crc, crc32c(0, w->begin, record_size - CRC_SIZE));
}

/* ---- reading ---- */

/*
 * Magic, version, checksum; the cursor then stands behind the first 16 bytes
 * and ends where the CRC begins.  What follows the record must be zero.
 */
static int
check(struct bytes in, size_t size, size_t record_size, const char *magic,
    struct cursor *c)
{
	struct cursor rest;

	if (in.len != size || memcmp(in.ptr, magic, MAGIC_SIZE))
		return ERR_FORMAT;
	if (endian_get_le16(in.ptr + 8) != SEGFMT_VERSION)
		return ERR_VERSION;
	if (endian_get_le16(in.ptr + 10) != record_size)
		return ERR_FORMAT;
	if (endian_get_le32(in.ptr + record_size - CRC_SIZE) !=
	    crc32c(0, in.ptr, record_size - CRC_SIZE))
		return ERR_CORRUPT;
	cursor_init(&rest, bytes_of(in.ptr + record_size, size - record_size));
	cursor_zeros(&rest, cursor_left(&rest));
	if (cursor_err(&rest))
		return ERR_CORRUPT;
	cursor_init(c, bytes_of(in.ptr + 12, record_size - CRC_SIZE - 12));
	return 0;
}

/* The fields are read; what is left of the record must be zero. */
static int
end(struct cursor *c)
{
	cursor_zeros(c, cursor_left(c));
	return cursor_err(c);
}

/* ---- the layouts ----------------------------------------------------------
 */

void
segfmt_header_encode(const struct segfmt_header *h, uint8_t *to)
{
	struct writer w =
	    begin(to, SEGFMT_VALUE_SIZE, header_magic, RECORD_SIZE);

	to[12] = h->family;
	to[13] = h->cipher;
	put64(&w, h->id);
	put(&w, h->spool.byte, UUID_SIZE);
	put(&w, h->segment.byte, UUID_SIZE);
	put(&w, h->prev.byte, UUID_SIZE);
	put64(&w, h->prev_last);
	put64(&w, h->first_number);
	put64(&w, h->first_rec);
	put(&w, h->chain, sizeof(h->chain));
	put64(&w, h->opening_next);
	put(&w, h->key_id, sizeof(h->key_id));
	put64(&w, (uint64_t)h->created_ns);
	finish(&w, RECORD_SIZE);
}

int
segfmt_header_decode(struct bytes in, struct segfmt_header *out)
{
	struct segfmt_header h = {0};
	struct cursor c;
	int rc = check(in, SEGFMT_VALUE_SIZE, RECORD_SIZE, header_magic, &c);

	if (rc)
		return rc;
	h.family = cursor_u8(&c);
	h.cipher = cursor_u8(&c);
	cursor_zeros(&c, 2);
	h.id = cursor_le64(&c);
	cursor_uuid(&c, &h.spool);
	cursor_uuid(&c, &h.segment);
	cursor_uuid(&c, &h.prev);
	h.prev_last = cursor_le64(&c);
	h.first_number = cursor_le64(&c);
	h.first_rec = cursor_le64(&c);
	cursor_copy(&c, h.chain, sizeof(h.chain));
	h.opening_next = cursor_le64(&c);
	cursor_copy(&c, h.key_id, sizeof(h.key_id));
	h.created_ns = (int64_t)cursor_le64(&c);
	rc = end(&c);
	if (!rc && (h.family != SEGFMT_MAIN || h.cipher > 1))
		rc = ERR_VERSION;
	if (!rc &&
	    (h.prev_last >= h.first_number || h.opening_next < h.first_number))
		rc = ERR_FORMAT;
	if (!rc)
		*out = h;
	return rc;
}

void
segfmt_footer_encode(const struct segfmt_footer *f, uint8_t *to)
{
	struct writer w =
	    begin(to, SEGFMT_VALUE_SIZE, footer_magic, RECORD_SIZE);

	put64(&w, f->id);
	put(&w, f->segment.byte, UUID_SIZE);
	put64(&w, f->first_number);
	put64(&w, f->next_number);
	put64(&w, f->first_rec);
	put64(&w, f->next_rec);
	put64(&w, f->batches);
	put64(&w, f->records);
	put64(&w, f->stored_bytes);
	put64(&w, (uint64_t)f->received_first_ns);
	put64(&w, (uint64_t)f->received_last_ns);
	put(&w, f->chain, sizeof(f->chain));
	put64(&w, (uint64_t)f->sealed_ns);
	put64(&w, f->data_end);
	finish(&w, RECORD_SIZE);
}

int
segfmt_footer_decode(struct bytes in, struct segfmt_footer *out)
{
	struct segfmt_footer f = {0};
	struct cursor c;
	int rc = check(in, SEGFMT_VALUE_SIZE, RECORD_SIZE, footer_magic, &c);

	if (rc)
		return rc;
	cursor_zeros(&c, 4);
	f.id = cursor_le64(&c);
	cursor_uuid(&c, &f.segment);
	f.first_number = cursor_le64(&c);
	f.next_number = cursor_le64(&c);
	f.first_rec = cursor_le64(&c);
	f.next_rec = cursor_le64(&c);
	f.batches = cursor_le64(&c);
	f.records = cursor_le64(&c);
	f.stored_bytes = cursor_le64(&c);
	f.received_first_ns = (int64_t)cursor_le64(&c);
	f.received_last_ns = (int64_t)cursor_le64(&c);
	cursor_copy(&c, f.chain, sizeof(f.chain));
	f.sealed_ns = (int64_t)cursor_le64(&c);
	f.data_end = cursor_le64(&c);
	rc = end(&c);
	if (!rc && (f.next_number < f.first_number || f.next_rec < f.first_rec))
		rc = ERR_FORMAT;
	if (!rc)
		*out = f;
	return rc;
}

void
segfmt_slot_encode(const struct segfmt_slot *s, uint8_t *to)
{
	struct writer w =
	    begin(to, SEGFMT_SLOT_SIZE, slot_magic, SLOT_RECORD_SIZE);

	put64(&w, s->id);
	put(&w, s->segment.byte, UUID_SIZE);
	put(&w, s->key_id, sizeof(s->key_id));
	put(&w, s->wrapped, sizeof(s->wrapped));
	put64(&w, (uint64_t)s->created_ns);
	put(&w, s->mac, sizeof(s->mac));
	finish(&w, SLOT_RECORD_SIZE);
}

static bool
all_zero(struct bytes in)
{
	for (size_t i = 0; i < in.len; i++)
		if (in.ptr[i])
			return false;
	return true;
}

int
segfmt_slot_decode(struct bytes in, struct segfmt_slot *out)
{
	struct segfmt_slot s = {0};
	struct cursor c;
	int rc;

	if (in.len == SEGFMT_SLOT_SIZE && all_zero(in))
		return ERR_NOENT;
	rc = check(in, SEGFMT_SLOT_SIZE, SLOT_RECORD_SIZE, slot_magic, &c);
	if (rc)
		return rc;
	cursor_zeros(&c, 4);
	s.id = cursor_le64(&c);
	cursor_uuid(&c, &s.segment);
	cursor_copy(&c, s.key_id, sizeof(s.key_id));
	cursor_copy(&c, s.wrapped, sizeof(s.wrapped));
	s.created_ns = (int64_t)cursor_le64(&c);
	cursor_copy(&c, s.mac, sizeof(s.mac));
	rc = end(&c);
	if (!rc)
		*out = s;
	return rc;
}

void
segfmt_lock_encode(const struct segfmt_lock *l, uint8_t *to)
{
	struct writer w =
	    begin(to, SEGFMT_LOCK_SIZE, lock_magic, LOCK_RECORD_SIZE);

	endian_put_le32(to + 12, l->flags);
	put64(&w, l->generation);
	put(&w, l->spool.byte, UUID_SIZE);
	put(&w, l->key_id, sizeof(l->key_id));
	put64(&w, (uint64_t)l->created_ns);
	finish(&w, LOCK_RECORD_SIZE);
}

int
segfmt_lock_decode(struct bytes in, struct segfmt_lock *out)
{
	struct segfmt_lock l = {0};
	struct cursor c;
	int rc = check(in, SEGFMT_LOCK_SIZE, LOCK_RECORD_SIZE, lock_magic, &c);

	if (rc)
		return rc;
	l.flags = cursor_le32(&c);
	l.generation = cursor_le64(&c);
	cursor_uuid(&c, &l.spool);
	cursor_copy(&c, l.key_id, sizeof(l.key_id));
	l.created_ns = (int64_t)cursor_le64(&c);
	rc = end(&c);
	if (!rc &&
	    l.flags & ~(uint32_t)(SEGFMT_LOCK_CLEAN | SEGFMT_LOCK_ENCRYPTED))
		rc = ERR_VERSION;
	if (!rc)
		*out = l;
	return rc;
}

static uint32_t
meta_checksum(struct bytes key, struct bytes value)
{
	uint32_t crc = crc32c(META_VERSION, key.ptr, key.len);

	return crc32c(crc, value.ptr, value.len);
}

void
segfmt_meta_encode(struct buf *b, struct bytes key, struct bytes value)
{
	cursor_put_le16(b, META_VERSION);
	cursor_put_zeros(b, 2);
	cursor_put_le32(b, meta_checksum(key, value));
	buf_add_bytes(b, value);
}

int
segfmt_meta_decode(struct bytes key, struct bytes in, struct bytes *value)
{
	struct cursor c;
	uint16_t version;
	uint32_t crc;
	struct bytes rest;

	cursor_init(&c, in);
	version = cursor_le16(&c);
	cursor_zeros(&c, 2);
	crc = cursor_le32(&c);
	if (cursor_err(&c))
		return ERR_FORMAT;
	if (version != META_VERSION)
		return ERR_VERSION;
	rest = cursor_rest(&c);
	if (crc != meta_checksum(key, rest))
		return ERR_CORRUPT;
	*value = rest;
	return 0;
}

void
segfmt_key_encode(uint64_t key, uint8_t to[static SEGFMT_KEY_SIZE])
{
	endian_put_be64(to, key);
}

int
segfmt_key_decode(struct bytes in, uint64_t *key)
{
	if (in.len != SEGFMT_KEY_SIZE)
		return ERR_FORMAT;
	*key = endian_get_be64(in.ptr);
	return 0;
}
