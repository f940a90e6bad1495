/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/codec/agentlink_msg.h"
#include "lib/codec/ipc.h"
#include "lib/codec/proof.h"
#include "tests/helpers/golden.h"

#define ID(x)                                                          \
	{                                                              \
		{                                                      \
			x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x \
		}                                                      \
	}
#define TEXT(s)                                     \
	{                                           \
		(const uint8_t *)(s), sizeof(s) - 1 \
	}
#define WALL 1767225600000000000
#define LIMIT (1 << 20)

/* Two records, "alpha" and "be", of one range each; doc/format-batch.md. */
static const uint8_t columns[] = {1, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0,
    0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'a', 'l', 'p', 'h', 'a',
    'b', 'e', 5, 2, 0, 1, 1, 1};

/* sid, first seq, count, flags, severities, previous head, head, path */
static const uint8_t ranges[] = {
    /* the first */
    0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0x40,
    0xaa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 2, '/', 'x',
    /* the second */
    0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xac, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0};

/* code GAP, not durable, last 8, head; then OK, durable, last 1, head */
static const uint8_t verdicts[] = {0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0xaa, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1,
    0xac, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

static const uint8_t intervals[48] = {[0] = 1, [8] = 101, [16] = 0xd1};
static const uint8_t settled[] = {0, 1, 50, 1, 60, 1};
static const uint8_t set[] = {2, 1, 50, 9, 1};
static const uint8_t stored_ranges[] = {0, 1, 1, 9, 2, 0, 0};
static const uint8_t slots[] = {0, 0, 0, 0, 0, 0, 0, 1};
static const uint8_t hop[16] = {0x22};
static const uint8_t addresses[] = {4, 0x02, 0x02, 192, 0, 2, 1, 6, 0x02, 0x02,
    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

static const struct {
	const char *title;
	struct ipc_msg m;
} sample[] = {
    {"HELLO",
	{IPC_HELLO,
	    {.hello = {IPC_ROLE_FORWARDER, IPC_VERSION, TEXT("hq"),
		 TEXT("0.1.0")}}}},
    {"CONFIG_PREPARE",
	{IPC_CONFIG_PREPARE, {.config = {1, TEXT("kv"), TEXT("")}}}},
    {"CONFIG_READY", {IPC_CONFIG_READY, {.config = {1, TEXT(""), TEXT("")}}}},
    {"CONFIG_REFUSED",
	{IPC_CONFIG_REFUSED, {.config = {2, TEXT(""), TEXT("no key")}}}},
    {"CONFIG_SWITCH", {IPC_CONFIG_SWITCH, {.config = {1, TEXT(""), TEXT("")}}}},
    {"LINK", {IPC_LINK, {.link = {IPC_ROLE_FORWARDER, 0, TEXT("hq")}}}},
    {"FD", {IPC_FD, {.fd = {IPC_FD_LISTENER, TEXT("agents")}}}},
    {"READY", {IPC_READY, {.stop = {0}}}},
    {"STOP", {IPC_STOP, {.stop = {8000}}}},
    {"PING", {IPC_PING, {.stop = {0}}}},
    {"PONG", {IPC_PONG, {.stop = {0}}}},
    {"STATUS", {IPC_STATUS, {.kv = {TEXT("kv")}}}},
    {"RECEIVERS", {IPC_RECEIVERS, {.receivers = {2, {slots, sizeof(slots)}}}}},
    {"RECEIVER", {IPC_RECEIVER, {.receiver = {1, ID(0x77)}}}},
    {"STREAM_OPEN",
	{IPC_STREAM_OPEN,
	    {.stream_open = {1, {ID(0x11), ID(0x33), TEXT("/var/log/*.log")},
		 TEXT("agents"), TEXT("192.0.2.7:50123"),
		 TEXT("spool:agent:11111111-1111-1111-1111-111111111111"),
		 {hop, sizeof(hop)}, 9, 8, {0xaa}}}}},
    {"STREAM_CLOSE", {IPC_STREAM_CLOSE, {.stream_close = {1, true}}}},
    {"BATCH",
	{IPC_BATCH,
	    {.batch = {.number = 5,
		 .codec = BATCH_CODEC_RAW,
		 .records = 2,
		 .raw_len = sizeof(columns),
		 .received_first_ns = WALL,
		 .received_last_ns = WALL + 5,
		 .event_min_ns = WALL - 9,
		 .event_max_ns = WALL - 7,
		 .content_digest = {0xcd},
		 .n = 2,
		 .ranges = {ranges, sizeof(ranges)},
		 .payload = {columns, sizeof(columns)}}}}},
    {"ADVANCE",
	{IPC_ADVANCE,
	    {.advance = {6, 1, 10, 12, ENTRY_ADVANCE_ACKED_ELSEWHERE, ID(0x22),
		 {0xad}}}}},
    {"VOID", {IPC_VOID, {.void_ = {7}}}},
    {"REPLAYED", {IPC_REPLAYED, {.stop = {0}}}},
    {"CHAIN_OPEN",
	{IPC_CHAIN_OPEN,
	    {.chain_open = {1, ID(0x55), ID(0x66), 301, 1, TEXT("agents"),
		 TEXT("192.0.2.9:50124")}}}},
    {"SKIP", {IPC_SKIP, {.skip = {8, 1, 101, 99, ENTRY_SKIP_HOLE}}}},
    {"CHAIN_CLOSE", {IPC_CHAIN_CLOSE, {.chain_close = {1}}}},
    {"REPORT", {IPC_REPORT, {.kv = {TEXT("kv")}}}},
    {"CONNECTED",
	{IPC_CONNECTED,
	    {.connected = {7, false, ID(0x11), 123456789, TEXT("agents"),
		 TEXT("192.0.2.7")}}}},
    {"DISCONNECTED", {IPC_DISCONNECTED, {.disconnected = {7}}}},
    {"STREAM_STATE",
	{IPC_STREAM_STATE,
	    {.stream_state = {1, AGENTLINK_CODE_OK, false, 8, {0xaa}}}}},
    {"COMMITTED", {IPC_COMMITTED, {.number = {5}}}},
    {"ALREADY", {IPC_ALREADY, {.number = {6}}}},
    {"REFUSED",
	{IPC_REFUSED, {.refused = {5, 2, {verdicts, sizeof(verdicts)}}}}},
    {"LATER", {IPC_LATER, {.number = {9}}}},
    {"CHAIN_STATE",
	{IPC_CHAIN_STATE,
	    {.chain_state = {1, AGENTLINK_CODE_OK, 1,
		 {intervals, sizeof(intervals)}}}}},
    {"CREDIT", {IPC_CREDIT, {.credit = {67108864, 1024}}}},
    {"SPOOL",
	{IPC_SPOOL, {.spool = {ID(0x22), ID(0x44), 1700000000000000000}}}},
    {"DISPLACED",
	{IPC_DISPLACED, {.displaced = {7, AGENTLINK_CODE_TAKEN_OVER}}}},
    {"TARGET", {IPC_TARGET, {.target = {TEXT("hq"), TEXT("chain")}}}},
    {"WORK", {IPC_WORK, {.work = {16777216, 64}}}},
    {"VERDICTS",
	{IPC_VERDICTS,
	    {.verdicts = {{1, 2}, true, 2, {settled, sizeof(settled)}}}}},
    {"DIGEST_QUERY", {IPC_DIGEST_QUERY, {.digest = {100, false, 0, {0}}}}},
    {"NEW_INCARNATION",
	{IPC_NEW_INCARNATION, {.incarnation = {TEXT("cloned")}}}},
    {"PENDING_AGAIN",
	{IPC_PENDING_AGAIN, {.pending_again = {{set, sizeof(set)}}}}},
    {"UNREADABLE",
	{IPC_UNREADABLE, {.unreadable = {51, 53, TEXT("no frame")}}}},
    {"JUDGED", {IPC_JUDGED, {.judged = {51, 53, IPC_INSPECT_CANNOT_TELL}}}},
    {"TARGET_STATUS", {IPC_TARGET_STATUS, {.kv = {TEXT("kv")}}}},
    {"TARGET_STATE",
	{IPC_TARGET_STATE,
	    {.target_state = {ID(0x22), ID(0x44), 1, 1000, true, 5, {1, 2},
		 {set, sizeof(set)}}}}},
    {"STREAM_DEF",
	{IPC_STREAM_DEF,
	    {.stream_def = {1, ID(0x11), ID(0x33), TEXT("/var/log/*.log"),
		 TEXT("agents"), TEXT("192.0.2.7:50123"),
		 TEXT("spool:agent:11111111-1111-1111-1111-111111111111"),
		 {hop, sizeof(hop)}}}}},
    {"STORED",
	{IPC_STORED,
	    {.stored = {.first_rec = 51,
		 .records = 2,
		 .raw_len = sizeof(columns),
		 .codec = BATCH_CODEC_RAW,
		 .received_first_ns = WALL,
		 .received_last_ns = WALL + 5,
		 .content_digest = {0xcd},
		 .ranges = {stored_ranges, sizeof(stored_ranges)},
		 .payload = {columns, sizeof(columns)}}}}},
    {"DURABLE", {IPC_DURABLE, {.durable = {{1, 2}}}}},
    {"DIGEST", {IPC_DIGEST, {.digest = {100, true, 51, {0xd1}}}}},
    {"CONTROL", {IPC_CONTROL, {.control = {IPC_CONTROL_RETRY}}}},
    {"HOLE", {IPC_HOLE, {.interval = {61, 101, 1, 0}}}},
    {"RESOLVE", {IPC_RESOLVE, {.resolve = {1, TEXT("hq.example"), 514}}}},
    {"ADDRESSES",
	{IPC_ADDRESSES,
	    {.addresses = {1, 0, 2, {addresses, sizeof(addresses)},
		 TEXT("")}}}},
    {"INSPECT",
	{IPC_INSPECT,
	    {.inspect = {.id = 7,
		 .codec = BATCH_CODEC_RAW,
		 .records = 2,
		 .raw_len = sizeof(columns),
		 .stored_len = sizeof(columns),
		 .content_digest = {0xcd},
		 .ranges = {stored_ranges, sizeof(stored_ranges)},
		 .payload = {columns, sizeof(columns)}}}}},
    {"INSPECTED",
	{IPC_INSPECTED,
	    {.inspected = {7, IPC_INSPECT_BROKEN, TEXT("content digest")}}}},
};

#define SAMPLES (sizeof(sample) / sizeof(*sample))

static const struct ipc_msg *
sample_of(uint16_t type)
{
	for (size_t i = 0; i < SAMPLES; i++)
		if (sample[i].m.type == type)
			return &sample[i].m;
	return NULL;
}

/* The corpus has the type before the payload, as be16. */
static void
check_golden(const char *title, uint16_t type, struct bytes payload)
{
	struct buf b;

	buf_init(&b, LIMIT);
	cursor_put_be16(&b, type);
	buf_add_bytes(&b, payload);
	golden_check("ipc-1", title, "ipc", buf_bytes(&b));
	buf_fini(&b);
}

static void
every_message_is_as_the_golden_file_has_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct buf b, again;
		struct ipc_msg m;

		buf_init(&b, LIMIT);
		buf_init(&again, LIMIT);
		ipc_encode(&b, &sample[i].m);
		assert_int_equal(b.err, 0);
		check_golden(sample[i].title, sample[i].m.type, buf_bytes(&b));
		assert_string_equal(
		    ipc_type_name(sample[i].m.type), sample[i].title);
		assert_int_equal(
		    ipc_decode(sample[i].m.type, buf_bytes(&b), &m), 0);
		ipc_encode(&again, &m);
		assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&again)));
		buf_fini(&again);
		buf_fini(&b);
	}
}

