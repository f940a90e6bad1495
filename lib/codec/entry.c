/* SPDX-License-Identifier: Apache-2.0 */
/* A table of fields for each entry; doc/format-entries.md. */
#include "lib/codec/entry.h"

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/codec/entry_check.h"
#include "lib/codec/field.h"
#include "lib/codec/layout.h"

#define ENTRY_HEADER 8
#define AT_LENGTH 4
#define HOPS_BYTES (BATCH_HOPS_MAX * UUID_SIZE)

#define NAME(type, member) FIELD_UP_TO(type, member, STRING, ENTRY_NAME_MAX)
#define TEXT(type, member) FIELD_UP_TO(type, member, STRING, ENTRY_TEXT_MAX)
#define KEY(type)                                                  \
	FIELD(type, key.origin, RAW), FIELD(type, key.epoch, RAW), \
	    FIELD_UP_TO(type, key.name, STRING, ENTRY_STREAM_MAX)
#define COUNTS(type)                              \
	FIELD(type, counts.since_rec, VAR64),     \
	    FIELD(type, counts.received, VAR64),  \
	    FIELD(type, counts.stored, VAR64),    \
	    FIELD(type, counts.duplicate, VAR64), \
	    FIELD(type, counts.refused, VAR64)
#define TERMS(type, member)                                               \
	FIELD(type, member[0], VAR64), FIELD(type, member[1], VAR64),     \
	    FIELD(type, member[2], VAR64), FIELD(type, member[3], VAR64), \
	    FIELD(type, member[4], VAR64), FIELD(type, member[5], VAR64), \
	    FIELD(type, member[6], VAR64)

_Static_assert(ENTRY_TERMS == 7, "TERMS has one row for each");

#define T struct entry_checkpoint
static const struct field checkpoint[] = {
    FIELD(T, full, BOOL),
    FIELD(T, applied_number, VAR64),
    FIELD(T, next_rec, VAR64),
    FIELD(T, entries, VAR32),
    FIELD_LAST,
};
#undef T

#define T struct entry_identity
static const struct field identity[] = {
    FIELD(T, spool, RAW),
    FIELD(T, incarnation, RAW),
    FIELD(T, created_ns, LE64),
    FIELD(T, spool_time_us, VAR64),
    FIELD(T, wall_ns, LE64),
    FIELD_LAST,
};
#undef T

#define T struct entry_counters
static const struct field counters[] = {
    NAME(T, listener),
    FIELD(T, received, VAR64),
    FIELD(T, stored, VAR64),
    FIELD(T, duplicate, VAR64),
    FIELD(T, refused, VAR64),
    FIELD(T, acknowledged, VAR64),
    FIELD_LAST,
};
#undef T

#define T struct entry_target_state
static const struct field target_state[] = {
    NAME(T, name),
    NAME(T, protocol),
    FIELD(T, paused, BOOL),
    FIELD(T, start_rec, VAR64),
    TERMS(T, term),
    FIELD(T, opaque, RAW),
    FIELD_UP_TO(T, settled, IVSET, ENTRY_INTERVALS_MAX),
    FIELD_LAST,
};
#undef T

#define T struct entry_stream_state
static const struct field stream_state[] = {
    KEY(T),
    NAME(T, listener),
    FIELD(T, start_seq, VAR64),
    FIELD(T, last, VAR64),
    FIELD(T, head, RAW),
    FIELD(T, seen_us, VAR64),
    FIELD(T, closed, BOOL),
    FIELD_UP_TO(T, peer, STRING, ENTRY_PEER_MAX),
    COUNTS(T),
    FIELD_LAST,
};
#undef T

#define T struct entry_stream_counters
static const struct field stream_counters[] = {KEY(T), COUNTS(T), FIELD_LAST};
#undef T

#define T struct entry_child_state
static const struct field child_state[] = {
    FIELD(T, child, RAW),
    FIELD(T, incarnation, RAW),
    FIELD(T, n, VAR32),
    FIELD(T, intervals, REST),
    FIELD_LAST,
};
#undef T

#define T struct entry_receiver_state
static const struct field receiver_state[] = {
    FIELD(T, slot, VAR32),
    FIELD(T, epoch, RAW),
    FIELD(T, last_number, VAR64),
    FIELD_LAST,
};
#undef T

#define T struct entry_history
static const struct field history[] = {
    FIELD(T, since_us, VAR64),
    FIELD(T, hour, VAR64),
    FIELD(T, stored, VAR64),
    FIELD(T, raw, VAR64),
    FIELD(T, bytes, REST),
    FIELD_LAST,
};
#undef T

