/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store - the spool on disk: batches in, in order, and out once delivered.
 *
 * A store is one directory: a row of segments (one LMDB environment each),
 * spare segments, the key slots, and meta.  The log of the segments is the
 * truth; meta is a checkpoint of it that can be deleted.  What a transaction
 * added is durable when store_commit returns 0, all of it or nothing.  A
 * failed commit has an unknown outcome: the next store_begin opens a fresh
 * segment whose header cuts the old one, and the caller adds the same batches
 * again.
 *
 * One thread writes (begin, add, commit, recycle); any number of threads may
 * read at the same time; meta has a thread of its own (one at a time).
 * The store does not know what control entries mean and never unpacks a
 * payload.  It does not log: the callback of struct store_options tells what
 * happens.
 * Files and bytes: doc/format-store.md, doc/format-batch.md.
 */
#ifndef LIB_STORE_STORE_H
#define LIB_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/base/uuid.h"
#include "lib/codec/batch.h"

struct store; /* opaque */
struct store_txn; /* opaque; one at a time, of the writing thread */
struct store_token; /* proof of a commit; made in lib/store and nowhere else */
struct store_cursor; /* opaque; a reader */

/* What on_event is told. */
enum store_event {
	STORE_EVENT_SEGMENT_OPENED, /* a fresh active segment */
	STORE_EVENT_SEGMENT_SEALED,
	/*
	 * Damage.  From < to: these records cannot be read.  0, 0: a segment's
	 * tree is bad; what of it is lost the cursors report as they pass.
	 */
	STORE_EVENT_SEGMENT_QUARANTINED,
	STORE_EVENT_COMMIT_FAILED,
	STORE_EVENT_DISK_LIED, /* meta was ahead of the log: from,to records */
	STORE_EVENT_KEY_SLOT_MENDED,
	STORE_EVENT_SPARE_SHORT, /* no room for a spare */
	STORE_EVENT_UNCLEAN_START,
	STORE_EVENT_META_REBUILT, /* meta was damaged and begins empty */
};

/* Pairs of words in the shared page that says who reads what. */
#define STORE_BLAME_SLOTS 32

struct store_options {
	const char *dir; /* path; must exist or its parent must */
	uint64_t quota_bytes; /* ceiling of all files; at least 1 GiB */
	uint64_t segment_bytes; /* 0: clamp(quota / 256, 64 MiB, 1 GiB) */
	uint64_t segment_records; /* at the most; 0: 2^32 (RULES.md 3) */
	uint32_t spares; /* pre-written ones to keep ready; 0: 2 */
	bool encrypt;
	uint8_t key[32]; /* key encryption key; wiped by the caller */
	bool key_is_new; /* made this minute: refuse if there is data */
	bool allow_any_filesystem;
	const struct uuid *new_spool_id; /* used if the store is created */
	/* May be called with the store's lock held: it must not call back. */
	void (*on_event)(void *arg, enum store_event event, const char *text,
	    uint64_t from, uint64_t to); /* any thread; may be NULL */
	void *arg;
	/*
	 * Shared page of STORE_BLAME_SLOTS pairs, or NULL: segment id and batch
	 * number of what a reader touches right now; 0, 0 when it is idle.
	 */
	volatile uint64_t *blame;
	/*
	 * Ids of segments that the inspector found bad, or that were blamed for
	 * two crashes: LMDB never opens them, the salvage scan reads them.
	 */
	const uint64_t *bad_segments;
	size_t bad_count;
	bool meta_is_bad; /* the inspector says so: it is not opened */
};

/*
 * Open or create.  Takes the lock; checks file system, format versions, key.
 * ERR_BUSY (a second keeper), ERR_UNSUPPORTED (file system), ERR_VERSION
 * (newer format), ERR_KEY, ERR_IO...; *why (static or in s, never NULL on
 * error) is a sentence that names the place and the mend, up to why_size.
 * Nothing is written to an existing store before these checks have passed.
 */
int store_open(const struct store_options *options, char *why, size_t why_size,
    struct store **out);

