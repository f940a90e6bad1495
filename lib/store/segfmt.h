/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segfmt - the bytes of the store beside the batches: a segment's header and
 * footer, a key slot, the LOCK file's record, a value of meta.
 *
 * A codec: no I/O, no clock.  Every layout is little-endian, has a magic, a
 * version and a CRC32C; what is not used is zero and checked to be zero.
 * Specified in doc/format-store.md.
 */
#ifndef LIB_STORE_SEGFMT_H
#define LIB_STORE_SEGFMT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/base/uuid.h"

#define SEGFMT_VERSION 1
#define SEGFMT_PAGE 4096u
#define SEGFMT_PAGE_HEADER 16u /* LMDB's, before a value of its own pages */
#define SEGFMT_VALUE_SIZE 4080u /* of header and footer: one page each */
#define SEGFMT_SLOT_SIZE 4096u
#define SEGFMT_LOCK_SIZE 512u
#define SEGFMT_KEY_SIZE 8

/* Keys of a segment's database, 8 bytes big-endian. */
#define SEGFMT_KEY_HEADER 0ull
#define SEGFMT_KEY_DICTIONARY 1ull /* reserved */
#define SEGFMT_KEY_HEADER_COPY 2ull
#define SEGFMT_KEY_BATCHES 0x100ull /* plus the batch's number */
#define SEGFMT_KEY_FOOTER UINT64_MAX

enum segfmt_family { SEGFMT_MAIN = 1, SEGFMT_HELD = 2 };

struct segfmt_header {
	uint8_t family;
	uint8_t cipher; /* enum batch_cipher */
	uint64_t id;
	struct uuid spool;
	struct uuid segment;
	/* The cut: what counts of all that was before this segment. */
	struct uuid prev; /* zero: none */
	uint64_t prev_last; /* last batch number that counts */
	uint64_t first_number; /* of this segment */
	uint64_t first_rec; /* next rec when it began */
	uint8_t chain[32]; /* digest of the last header before it */
	uint64_t opening_next; /* number after the opening checkpoint */
	uint8_t key_id[16];
	int64_t created_ns;
};

struct segfmt_footer {
	uint64_t id;
	struct uuid segment;
	uint64_t first_number, next_number;
	uint64_t first_rec, next_rec;
	uint64_t batches, records, stored_bytes;
	int64_t received_first_ns, received_last_ns;
	uint8_t chain[32]; /* digest of its last header */
	int64_t sealed_ns;
	uint64_t data_end; /* payload bytes of all data batches up to its end */
};

struct segfmt_slot {
	uint64_t id;
	struct uuid segment;
	uint8_t key_id[16];
	uint8_t wrapped[40];
	int64_t created_ns;
	uint8_t mac[32];
};

enum segfmt_lock_flag { SEGFMT_LOCK_CLEAN = 1, SEGFMT_LOCK_ENCRYPTED = 2 };

struct segfmt_lock {
	uint64_t generation; /* the higher of two copies counts */
	uint32_t flags;
	struct uuid spool;
	uint8_t key_id[16]; /* key check value; zero without a key */
	int64_t created_ns;
};

/* Each fills SEGFMT_VALUE_SIZE bytes. */
void segfmt_header_encode(const struct segfmt_header *h, uint8_t *to);
void segfmt_footer_encode(const struct segfmt_footer *f, uint8_t *to);

/* ERR_FORMAT (another magic or length), ERR_VERSION, ERR_CORRUPT. */
int segfmt_header_decode(struct bytes in, struct segfmt_header *h);
int segfmt_footer_decode(struct bytes in, struct segfmt_footer *f);

/* One block of a slot file; what the MAC covers are its first bytes. */
#define SEGFMT_SLOT_MAC_LEN 104
void segfmt_slot_encode(const struct segfmt_slot *s, uint8_t *to);

/* ERR_NOENT: the slot is free (all zero). */
int segfmt_slot_decode(struct bytes in, struct segfmt_slot *s);

void segfmt_lock_encode(const struct segfmt_lock *l, uint8_t *to);
int segfmt_lock_decode(struct bytes in, struct segfmt_lock *l);

/* A value of meta: checksum over key and value, then the value. */
#define SEGFMT_META_PREFIX 8
void segfmt_meta_encode(struct buf *b, struct bytes key, struct bytes value);
int segfmt_meta_decode(struct bytes key, struct bytes in, struct bytes *value);

void segfmt_key_encode(uint64_t key, uint8_t to[static SEGFMT_KEY_SIZE]);
/* ERR_FORMAT if it is not 8 bytes. */
int segfmt_key_decode(struct bytes in, uint64_t *key);

#endif