#define T struct entry_stream_def
static const struct field stream_def[] = {
    FIELD(T, ref, VAR32),
    KEY(T),
    NAME(T, listener),
    TEXT(T, peer),
    TEXT(T, identity),
    FIELD_UP_TO(T, path, STRING, HOPS_BYTES),
    FIELD_LAST,
};
#undef T

#define T struct entry_advance
static const struct field advance[] = {
    KEY(T),
    NAME(T, listener),
    FIELD(T, from, VAR64),
    FIELD(T, to, VAR64),
    FIELD(T, reason, U8),
    FIELD(T, spool, RAW),
    FIELD(T, head, RAW),
    FIELD_LAST,
};
#undef T

#define T struct entry_skip
static const struct field skip[] = {
    FIELD(T, child, RAW),
    FIELD(T, incarnation, RAW),
    FIELD(T, from, VAR64),
    FIELD(T, count, VAR64),
    FIELD(T, reason, U8),
    FIELD_LAST,
};
#undef T

#define T struct entry_give_up
static const struct field give_up[] = {
    NAME(T, target),
    FIELD(T, term, U8),
    FIELD(T, from, VAR64),
    FIELD(T, to, VAR64),
    FIELD(T, count, VAR64),
    TEXT(T, policy),
    FIELD_LAST,
};
#undef T

#define T struct entry_delivered
static const struct field delivered[] = {
    NAME(T, target),
    FIELD(T, opaque, RAW),
    FIELD(T, n, VAR32),
    FIELD(T, settled, REST),
    FIELD_LAST,
};
#undef T

#define T struct entry_quarantine
static const struct field quarantine[] = {
    FIELD(T, number, VAR64),
    FIELD(T, from, VAR64),
    FIELD(T, to, VAR64),
    FIELD(T, count, VAR64),
    FIELD(T, segment, RAW),
    TEXT(T, why),
    FIELD_LAST,
};
#undef T

#define T struct entry_fork
static const struct field fork_entry[] = {
    KEY(T),
    FIELD(T, seq, VAR64),
    FIELD(T, head_known, RAW),
    FIELD(T, head_seen, RAW),
    FIELD(T, wall_ns, LE64),
    FIELD_LAST,
};
#undef T

#define T struct entry_alarm
static const struct field alarm[] = {
    FIELD(T, kind, U8),
    FIELD(T, from, VAR64),
    FIELD(T, to, VAR64),
    FIELD(T, wall_ns, LE64),
    TEXT(T, text),
    FIELD_LAST,
};
#undef T

#define T struct entry_admin
static const struct field admin[] = {
    FIELD(T, wall_ns, LE64),
    TEXT(T, actor),
    TEXT(T, action),
    TEXT(T, reason),
    FIELD_LAST,
};
#undef T

#define T struct entry_key
static const struct field key[] = {
    FIELD(T, segment, RAW),
    FIELD(T, key_id, RAW),
    TEXT(T, what),
    FIELD_LAST,
};
#undef T

#define T struct entry_recycle
static const struct field recycle[] = {
    FIELD(T, segment, RAW),
    FIELD(T, segment_id, VAR64),
    FIELD(T, first_rec, VAR64),
    FIELD(T, next_rec, VAR64),
    FIELD_LAST,
};
#undef T

#define T struct entry_target
static const struct field target[] = {
    FIELD(T, action, U8),
    NAME(T, name),
    NAME(T, new_name),
    NAME(T, protocol),
    FIELD(T, start_rec, VAR64),
    FIELD_LAST,
};
#undef T

#define T struct entry_clock
static const struct field clock_entry[] = {
    FIELD(T, spool_time_us, VAR64),
    FIELD(T, wall_ns, LE64),
    FIELD(T, jump_ns, LE64),
    FIELD_LAST,
};
#undef T

#define T struct entry_incarnation
static const struct field incarnation[] = {
    FIELD(T, incarnation, RAW),
    FIELD(T, next_rec, VAR64),
    TEXT(T, why),
    FIELD_LAST,
};
#undef T

#define T struct entry_stream_closed
static const struct field stream_closed[] = {KEY(T), FIELD_LAST};
#undef T

#define T struct entry_pending_again
static const struct field pending_again[] = {
    NAME(T, target),
    FIELD(T, from, VAR64),
    FIELD(T, to, VAR64),
    TERMS(T, count),
    FIELD_LAST,
};
#undef T