/*
 * Close cleanly: seal nothing, mark the stop as clean.  No other thread may
 * be in the store, and all cursors are closed.  NULL is allowed.
 */
void store_close(struct store *s);

struct store_info {
	struct uuid spool;
	const char *filesystem; /* "ext4" */
	bool created; /* by this open */
	bool clean; /* the last stop was clean */
	bool encrypted;
	uint64_t next_rec; /* number of the next record, from 1 */
	uint64_t known_rec; /* whether there were any from here to next_rec */
	uint64_t next_number; /* number of the next batch, from 1 */
	uint64_t quota_bytes, reserve_bytes;
	/* Spares are room for what comes, not used; both are in the quota. */
	uint64_t used_bytes, spare_bytes;
	uint64_t segment_bytes;
	uint64_t data_bytes; /* payloads of all data batches ever stored */
	uint32_t segments, spares, quarantined;
};

void store_info(const struct store *s, struct store_info *info);

/* A batch as a reader sees it: a decrypted copy in the reader's buffer. */
struct store_batch {
	struct batch_header header;
	struct bytes ranges;
	struct bytes payload; /* packed columns, or control entries */
	uint64_t segment_id;
	uint8_t
	    header_digest[32]; /* SHA-256 over header and ranges as stored */
};

/*
 * Once, after store_open and before anything else: hand every batch since the
 * newest full checkpoint that is whole (that checkpoint included) to `see`,
 * oldest first; data batches come without their payload.  Of later
 * checkpoints parts may be missing: see passes over them.
 * A value of see other than 0 ends it and is returned.  Damage met on the way
 * is told by on_event and quarantined, never fatal.  Then readies the writer:
 * after an unclean stop the old active segment is sealed by a successful
 * footer commit, or cut.
 */
int store_replay(struct store *s,
    int (*see)(void *arg, const struct store_batch *batch), void *arg);

/*
 * After store_replay and before the first store_begin: numbers go on at least
 * at these, because the caller has seen higher ones than the log shows (the
 * end of a delivered interval).  Lower values change nothing.
 */
void store_raise_numbers(
    struct store *s, uint64_t next_rec, uint64_t next_number);

/* ---- writing: one thread ---- */

/* A data batch to be stored.  All borrowed until store_add returns. */
struct store_data {
	enum batch_lane lane;
	enum batch_codec codec;
	uint32_t flags;
	uint32_t records;
	uint32_t raw_len;
	int64_t received_first_ns, received_last_ns;
	int64_t event_min_ns, event_max_ns;
	const uint8_t *content_digest; /* 32 bytes */
	struct bytes ranges;
	struct bytes payload;
};

/*
 * Begin a transaction that will need up to `bytes` (sum of store_need of its
 * batches).  *fresh: the active segment is new, so the caller adds a full
 * checkpoint and the stream definitions that it uses first.  ERR_FULL when
 * quota less reserve is reached (control: may use the reserve); ERR_IO.
 */
int store_begin(struct store *s, uint64_t bytes, bool control, bool *fresh,
    struct store_txn **txn);

/* Bytes that a batch of these sizes takes in the segment, with overhead. */
uint64_t store_need(size_t ranges_len, size_t payload_len);

/* Bytes, as store_need counts them, that the transaction still takes. */
uint64_t store_txn_room(const struct store_txn *txn);

/*
 * Add one batch; numbers are given out here.  ERR_MAPFULL: does not fit any
 * more (nothing changed; commit what there is, or abort).
 */
int store_add(struct store_txn *txn, const struct store_data *data,
    uint64_t *number, uint64_t *first_rec);

/* Add a control batch of encoded entries. */
int store_add_control(
    struct store_txn *txn, struct bytes entries, uint64_t *number);

void store_abort(struct store_txn *txn);

/*
 * Make everything added durable and end the transaction either way.  On
 * success *token (owned by the store, valid until the next commit) is what
 * COMMITTED messages are made from.  Any error: outcome unknown; begin again
 * and add the same batches.
 */
int store_commit(struct store_txn *txn, const struct store_token **token);

/* What a token proves: all batches below this number are durable. */
uint64_t store_token_number(const struct store_token *token);

