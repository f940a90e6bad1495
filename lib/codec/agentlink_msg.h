/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentlink_msg - frames and messages of the agentlink protocol, version 1.
 *
 * Both ends use this one codec.  It is pure: bytes to structs and back.  All
 * integers are big-endian.  The bytes, the error codes and the limits are
 * specified in doc/protocol-agentlink.md.
 *
 * A frame is a header of 16 bytes and a payload:
 *   u32 length of the payload | u8 type | u8 flags | u16 header check
 *   u32 stream | u32 crc32c of the payload
 * The header check is the low 16 bits of the CRC32C of the header with the
 * check as zero.  `stream` is the sender's number for a stream on this
 * connection (1..), 0 where the message is about none.
 */
#ifndef LIB_CODEC_AGENTLINK_MSG_H
#define LIB_CODEC_AGENTLINK_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/base/uuid.h"
#include "lib/codec/batch.h"

#define AGENTLINK_VERSION 1
#define AGENTLINK_ALPN "agentlink/1"
#define AGENTLINK_FRAME_HEADER 16
#define AGENTLINK_FRAME_MAX (2u * 1024 * 1024) /* default, payload */
#define AGENTLINK_FRAME_CEILING (16u * 1024 * 1024)
#define AGENTLINK_RAW_MAX (8u * 1024 * 1024) /* bytes of records, unpacked */
#define AGENTLINK_RECORD_MAX (1024u * 1024)
#define AGENTLINK_RECORDS_MAX 10000
#define AGENTLINK_STREAMS_MAX 1024 /* open, of one agent */
#define AGENTLINK_EPOCHS_MAX 8 /* kept of one stream name */
#define AGENTLINK_STREAM_NAME_MAX 255
#define AGENTLINK_TEXT_MAX 512
#define AGENTLINK_INTERVALS_MAX 1024 /* of a child, in CHAIN_STATE */
#define AGENTLINK_CRITICAL 0x01 /* frame flag: unknown type is an error */

#define AGENTLINK_TYPE_LIST(X) \
	X(HELLO, 1)            \
	X(HELLO_OK, 2)         \
	X(STREAM_OPEN, 3)      \
	X(STREAM_STATE, 4)     \
	X(STREAM_CLOSE, 5)     \
	X(DATA, 6)             \
	X(ACK, 7)              \
	X(NACK, 8)             \
	X(ADVANCE, 9)          \
	X(CREDIT, 10)          \
	X(PING, 11)            \
	X(PONG, 12)            \
	X(DRAIN, 13)           \
	X(GOODBYE, 14)         \
	X(ERROR, 15)           \
	X(STATUS, 16)          \
	X(OFFER, 17)           \
	X(OFFER_STATUS, 18)    \
	X(CHAIN_OPEN, 32)      \
	X(CHAIN_STATE, 33)     \
	X(CHAIN_DEF, 34)       \
	X(CHAIN_DATA, 35)      \
	X(CHAIN_ACK, 36)       \
	X(CHAIN_NACK, 37)      \
	X(SKIP, 38)

enum agentlink_type {
#define X(name, value) AGENTLINK_##name = (value),
	AGENTLINK_TYPE_LIST(X)
#undef X
};

/* Codes of NACK, STREAM_STATE, CHAIN_NACK, ERROR.  Stable numbers. */
#define AGENTLINK_CODE_LIST(X)                                      \
	X(OK, 0, "ok")                                              \
	X(GAP, 1, "records before this batch are missing")          \
	X(FORK, 2, "another history of this stream is stored")      \
	X(DIGEST, 3, "the content digest does not match")           \
	X(PARTIAL, 4, "part of the batch is stored already")        \
	X(TOO_LARGE, 5, "a record or batch is over the limit")      \
	X(MALFORMED, 6, "the bytes are not well formed")            \
	X(STREAM_LIMIT, 7, "too many streams")                      \
	X(NOT_OPEN, 8, "the stream is not open on this connection") \
	X(LATER, 9, "not now; the same again later")                \
	X(VERSION, 10, "no common version")                         \
	X(IDENTITY, 11, "the identity is not the certificate's")    \
	X(DENIED, 12, "the identity is on the deny list")           \
	X(TAKEN_OVER, 13, "a newer connection has taken this over") \
	X(CREDIT, 14, "more was sent than the credit allows")       \
	X(TIMEOUT, 15, "no progress in time")                       \
	X(INTERNAL, 16, "the spool cannot go on")                   \
	X(UNKNOWN_TYPE, 17, "a critical message of unknown type")   \
	X(UNSUPPORTED, 18, "not supported by this side")            \
	X(INCARNATION, 19, "the child needs a new incarnation")     \
	X(LIMIT, 20, "a limit is reached")

