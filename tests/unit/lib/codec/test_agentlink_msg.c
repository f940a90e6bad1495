/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/codec/agentlink_msg.h"
#include "lib/codec/entry.h"
#include "tests/helpers/golden.h"

#define AGENT                                                                 \
	{                                                                     \
		{                                                             \
			0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x41, 0x11, 0x81, \
			    0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11          \
		}                                                             \
	}
#define SPOOL                                                                 \
	{                                                                     \
		{                                                             \
			0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x42, 0x22, 0x82, \
			    0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22          \
		}                                                             \
	}
#define EPOCH                                                                 \
	{                                                                     \
		{                                                             \
			0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x43, 0x33, 0x83, \
			    0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33          \
		}                                                             \
	}
#define BOOT                                                                  \
	{                                                                     \
		{                                                             \
			0x44, 0x44, 0x44, 0x44, 0x44, 0x44, 0x44, 0x44, 0x84, \
			    0x44, 0x44, 0x44, 0x44, 0x44, 0x44, 0x44          \
		}                                                             \
	}
#define TEXT(s)                                     \
	{                                           \
		(const uint8_t *)(s), sizeof(s) - 1 \
	}

/* Columns of two records, "alpha" and "be", unpacked: doc/format-batch.md. */
static const uint8_t columns[] = {1, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0,
    0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'a', 'l', 'p', 'h', 'a',
    'b', 'e', 5, 2, 0, 2};

/* SHA-256 of 05 "alpha" 02 "be". */
#define DIGEST                                                              \
	{                                                                   \
		0x06, 0xf0, 0x18, 0x0f, 0x29, 0xea, 0xfc, 0xdd, 0x53, 0x65, \
		    0x6f, 0x91, 0x53, 0xe4, 0x2e, 0xbe, 0xbe, 0x7e, 0x69,   \
		    0xe4, 0xa9, 0x46, 0x9c, 0x31, 0x02, 0x98, 0xf3, 0x5d,   \
		    0xaf, 0xfd, 0x62, 0x19                                  \
	}
/* The head after that batch, seq 1 and 2 of a new stream. */
#define HEAD                                                                \
	{                                                                   \
		0xaf, 0xd4, 0x62, 0xec, 0x04, 0x15, 0x16, 0x8a, 0x98, 0xac, \
		    0xec, 0x45, 0x9b, 0x98, 0x0d, 0xba                      \
	}

/* What the parent has of the child: [1, 101) and [200, 201). */
static const uint8_t intervals[96] = {
    [7] = 1, [15] = 101, [16] = 0xd1, [55] = 200, [63] = 201, [64] = 0xd2};

/* No chain, one range: stream 1, seq 9, 2 records, no flags. */
static const uint8_t ranges[] = {0, 1, 1, 9, 2, 0, 0};

static const uint8_t hop[16] = {0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x42, 0x22,
    0x82, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22};

