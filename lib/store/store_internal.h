/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_internal - what the files of this room share and nobody else sees.
 *
 * `lock` guards the table of segments, the opened environments, the spares,
 * the key slots and the numbers that readers see.  What only the writing
 * thread uses (the active environment's transaction, the chain) needs none.
 */
#ifndef LIB_STORE_STORE_INTERNAL_H
#define LIB_STORE_STORE_INTERNAL_H

#include <lmdb.h>
#include <pthread.h>

#include "lib/digest/digest.h"
#include "lib/digest/digest_aead.h"
#include "lib/store/lockfile.h"
#include "lib/store/segfmt.h"
#include "lib/store/slots.h"
#include "lib/store/store.h"

#define STORE_PATH_MAX 4096
#define STORE_MIB (1024ull * 1024)
#define STORE_EMERGENCY_BYTES (64 * STORE_MIB)
#define STORE_ENVS_MAX 32 /* sealed segments open at once */
#define STORE_SLACK_PAGES 64 /* kept free in a segment for tree and footer */
#define STORE_DAY_NS (86400ll * 1000000000)
#define STORE_HOLE_RECS (1ull << 32) /* RULES.md 3 */
#define STORE_HOLE_NUMBERS (1ull << 24)

struct salvage;

/* One LMDB environment with its users; closed when the last one goes. */
struct segment_env {
	MDB_env *env;
	bool writing;
	bool dropped; /* the segment lets go of it */
	uint32_t users;
	char path[STORE_PATH_MAX];
};

struct segment {
	uint64_t id;
	uint64_t bytes; /* of the file */
	bool committed; /* header and first batch are durable */
	bool sealed; /* a footer ends it */
	bool bad; /* its tree is damaged: read by the salvage scan */
	bool checked; /* its tree was walked and is sound */
	bool no_key; /* both slots are gone */
	bool lost; /* no header was found: its neighbours say where it lies */
	struct segfmt_header header;
	struct segfmt_footer footer;
	/* Where it ends: numbers and records at or past these do not count. */
	uint64_t next_number, next_rec;
	struct segment_env *env;
	struct salvage *salvage;
	uint32_t readers;
	uint64_t tick; /* of its last use */
};

/* What a segment holds, counted from its batches. */
struct segment_tally {
	uint64_t batches, records, stored_bytes;
	uint64_t data_end; /* of all data batches of the spool, up to its end */
	uint64_t next_number, next_rec;
	int64_t received_first_ns, received_last_ns;
	uint8_t chain[DIGEST_SIZE];
	bool damaged; /* something in it cannot be read */
	uint32_t damaged_tail; /* batches after the last that can */
};

struct store_token {
	uint64_t number;
};

struct store_txn {
	struct store *s;
	MDB_txn *mdb;
	uint64_t number, rec; /* the next ones */
	uint64_t bytes_left;
	bool first; /* its commit makes the segment */
	bool opening; /* only control batches so far */
	uint64_t opening_next;
	bool failed;
	struct segment_tally tally; /* of the active segment with this */
};

struct store_spare {
	uint64_t n; /* seg/spare.<n> */
	uint64_t bytes;
};

#define STORE_SPARES_MAX 64

struct store {
	struct store_options o;
	char dir[STORE_PATH_MAX];
	int dirfd, segfd;
	const char *filesystem;
	struct lockfile lockfile;
	uint8_t key_id[SLOTS_KEY_ID_SIZE];
	struct slots *slots; /* NULL without a key */
	bool created, clean, replayed;

	pthread_mutex_t lock;
	struct segment **seg; /* by id */
	size_t n, cap;
	struct segment *active;
	uint64_t next_id;
	uint64_t tick;
	uint32_t open_envs;
	uint64_t durable_number, durable_rec, durable_data;
	uint64_t known_rec; /* from here to durable_rec there may be none */
	struct store_spare spare[STORE_SPARES_MAX];
	size_t spares;
	uint64_t next_spare;
	bool reserve_ready; /* the file `reserve` */
	bool short_told; /* that there is no room for a spare */
	uint8_t fresh_metas[2 * SEGFMT_PAGE]; /* of a segment of usual size */
	uint64_t reserve_bytes; /* of quota */
	uint64_t other_bytes; /* held, quarantine */
	uint64_t meta_bytes;
	uint32_t quarantined;

	/* The writer's. */
	uint64_t next_number, next_rec;
	uint64_t last_number; /* the last that counts */
	struct uuid last_segment;
	uint8_t chain[DIGEST_SIZE];
	bool unsettled; /* a commit failed, and nothing was cut since */
	uint64_t active_mono_us; /* when it was opened */
	struct segment_tally tally; /* of the active segment */
	struct store_txn txn;
	struct store_token token;
	struct digest_sha256 *sha;
	struct digest_aead *aead;

	pthread_mutex_t meta_lock;
	MDB_env *meta;
	MDB_dbi meta_dbi;
};

/* Tell on_event; text as printf. */
void store_tell(struct store *s, enum store_event event, uint64_t from,
    uint64_t to, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* dir/NAME as printf; returns path. */
char *store_path(const struct store *s, char path[static STORE_PATH_MAX],
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Bytes in use without spares; the lock is held. */
uint64_t store_used(const struct store *s);
uint64_t store_spare_bytes(const struct store *s);

/* Bytes of a segment to be made in the usual course. */
uint64_t store_segment_bytes(const struct store *s);

struct table_rest;

/*
 * Take over the directory after all checks: mark it open, tidy up, mend
 * (store_possess.c).
 */
int store_possess(struct store *s, const struct table_rest *rest);

/* The part of replay that settles the end of the log (store_ready.c). */
int store_ready(struct store *s);

/*
 * Open, check or remake meta; tell if the log ends before what meta has seen,
 * and have numbers go on behind that (store_meta.c).
 */
int store_meta_open(struct store *s);
void store_meta_close(struct store *s);
int store_meta_compare(struct store *s);

/* How far the log was durable when meta was last written; 0, 0: unknown. */
struct store_watermark {
	uint64_t number, rec;
};

int store_meta_watermark(struct store *s, struct store_watermark *w);

/*
 * Make sure that what a segment shows is on the disk before it is believed:
 * write the pages of its last transaction again and sync (store_mend.c).
 */
int store_mend_rewrite(struct store *s, const struct segment *seg);

/* Seal the segment that an unclean stop left open, by either way. */
int store_mend_seal(
    struct store *s, struct segment *seg, const struct segment_tally *tally);

/* Seal the active segment by a footer; a failure poisons it. */
int store_rotate_seal(struct store *s);

/* Open a fresh active segment.  ERR_FULL, ERR_IO. */
int store_rotate_open(struct store *s, bool control);

/* Go on in a segment that a clean stop left open. */
int store_rotate_resume(
    struct store *s, struct segment *seg, const struct segment_tally *tally);

/* Whether the active segment can take so many more pages, and its key too. */
bool store_rotate_has_room(const struct store *s, uint64_t pages);

/* Pages that the active segment still takes. */
uint64_t store_rotate_room(const struct store *s);

/* Let go of the active segment: its last commit's outcome is not known. */
void store_rotate_poison(struct store *s, const char *what);

/* Put a footer into an open environment and commit. */
int store_rotate_footer(struct store *s, MDB_env *env, struct segment *seg,
    const struct segment_tally *tally);

/* A sealed segment less than half full gives its empty pages back. */
void store_rotate_truncate(struct store *s, struct segment *seg);

/* As store_recycle, by pointer; the lock is held. */
int store_recycle_segment(struct store *s, struct segment *seg);

#endif