static void
every_type_of_the_list_has_a_message(void **state)
{
	(void)state;
#define X(name, value) assert_non_null(sample_of(IPC_##name));
	IPC_TYPE_LIST(X)
#undef X
}

static void
a_message_that_is_cut_off_or_too_long_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		uint16_t type = sample[i].m.type;
		struct ipc_msg m;
		struct buf b;

		buf_init(&b, LIMIT);
		ipc_encode(&b, &sample[i].m);
		for (size_t len = 0; len < b.len; len++)
			assert_int_equal(
			    ipc_decode(type, bytes_of(b.mem, len), &m),
			    ERR_FORMAT);
		cursor_put_u8(&b, 1);
		assert_int_equal(
		    ipc_decode(type, buf_bytes(&b), &m), ERR_FORMAT);
		buf_fini(&b);
	}
}

static void
an_unknown_type_is_unsupported(void **state)
{
	struct ipc_msg m = {.type = 14};
	struct buf b;

	(void)state;
	buf_init(&b, LIMIT);
	assert_int_equal(ipc_decode(14, bytes_of("", 0), &m), ERR_UNSUPPORTED);
	assert_int_equal(ipc_decode(0, bytes_of("", 0), &m), ERR_UNSUPPORTED);
	ipc_encode(&b, &m);
	assert_int_equal(b.err, ERR_INVAL);
	assert_string_equal(ipc_type_name(14), "UNKNOWN");
	assert_string_equal(ipc_role_name(IPC_ROLE_KEEPER), "keeper");
	buf_fini(&b);
}

