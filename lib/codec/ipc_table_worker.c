/* SPDX-License-Identifier: Apache-2.0 */
/* Keeper and worker. */
#include "lib/base/err.h"
#include "lib/codec/ipc_table.h"

#define T struct ipc_inspect
static const struct field inspect[] = {
    FIELD(T, id, BE64),
    FIELD(T, codec, U8),
    FIELD(T, records, BE32),
    FIELD(T, raw_len, BE32),
    FIELD(T, stored_len, BE32),
    FIELD(T, content_digest, RAW),
    FIELD_UP_TO(T, ranges, STRING, BATCH_RANGES_MAX),
    FIELD(T, payload, REST),
    FIELD_LAST,
};
#undef T

#define T struct ipc_inspected
static const struct field inspected[] = {
    FIELD(T, id, BE64),
    FIELD(T, code, U8),
    FIELD_UP_TO(T, text, TEXT, IPC_INSPECT_TEXT_MAX),
    FIELD_LAST,
};
#undef T

/*
 * A question about values that may be wrong: none is refused but the length
 * of the payload itself.
 */
static int
check_inspect(const struct ipc_msg *m)
{
	const struct ipc_inspect *i = &m->u.inspect;

	return i->payload.len == i->stored_len ? 0 : ERR_FORMAT;
}

static int
check_inspected(const struct ipc_msg *m)
{
	const struct ipc_inspected *i = &m->u.inspected;

	/* Whatever does not hold has a reason, and what holds has none. */
	return i->code <= IPC_INSPECT_CANNOT_TELL &&
		!i->text.len == (i->code == IPC_INSPECT_HOLDS)
	    ? 0
	    : ERR_FORMAT;
}

const struct ipc_table ipc_table_worker[] = {
    {IPC_INSPECT, inspect, check_inspect},
    {IPC_INSPECTED, inspected, check_inspected},
    {0, NULL, NULL},
};
