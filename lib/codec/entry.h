/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry - control entries: what must be durable before it takes effect.
 *
 * A control batch (BATCH_CONTROL, never compressed) holds entries one after
 * the other: type, flags, length, body.  A reader skips unknown entries unless
 * they are critical.  The same entries make up a checkpoint, between
 * ENTRY_CHECKPOINT_BEGIN and _END, over as many control batches of one
 * transaction as it takes.  The bytes are specified in doc/format-entries.md.
 */
#ifndef LIB_CODEC_ENTRY_H
#define LIB_CODEC_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/base/uuid.h"
#include "lib/codec/batch.h"
#include "lib/codec/ivset.h"

#define ENTRY_NAME_MAX 32 /* of a listener or target */
#define ENTRY_STREAM_MAX 255 /* bytes of a stream name */
#define ENTRY_TEXT_MAX 1024
#define ENTRY_PEER_MAX 64 /* of an address with its port, in a checkpoint */
#define ENTRY_OPAQUE_SIZE 64
#define ENTRY_CRITICAL 0x0001
#define ENTRY_INTERVALS_MAX 65536 /* of a target's settled set, decoded */
#define ENTRY_CHILD_INTERVALS_MAX 1024 /* RULES.md 4 */
#define ENTRY_CHILD_INTERVAL_SIZE 48
#define ENTRY_HISTORY_HOURS 168 /* seven days */

#define ENTRY_LIST(X)                                                \
	X(CHECKPOINT_BEGIN, 1) /* full or delta */                   \
	X(CHECKPOINT_END, 2)                                         \
	X(IDENTITY, 3) /* spool, incarnation, spool time */          \
	X(COUNTERS, 4) /* of one listener */                         \
	X(TARGET_STATE, 5) /* settled intervals, terms, opaque */    \
	X(STREAM_STATE, 6) /* last seq, head */                      \
	X(CHILD_STATE, 7) /* intervals a child has handed over */    \
	X(RECEIVER_STATE, 8) /* receiver epoch, last number */       \
	X(STREAM_COUNTERS, 9) /* of one stream */                    \
	X(HISTORY, 10) /* bytes stored, hour by hour */              \
	X(STREAM_DEF, 16) /* reference used in this segment */       \
	X(ADVANCE, 17)                                               \
	X(SKIP, 18)                                                  \
	X(REPEAT, 19) /* reserved */                                 \
	X(GIVE_UP, 20)                                               \
	X(DEAD_LETTER, 21) /* reserved */                            \
	X(DELIVERED, 22)                                             \
	X(QUARANTINE, 23)                                            \
	X(FORK, 24)                                                  \
	X(ALARM, 25) /* ROLLBACK, DISK_LIED, CUSTODY_LOST, DIGEST */ \
	X(ADMIN, 26)                                                 \
	X(KEY, 27)                                                   \
	X(RECYCLE, 28)                                               \
	X(REPACKED, 29) /* reserved */                               \
	X(TARGET, 30) /* added, removed, renamed, paused, resumed */ \
	X(CLOCK, 31)                                                 \
	X(INCARNATION, 32)                                           \
	X(STREAM_CLOSED, 33)                                         \
	X(PENDING_AGAIN, 34) /* custody lost: owed once more */

enum entry_type {
#define X(name, value) ENTRY_##name = (value),
	ENTRY_LIST(X)
#undef X
};

/* The terms in which a record is settled for a target (DESIGN.md 2). */
enum entry_term {
	ENTRY_TERM_DELIVERED = 0,
	ENTRY_TERM_UNCONFIRMED,
	ENTRY_TERM_FILTERED,
	ENTRY_TERM_DEAD_LETTERED,
	ENTRY_TERM_EXPIRED,
	ENTRY_TERM_SHED,
	ENTRY_TERM_QUARANTINED,
	ENTRY_TERMS,
};

/* A stream's full name. */
struct entry_stream_key {
	struct uuid origin;
	struct uuid epoch;
	struct bytes name; /* borrowed */
};

struct entry_checkpoint {
	bool full;
	uint64_t applied_number; /* batches below it are in it */
	uint64_t next_rec;
	uint32_t entries; /* _END: how many entries lie between */
};

struct entry_identity {
	struct uuid spool;
	struct uuid incarnation;
	int64_t created_ns;
	uint64_t spool_time_us; /* RULES.md 11 */
	int64_t wall_ns; /* when spool_time_us was taken */
};