static int
decode_again(const struct ipc_msg *in)
{
	struct ipc_msg m;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT);
	ipc_encode(&b, in);
	assert_int_equal(b.err, 0);
	rc = ipc_decode(in->type, buf_bytes(&b), &m);
	buf_fini(&b);
	return rc;
}

static void
a_batch_that_does_not_add_up_is_refused(void **state)
{
	struct ipc_msg row[14];

	(void)state;
	for (size_t i = 0; i < 14; i++)
		row[i] = *sample_of(IPC_BATCH);
	assert_int_equal(decode_again(&row[0]), 0);
	row[0].u.batch.number = 0;
	row[1].u.batch.lane = 2;
	row[2].u.batch.codec = BATCH_CODEC_ZSTD_DICT;
	row[3].u.batch.records = 3; /* the ranges hold two */
	row[4].u.batch.raw_len++;
	row[5].u.batch.raw_len = BATCH_RAW_MAX + 1;
	row[5].u.batch.codec = BATCH_CODEC_ZSTD;
	row[6].u.batch.chain_id = 1; /* with sids of direct streams */
	row[7].u.batch.chain_first_rec = 1; /* without a chain */
	row[8].u.batch.n = 1;
	row[9].u.batch.ranges.len = 59;
	row[10].u.batch.ranges.len = 58;
	row[11].u.batch.payload.len = 0;
	row[12].u.batch.records = 0;
	row[13].u.batch.n = 0;
	row[13].u.batch.ranges.len = 0;
	for (size_t i = 0; i < 14; i++)
		if (decode_again(&row[i]) != ERR_FORMAT)
			fail_msg("row %zu", i);
}

