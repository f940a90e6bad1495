/* SPDX-License-Identifier: Apache-2.0 */
/* Receiver and keeper. */
#include "lib/base/err.h"
#include "lib/codec/entry_check.h"
#include "lib/codec/ipc_table.h"

#define VERDICT_SIZE 27
#define INTERVALS_BYTES (ENTRY_CHILD_INTERVALS_MAX * ENTRY_CHILD_INTERVAL_SIZE)

#define T struct ipc_receiver
static const struct field receiver[] = {
    FIELD(T, slot, BE32),
    FIELD(T, epoch, RAW),
    FIELD_LAST,
};
#undef T

#define T struct ipc_stream_open
static const struct field stream_open[] = {
    FIELD(T, sid, BE32),
    FIELD(T, key.origin, RAW),
    FIELD(T, key.epoch, RAW),
    IPC_TABLE_STREAM(T, key.name),
    IPC_TABLE_NAME(T, listener),
    IPC_TABLE_PEER(T, peer),
    IPC_TABLE_PEER(T, identity),
    FIELD_UP_TO(T, path, STRING, IPC_TABLE_HOPS_BYTES),
    FIELD(T, next_seq, BE64),
    FIELD(T, acked, BE64),
    FIELD(T, head, RAW),
    FIELD_LAST,
};
#undef T

#define T struct ipc_stream_state
static const struct field stream_state[] = {
    FIELD(T, sid, BE32),
    FIELD(T, code, BE16),
    FIELD(T, is_new, BOOL),
    FIELD(T, last, BE64),
    FIELD(T, head, RAW),
    FIELD_LAST,
};
#undef T

#define T struct ipc_stream_close
static const struct field stream_close[] = {
    FIELD(T, sid, BE32),
    FIELD(T, final, BOOL),
    FIELD_LAST,
};
#undef T

#define T struct ipc_batch
static const struct field batch[] = {
    FIELD(T, number, BE64),
    FIELD(T, lane, U8),
    FIELD(T, codec, U8),
    FIELD(T, records, BE32),
    FIELD(T, raw_len, BE32),
    FIELD(T, received_first_ns, BE64),
    FIELD(T, received_last_ns, BE64),
    FIELD(T, event_min_ns, BE64),
    FIELD(T, event_max_ns, BE64),
    FIELD(T, content_digest, RAW),
    FIELD(T, chain_id, BE32),
    FIELD(T, chain_first_rec, BE64),
    FIELD(T, n, BE32),
    FIELD_UP_TO(T, ranges, STRING, BATCH_RANGES_MAX),
    FIELD(T, payload, REST),
    FIELD_LAST,
};
#undef T

#define T struct ipc_advance
static const struct field advance[] = {
    FIELD(T, number, BE64),
    FIELD(T, sid, BE32),
    FIELD(T, from, BE64),
    FIELD(T, to, BE64),
    FIELD(T, reason, U8),
    FIELD(T, spool, RAW),
    FIELD(T, head, RAW),
    FIELD_LAST,
};
#undef T

#define T struct ipc_void
static const struct field void_[] = {FIELD(T, number, BE64), FIELD_LAST};
#undef T

#define T struct ipc_chain_open
static const struct field chain_open[] = {
    FIELD(T, chain_id, BE32),
    FIELD(T, child, RAW),
    FIELD(T, incarnation, RAW),
    FIELD(T, next_rec, BE64),
    FIELD(T, start_rec, BE64),
    IPC_TABLE_NAME(T, listener),
    IPC_TABLE_PEER(T, peer),
    FIELD_LAST,
};
#undef T

#define T struct ipc_chain_state
static const struct field chain_state[] = {
    FIELD(T, chain_id, BE32),
    FIELD(T, code, BE16),
    FIELD(T, n, BE32),
    FIELD_UP_TO(T, intervals, STRING, INTERVALS_BYTES),
    FIELD_LAST,
};
#undef T

#define T struct ipc_chain_close
static const struct field chain_close[] = {
    FIELD(T, chain_id, BE32),
    FIELD_LAST,
};
#undef T

#define T struct ipc_skip
static const struct field skip[] = {
    FIELD(T, number, BE64),
    FIELD(T, chain_id, BE32),
    FIELD(T, from, BE64),
    FIELD(T, count, BE64),
    FIELD(T, reason, U8),
    FIELD_LAST,
};
#undef T

#define T struct ipc_number
static const struct field number[] = {FIELD(T, number, BE64), FIELD_LAST};
#undef T

#define T struct ipc_refused
static const struct field refused[] = {
    FIELD(T, number, BE64),
    FIELD(T, n, BE32),
    FIELD_UP_TO(T, verdicts, STRING, VERDICT_SIZE *IPC_RANGES_MAX),
    FIELD_LAST,
};
#undef T

#define T struct ipc_spool
static const struct field spool[] = {
    FIELD(T, spool, RAW),
    FIELD(T, incarnation, RAW),
    FIELD(T, floor_ns, BE64),
    FIELD_LAST,
};
#undef T

#define T struct ipc_connected
static const struct field connected[] = {
    FIELD(T, connection, BE64),
    FIELD(T, is_spool, BOOL),
    FIELD(T, id, RAW),
    FIELD(T, since_us, BE64),
    IPC_TABLE_NAME(T, listener),
    FIELD_UP_TO(T, host, TEXT, IPC_HOST_MAX),
    FIELD_LAST,
};
#undef T