enum agentlink_code {
#define X(name, value, text) AGENTLINK_CODE_##name = (value),
	AGENTLINK_CODE_LIST(X)
#undef X
};

struct agentlink_frame {
	uint8_t type;
	uint8_t flags;
	uint32_t stream;
	struct bytes payload; /* borrowed */
};

/*
 * Look for one frame at the start of `input`.  1: *frame and *used (bytes it
 * took); 0: more bytes are needed, *need (may be NULL) says how many in all;
 * ERR_LIMIT: the payload is longer than max_payload; ERR_FORMAT: header check
 * or CRC32C wrong.  The length is judged as soon as the header is there.
 */
int agentlink_frame_decode(struct bytes input, uint32_t max_payload,
    struct agentlink_frame *frame, size_t *used, size_t *need);

/*
 * Append a frame.  Two pieces of payload so that a large one need not be
 * copied twice; either may be empty.
 */
void agentlink_frame_encode(struct buf *b, uint8_t type, uint8_t flags,
    uint32_t stream, struct bytes payload1, struct bytes payload2);

/* Only the 16 header bytes, for a payload that is sent from where it lies. */
void agentlink_frame_header(uint8_t to[static AGENTLINK_FRAME_HEADER],
    uint8_t type, uint8_t flags, uint32_t stream, const struct bytes *parts,
    int nparts);

enum agentlink_capability {
	AGENTLINK_CAP_CHAIN = 0x01, /* this side is a spool: chain messages */
	AGENTLINK_CAP_ADVANCE = 0x02,
};

struct agentlink_hello {
	uint8_t min_version, max_version;
	uint32_t capabilities;
	struct uuid agent; /* must be the certificate's */
	struct uuid boot;
	uint32_t max_frame; /* payload that this side takes */
	struct bytes software, host;
};

struct agentlink_hello_ok {
	uint8_t version;
	uint32_t capabilities;
	struct uuid spool;
	struct uuid incarnation;
	int64_t wall_ns;
	uint32_t max_frame, max_raw, max_record, max_records, max_streams;
	uint32_t keepalive_ms;
	uint32_t credit_bytes,
	    credit_batches; /* window: unacknowledged at most */
	struct bytes software;
};

enum agentlink_stream_flag {
	AGENTLINK_STREAM_NEW = 0x01, /* STATE: not known before */
	AGENTLINK_STREAM_FINAL = 0x01, /* CLOSE: nothing will follow, ever */
};

struct agentlink_stream_open {
	struct uuid epoch;
	uint64_t next_seq; /* first the agent could send (lowest it holds) */
	uint64_t acked; /* highest it knows as acknowledged, 0 none */
	uint8_t head[BATCH_HEAD_SIZE]; /* before next_seq */
	struct bytes name;
};

struct agentlink_stream_state {
	uint16_t code; /* OK or why the stream is refused */
	uint8_t flags;
	struct uuid epoch;
	uint64_t last; /* highest durable seq */
	uint8_t head[BATCH_HEAD_SIZE];
	struct bytes text;
};

struct agentlink_stream_close {
	uint8_t flags;
};

struct agentlink_data {
	uint64_t first_seq;
	uint32_t count;
	uint8_t codec; /* enum batch_codec */
	uint8_t flags; /* enum batch_range_flag, GAP_BEFORE and RESTART only */
	uint32_t dictionary; /* 0 in version 1 */
	uint32_t raw_len; /* bytes of the columns unpacked */
	int64_t event_min_ns, event_max_ns; /* 0: not known */
	uint32_t severities;
	uint8_t content_digest[BATCH_DIGEST_SIZE];
	uint8_t prev_head[BATCH_HEAD_SIZE];
	struct bytes path; /* the file the records came from, or empty */
	struct bytes payload; /* columns, packed */
};

/*
 * Everything of DATA up to the payload; send the payload behind it.
 */
void agentlink_data_encode_head(struct buf *b, const struct agentlink_data *m);

struct agentlink_ack {
	uint64_t seq; /* all up to here is durable */
	uint32_t credit_bytes, credit_batches;
};

struct agentlink_nack {
	uint16_t code;
	uint64_t first_seq; /* of the batch that is refused */
	uint64_t resume_at; /* send this sequence number next */
	uint8_t head[BATCH_HEAD_SIZE]; /* the durable head */
	struct bytes text;
};

struct agentlink_advance {
	uint64_t from, to; /* inclusive */
	uint8_t reason; /* enum entry_advance_reason */
	struct uuid spool; /* acked-elsewhere */
	uint8_t head[BATCH_HEAD_SIZE]; /* at `to` */
	struct bytes text;
};

struct agentlink_credit {
	uint32_t credit_bytes, credit_batches;
};

struct agentlink_ping {
	int64_t t1; /* sender's wall clock, ns */
};