static void
a_chain_batch_speaks_of_chained_streams_only(void **state)
{
	struct ipc_msg m = *sample_of(IPC_BATCH);
	uint8_t chained[sizeof(ranges)];

	(void)state;
	memcpy(chained, ranges, sizeof(ranges));
	chained[0] |= 0x80;
	m.u.batch.ranges.ptr = chained;
	m.u.batch.chain_id = 1;
	m.u.batch.chain_first_rec = 301;
	assert_int_equal(decode_again(&m), ERR_FORMAT); /* one only */
	chained[59] |= 0x80;
	assert_int_equal(decode_again(&m), 0);
	m.u.batch.chain_id = 0;
	m.u.batch.chain_first_rec = 0;
	assert_int_equal(decode_again(&m), ERR_FORMAT);
}

static void
values_that_cannot_be_are_refused(void **state)
{
	static const struct {
		uint16_t type;
		uint16_t at; /* of the payload */
		uint8_t value;
	} row[] = {
	    {IPC_HELLO, 0, IPC_ROLES},
	    {IPC_HELLO, 4, '\n'}, /* in the name */
	    {IPC_LINK, 0, IPC_ROLES},
	    {IPC_FD, 0, 0},
	    {IPC_FD, 0, 7},
	    {IPC_RECEIVERS, 3, 1},
	    {IPC_STREAM_CLOSE, 4, 2},
	    {IPC_ADVANCE, 7, 0}, /* number 0 */
	    {IPC_ADVANCE, 27, 9}, /* to before from */
	    {IPC_ADVANCE, 28, 5},
	    {IPC_VOID, 7, 0},
	    {IPC_CHAIN_OPEN, 3, 0},
	    {IPC_CHAIN_OPEN, 48, 2}, /* starts after its next */
	    {IPC_SKIP, 28, 9},
	    {IPC_REFUSED, 11, 1},
	    {IPC_CHAIN_STATE, 9, 2},
	    {IPC_TARGET, 0, 0},
	    {IPC_VERDICTS, 64, 2},
	    {IPC_VERDICTS, 68, 3},
	    {IPC_TARGET_STATE, 122, 3}, /* intervals that are not there */
	    {IPC_STREAM_DEF, 3, 0},
	    {IPC_STORED, 11, 0}, /* no records */
	    {IPC_STORED, 16, 2}, /* codec */
	    {IPC_PENDING_AGAIN, 1, 0}, /* nothing is lost */
	    {IPC_UNREADABLE, 15, 51}, /* nothing */
	    {IPC_UNREADABLE, 18, '\n'},
	    {IPC_JUDGED, 15, 51},
	    {IPC_JUDGED, 16, IPC_INSPECT_BROKEN},
	    {IPC_CONTROL, 0, 0},
	    {IPC_RESOLVE, 4, 0},
	    {IPC_ADDRESSES, 9, 1},
	    {IPC_ADDRESSES, 11, 5}, /* family */
	    {IPC_INSPECTED, 8, 0}, /* holds, and yet a reason */
	    {IPC_INSPECTED, 8, 3},
	    {IPC_INSPECTED, 12, '\n'},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct ipc_msg m;
		struct buf b;

		buf_init(&b, LIMIT);
		ipc_encode(&b, sample_of(row[i].type));
		assert_true(row[i].at < b.len);
		assert_int_not_equal(b.mem[row[i].at], row[i].value);
		b.mem[row[i].at] = row[i].value;
		if (ipc_decode(row[i].type, buf_bytes(&b), &m) != ERR_FORMAT)
			fail_msg("row %zu", i);
		buf_fini(&b);
	}
}