/* Reserved types have no row: to this version they are unknown. */
static const struct {
	const struct field *fields;
	int (*check)(const struct entry *e);
} types[] = {
    [ENTRY_CHECKPOINT_BEGIN] = {checkpoint, NULL},
    [ENTRY_CHECKPOINT_END] = {checkpoint, NULL},
    [ENTRY_IDENTITY] = {identity, NULL},
    [ENTRY_COUNTERS] = {counters, NULL},
    [ENTRY_TARGET_STATE] = {target_state, NULL},
    [ENTRY_STREAM_STATE] = {stream_state, NULL},
    [ENTRY_CHILD_STATE] = {child_state, entry_check_child_state},
    [ENTRY_RECEIVER_STATE] = {receiver_state, NULL},
    [ENTRY_STREAM_COUNTERS] = {stream_counters, NULL},
    [ENTRY_HISTORY] = {history, entry_check_history},
    [ENTRY_STREAM_DEF] = {stream_def, entry_check_stream_def},
    [ENTRY_ADVANCE] = {advance, entry_check_advance},
    [ENTRY_SKIP] = {skip, entry_check_skip},
    [ENTRY_GIVE_UP] = {give_up, entry_check_give_up},
    [ENTRY_DELIVERED] = {delivered, entry_check_delivered},
    [ENTRY_QUARANTINE] = {quarantine, entry_check_quarantine},
    [ENTRY_FORK] = {fork_entry, NULL},
    [ENTRY_ALARM] = {alarm, NULL},
    [ENTRY_ADMIN] = {admin, NULL},
    [ENTRY_KEY] = {key, NULL},
    [ENTRY_RECYCLE] = {recycle, entry_check_recycle},
    [ENTRY_TARGET] = {target, entry_check_target},
    [ENTRY_CLOCK] = {clock_entry, NULL},
    [ENTRY_INCARNATION] = {incarnation, NULL},
    [ENTRY_STREAM_CLOSED] = {stream_closed, NULL},
    [ENTRY_PENDING_AGAIN] = {pending_again, entry_check_pending_again},
};

const struct field *
entry_fields(uint16_t type)
{
	return type < sizeof(types) / sizeof(*types) ? types[type].fields
						     : NULL;
}

static int
decode_body(uint16_t type, uint16_t flags, struct bytes body, struct entry *e)
{
	struct cursor c;
	int rc;

	*e = (struct entry){.type = type, .flags = flags, .body = body};
	cursor_init(&c, body);
	field_decode(entry_fields(type), &c, &e->u);
	if (flags & ~ENTRY_CRITICAL)
		cursor_fail(&c, ERR_FORMAT);
	rc = cursor_end(&c);
	if (!rc && types[type].check)
		rc = types[type].check(e);
	if (rc) {
		entry_fini(e);
		*e = (struct entry){0};
	}
	return rc;
}

int
entry_next(struct cursor *c, struct entry *e)
{
	*e = (struct entry){0};
	while (cursor_left(c)) {
		uint16_t type = cursor_le16(c);
		uint16_t flags = cursor_le16(c);
		struct bytes body = cursor_bytes(c, cursor_le32(c));
		int rc;

		if (cursor_err(c))
			return ERR_FORMAT;
		if (entry_fields(type)) {
			rc = decode_body(type, flags, body, e);
			return rc ? rc : 1;
		}
		if (flags & ENTRY_CRITICAL)
			return ERR_VERSION;
	}
	return cursor_err(c);
}

void
entry_fini(struct entry *e)
{
	if (e && e->type == ENTRY_TARGET_STATE)
		ivset_fini(&e->u.target_state.settled);
}

void
entry_encode(struct buf *b, const struct entry *e)
{
	const struct field *fields = entry_fields((uint16_t)e->type);
	size_t at = b->len;

	if (!fields) {
		if (!b->err)
			b->err = ERR_INVAL;
		return;
	}
	cursor_put_le16(b, (uint16_t)e->type);
	cursor_put_le16(b, e->flags);
	cursor_put_le32(b, 0);
	field_encode(fields, &e->u, true, b);
	if (!b->err)
		endian_put_le32(buf_ptr(b) + at + AT_LENGTH,
		    (uint32_t)(b->len - at - ENTRY_HEADER));
}

const char *
entry_type_name(enum entry_type type)
{
	switch (type) {
#define X(name, value)     \
	case ENTRY_##name: \
		return #name;
		ENTRY_LIST(X)
#undef X
	}
	return "UNKNOWN";
}

const char *
entry_term_name(enum entry_term term)
{
	static const char *const name[ENTRY_TERMS] = {
	    [ENTRY_TERM_DELIVERED] = "delivered",
	    [ENTRY_TERM_UNCONFIRMED] = "unconfirmed",
	    [ENTRY_TERM_FILTERED] = "filtered",
	    [ENTRY_TERM_DEAD_LETTERED] = "dead-lettered",
	    [ENTRY_TERM_EXPIRED] = "expired",
	    [ENTRY_TERM_SHED] = "shed",
	    [ENTRY_TERM_QUARANTINED] = "quarantined",
	};

	return (unsigned)term < ENTRY_TERMS ? name[term] : "unknown";
}
