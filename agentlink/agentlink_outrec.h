/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentlink_outrec - the bytes of the outbox's files: headers and records.
 *
 * Pure: bytes to structs and back.  Specified in doc/format-outbox.md.
 */
#ifndef AGENTLINK_AGENTLINK_OUTREC_H
#define AGENTLINK_AGENTLINK_OUTREC_H

#include "agentlink/agentlink.h"
#include "lib/base/buf.h"
#include "lib/base/bytes.h"

#define AGENTLINK_OUTREC_FILE_HEADER 32
#define AGENTLINK_OUTREC_HEADER 24
#define AGENTLINK_OUTREC_META_MAX 65536u
#define AGENTLINK_OUTREC_BODY_MAX (16u << 20)
#define AGENTLINK_OUTREC_MARKS_MAX 32
#define AGENTLINK_OUTREC_KEY_MAX 256u
#define AGENTLINK_OUTREC_VALUE_MAX 8192u

enum agentlink_outrec_type {
	AGENTLINK_OUTREC_STREAM = 1,
	AGENTLINK_OUTREC_BATCH = 2,
	AGENTLINK_OUTREC_ACKED = 3,
	AGENTLINK_OUTREC_EPOCH = 4,
	AGENTLINK_OUTREC_POSITION = 5,
};

struct agentlink_outrec_mark {
	uint8_t spool[16];
	uint64_t seq;
	uint8_t head[16];
};

/* A record; which fields count says the type.  Strings are borrowed. */
struct agentlink_outrec {
	uint8_t type;
	uint32_t stream;
	uint64_t seq; /* STREAM next, BATCH first, ACKED */
	uint8_t head[16]; /* STREAM, BATCH: before seq; ACKED: at seq */
	uint8_t epoch[16]; /* STREAM, EPOCH */
	uint8_t spool[16]; /* ACKED */
	unsigned marks; /* STREAM */
	struct agentlink_outrec_mark mark[AGENTLINK_OUTREC_MARKS_MAX];
	struct bytes name; /* STREAM */
	struct agentlink_batch batch; /* BATCH, without path and payload */
	struct bytes path; /* BATCH */
	struct bytes key, value; /* BATCH, POSITION */
	struct bytes body; /* BATCH */
	uint32_t body_crc;
};

/*
 * The salt is random and begins the check of every record of the file, so
 * that no record content can be taken for a record of the outbox.
 */
void agentlink_outrec_file_encode(
    struct buf *b, uint64_t number, uint32_t salt);
/* ERR_FORMAT, ERR_VERSION. */
int agentlink_outrec_file_decode(
    struct bytes in, uint64_t *number, uint32_t *salt);

void agentlink_outrec_encode(
    struct buf *b, uint32_t salt, const struct agentlink_outrec *r);

/*
 * The record at the start of `in`: 1, *r and *len; 0: not all of it is there;
 * ERR_FORMAT.  The body is judged by agentlink_outrec_body_is_sound only.
 */
int agentlink_outrec_decode(
    struct bytes in, uint32_t salt, struct agentlink_outrec *r, size_t *len);
bool agentlink_outrec_body_is_sound(const struct agentlink_outrec *r);

/* Where the next sound record begins, at or after `from`; in.len if none. */
size_t agentlink_outrec_seek(struct bytes in, uint32_t salt, size_t from);

#endif
