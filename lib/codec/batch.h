/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch - the unit of storage: header, ranges, payload.
 *
 * A stored batch is one LMDB value: the header (fixed part and extensions),
 * the ranges that say whose records are in it, the payload (columns, usually
 * compressed, usually encrypted) and zero padding.  The bytes are specified in
 * doc/format-batch.md.  This file encodes and decodes; it computes no digest,
 * compresses nothing and encrypts nothing.
 */
#ifndef LIB_CODEC_BATCH_H
#define LIB_CODEC_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/base/uuid.h"
#include "lib/codec/cursor.h"

#define BATCH_VERSION 1
#define BATCH_HEADER_SIZE 240
#define BATCH_HEADER_MAX 1024 /* with extensions */
#define BATCH_RANGES_MAX (1024 * 1024) /* bytes of the ranges */
#define BATCH_STORED_MAX (4u * 1024 * 1024)
#define BATCH_RAW_MAX (9u * 1024 * 1024) /* columns: 8 MiB of records, rest */
#define BATCH_RECORDS_MAX 65536
#define BATCH_RANGE_COUNT_MAX 8192
#define BATCH_HEAD_SIZE 16
#define BATCH_DIGEST_SIZE 32
#define BATCH_PATH_MAX 4096
#define BATCH_HOPS_MAX 16 /* spools that a stream came through */

enum batch_kind {
	BATCH_DATA = 1,
	BATCH_CONTROL = 2,
	BATCH_DEAD_LETTER = 3,
	BATCH_REPACKED = 4,
};

enum batch_lane { BATCH_LANE_NORMAL = 0, BATCH_LANE_URGENT = 1 };

enum batch_codec {
	BATCH_CODEC_RAW = 0,
	BATCH_CODEC_ZSTD = 1,
	BATCH_CODEC_ZSTD_DICT = 2, /* reserved, refused */
};

enum batch_cipher { BATCH_CIPHER_NONE = 0, BATCH_CIPHER_XAES256GCM = 1 };

struct batch_header {
	enum batch_kind kind;
	enum batch_lane lane;
	enum batch_codec codec;
	enum batch_cipher cipher;
	uint32_t flags;
	uint64_t number; /* dense over the spool, data and control alike */
	uint64_t first_rec; /* of data batches; else the next to be given */
	uint32_t records; /* 0 in control batches */
	uint32_t raw_len; /* bytes of the columns (or entries) unpacked */
	uint32_t stored_len; /* bytes of the payload as stored */
	uint32_t ranges_len; /* bytes of the ranges */
	int64_t received_first_ns; /* wall clock */
	int64_t received_last_ns;
	int64_t event_min_ns; /* 0 where not known */
	int64_t event_max_ns;
	struct uuid spool;
	struct uuid segment;
	uint8_t content_digest[BATCH_DIGEST_SIZE];
	uint8_t prev_digest[BATCH_DIGEST_SIZE]; /* the segment chain */
	uint8_t nonce[24];
	uint8_t tag[16];
	/* Payload bytes of all data batches of the spool before it. */
	uint64_t data_before;
	struct bytes extensions; /* TLVs: u8 type, u8 0, le16 length, bytes */
};

/* A whole encoded batch taken apart; borrowed from the encoded bytes. */
struct batch_view {
	struct batch_header header;
	struct bytes header_bytes; /* fixed part and extensions */
	struct bytes ranges;
	struct bytes payload; /* as stored: packed, perhaps encrypted */
};

/*
 * Take a stored value apart and check its form: magic, version, lengths, CRC,
 * padding (value.len must be batch_value_len).  ERR_FORMAT; ERR_VERSION also
 * for a kind, lane, codec, cipher, flag or critical extension that version 1
 * does not use; ERR_CORRUPT (CRC).
 */
int batch_decode(struct bytes value, struct batch_view *view);

/* Bytes of the encoded header, 240 plus the extensions. */
size_t batch_header_len(const struct batch_header *h);

/*
 * Write the header at `to` (batch_header_len bytes), with the CRC over header
 * and ranges.
 */
void batch_header_encode(
    const struct batch_header *h, struct bytes ranges, uint8_t *to);

/*
 * The associated data of the encryption: the encoded header with nonce, tag
 * and CRC as zeros, written at `to` (batch_header_len bytes); the ranges
 * follow it as the second piece.
 */
void batch_aad(const struct batch_header *h, uint8_t *to);

/* Bytes of a value with padding, so that it ends just before a page does. */
size_t batch_padded_len(size_t len);

/* What the whole value takes: header, ranges, payload, padding. */
size_t batch_value_len(const struct batch_header *h);

/* ---- ranges ------------------------------------------------------------ */

enum batch_range_flag {
	BATCH_RANGE_HEAD = 0x01, /* the stream head after it follows */
	BATCH_RANGE_PATH = 0x02, /* the file's path follows */
	BATCH_RANGE_GAP_BEFORE = 0x04, /* records are known to be missing */
	BATCH_RANGE_RESTART = 0x08, /* the numbering began again */
	BATCH_RANGE_CONTINUATION = 0x10, /* begins inside a split record */
	BATCH_RANGE_CHAINED = 0x20, /* came from a child spool */
};