static void
names_that_an_entry_could_not_hold_are_not_sent(void **state)
{
	uint8_t a[256];
	struct ipc_msg m = *sample_of(IPC_STREAM_OPEN);
	struct buf b;

	(void)state;
	memset(a, 'a', sizeof(a));
	buf_init(&b, LIMIT);
	m.u.stream_open.key.name = bytes_of(a, sizeof(a));
	ipc_encode(&b, &m);
	assert_int_equal(b.err, ERR_INVAL);
	buf_clear(&b);
	m.u.stream_open.key.name.len--;
	ipc_encode(&b, &m);
	assert_int_equal(b.err, 0);
	buf_fini(&b);
}

static void
lists_come_one_by_one(void **state)
{
	struct ipc_range_verdict v;
	struct ipc_range r;
	struct cursor c;
	struct buf b;

	(void)state;
	buf_init(&b, LIMIT);
	cursor_init(&c, bytes_of(ranges, sizeof(ranges)));
	assert_int_equal(ipc_range_next(&c, &r), 1);
	assert_int_equal(r.first_seq, 9);
	assert_int_equal(r.severities, 0x40);
	assert_true(bytes_equal_str(r.path, "/x"));
	ipc_range_encode(&b, &r);
	assert_int_equal(ipc_range_next(&c, &r), 1);
	assert_int_equal(r.head[0], 0xac);
	ipc_range_encode(&b, &r);
	assert_int_equal(ipc_range_next(&c, &r), 0);
	assert_memory_equal(b.mem, ranges, sizeof(ranges));
	buf_clear(&b);
	cursor_init(&c, bytes_of(verdicts, sizeof(verdicts)));
	while (ipc_range_verdict_next(&c, &v) == 1)
		ipc_range_verdict_encode(&b, &v);
	assert_true(v.durable);
	assert_memory_equal(b.mem, verdicts, sizeof(verdicts));
	buf_fini(&b);
}