#define T struct ipc_disconnected
static const struct field disconnected[] = {
    FIELD(T, connection, BE64),
    FIELD_LAST,
};
#undef T

#define T struct ipc_displaced
static const struct field displaced[] = {
    FIELD(T, connection, BE64),
    FIELD(T, code, BE16),
    FIELD_LAST,
};
#undef T

#define T struct ipc_credit
static const struct field credit[] = {
    FIELD(T, bytes, BE64),
    FIELD(T, batches, BE32),
    FIELD_LAST,
};
#undef T

#define T struct ipc_kv
static const struct field report[] = {
    FIELD_UP_TO(T, kv, STRING, IPC_TABLE_KV_MAX),
    FIELD_LAST,
};
#undef T

static const struct field nothing[] = {FIELD_LAST};

static int
verdict(bool good)
{
	return good ? 0 : ERR_FORMAT;
}

static int
check_stream_open(const struct ipc_msg *m)
{
	const struct ipc_stream_open *s = &m->u.stream_open;

	return verdict(s->key.name.len && s->path.len % UUID_SIZE == 0);
}

/* As many ranges as it says, and in them as many records. */
static int
check_ranges(const struct ipc_batch *b)
{
	bool chained = b->chain_id != 0;
	struct ipc_range range;
	uint64_t records = 0;
	struct cursor c;
	uint32_t n = 0;

	cursor_init(&c, b->ranges);
	for (; ipc_range_next(&c, &range) == 1; n++) {
		records += range.count;
		if (!!(range.sid & IPC_SID_CHAINED) != chained)
			return ERR_FORMAT;
	}
	return verdict(!cursor_end(&c) && n && n <= IPC_RANGES_MAX &&
	    n == b->n && records == b->records);
}

/* What the keeper could not store, or not read again, it must not take. */
static int
check_batch(const struct ipc_msg *m)
{
	const struct ipc_batch *b = &m->u.batch;

	if (!b->number || b->lane > BATCH_LANE_URGENT ||
	    b->codec > BATCH_CODEC_ZSTD || !b->records ||
	    b->records > BATCH_RECORDS_MAX ||
	    b->raw_len < BATCH_COLUMNS_HEADER_SIZE ||
	    b->raw_len > BATCH_RAW_MAX || !b->payload.len ||
	    b->payload.len > BATCH_STORED_MAX ||
	    (b->codec == BATCH_CODEC_RAW && b->payload.len != b->raw_len) ||
	    b->chain_first_rec > UINT64_MAX - b->records ||
	    (!b->chain_id && b->chain_first_rec))
		return ERR_FORMAT;
	return check_ranges(b);
}

static int
check_advance(const struct ipc_msg *m)
{
	const struct ipc_advance *a = &m->u.advance;

	return verdict(a->number && a->from && a->from <= a->to &&
	    a->to < UINT64_MAX && a->reason >= ENTRY_ADVANCE_LOST &&
	    a->reason <= ENTRY_ADVANCE_CORRUPT);
}

static int
check_void(const struct ipc_msg *m)
{
	return verdict(m->u.void_.number);
}

static int
check_chain_open(const struct ipc_msg *m)
{
	return verdict(m->u.chain_open.chain_id &&
	    m->u.chain_open.start_rec <= m->u.chain_open.next_rec);
}

static int
check_chain_state(const struct ipc_msg *m)
{
	return entry_check_intervals(
	    m->u.chain_state.intervals, m->u.chain_state.n);
}

static int
check_skip(const struct ipc_msg *m)
{
	const struct ipc_skip *s = &m->u.skip;

	return verdict(s->number && s->count &&
	    s->from <= UINT64_MAX - s->count && s->reason >= ENTRY_SKIP_HOLE &&
	    s->reason <= ENTRY_SKIP_GIVEN_UP);
}

static int
check_refused(const struct ipc_msg *m)
{
	struct ipc_range_verdict one;
	struct cursor c;
	uint32_t n = 0;

	cursor_init(&c, m->u.refused.verdicts);
	while (ipc_range_verdict_next(&c, &one) == 1)
		n++;
	return verdict(!cursor_end(&c) && n == m->u.refused.n);
}

const struct ipc_table ipc_table_receiver[] = {
    {IPC_RECEIVER, receiver, NULL},
    {IPC_STREAM_OPEN, stream_open, check_stream_open},
    {IPC_STREAM_CLOSE, stream_close, NULL},
    {IPC_BATCH, batch, check_batch},
    {IPC_ADVANCE, advance, check_advance},
    {IPC_VOID, void_, check_void},
    {IPC_REPLAYED, nothing, NULL},
    {IPC_CHAIN_OPEN, chain_open, check_chain_open},
    {IPC_SKIP, skip, check_skip},
    {IPC_CHAIN_CLOSE, chain_close, NULL},
    {IPC_REPORT, report, NULL},
    {IPC_CONNECTED, connected, NULL},
    {IPC_DISCONNECTED, disconnected, NULL},
    {IPC_STREAM_STATE, stream_state, NULL},
    {IPC_COMMITTED, number, NULL},
    {IPC_ALREADY, number, NULL},
    {IPC_REFUSED, refused, check_refused},
    {IPC_LATER, number, NULL},
    {IPC_CHAIN_STATE, chain_state, check_chain_state},
    {IPC_CREDIT, credit, NULL},
    {IPC_SPOOL, spool, NULL},
    {IPC_DISPLACED, displaced, NULL},
    {0, NULL, NULL},
};