/* ---- segments ---- */

struct store_segment {
	uint64_t id;
	struct uuid uuid;
	uint64_t first_rec, next_rec; /* half-open */
	uint64_t first_number, next_number; /* that count, half-open */
	uint64_t bytes; /* of its file */
	bool sealed, quarantined;
	uint32_t readers;
};

/* Copies up to max rows, oldest first; returns how many there are. */
size_t store_segments(
    const struct store *s, struct store_segment *rows, size_t max);

/*
 * Take a segment out of the store and make it a spare (or unlink it), once no
 * reader holds it: ERR_BUSY until then.  The caller has committed its RECYCLE
 * entry before.  Key slots are overwritten first.  By UUID.
 */
int store_recycle(struct store *s, const struct uuid *segment);

/*
 * Prepare spares up to the wish and unlink surplus files; slow; call it from
 * a helper thread, after store_open and whenever a segment was opened or
 * recycled.  ERR_FULL if there is no room for them.
 */
int store_prepare_spares(struct store *s);

/*
 * From now on read this segment by the salvage scan only, as if it were among
 * the bad_segments.  ERR_NOENT; ERR_BUSY for the active one.
 */
int store_mark_bad(struct store *s, uint64_t segment_id);

/* ---- reading: any thread ---------------------------------------------------
 */

/*
 * A reader positioned at the batch that holds `rec`, or the first after it.
 * It holds the segment that it stands in, so that it is not recycled.
 */
int store_cursor_open(struct store *s, uint64_t rec, struct store_cursor **out);
/* Positioned at a batch number instead. */
int store_cursor_open_number(
    struct store *s, uint64_t number, struct store_cursor **out);
void store_cursor_close(struct store_cursor *c);

struct store_damage {
	uint64_t number; /* of the batch; 0: the rest of the segment */
	uint64_t from, to; /* record numbers that cannot be read */
	uint64_t segment_id;
	struct uuid segment;
	char why[160];
};

/*
 * The next durable batch (data or control), copied and decrypted into `copy`.
 * ERR_NOENT: nothing more is durable now (call again later, the place is
 * kept).  ERR_CORRUPT: *damage says what cannot be read; the cursor stands
 * behind it.  No LMDB transaction stays open between calls.
 * header_only: payload is left empty and not checked.
 */
int store_cursor_next(struct store_cursor *c, bool header_only,
    struct buf *copy, struct store_batch *batch, struct store_damage *damage);

/*
 * Hand every control batch of one segment with a number below `before` to
 * see.  ERR_NOENT if the segment is gone.
 */
int store_segment_controls(struct store *s, uint64_t segment_id,
    uint64_t before, int (*see)(void *arg, const struct store_batch *batch),
    void *arg);

/* ---- meta: one thread at a time ---- */

struct store_meta_item {
	struct bytes key; /* at most 255 bytes */
	struct bytes value; /* empty: delete */
};

/* One durable transaction.  Values get a checksum. */
int store_meta_put(
    struct store *s, const struct store_meta_item *items, size_t n);

/* ERR_NOENT also when the value's checksum is wrong (it is then dropped). */
int store_meta_get(struct store *s, struct bytes key, struct buf *value);
int store_meta_each(struct store *s, struct bytes prefix,
    int (*see)(void *arg, struct bytes key, struct bytes value), void *arg);

/* ---- inspection: another process, read-only ---- */

struct store_report {
	bool ok; /* the tree is sound: LMDB may open it */
	uint64_t batches, records; /* meta: records are its entries */
	uint64_t first_number, last_number;
	uint64_t damaged; /* batches or values whose own checksum is wrong */
	char why[256]; /* the first thing that is wrong */
};

/*
 * Walk the tree of one segment file, or of meta, by path.  In a segment that
 * no footer ends, also each batch's header, and in meta each value: what is
 * wrong there is counted, but does not make the file bad.  0 with a report;
 * an error if it could not be looked at.  Meant for a process that may crash
 * on damage.
 */
int store_inspect(const char *path, bool segment, struct store_report *report);

#endif