struct agentlink_pong {
	int64_t t1, t2, t3; /* t1 echoed; received, answered: own wall clock */
};

struct agentlink_drain {
	uint32_t deadline_ms, retry_after_ms;
	struct bytes text;
};

struct agentlink_goodbye {
	uint16_t code;
	uint32_t retry_after_ms;
	struct bytes text;
};

struct agentlink_error {
	uint16_t code;
	bool fatal;
	struct bytes text;
};

struct agentlink_status {
	uint64_t queued_records, queued_bytes, oldest_ms, lost;
};

/* ---- chain: another spool as the sender (RULES.md 8) -------------------- */

struct agentlink_chain_open {
	struct uuid incarnation;
	uint64_t next_rec; /* the child's */
	uint64_t start_rec; /* first it owes this parent */
};

struct agentlink_chain_interval {
	uint64_t from, to;
	uint8_t digest[BATCH_DIGEST_SIZE]; /* of the batch that ends it */
};

struct agentlink_chain_state {
	uint16_t code;
	uint32_t credit_bytes, credit_batches;
	uint32_t n;
	struct bytes intervals; /* encoded; 48 bytes each; sorted, apart */
};

/* The i-th of n; i must be below n. */
void agentlink_chain_interval_at(
    struct bytes intervals, uint32_t i, struct agentlink_chain_interval *out);
void agentlink_chain_interval_encode(
    struct buf *b, const struct agentlink_chain_interval *in);

struct agentlink_chain_def {
	uint32_t ref; /* of this connection */
	struct uuid origin, epoch;
	struct bytes name, listener, peer, identity, path;
};

struct agentlink_chain_data {
	uint64_t first_rec; /* the child's */
	uint32_t count;
	uint8_t codec;
	uint8_t lane;
	uint32_t raw_len;
	int64_t received_first_ns, received_last_ns;
	int64_t event_min_ns, event_max_ns;
	uint8_t content_digest[BATCH_DIGEST_SIZE];
	struct bytes ranges; /* batch ranges; stream = CHAIN_DEF's ref */
	struct bytes payload; /* columns, packed */
};

void agentlink_chain_data_encode_head(
    struct buf *b, const struct agentlink_chain_data *m);

struct agentlink_chain_ack {
	uint64_t from, to; /* durable at the parent; half-open */
	uint32_t credit_bytes, credit_batches;
};

struct agentlink_chain_nack {
	uint16_t code;
	uint64_t first_rec;
	struct bytes text;
};

struct agentlink_skip {
	uint64_t from, count;
	uint8_t reason; /* enum entry_skip_reason */
	struct bytes text;
};

/* A decoded message; strings and payloads are borrowed from the frame. */
struct agentlink_msg {
	uint8_t type;
	uint32_t stream;
	union {
		struct agentlink_hello hello;
		struct agentlink_hello_ok hello_ok;
		struct agentlink_stream_open stream_open;
		struct agentlink_stream_state stream_state;
		struct agentlink_stream_close stream_close;
		struct agentlink_data data;
		struct agentlink_ack ack;
		struct agentlink_nack nack;
		struct agentlink_advance advance;
		struct agentlink_credit credit;
		struct agentlink_ping ping;
		struct agentlink_pong pong;
		struct agentlink_drain drain;
		struct agentlink_goodbye goodbye;
		struct agentlink_error error;
		struct agentlink_status status;
		struct agentlink_chain_open chain_open;
		struct agentlink_chain_state chain_state;
		struct agentlink_chain_def chain_def;
		struct agentlink_chain_data chain_data;
		struct agentlink_chain_ack chain_ack;
		struct agentlink_chain_nack chain_nack;
		struct agentlink_skip skip;
	} u;
};

/*
 * Decode a frame's payload.  0; ERR_FORMAT; ERR_UNSUPPORTED for an unknown
 * type (ignore it, unless the frame is CRITICAL).  Every message may end in
 * TLVs (u16 type, high bit critical, u16 length, bytes): unknown ones are
 * skipped, critical unknown ones are ERR_VERSION.  DATA and CHAIN_DATA carry
 * their TLVs before the payload, with a length.  Texts (names, software, host,
 * text, listener, peer, identity) must be UTF-8 without control characters;
 * only DATA's path may be any bytes.  OFFER and OFFER_STATUS are reserved in
 * version 1 and unknown types here.
 */
int agentlink_msg_decode(
    const struct agentlink_frame *frame, struct agentlink_msg *msg);

/* Append the whole frame of m (by m->type) to b; b->err ERR_INVAL for a type
 * that has no message. */
void agentlink_msg_encode(struct buf *b, const struct agentlink_msg *m);

const char *agentlink_type_name(uint8_t type);
const char *agentlink_code_name(uint16_t code); /* "GAP" */
const char *agentlink_code_text(uint16_t code);

#endif