struct entry_counters {
	struct bytes listener;
	uint64_t received, stored, duplicate, refused, acknowledged;
};

struct entry_target_state {
	struct bytes name;
	struct bytes protocol;
	bool paused;
	uint64_t start_rec;
	uint64_t term[ENTRY_TERMS]; /* records settled, per term */
	uint8_t opaque[ENTRY_OPAQUE_SIZE];
	struct ivset settled; /* decoding allocates; see entry_fini */
};

/*
 * received = stored + duplicate + refused, since this spool knows the stream:
 * from record number since_rec on, which is that of the first one stored.
 */
struct entry_stream_counts {
	uint64_t since_rec; /* 0: nothing is stored */
	uint64_t received, stored, duplicate, refused;
};

struct entry_stream_state {
	struct entry_stream_key key;
	struct bytes listener;
	uint64_t start_seq; /* first that this spool knows of */
	uint64_t last;
	uint8_t head[BATCH_HEAD_SIZE];
	uint64_t seen_us; /* spool time of its last batch */
	bool closed;
	struct bytes peer; /* that its last batch came from; "" not known */
	struct entry_stream_counts counts;
};

/* Between full checkpoints: what of a stream no batch tells. */
struct entry_stream_counters {
	struct entry_stream_key key;
	struct entry_stream_counts counts;
};

/* One interval that a child has handed over; digest of the batch ending it. */
struct entry_child_interval {
	uint64_t from, to;
	uint8_t digest[BATCH_DIGEST_SIZE];
};

struct entry_child_state {
	struct uuid child;
	struct uuid incarnation;
	uint32_t n;
	struct bytes intervals; /* encoded; see entry_child_interval_next */
};

struct entry_receiver_state {
	uint32_t slot;
	struct uuid epoch;
	uint64_t last_number;
};

/* For the days of autonomy; in meta alone. */
struct entry_history {
	uint64_t since_us; /* spool time */
	uint64_t hour; /* of spool time, the last one */
	uint64_t stored, raw; /* bytes since then, packed and unpacked */
	struct bytes bytes; /* 168 varints, the oldest hour first */
};

struct entry_stream_def {
	uint32_t ref;
	struct entry_stream_key key;
	struct bytes listener;
	struct bytes peer; /* "192.0.2.1:5000" */
	struct bytes identity; /* "spool:agent:<uuid>" */
	struct bytes path; /* uuids of the spools it came through, 16 each */
};

enum entry_advance_reason {
	ENTRY_ADVANCE_LOST = 1,
	ENTRY_ADVANCE_ACKED_HERE = 2,
	ENTRY_ADVANCE_ACKED_ELSEWHERE = 3,
	ENTRY_ADVANCE_CORRUPT = 4,
};

struct entry_advance {
	struct entry_stream_key key;
	struct bytes listener;
	uint64_t from, to; /* inclusive both */
	uint8_t reason;
	struct uuid spool; /* acked-elsewhere: where */
	uint8_t head[BATCH_HEAD_SIZE];
};

struct entry_skip {
	struct uuid child;
	struct uuid incarnation;
	uint64_t from, count;
	uint8_t reason; /* ENTRY_SKIP_* */
};

enum entry_skip_reason {
	ENTRY_SKIP_HOLE = 1,
	ENTRY_SKIP_QUARANTINED = 2,
	ENTRY_SKIP_GIVEN_UP = 3,
};

/* Part of DELIVERED: [from, to) settled in one term. */
struct entry_settled {
	uint8_t term;
	uint64_t from, to;
};

struct entry_delivered {
	struct bytes target;
	uint8_t opaque[ENTRY_OPAQUE_SIZE];
	uint32_t n;
	struct bytes settled; /* encoded; see entry_settled_next */
};

struct entry_give_up {
	struct bytes target;
	uint8_t term; /* EXPIRED or SHED */
	uint64_t from, to; /* what of it is pending is settled */
	uint64_t count; /* records that this settles */
	struct bytes policy;
};

struct entry_quarantine {
	uint64_t number; /* of the batch; 0 if a whole range is unreadable */
	uint64_t from, to; /* record numbers */
	uint64_t count; /* records in it, as far as known */
	struct uuid segment;
	struct bytes why;
};

