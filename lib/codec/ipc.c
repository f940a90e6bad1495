/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a message's row and reads or writes by it; doc/protocol-ipc.md. */
#include "lib/codec/ipc.h"

#include "lib/base/err.h"
#include "lib/codec/ipc_table.h"
#include "lib/codec/layout.h"

#define RANGE_FLAGS                                                     \
	(BATCH_RANGE_HEAD | BATCH_RANGE_PATH | BATCH_RANGE_GAP_BEFORE | \
	    BATCH_RANGE_RESTART | BATCH_RANGE_CONTINUATION |            \
	    BATCH_RANGE_CHAINED)
#define SEVERITIES 0xffu

#define T struct ipc_range
static const struct field range_fields[] = {
    FIELD(T, sid, BE32),
    FIELD(T, first_seq, BE64),
    FIELD(T, count, BE32),
    FIELD(T, flags, BE32),
    FIELD(T, severities, BE32),
    FIELD(T, prev_head, RAW),
    FIELD(T, head, RAW),
    FIELD_UP_TO(T, path, STRING, BATCH_PATH_MAX),
    FIELD_LAST,
};
#undef T

#define T struct ipc_range_verdict
static const struct field verdict_fields[] = {
    FIELD(T, code, BE16),
    FIELD(T, durable, BOOL),
    FIELD(T, last, BE64),
    FIELD(T, head, RAW),
    FIELD_LAST,
};
#undef T

static const struct ipc_table *
find_in(const struct ipc_table *t, uint16_t type)
{
	for (; t->type; t++)
		if (t->type == type)
			return t;
	return NULL;
}

static const struct ipc_table *
find(uint16_t type)
{
	const struct ipc_table *t = find_in(ipc_table_receiver, type);

	if (!t)
		t = find_in(ipc_table_forwarder, type);
	if (!t)
		t = find_in(ipc_table_common, type);
	if (!t)
		t = find_in(ipc_table_worker, type);
	return t;
}

int
ipc_decode(uint16_t type, struct bytes payload, struct ipc_msg *m)
{
	const struct ipc_table *t = find(type);
	struct ipc_msg got = {.type = type};
	struct cursor c;
	int rc;

	if (!t)
		return ERR_UNSUPPORTED;
	cursor_init(&c, payload);
	field_decode(t->fields, &c, &got.u);
	rc = cursor_end(&c);
	if (!rc && t->check)
		rc = t->check(&got);
	if (!rc)
		*m = got;
	return rc;
}

static void
encode(struct buf *b, uint16_t type, const void *from, bool with_rest)
{
	const struct ipc_table *t = find(type);

	if (t)
		field_encode(t->fields, from, with_rest, b);
	else if (!b->err)
		b->err = ERR_INVAL;
}

void
ipc_encode(struct buf *b, const struct ipc_msg *m)
{
	encode(b, m->type, &m->u, true);
}

void
ipc_batch_encode_head(struct buf *b, const struct ipc_batch *m)
{
	encode(b, IPC_BATCH, m, false);
}

void
ipc_stored_encode_head(struct buf *b, const struct ipc_stored *m)
{
	encode(b, IPC_STORED, m, false);
}

void
ipc_inspect_encode_head(struct buf *b, const struct ipc_inspect *m)
{
	encode(b, IPC_INSPECT, m, false);
}

int
ipc_range_next(struct cursor *c, struct ipc_range *out)
{
	struct ipc_range got;

	if (cursor_err(c) || !cursor_left(c))
		return cursor_err(c);
	field_decode(range_fields, c, &got);
	if (!got.first_seq || !got.count ||
	    got.first_seq > UINT64_MAX - got.count ||
	    got.flags & ~(uint32_t)RANGE_FLAGS || got.severities > SEVERITIES)
		cursor_fail(c, ERR_FORMAT);
	if (cursor_err(c))
		return cursor_err(c);
	*out = got;
	return 1;
}

void
ipc_range_encode(struct buf *b, const struct ipc_range *in)
{
	field_encode(range_fields, in, true, b);
}

int
ipc_range_verdict_next(struct cursor *c, struct ipc_range_verdict *out)
{
	struct ipc_range_verdict got;

	if (cursor_err(c) || !cursor_left(c))
		return cursor_err(c);
	field_decode(verdict_fields, c, &got);
	if (cursor_err(c))
		return cursor_err(c);
	*out = got;
	return 1;
}

void
ipc_range_verdict_encode(struct buf *b, const struct ipc_range_verdict *in)
{
	field_encode(verdict_fields, in, true, b);
}

const struct field *
ipc_fields(uint16_t type)
{
	const struct ipc_table *t = find(type);

	return t ? t->fields : NULL;
}

const char *
ipc_type_name(uint16_t type)
{
	switch (type) {
#define X(name, value)   \
	case IPC_##name: \
		return #name;
		IPC_TYPE_LIST(X)
#undef X
	}
	return "UNKNOWN";
}

const char *
ipc_role_name(enum ipc_role role)
{
	static const char *const name[IPC_ROLES] = {
	    [IPC_ROLE_SUPERVISOR] = "supervisor",
	    [IPC_ROLE_RECEIVER] = "receiver",
	    [IPC_ROLE_KEEPER] = "keeper",
	    [IPC_ROLE_FORWARDER] = "forwarder",
	    [IPC_ROLE_RESOLVER] = "resolver",
	    [IPC_ROLE_INSPECTOR] = "inspector",
	    [IPC_ROLE_WORKER] = "worker",
	};

	return (unsigned)role < IPC_ROLES ? name[role] : "unknown";
}