static const struct {
	const char *title;
	struct agentlink_msg m;
} sample[] = {
    {"HELLO",
	{AGENTLINK_HELLO, 0,
	    {.hello = {1, 1, AGENTLINK_CAP_ADVANCE, AGENT, BOOT,
		 AGENTLINK_FRAME_MAX, TEXT("agentlink 0.1.0"),
		 TEXT("pc-17.branch.example")}}}},
    {"HELLO_OK",
	{AGENTLINK_HELLO_OK, 0,
	    {.hello_ok = {.version = 1,
		 .capabilities = AGENTLINK_CAP_CHAIN | AGENTLINK_CAP_ADVANCE,
		 .spool = SPOOL,
		 .incarnation = BOOT,
		 .wall_ns = 1767225600000000000,
		 .max_frame = AGENTLINK_FRAME_MAX,
		 .max_raw = AGENTLINK_RAW_MAX,
		 .max_record = AGENTLINK_RECORD_MAX,
		 .max_records = AGENTLINK_RECORDS_MAX,
		 .max_streams = AGENTLINK_STREAMS_MAX,
		 .keepalive_ms = 30000,
		 .credit_bytes = 4194304,
		 .credit_batches = 64,
		 .software = TEXT("spoold 0.1.0")}}}},
    {"STREAM_OPEN",
	{AGENTLINK_STREAM_OPEN, 1,
	    {.stream_open = {EPOCH, 1, 0, {0}, TEXT("/var/log/*.log")}}}},
    {"STREAM_STATE",
	{AGENTLINK_STREAM_STATE, 1,
	    {.stream_state = {AGENTLINK_CODE_OK, AGENTLINK_STREAM_NEW, EPOCH, 0,
		 {0}, TEXT("")}}}},
    {"STREAM_CLOSE",
	{AGENTLINK_STREAM_CLOSE, 1,
	    {.stream_close = {AGENTLINK_STREAM_FINAL}}}},
    {"DATA",
	{AGENTLINK_DATA, 1,
	    {.data = {.first_seq = 1,
		 .count = 2,
		 .codec = BATCH_CODEC_RAW,
		 .raw_len = sizeof(columns),
		 .event_min_ns = 1767225600000000000,
		 .event_max_ns = 1767225600500000000,
		 .severities = 0x40,
		 .content_digest = DIGEST,
		 .path = TEXT("/var/log/a.log"),
		 .payload = {columns, sizeof(columns)}}}}},
    {"ACK", {AGENTLINK_ACK, 1, {.ack = {2, 4194304, 64}}}},
    {"NACK",
	{AGENTLINK_NACK, 1,
	    {.nack = {AGENTLINK_CODE_GAP, 9, 3, HEAD,
		 TEXT("records before this batch are missing")}}}},
    {"ADVANCE",
	{AGENTLINK_ADVANCE, 1,
	    {.advance = {3, 8, ENTRY_ADVANCE_LOST, {{0}}, HEAD,
		 TEXT("outbox full")}}}},
    {"CREDIT", {AGENTLINK_CREDIT, 0, {.credit = {0, 0}}}},
    {"PING", {AGENTLINK_PING, 0, {.ping = {1767225600000000000}}}},
    {"PONG",
	{AGENTLINK_PONG, 0,
	    {.pong = {1767225600000000000, 1767225600000000777,
		 1767225600000000999}}}},
    {"DRAIN", {AGENTLINK_DRAIN, 0, {.drain = {8000, 1000, TEXT("restart")}}}},
    {"GOODBYE",
	{AGENTLINK_GOODBYE, 0,
	    {.goodbye = {AGENTLINK_CODE_OK, 1000, TEXT("bye")}}}},
    {"ERROR",
	{AGENTLINK_ERROR, 0,
	    {.error = {AGENTLINK_CODE_DENIED, true,
		 TEXT("the identity is on the deny list")}}}},
    {"STATUS", {AGENTLINK_STATUS, 0, {.status = {12, 3456, 7890, 1}}}},
    {"CHAIN_OPEN", {AGENTLINK_CHAIN_OPEN, 0, {.chain_open = {BOOT, 301, 1}}}},
    {"CHAIN_STATE",
	{AGENTLINK_CHAIN_STATE, 0,
	    {.chain_state = {AGENTLINK_CODE_OK, 16777216, 256, 2,
		 {intervals, sizeof(intervals)}}}}},
    {"CHAIN_DEF",
	{AGENTLINK_CHAIN_DEF, 0,
	    {.chain_def = {1, AGENT, EPOCH, TEXT("/var/log/*.log"),
		 TEXT("agents"), TEXT("192.0.2.7:50123"),
		 TEXT("spool:agent:11111111-1111-4111-8111-111111111111"),
		 {hop, sizeof(hop)}}}}},
    {"CHAIN_DATA",
	{AGENTLINK_CHAIN_DATA, 0,
	    {.chain_data = {.first_rec = 301,
		 .count = 2,
		 .codec = BATCH_CODEC_RAW,
		 .raw_len = sizeof(columns),
		 .received_first_ns = 1767225601000000000,
		 .received_last_ns = 1767225602000000000,
		 .event_min_ns = 1767225600000000000,
		 .event_max_ns = 1767225600500000000,
		 .content_digest = DIGEST,
		 .ranges = {ranges, sizeof(ranges)},
		 .payload = {columns, sizeof(columns)}}}}},
    {"CHAIN_ACK",
	{AGENTLINK_CHAIN_ACK, 0, {.chain_ack = {301, 303, 16777216, 256}}}},
    {"CHAIN_NACK",
	{AGENTLINK_CHAIN_NACK, 0,
	    {.chain_nack = {AGENTLINK_CODE_PARTIAL, 301,
		 TEXT("part of the batch is stored already")}}}},
    {"SKIP",
	{AGENTLINK_SKIP, 0,
	    {.skip = {303, 7, ENTRY_SKIP_QUARANTINED, TEXT("damaged")}}}},
};