struct entry_fork {
	struct entry_stream_key key;
	uint64_t seq;
	uint8_t head_known[BATCH_HEAD_SIZE];
	uint8_t head_seen[BATCH_HEAD_SIZE];
	int64_t wall_ns;
};

enum entry_alarm_kind {
	ENTRY_ALARM_ROLLBACK = 1,
	ENTRY_ALARM_DISK_LIED = 2,
	ENTRY_ALARM_CUSTODY_LOST = 3,
	ENTRY_ALARM_DIGEST = 4,
};

struct entry_alarm {
	uint8_t kind;
	uint64_t from, to;
	int64_t wall_ns;
	struct bytes text;
};

struct entry_admin {
	int64_t wall_ns;
	struct bytes actor, action, reason;
};

struct entry_key {
	struct uuid segment;
	uint8_t key_id[16];
	struct bytes what;
};

struct entry_recycle {
	struct uuid segment;
	uint64_t segment_id;
	uint64_t first_rec, next_rec;
};

enum entry_target_action {
	ENTRY_TARGET_ADDED = 1,
	ENTRY_TARGET_REMOVED = 2,
	ENTRY_TARGET_RENAMED = 3,
	ENTRY_TARGET_PAUSED = 4,
	ENTRY_TARGET_RESUMED = 5,
	ENTRY_TARGET_PROTOCOL = 6, /* changed: the opaque bytes are cleared */
};

struct entry_target {
	uint8_t action;
	struct bytes name;
	struct bytes new_name;
	struct bytes protocol;
	uint64_t start_rec;
};

struct entry_clock {
	uint64_t spool_time_us;
	int64_t wall_ns;
	int64_t jump_ns;
};

struct entry_incarnation {
	struct uuid incarnation;
	uint64_t next_rec;
	struct bytes why;
};

struct entry_stream_closed {
	struct entry_stream_key key;
};

struct entry_pending_again {
	struct bytes target;
	uint64_t from, to;
	uint64_t count[ENTRY_TERMS]; /* taken off each term */
};

struct entry {
	enum entry_type type;
	uint16_t flags;
	struct bytes body; /* encoded */
	union {
		struct entry_checkpoint checkpoint;
		struct entry_identity identity;
		struct entry_counters counters;
		struct entry_target_state target_state;
		struct entry_stream_state stream_state;
		struct entry_child_state child_state;
		struct entry_receiver_state receiver_state;
		struct entry_stream_counters stream_counters;
		struct entry_history history;
		struct entry_stream_def stream_def;
		struct entry_advance advance;
		struct entry_skip skip;
		struct entry_give_up give_up;
		struct entry_delivered delivered;
		struct entry_quarantine quarantine;
		struct entry_fork fork;
		struct entry_alarm alarm;
		struct entry_admin admin;
		struct entry_key key;
		struct entry_recycle recycle;
		struct entry_target target;
		struct entry_clock clock;
		struct entry_incarnation incarnation;
		struct entry_stream_closed stream_closed;
		struct entry_pending_again pending_again;
	} u;
};

/* "DELIVERED"; "UNKNOWN" for another number. */
const char *entry_type_name(enum entry_type type);
const char *entry_term_name(enum entry_term term);

/*
 * The next entry of a control batch's payload: 1 and *e, 0 at the end,
 * ERR_FORMAT, ERR_VERSION (unknown and critical).  Unknown entries that are
 * not critical are skipped.  Strings and encoded parts are borrowed from the
 * input.  TARGET_STATE's interval set is allocated: give e to entry_fini after
 * use in every case (harmless for the others).
 */
int entry_next(struct cursor *c, struct entry *e);
void entry_fini(struct entry *e);

/*
 * Append e (its type, flags and its member of u) to b.  b->err ERR_INVAL for a
 * reserved type or a string that is too long.
 */
void entry_encode(struct buf *b, const struct entry *e);

/*
 * The parts of CHILD_STATE and DELIVERED; 1, 0 at the end, ERR_FORMAT.  That
 * there are n of them, and a child's are sorted and apart, entry_next checked.
 */
int entry_child_interval_next(
    struct cursor *c, struct entry_child_interval *out);
void entry_child_interval_encode(
    struct buf *b, const struct entry_child_interval *in);
int entry_settled_next(struct cursor *c, struct entry_settled *out);
void entry_settled_encode(struct buf *b, const struct entry_settled *in);

#endif