struct batch_range {
	uint32_t stream; /* reference; what it refers to says the holder */
	uint64_t first_seq;
	uint32_t count;
	uint32_t flags;
	uint32_t
	    severities; /* bit n: records of syslog severity n; 0 unknown */
	uint8_t head[BATCH_HEAD_SIZE];
	struct bytes path; /* borrowed */
};

/* The child's own numbering of a batch that came over a chain. */
struct batch_chain {
	struct uuid child;
	struct uuid incarnation;
	uint64_t first_rec;
	uint32_t count;
};

/* Reads the ranges in order: first the chains, then the ranges. */
struct batch_ranges {
	struct cursor cursor;
	uint32_t chains; /* at most 1 in version 1 */
	uint32_t ranges;
	struct batch_chain chain; /* valid if chains is 1 */
	uint32_t read;
	uint64_t records; /* counted over what was read */
};

/* Begin; ERR_FORMAT. */
int batch_ranges_begin(struct batch_ranges *r, struct bytes encoded);

/*
 * The next range: 1 and *range, 0 at the proper end, ERR_FORMAT.  At the end
 * nothing may be left over.
 */
int batch_ranges_next(struct batch_ranges *r, struct batch_range *range);

/*
 * Write: chain may be NULL; then `n` ranges with batch_range_encode each,
 * which sets the flag PATH by itself if there is a path.
 */
void batch_ranges_encode_begin(
    struct buf *b, const struct batch_chain *chain, uint32_t n);
void batch_range_encode(struct buf *b, const struct batch_range *range);

/* ---- columns: the payload before compression --------------------------- */

#define BATCH_COLUMNS_HEADER_SIZE 32

enum batch_columns_flag {
	BATCH_COLUMNS_RECEIVED = 0x01, /* a receive-time delta a record */
	BATCH_COLUMNS_EVENT = 0x02, /* an event-time delta a record */
};

/*
 * Columns under construction: record bytes back to back, their lengths, runs
 * of (range index, count).  The caller owns it.
 */
struct batch_columns {
	struct buf records;
	struct buf lens;
	struct buf runs;
	struct buf received; /* zigzag varints, ns since received_first_ns */
	struct buf events; /* zigzag varints, ns since event_min_ns */
	uint32_t count;
	uint32_t run_count;
	uint32_t run_range; /* of the open run */
	uint32_t run_len;
	uint32_t received_count;
	uint32_t event_count;
	uint8_t flags;
};

void batch_columns_init(struct batch_columns *c, size_t limit);
void batch_columns_fini(struct batch_columns *c);
void batch_columns_clear(struct batch_columns *c);

/* Append one record of range `range` (index in the batch's ranges). */
void batch_columns_add(
    struct batch_columns *c, uint32_t range, struct bytes record);

/* Also note its times; all records of a batch or none. */
void batch_columns_add_received(struct batch_columns *c, int64_t delta_ns);
void batch_columns_add_event(struct batch_columns *c, int64_t delta_ns);

/* Bytes so far, as batch_columns_encode would write them (upper bound). */
size_t batch_columns_len(const struct batch_columns *c);

/*
 * Close the open run and append the encoded columns to `out`.  The first
 * error that an add met (ERR_LIMIT, ERR_NOMEM); ERR_INVAL if there is no
 * record, or some have times and others do not; the error of `out`.
 */
int batch_columns_encode(struct batch_columns *c, struct buf *out);

/* Columns taken apart; borrowed. */
struct batch_columns_view {
	uint32_t count;
	uint8_t flags;
	struct bytes records;
	struct bytes lens;
	struct bytes runs;
	struct bytes received;
	struct bytes events;
};

/*
 * Take unpacked columns apart and check that lengths, runs and times are well
 * formed and add up: `count` records, every run within `ranges` ranges.
 */
int batch_columns_decode(
    struct bytes raw, uint32_t ranges, struct batch_columns_view *view);

/*
 * Do the runs of decoded columns hold as many records of each range as these
 * encoded ranges say?  `counts`: the caller's array of one counter a range,
 * zeroed.  0 or ERR_FORMAT.
 */
int batch_columns_match(const struct batch_columns_view *view,
    struct bytes ranges, uint32_t *counts);

/* One record at a time, after a successful decode. */
struct batch_columns_iter {
	struct cursor lens, runs, received, events;
	const uint8_t *next;
	uint32_t left;
	uint32_t run_left;
	/* the record just read */
	struct bytes record;
	uint32_t range; /* index */
	uint32_t index; /* of the record in the batch, from 0 */
	uint32_t in_range; /* index within its range: seq - first_seq */
	int64_t received_delta_ns;
	int64_t event_delta_ns;
	uint32_t *range_pos; /* caller's array of one counter a range, zeroed */
};

/*
 * range_pos: array of as many counters as there are ranges, zeroed by the
 * caller; may be NULL if the batch has one range or in_range is not wanted.
 */
void batch_columns_iter_init(struct batch_columns_iter *it,
    const struct batch_columns_view *view, uint32_t *range_pos);
bool batch_columns_iter_next(struct batch_columns_iter *it);

#endif
