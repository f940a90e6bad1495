/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/codec/batch.h"

#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"

#define PAGE 4096u
#define PAGE_HEADER 16u /* LMDB's, before a value of its own pages */

/* Offsets in the header, doc/format-batch.md. */
enum {
	AT_VERSION = 8,
	AT_HEADER_LEN = 10,
	AT_NONCE = 184,
	AT_TAG = 208,
	AT_CRC = 236,
};

#define CRITICAL_EXTENSION 0x80

static const uint8_t magic[8] = {'S', 'P', 'L', 'B', 'A', 'T', 'C', 'H'};

size_t
batch_header_len(const struct batch_header *h)
{
	return BATCH_HEADER_SIZE + h->extensions.len;
}

size_t
batch_padded_len(size_t len)
{
	return (len + PAGE_HEADER + PAGE - 1) / PAGE * PAGE - PAGE_HEADER;
}

size_t
batch_value_len(const struct batch_header *h)
{
	return batch_padded_len(
	    batch_header_len(h) + h->ranges_len + h->stored_len);
}

static void
put_numbers(const struct batch_header *h, uint8_t *to)
{
	memcpy(to, magic, sizeof(magic));
	endian_put_le16(to + AT_VERSION, BATCH_VERSION);
	endian_put_le16(to + AT_HEADER_LEN, (uint16_t)batch_header_len(h));
	to[12] = (uint8_t)h->kind;
	to[13] = (uint8_t)h->lane;
	to[14] = (uint8_t)h->codec;
	to[15] = (uint8_t)h->cipher;
	endian_put_le32(to + 16, h->flags);
	endian_put_le32(to + 20, h->ranges_len);
	endian_put_le64(to + 24, h->number);
	endian_put_le64(to + 32, h->first_rec);
	endian_put_le32(to + 40, h->records);
	endian_put_le32(to + 44, h->raw_len);
	endian_put_le32(to + 48, h->stored_len);
	endian_put_le64(to + 56, (uint64_t)h->received_first_ns);
	endian_put_le64(to + 64, (uint64_t)h->received_last_ns);
	endian_put_le64(to + 72, (uint64_t)h->event_min_ns);
	endian_put_le64(to + 80, (uint64_t)h->event_max_ns);
	endian_put_le64(to + 224, h->data_before);
}

void
batch_aad(const struct batch_header *h, uint8_t *to)
{
	memset(to, 0, BATCH_HEADER_SIZE);
	put_numbers(h, to);
	memcpy(to + 88, h->spool.byte, UUID_SIZE);
	memcpy(to + 104, h->segment.byte, UUID_SIZE);
	memcpy(to + 120, h->content_digest, BATCH_DIGEST_SIZE);
	memcpy(to + 152, h->prev_digest, BATCH_DIGEST_SIZE);
	if (h->extensions.len)
		memcpy(to + BATCH_HEADER_SIZE, h->extensions.ptr,
		    h->extensions.len);
}

/* The CRC covers the header before it, the extensions and the ranges. */
static uint32_t
checksum(const uint8_t *header, size_t header_len, struct bytes ranges)
{
	uint32_t crc = crc32c(0, header, AT_CRC);

	crc = crc32c(
	    crc, header + BATCH_HEADER_SIZE, header_len - BATCH_HEADER_SIZE);
	return crc32c(crc, ranges.ptr, ranges.len);
}

void
batch_header_encode(
    const struct batch_header *h, struct bytes ranges, uint8_t *to)
{
	batch_aad(h, to);
	memcpy(to + AT_NONCE, h->nonce, sizeof(h->nonce));
	memcpy(to + AT_TAG, h->tag, sizeof(h->tag));
	endian_put_le32(to + AT_CRC, checksum(to, batch_header_len(h), ranges));
}

/* Version 1 knows no extension: the form is checked, the rest skipped. */
static int
check_extensions(struct bytes extensions)
{
	struct cursor c;

	cursor_init(&c, extensions);
	while (cursor_left(&c)) {
		uint8_t type = cursor_u8(&c);

		cursor_zeros(&c, 1);
		cursor_bytes(&c, cursor_le16(&c));
		if (cursor_err(&c))
			return ERR_FORMAT;
		if (type & CRITICAL_EXTENSION)
			return ERR_VERSION;
	}
	return 0;
}

