/* SPDX-License-Identifier: Apache-2.0 */
/* Forwarder and keeper. */
#include "lib/base/err.h"
#include "lib/codec/entry_check.h"
#include "lib/codec/ipc_table.h"

#define LIST_BYTES (1u << 20)

#define T struct ipc_target
static const struct field target[] = {
    IPC_TABLE_NAME(T, name),
    IPC_TABLE_NAME(T, protocol),
    FIELD_LAST,
};
#undef T

#define T struct ipc_work
static const struct field work[] = {
    FIELD(T, bytes, BE64),
    FIELD(T, batches, BE32),
    FIELD_LAST,
};
#undef T

#define T struct ipc_verdicts
static const struct field verdicts[] = {
    FIELD(T, opaque, RAW),
    FIELD(T, has_opaque, BOOL),
    FIELD(T, n, BE32),
    FIELD_UP_TO(T, settled, STRING, LIST_BYTES),
    FIELD_LAST,
};
#undef T

#define T struct ipc_digest
static const struct field digest[] = {
    FIELD(T, last_rec, BE64),
    FIELD(T, found, BOOL),
    FIELD(T, first_rec, BE64),
    FIELD(T, digest, RAW),
    FIELD_LAST,
};
#undef T

#define T struct ipc_incarnation
static const struct field incarnation[] = {
    FIELD_UP_TO(T, why, STRING, ENTRY_TEXT_MAX),
    FIELD_LAST,
};
#undef T

#define T struct ipc_pending_again
static const struct field pending_again[] = {
    FIELD_UP_TO(T, lost, STRING, LIST_BYTES),
    FIELD_LAST,
};
#undef T

#define T struct ipc_interval
static const struct field interval[] = {
    FIELD(T, from, BE64),
    FIELD(T, to, BE64),
    FIELD(T, reason, U8),
    FIELD(T, count, BE64),
    FIELD_LAST,
};
#undef T

#define T struct ipc_unreadable
static const struct field unreadable[] = {
    FIELD(T, from, BE64),
    FIELD(T, to, BE64),
    FIELD_UP_TO(T, why, TEXT, IPC_INSPECT_TEXT_MAX),
    FIELD_LAST,
};
#undef T

#define T struct ipc_judged
static const struct field judged[] = {
    FIELD(T, from, BE64),
    FIELD(T, to, BE64),
    FIELD(T, code, U8),
    FIELD_LAST,
};
#undef T

#define T struct ipc_kv
static const struct field status[] = {
    FIELD_UP_TO(T, kv, STRING, IPC_TABLE_KV_MAX),
    FIELD_LAST,
};
#undef T

#define T struct ipc_target_state
static const struct field target_state[] = {
    FIELD(T, spool, RAW),
    FIELD(T, incarnation, RAW),
    FIELD(T, start_rec, BE64),
    FIELD(T, next_rec, BE64),
    FIELD(T, paused, BOOL),
    FIELD(T, floor_ns, BE64),
    FIELD(T, opaque, RAW),
    FIELD_UP_TO(T, settled, STRING, LIST_BYTES),
    FIELD_LAST,
};
#undef T

#define T struct ipc_stream_def
static const struct field stream_def[] = {
    FIELD(T, id, BE32),
    FIELD(T, origin, RAW),
    FIELD(T, epoch, RAW),
    IPC_TABLE_STREAM(T, name),
    IPC_TABLE_NAME(T, listener),
    IPC_TABLE_PEER(T, peer),
    IPC_TABLE_PEER(T, identity),
    FIELD_UP_TO(T, path, STRING, IPC_TABLE_HOPS_BYTES),
    FIELD_LAST,
};
#undef T

#define T struct ipc_stored
static const struct field stored[] = {
    FIELD(T, first_rec, BE64),
    FIELD(T, records, BE32),
    FIELD(T, raw_len, BE32),
    FIELD(T, codec, U8),
    FIELD(T, lane, U8),
    FIELD(T, received_first_ns, BE64),
    FIELD(T, received_last_ns, BE64),
    FIELD(T, event_min_ns, BE64),
    FIELD(T, event_max_ns, BE64),
    FIELD(T, content_digest, RAW),
    FIELD_UP_TO(T, ranges, STRING, BATCH_RANGES_MAX),
    FIELD(T, payload, REST),
    FIELD_LAST,
};
#undef T

