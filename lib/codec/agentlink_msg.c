/* SPDX-License-Identifier: Apache-2.0 */
/* The payloads of agentlink_msg.h: a table of fields for each message. */
#include "lib/codec/agentlink_msg.h"

#include <string.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/codec/agentlink_check.h"
#include "lib/codec/entry.h"
#include "lib/codec/field.h"
#include "lib/codec/layout.h"

#define TLV_CRITICAL 0x8000
#define INTERVAL_SIZE 48
#define INTERVALS_BYTES (AGENTLINK_INTERVALS_MAX * INTERVAL_SIZE)
#define HOPS_BYTES (BATCH_HOPS_MAX * UUID_SIZE)

#define TEXT(type, member) FIELD_UP_TO(type, member, TEXT, AGENTLINK_TEXT_MAX)

#define T struct agentlink_hello
static const struct field hello[] = {
    FIELD(T, min_version, U8),
    FIELD(T, max_version, U8),
    FIELD(T, capabilities, BE32),
    FIELD(T, agent, RAW),
    FIELD(T, boot, RAW),
    FIELD(T, max_frame, BE32),
    TEXT(T, software),
    TEXT(T, host),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_hello_ok
static const struct field hello_ok[] = {
    FIELD(T, version, U8),
    FIELD(T, capabilities, BE32),
    FIELD(T, spool, RAW),
    FIELD(T, incarnation, RAW),
    FIELD(T, wall_ns, BE64),
    FIELD(T, max_frame, BE32),
    FIELD(T, max_raw, BE32),
    FIELD(T, max_record, BE32),
    FIELD(T, max_records, BE32),
    FIELD(T, max_streams, BE32),
    FIELD(T, keepalive_ms, BE32),
    FIELD(T, credit_bytes, BE32),
    FIELD(T, credit_batches, BE32),
    TEXT(T, software),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_stream_open
static const struct field stream_open[] = {
    FIELD(T, epoch, RAW),
    FIELD(T, next_seq, BE64),
    FIELD(T, acked, BE64),
    FIELD(T, head, RAW),
    FIELD_UP_TO(T, name, TEXT, AGENTLINK_STREAM_NAME_MAX),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_stream_state
static const struct field stream_state[] = {
    FIELD(T, code, BE16),
    FIELD(T, flags, U8),
    FIELD(T, epoch, RAW),
    FIELD(T, last, BE64),
    FIELD(T, head, RAW),
    TEXT(T, text),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_stream_close
static const struct field stream_close[] = {FIELD(T, flags, U8), FIELD_LAST};
#undef T

#define T struct agentlink_data
static const struct field data[] = {
    FIELD(T, first_seq, BE64),
    FIELD(T, count, BE32),
    FIELD(T, codec, U8),
    FIELD(T, flags, U8),
    FIELD(T, dictionary, BE32),
    FIELD(T, raw_len, BE32),
    FIELD(T, event_min_ns, BE64),
    FIELD(T, event_max_ns, BE64),
    FIELD(T, severities, BE32),
    FIELD(T, content_digest, RAW),
    FIELD(T, prev_head, RAW),
    FIELD_UP_TO(T, path, STRING, BATCH_PATH_MAX),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_ack
static const struct field ack[] = {
    FIELD(T, seq, BE64),
    FIELD(T, credit_bytes, BE32),
    FIELD(T, credit_batches, BE32),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_nack
static const struct field nack[] = {
    FIELD(T, code, BE16),
    FIELD(T, first_seq, BE64),
    FIELD(T, resume_at, BE64),
    FIELD(T, head, RAW),
    TEXT(T, text),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_advance
static const struct field advance[] = {
    FIELD(T, from, BE64),
    FIELD(T, to, BE64),
    FIELD(T, reason, U8),
    FIELD(T, spool, RAW),
    FIELD(T, head, RAW),
    TEXT(T, text),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_credit
static const struct field credit[] = {
    FIELD(T, credit_bytes, BE32),
    FIELD(T, credit_batches, BE32),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_ping
static const struct field ping[] = {FIELD(T, t1, BE64), FIELD_LAST};
#undef T

#define T struct agentlink_pong
static const struct field pong[] = {
    FIELD(T, t1, BE64),
    FIELD(T, t2, BE64),
    FIELD(T, t3, BE64),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_drain
static const struct field drain[] = {
    FIELD(T, deadline_ms, BE32),
    FIELD(T, retry_after_ms, BE32),
    TEXT(T, text),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_goodbye
static const struct field goodbye[] = {
    FIELD(T, code, BE16),
    FIELD(T, retry_after_ms, BE32),
    TEXT(T, text),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_error
static const struct field error[] = {
    FIELD(T, code, BE16),
    FIELD(T, fatal, BOOL),
    TEXT(T, text),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_status
static const struct field status[] = {
    FIELD(T, queued_records, BE64),
    FIELD(T, queued_bytes, BE64),
    FIELD(T, oldest_ms, BE64),
    FIELD(T, lost, BE64),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_chain_open
static const struct field chain_open[] = {
    FIELD(T, incarnation, RAW),
    FIELD(T, next_rec, BE64),
    FIELD(T, start_rec, BE64),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_chain_state
static const struct field chain_state[] = {
    FIELD(T, code, BE16),
    FIELD(T, credit_bytes, BE32),
    FIELD(T, credit_batches, BE32),
    FIELD(T, n, BE32),
    FIELD_UP_TO(T, intervals, STRING, INTERVALS_BYTES),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_chain_def
static const struct field chain_def[] = {
    FIELD(T, ref, BE32),
    FIELD(T, origin, RAW),
    FIELD(T, epoch, RAW),
    FIELD_UP_TO(T, name, TEXT, AGENTLINK_STREAM_NAME_MAX),
    FIELD_UP_TO(T, listener, TEXT, ENTRY_NAME_MAX),
    TEXT(T, peer),
    TEXT(T, identity),
    FIELD_UP_TO(T, path, STRING, HOPS_BYTES),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_chain_data
static const struct field chain_data[] = {
    FIELD(T, first_rec, BE64),
    FIELD(T, count, BE32),
    FIELD(T, codec, U8),
    FIELD(T, lane, U8),
    FIELD(T, raw_len, BE32),
    FIELD(T, received_first_ns, BE64),
    FIELD(T, received_last_ns, BE64),
    FIELD(T, event_min_ns, BE64),
    FIELD(T, event_max_ns, BE64),
    FIELD(T, content_digest, RAW),
    FIELD_UP_TO(T, ranges, STRING, BATCH_RANGES_MAX),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_chain_ack
static const struct field chain_ack[] = {
    FIELD(T, from, BE64),
    FIELD(T, to, BE64),
    FIELD(T, credit_bytes, BE32),
    FIELD(T, credit_batches, BE32),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_chain_nack
static const struct field chain_nack[] = {
    FIELD(T, code, BE16),
    FIELD(T, first_rec, BE64),
    TEXT(T, text),
    FIELD_LAST,
};
#undef T

#define T struct agentlink_skip
static const struct field skip[] = {
    FIELD(T, from, BE64),
    FIELD(T, count, BE64),
    FIELD(T, reason, U8),
    TEXT(T, text),
    FIELD_LAST,
};
#undef T

/* A row without fields is a number that version 1 reserves. */
struct message {
	const char *name;
	const struct field *fields;
	int (*check)(const struct agentlink_msg *m);
	size_t payload; /* offset in the union of what follows the TLVs */
};

#define AT(member) offsetof(struct agentlink_msg, u.member)

static const struct message messages[] = {
    [AGENTLINK_HELLO] = {"HELLO", hello, agentlink_check_hello, 0},
    [AGENTLINK_HELLO_OK] = {"HELLO_OK", hello_ok, NULL, 0},
    [AGENTLINK_STREAM_OPEN] = {"STREAM_OPEN", stream_open,
	agentlink_check_stream_open, 0},
    [AGENTLINK_STREAM_STATE] = {"STREAM_STATE", stream_state,
	agentlink_check_stream_state, 0},
    [AGENTLINK_STREAM_CLOSE] = {"STREAM_CLOSE", stream_close,
	agentlink_check_stream_close, 0},
    [AGENTLINK_DATA] = {"DATA", data, agentlink_check_data, AT(data.payload)},
    [AGENTLINK_ACK] = {"ACK", ack, NULL, 0},
    [AGENTLINK_NACK] = {"NACK", nack, NULL, 0},
    [AGENTLINK_ADVANCE] = {"ADVANCE", advance, agentlink_check_advance, 0},
    [AGENTLINK_CREDIT] = {"CREDIT", credit, NULL, 0},
    [AGENTLINK_PING] = {"PING", ping, NULL, 0},
    [AGENTLINK_PONG] = {"PONG", pong, NULL, 0},
    [AGENTLINK_DRAIN] = {"DRAIN", drain, NULL, 0},
    [AGENTLINK_GOODBYE] = {"GOODBYE", goodbye, NULL, 0},
    [AGENTLINK_ERROR] = {"ERROR", error, NULL, 0},
    [AGENTLINK_STATUS] = {"STATUS", status, NULL, 0},
    [AGENTLINK_OFFER] = {"OFFER", NULL, NULL, 0},
    [AGENTLINK_OFFER_STATUS] = {"OFFER_STATUS", NULL, NULL, 0},
    [AGENTLINK_CHAIN_OPEN] = {"CHAIN_OPEN", chain_open,
	agentlink_check_chain_open, 0},
    [AGENTLINK_CHAIN_STATE] = {"CHAIN_STATE", chain_state,
	agentlink_check_chain_state, 0},
    [AGENTLINK_CHAIN_DEF] = {"CHAIN_DEF", chain_def, agentlink_check_chain_def,
	0},
    [AGENTLINK_CHAIN_DATA] = {"CHAIN_DATA", chain_data,
	agentlink_check_chain_data, AT(chain_data.payload)},
    [AGENTLINK_CHAIN_ACK] = {"CHAIN_ACK", chain_ack, agentlink_check_chain_ack,
	0},
    [AGENTLINK_CHAIN_NACK] = {"CHAIN_NACK", chain_nack, NULL, 0},
    [AGENTLINK_SKIP] = {"SKIP", skip, agentlink_check_skip, 0},
};

static const struct message *
find(uint8_t type)
{
	static const struct message unknown = {"UNKNOWN", NULL, NULL, 0};

	if (type >= sizeof(messages) / sizeof(*messages) ||
	    !messages[type].name)
		return &unknown;
	return &messages[type];
}

/* Version 1 knows no TLV: the form is checked, critical ones are refused. */
static int
skip_tlvs(struct bytes tlvs)
{
	struct cursor c;

	cursor_init(&c, tlvs);
	while (cursor_left(&c)) {
		uint16_t type = cursor_be16(&c);

		cursor_bytes(&c, cursor_be16(&c));
		if (cursor_err(&c))
			return ERR_FORMAT;
		if (type & TLV_CRITICAL)
			return ERR_VERSION;
	}
	return 0;
}

int
agentlink_msg_decode(
    const struct agentlink_frame *frame, struct agentlink_msg *msg)
{
	const struct message *message = find(frame->type);
	struct agentlink_msg m = {.type = frame->type, .stream = frame->stream};
	struct bytes tlvs;
	struct cursor c;
	int rc;

	if (!message->fields)
		return ERR_UNSUPPORTED;
	cursor_init(&c, frame->payload);
	field_decode(message->fields, &c, &m.u);
	if (message->payload) {
		tlvs = cursor_bytes(&c, cursor_be16(&c));
		*(struct bytes *)((uint8_t *)&m + message->payload) =
		    cursor_rest(&c);
	} else {
		tlvs = cursor_rest(&c);
	}
	rc = cursor_end(&c);
	if (!rc)
		rc = skip_tlvs(tlvs);
	if (!rc && message->check)
		rc = message->check(&m);
	if (!rc)
		*msg = m;
	return rc;
}

void
agentlink_data_encode_head(struct buf *b, const struct agentlink_data *m)
{
	field_encode(data, m, false, b);
	cursor_put_be16(b, 0); /* no TLVs */
}

void
agentlink_chain_data_encode_head(
    struct buf *b, const struct agentlink_chain_data *m)
{
	field_encode(chain_data, m, false, b);
	cursor_put_be16(b, 0);
}

void
agentlink_msg_encode(struct buf *b, const struct agentlink_msg *m)
{
	const struct message *message = find(m->type);
	struct bytes payload = {NULL, 0};
	struct buf head;

	if (!message->fields) {
		if (!b->err)
			b->err = ERR_INVAL;
		return;
	}
	buf_init(&head, AGENTLINK_FRAME_CEILING);
	field_encode(message->fields, &m->u, false, &head);
	if (message->payload) {
		cursor_put_be16(&head, 0);
		payload = *(const struct bytes *)((const uint8_t *)m +
		    message->payload);
	}
	if (head.err && !b->err)
		b->err = head.err;
	agentlink_frame_encode(
	    b, m->type, 0, m->stream, buf_bytes(&head), payload);
	buf_fini(&head);
}

void
agentlink_chain_interval_at(
    struct bytes intervals, uint32_t i, struct agentlink_chain_interval *out)
{
	const uint8_t *p = intervals.ptr + (size_t)i * INTERVAL_SIZE;

	out->from = endian_get_be64(p);
	out->to = endian_get_be64(p + 8);
	memcpy(out->digest, p + 16, sizeof(out->digest));
}

void
agentlink_chain_interval_encode(
    struct buf *b, const struct agentlink_chain_interval *in)
{
	cursor_put_be64(b, in->from);
	cursor_put_be64(b, in->to);
	buf_add(b, in->digest, sizeof(in->digest));
}

const struct field *
agentlink_msg_fields(uint8_t type)
{
	return find(type)->fields;
}

const char *
agentlink_type_name(uint8_t type)
{
	return find(type)->name;
}

static const struct {
	uint16_t code;
	const char *name, *text;
} codes[] = {
#define X(name, value, text) {value, #name, text},
    AGENTLINK_CODE_LIST(X)
#undef X
};

const char *
agentlink_code_name(uint16_t code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (codes[i].code == code)
			return codes[i].name;
	return "UNKNOWN";
}

const char *
agentlink_code_text(uint16_t code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (codes[i].code == code)
			return codes[i].text;
	return "a code that this version does not know";
}