#define SAMPLES (sizeof(sample) / sizeof(*sample))

static int
decode(struct bytes input, struct agentlink_msg *m)
{
	struct agentlink_frame frame;
	size_t used;
	int rc = agentlink_frame_decode(
	    input, AGENTLINK_FRAME_CEILING, &frame, &used, NULL);

	assert_int_equal(rc, 1);
	assert_int_equal(used, input.len);
	return agentlink_msg_decode(&frame, m);
}

static void
every_message_is_as_the_golden_file_has_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct agentlink_msg m;
		struct buf b, again;

		buf_init(&b, 1 << 20);
		buf_init(&again, 1 << 20);
		agentlink_msg_encode(&b, &sample[i].m);
		assert_int_equal(b.err, 0);
		golden_check("agentlink-1", sample[i].title, "agentlink_msg",
		    buf_bytes(&b));
		assert_string_equal(
		    agentlink_type_name(sample[i].m.type), sample[i].title);
		assert_int_equal(decode(buf_bytes(&b), &m), 0);
		agentlink_msg_encode(&again, &m);
		assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&again)));
		buf_fini(&again);
		buf_fini(&b);
	}
}

static void
fields_come_back_where_they_were(void **state)
{
	const struct agentlink_data *in = &sample[5].m.u.data;
	struct agentlink_msg m;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	agentlink_msg_encode(&b, &sample[5].m);
	assert_int_equal(decode(buf_bytes(&b), &m), 0);
	assert_int_equal(m.type, AGENTLINK_DATA);
	assert_int_equal(m.stream, 1);
	assert_int_equal(m.u.data.first_seq, 1);
	assert_int_equal(m.u.data.count, 2);
	assert_int_equal(m.u.data.event_max_ns, in->event_max_ns);
	assert_memory_equal(m.u.data.content_digest, in->content_digest, 32);
	assert_true(bytes_equal(m.u.data.path, in->path));
	assert_true(bytes_equal(m.u.data.payload, in->payload));
	buf_fini(&b);
}

/* No message may be read beyond its bytes, or lack any of them. */
static void
a_message_that_is_cut_off_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct agentlink_frame frame;
		struct agentlink_msg m;
		struct buf b;
		size_t used, whole;

		buf_init(&b, 1 << 20);
		agentlink_msg_encode(&b, &sample[i].m);
		assert_int_equal(agentlink_frame_decode(buf_bytes(&b),
				     AGENTLINK_FRAME_MAX, &frame, &used, NULL),
		    1);
		/* The columns of DATA are judged by who unpacks them. */
		whole = frame.payload.len;
		if (sample[i].m.type == AGENTLINK_DATA)
			whole -= sample[i].m.u.data.payload.len;
		for (; frame.payload.len;) {
			frame.payload.len--;
			assert_int_equal(agentlink_msg_decode(&frame, &m),
			    frame.payload.len < whole ? ERR_FORMAT : 0);
		}
		buf_fini(&b);
	}
}

static void
a_frame_says_how_many_bytes_it_needs(void **state)
{
	struct agentlink_frame frame;
	size_t used = 0, need;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	agentlink_frame_encode(&b, 200, AGENTLINK_CRITICAL, 7,
	    bytes_of_str("one"), bytes_of_str("two"));
	for (size_t len = 0; len < b.len; len++) {
		assert_int_equal(agentlink_frame_decode(bytes_of(b.mem, len), 6,
				     &frame, &used, &need),
		    0);
		assert_int_equal(need, len < 16 ? 16 : 22);
	}
	buf_add_str(&b, "next");
	assert_int_equal(
	    agentlink_frame_decode(buf_bytes(&b), 6, &frame, &used, &need), 1);
	assert_int_equal(used, 22);
	assert_int_equal(frame.type, 200);
	assert_int_equal(frame.flags, AGENTLINK_CRITICAL);
	assert_int_equal(frame.stream, 7);
	assert_true(bytes_equal_str(frame.payload, "onetwo"));
	/* The header alone is enough to refuse a payload that is too long. */
	assert_int_equal(agentlink_frame_decode(
			     bytes_of(b.mem, 16), 5, &frame, &used, &need),
	    ERR_LIMIT);
	for (size_t i = 0; i < 22; i++) {
		b.mem[i] ^= 1;
		assert_int_equal(agentlink_frame_decode(buf_bytes(&b),
				     UINT32_MAX, &frame, &used, &need),
		    ERR_FORMAT);
		b.mem[i] ^= 1;
	}
	buf_fini(&b);
}

