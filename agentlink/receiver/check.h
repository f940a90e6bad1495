/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - is a batch what its header says?
 *
 * A payload from an agent or a child spool is unpacked under guard, taken
 * apart, its records counted and measured, and its content digest compared.
 * Nothing that fails here goes to the keeper.  One thread.
 */
#ifndef AGENTLINK_RECEIVER_CHECK_H
#define AGENTLINK_RECEIVER_CHECK_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/codec/batch.h"

struct check; /* opaque: contexts and scratch memory, used again and again */

/* record_max: bytes of the longest record that is taken. */
int check_new(uint32_t record_max, struct check **out);
void check_free(struct check *c);

/* What a batch claims to be. */
struct check_claim {
	uint8_t codec;
	uint32_t raw_len;
	uint32_t records;
	uint32_t ranges; /* the runs may speak of so many */
	const uint8_t *content_digest;
};

/*
 * 0, and *view (may be NULL) over memory that is valid until the next call.
 * ERR_FORMAT: not well formed, or the counts differ.  ERR_LIMIT: a record,
 * the batch or the ratio is over a limit.  ERR_DIGEST.  ERR_UNSUPPORTED.
 */
int check_batch(struct check *c, const struct check_claim *claim,
    struct bytes payload, struct batch_columns_view *view);

/* Content digest of columns that are known to be good. */
int check_digest(struct check *c, const struct batch_columns_view *view,
    uint8_t digest[static BATCH_DIGEST_SIZE]);

#endif