/* Values that another version may give a meaning are ERR_VERSION. */
static int
check_values(const struct batch_header *h)
{
	if (h->kind < BATCH_DATA || h->kind > BATCH_REPACKED ||
	    h->lane > BATCH_LANE_URGENT || h->codec > BATCH_CODEC_ZSTD ||
	    h->cipher > BATCH_CIPHER_XAES256GCM || h->flags)
		return ERR_VERSION;
	if (h->records > BATCH_RECORDS_MAX || h->raw_len > BATCH_RAW_MAX ||
	    h->first_rec > UINT64_MAX - h->records)
		return ERR_FORMAT;
	if ((h->kind == BATCH_CONTROL) != !h->records)
		return ERR_FORMAT;
	if (h->kind == BATCH_CONTROL && h->codec != BATCH_CODEC_RAW)
		return ERR_FORMAT;
	if (h->codec == BATCH_CODEC_RAW && h->raw_len != h->stored_len)
		return ERR_FORMAT;
	return check_extensions(h->extensions);
}

static void
get_header(struct cursor *c, struct batch_header *h)
{
	h->kind = cursor_u8(c);
	h->lane = cursor_u8(c);
	h->codec = cursor_u8(c);
	h->cipher = cursor_u8(c);
	h->flags = cursor_le32(c);
	h->ranges_len = cursor_le32(c);
	h->number = cursor_le64(c);
	h->first_rec = cursor_le64(c);
	h->records = cursor_le32(c);
	h->raw_len = cursor_le32(c);
	h->stored_len = cursor_le32(c);
	cursor_zeros(c, 4);
	h->received_first_ns = (int64_t)cursor_le64(c);
	h->received_last_ns = (int64_t)cursor_le64(c);
	h->event_min_ns = (int64_t)cursor_le64(c);
	h->event_max_ns = (int64_t)cursor_le64(c);
	cursor_uuid(c, &h->spool);
	cursor_uuid(c, &h->segment);
	cursor_copy(c, h->content_digest, sizeof(h->content_digest));
	cursor_copy(c, h->prev_digest, sizeof(h->prev_digest));
	cursor_copy(c, h->nonce, sizeof(h->nonce));
	cursor_copy(c, h->tag, sizeof(h->tag));
	h->data_before = cursor_le64(c);
	cursor_zeros(c, 4);
}

/* Magic, version and header length, which come before all else. */
static int
begin(struct bytes value, struct cursor *c, size_t *header_len)
{
	uint16_t version;

	cursor_init(c, value);
	if (value.len < BATCH_HEADER_SIZE ||
	    memcmp(cursor_bytes(c, sizeof(magic)).ptr, magic, sizeof(magic)))
		return ERR_FORMAT;
	version = cursor_le16(c);
	*header_len = cursor_le16(c);
	if (version != BATCH_VERSION)
		return ERR_VERSION;
	if (*header_len < BATCH_HEADER_SIZE || *header_len > BATCH_HEADER_MAX)
		return ERR_FORMAT;
	return 0;
}

/* Extensions, ranges, payload; at the end only zeros, as many as must be. */
static int
split(struct bytes value, struct cursor *c, size_t header_len,
    struct batch_view *v)
{
	struct batch_header *h = &v->header;
	uint32_t crc = cursor_le32(c);

	h->extensions = cursor_bytes(c, header_len - BATCH_HEADER_SIZE);
	if (h->ranges_len > BATCH_RANGES_MAX ||
	    h->stored_len > BATCH_STORED_MAX || value.len != batch_value_len(h))
		return ERR_FORMAT;
	v->header_bytes = bytes_of(value.ptr, header_len);
	v->ranges = cursor_bytes(c, h->ranges_len);
	v->payload = cursor_bytes(c, h->stored_len);
	if (cursor_err(c))
		return ERR_FORMAT;
	if (crc != checksum(value.ptr, header_len, v->ranges))
		return ERR_CORRUPT;
	cursor_zeros(c, cursor_left(c));
	return cursor_err(c);
}

int
batch_decode(struct bytes value, struct batch_view *view)
{
	struct batch_view v = {0};
	struct cursor c;
	size_t header_len;
	int rc = begin(value, &c, &header_len);

	if (rc)
		return rc;
	get_header(&c, &v.header);
	rc = cursor_err(&c);
	if (!rc)
		rc = split(value, &c, header_len, &v);
	if (!rc)
		rc = check_values(&v.header);
	if (!rc)
		*view = v;
	return rc;
}