/* A frame of `type` with these fields, then `more`. */
static int
decode_with(const struct agentlink_msg *m, const char *more, size_t len)
{
	struct agentlink_frame frame;
	struct agentlink_msg out;
	struct buf b;
	size_t used;
	int rc;

	buf_init(&b, 1 << 20);
	agentlink_msg_encode(&b, m);
	buf_add(&b, more, len);
	assert_int_equal(agentlink_frame_decode(buf_bytes(&b),
			     AGENTLINK_FRAME_MAX, &frame, &used, NULL),
	    1);
	frame.payload.len += len;
	rc = agentlink_msg_decode(&frame, &out);
	buf_fini(&b);
	return rc;
}

static void
unknown_additions_are_skipped_unless_critical(void **state)
{
	const struct agentlink_msg *ack = &sample[6].m;

	(void)state;
	assert_int_equal(decode_with(ack, "\x0a\x0a\0\2xy", 6), 0);
	assert_int_equal(decode_with(ack, "\x0a\x0a\0\2xy\0\1\0\0", 10), 0);
	assert_int_equal(decode_with(ack, "\x8a\x0a\0\2xy", 6), ERR_VERSION);
	assert_int_equal(decode_with(ack, "\x0a\x0a\0\3xy", 6), ERR_FORMAT);
	assert_int_equal(decode_with(ack, "\x0a", 1), ERR_FORMAT);
}

static void
unknown_and_reserved_types_are_told_apart_from_malformed_ones(void **state)
{
	static const uint8_t type[] = {
	    0, AGENTLINK_OFFER, 19, 31, 39, 0x5a, 255};
	struct agentlink_msg m;

	(void)state;
	for (size_t i = 0; i < sizeof(type); i++) {
		struct agentlink_frame f = {.type = type[i]};

		assert_int_equal(agentlink_msg_decode(&f, &m), ERR_UNSUPPORTED);
	}
	assert_string_equal(agentlink_type_name(0x5a), "UNKNOWN");
	assert_string_equal(agentlink_code_name(1), "GAP");
	assert_string_equal(agentlink_code_name(999), "UNKNOWN");
}

static void
values_that_cannot_be_are_refused(void **state)
{
	struct agentlink_msg row[] = {
	    sample[0].m, /* HELLO */
	    sample[2].m, /* STREAM_OPEN */
	    sample[2].m,
	    sample[2].m,
	    sample[2].m,
	    sample[3].m, /* STREAM_STATE */
	    sample[5].m, /* DATA */
	    sample[5].m,
	    sample[5].m,
	    sample[5].m,
	    sample[5].m,
	    sample[5].m,
	    sample[5].m,
	    sample[8].m, /* ADVANCE */
	    sample[8].m,
	    sample[16].m, /* CHAIN_OPEN */
	    sample[17].m, /* CHAIN_STATE */
	    sample[18].m, /* CHAIN_DEF */
	    sample[18].m,
	    sample[19].m, /* CHAIN_DATA */
	    sample[19].m,
	    sample[20].m, /* CHAIN_ACK */
	    sample[22].m, /* SKIP */
	    sample[22].m,
	};

	(void)state;
	row[0].u.hello.min_version = 2;
	row[1].u.stream_open.name.len = 0;
	row[2].u.stream_open.next_seq = 0;
	row[3].stream = 0;
	row[4].u.stream_open.next_seq = 0;
	row[5].u.stream_state.flags = 2;
	row[6].u.data.count = 0;
	row[7].u.data.first_seq = 0;
	row[8].u.data.first_seq = UINT64_MAX;
	row[9].u.data.flags = BATCH_RANGE_PATH;
	row[10].u.data.severities = 0x100;
	row[11].u.data.flags = BATCH_RANGE_HEAD;
	row[12].u.data.dictionary = 1;
	row[13].u.advance.to = 2;
	row[14].u.advance.reason = 5;
	row[15].u.chain_open.start_rec = 302;
	row[16].u.chain_state.n = 1;
	row[17].u.chain_def.ref = 0;
	row[18].u.chain_def.path.len = 15;
	row[19].u.chain_data.count = BATCH_RECORDS_MAX + 1;
	row[20].u.chain_data.lane = 2;
	row[21].u.chain_ack.from = 304;
	row[22].u.skip.count = 0;
	row[23].u.skip.reason = 0;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++)
		if (decode_with(&row[i], "", 0) != ERR_FORMAT)
			fail_msg("row %zu", i);
}