#define T struct ipc_durable
static const struct field durable[] = {FIELD(T, opaque, RAW), FIELD_LAST};
#undef T

#define T struct ipc_control
static const struct field control[] = {FIELD(T, what, U8), FIELD_LAST};
#undef T

static int
verdict(bool good)
{
	return good ? 0 : ERR_FORMAT;
}

static int
check_target(const struct ipc_msg *m)
{
	return verdict(m->u.target.name.len);
}

static int
check_verdicts(const struct ipc_msg *m)
{
	return entry_check_settled(m->u.verdicts.settled, m->u.verdicts.n);
}

static int
check_interval(const struct ipc_msg *m)
{
	return verdict(m->u.interval.from < m->u.interval.to);
}

static int
check_unreadable(const struct ipc_msg *m)
{
	const struct ipc_unreadable *u = &m->u.unreadable;

	return verdict(u->from && u->from < u->to && u->why.len);
}

static int
check_judged(const struct ipc_msg *m)
{
	const struct ipc_judged *j = &m->u.judged;

	return verdict(j->from < j->to &&
	    (j->code == IPC_INSPECT_HOLDS ||
		j->code == IPC_INSPECT_CANNOT_TELL));
}

static int
check_set(struct bytes encoded, bool may_be_empty)
{
	struct ivset set;
	struct cursor c;
	bool good;

	ivset_init(&set, ENTRY_INTERVALS_MAX);
	cursor_init(&c, encoded);
	ivset_decode(&c, &set);
	good = !cursor_end(&c) && (set.n || may_be_empty);
	ivset_fini(&set);
	return verdict(good);
}

static int
check_pending_again(const struct ipc_msg *m)
{
	return check_set(m->u.pending_again.lost, false);
}

static int
check_target_state(const struct ipc_msg *m)
{
	return check_set(m->u.target_state.settled, true);
}

static int
check_stream_def(const struct ipc_msg *m)
{
	return verdict(m->u.stream_def.id && m->u.stream_def.name.len &&
	    m->u.stream_def.path.len % UUID_SIZE == 0);
}

static int
check_stored(const struct ipc_msg *m)
{
	const struct ipc_stored *s = &m->u.stored;

	return verdict(s->records && s->records <= BATCH_RECORDS_MAX &&
	    s->first_rec <= UINT64_MAX - s->records &&
	    s->codec <= BATCH_CODEC_ZSTD && s->lane <= BATCH_LANE_URGENT &&
	    s->raw_len <= BATCH_RAW_MAX && s->payload.len &&
	    s->payload.len <= BATCH_STORED_MAX &&
	    (s->codec != BATCH_CODEC_RAW || s->payload.len == s->raw_len));
}

static int
check_control(const struct ipc_msg *m)
{
	return verdict(m->u.control.what >= IPC_CONTROL_PAUSE &&
	    m->u.control.what <= IPC_CONTROL_RETRY);
}

const struct ipc_table ipc_table_forwarder[] = {
    {IPC_TARGET, target, check_target},
    {IPC_WORK, work, NULL},
    {IPC_VERDICTS, verdicts, check_verdicts},
    {IPC_DIGEST_QUERY, digest, NULL},
    {IPC_NEW_INCARNATION, incarnation, NULL},
    {IPC_PENDING_AGAIN, pending_again, check_pending_again},
    {IPC_TARGET_STATUS, status, NULL},
    {IPC_UNREADABLE, unreadable, check_unreadable},
    {IPC_TARGET_STATE, target_state, check_target_state},
    {IPC_STREAM_DEF, stream_def, check_stream_def},
    {IPC_STORED, stored, check_stored},
    {IPC_DURABLE, durable, NULL},
    {IPC_DIGEST, digest, NULL},
    {IPC_CONTROL, control, check_control},
    {IPC_HOLE, interval, check_interval},
    {IPC_JUDGED, judged, check_judged},
    {0, NULL, NULL},
};