static void
a_payload_may_be_sent_from_where_it_lies(void **state)
{
	const struct ipc_msg *m = sample_of(IPC_BATCH);
	struct buf whole, head;

	(void)state;
	buf_init(&whole, LIMIT);
	buf_init(&head, LIMIT);
	ipc_encode(&whole, m);
	ipc_batch_encode_head(&head, &m->u.batch);
	buf_add_bytes(&head, m->u.batch.payload);
	assert_true(bytes_equal(buf_bytes(&whole), buf_bytes(&head)));
	m = sample_of(IPC_STORED);
	buf_clear(&whole);
	buf_clear(&head);
	ipc_encode(&whole, m);
	ipc_stored_encode_head(&head, &m->u.stored);
	buf_add_bytes(&head, m->u.stored.payload);
	assert_true(bytes_equal(buf_bytes(&whole), buf_bytes(&head)));
	buf_fini(&head);
	buf_fini(&whole);
}

/* RULES.md 1: what an acknowledgement may be made from, and nothing else. */
static void
four_messages_prove_something_and_no_other_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		uint16_t type = sample[i].m.type;
		bool proves = type == IPC_COMMITTED || type == IPC_ALREADY ||
		    type == IPC_STREAM_STATE || type == IPC_CHAIN_STATE;
		struct proof *p = NULL;
		struct buf b;

		buf_init(&b, LIMIT);
		ipc_encode(&b, &sample[i].m);
		assert_int_equal(proof_decode(type, buf_bytes(&b), &p),
		    proves ? 0 : ERR_INVAL);
		assert_int_equal(p != NULL, proves);
		if (p)
			assert_int_equal(proof_msg(p)->type, type);
		proof_free(p);
		buf_fini(&b);
	}
}

static void
malformed_bytes_prove_nothing(void **state)
{
	struct proof *p = NULL;

	(void)state;
	assert_int_equal(
	    proof_decode(IPC_COMMITTED, bytes_of("\0\0\0\0\0\0\0", 7), &p),
	    ERR_FORMAT);
	assert_null(p);
	proof_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_message_is_as_the_golden_file_has_it),
	    cmocka_unit_test(every_type_of_the_list_has_a_message),
	    cmocka_unit_test(a_message_that_is_cut_off_or_too_long_is_refused),
	    cmocka_unit_test(an_unknown_type_is_unsupported),
	    cmocka_unit_test(a_batch_that_does_not_add_up_is_refused),
	    cmocka_unit_test(a_chain_batch_speaks_of_chained_streams_only),
	    cmocka_unit_test(values_that_cannot_be_are_refused),
	    cmocka_unit_test(names_that_an_entry_could_not_hold_are_not_sent),
	    cmocka_unit_test(lists_come_one_by_one),
	    cmocka_unit_test(a_payload_may_be_sent_from_where_it_lies),
	    cmocka_unit_test(four_messages_prove_something_and_no_other_does),
	    cmocka_unit_test(malformed_bytes_prove_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