static void
texts_are_utf_8_without_control_characters(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} row[] = {
	    {"/var/log/\xe6\x97\xa5\xe6\x9c\xac.log", true},
	    {"\xf0\x9f\x98\x80 ~", true},
	    {"a\nb", false},
	    {"\x7f", false},
	    {"\xc2\x85", false}, /* a control character of C1 */
	    {"\xc0\xaf", false}, /* overlong */
	    {"\xe0\x80\xaf", false},
	    {"\xed\xa0\x80", false}, /* a surrogate */
	    {"\xf4\x90\x80\x80", false}, /* past the last */
	    {"\xe6\x97", false}, /* cut off */
	    {"\xe6x\xa5", false},
	    {"\x80", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct agentlink_msg m = {.type = AGENTLINK_GOODBYE};
		size_t len = strlen(row[i].text);
		struct agentlink_frame frame = {.type = AGENTLINK_GOODBYE};
		struct agentlink_msg got;
		struct buf b;

		buf_init(&b, 1000);
		m.u.goodbye.text = bytes_of_str(row[i].text);
		agentlink_msg_encode(&b, &m);
		assert_int_equal(b.err, row[i].good ? 0 : ERR_INVAL);
		buf_clear(&b);
		cursor_put_zeros(&b, 6);
		cursor_put_string(&b, bytes_of(row[i].text, len));
		frame.payload = buf_bytes(&b);
		assert_int_equal(agentlink_msg_decode(&frame, &got),
		    row[i].good ? 0 : ERR_FORMAT);
		buf_fini(&b);
	}
}

static void
intervals_of_a_child_come_one_by_one(void **state)
{
	struct agentlink_chain_interval iv;
	struct agentlink_msg m = sample[17].m;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (uint32_t i = 0; i < 2; i++) {
		agentlink_chain_interval_at(m.u.chain_state.intervals, i, &iv);
		assert_int_equal(iv.to, i ? 201 : 101);
		assert_int_equal(iv.digest[0], i ? 0xd2 : 0xd1);
		agentlink_chain_interval_encode(&b, &iv);
	}
	assert_true(bytes_equal(buf_bytes(&b), m.u.chain_state.intervals));
	b.mem[7 + 48] = 101; /* touches the first */
	m.u.chain_state.intervals = buf_bytes(&b);
	assert_int_equal(decode_with(&m, "", 0), ERR_FORMAT);
	buf_fini(&b);
}

static void
a_payload_may_be_sent_from_where_it_lies(void **state)
{
	const struct agentlink_data *d = &sample[5].m.u.data;
	struct bytes parts[2];
	struct buf whole, head;
	uint8_t header[AGENTLINK_FRAME_HEADER];

	(void)state;
	buf_init(&whole, 1 << 20);
	buf_init(&head, 1 << 20);
	agentlink_msg_encode(&whole, &sample[5].m);
	agentlink_data_encode_head(&head, d);
	parts[0] = buf_bytes(&head);
	parts[1] = d->payload;
	agentlink_frame_header(header, AGENTLINK_DATA, 0, 1, parts, 2);
	assert_memory_equal(whole.mem, header, 16);
	assert_memory_equal(whole.mem + 16, head.mem, head.len);
	assert_memory_equal(
	    whole.mem + 16 + head.len, d->payload.ptr, d->payload.len);
	buf_fini(&head);
	buf_fini(&whole);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_message_is_as_the_golden_file_has_it),
	    cmocka_unit_test(fields_come_back_where_they_were),
	    cmocka_unit_test(a_message_that_is_cut_off_is_refused),
	    cmocka_unit_test(a_frame_says_how_many_bytes_it_needs),
	    cmocka_unit_test(unknown_additions_are_skipped_unless_critical),
	    cmocka_unit_test(
		unknown_and_reserved_types_are_told_apart_from_malformed_ones),
	    cmocka_unit_test(values_that_cannot_be_are_refused),
	    cmocka_unit_test(texts_are_utf_8_without_control_characters),
	    cmocka_unit_test(intervals_of_a_child_come_one_by_one),
	    cmocka_unit_test(a_payload_may_be_sent_from_where_it_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
