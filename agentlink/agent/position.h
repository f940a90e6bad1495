/* SPDX-License-Identifier: Apache-2.0 */
/*
 * position - how far a file has been read, as the outbox remembers it.
 *
 * A file is known by stream, device and inode, and is the same one only if
 * its first bytes (up to 4 KiB, as many as there were) still have the digest
 * they had.  Key and value are opaque to the outbox; their bytes are
 * specified in doc/format-outbox.md, "Positions of files".
 */
#ifndef AGENTLINK_AGENT_POSITION_H
#define AGENTLINK_AGENT_POSITION_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/digest/digest.h"

#define POSITION_HEAD 4096
#define POSITION_PATH_MAX 4096

struct position {
	uint64_t device, inode;
	uint64_t offset; /* of the first byte that was not read */
	uint64_t records; /* before it, for messages */
	uint32_t head_len; /* bytes that the digest is of */
	uint8_t head[DIGEST_SIZE];
	struct bytes path; /* where it was seen last; borrowed */
};

void position_key(
    struct buf *b, struct bytes stream, uint64_t device, uint64_t inode);
/* ERR_FORMAT. */
int position_key_decode(
    struct bytes in, struct bytes *stream, uint64_t *device, uint64_t *inode);
void position_value(struct buf *b, const struct position *p);
/* Fills all but device and inode.  ERR_FORMAT, ERR_VERSION. */
int position_value_decode(struct bytes in, struct position *p);

#endif
