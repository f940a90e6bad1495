/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - is a batch what its header says?
 *
 * A payload is unpacked under guard, taken apart, its records counted and
 * measured, and its content digest compared.  The receiver lets nothing that
 * fails here go to the keeper; the worker looks at what is stored with the
 * same eyes.  The bytes are specified in doc/format-batch.md.  One thread.
 */
#ifndef LIB_CHECK_CHECK_H
#define LIB_CHECK_CHECK_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/codec/batch.h"

struct check; /* opaque: contexts and scratch memory, used again and again */

/* record_max: bytes of the longest record that is taken. */
int check_new(uint32_t record_max, struct check **out);
void check_free(struct check *c);

/* What of a batch did not hold, in the order in which it is looked at. */
enum check_step {
	CHECK_NOTHING, /* all of it held */
	CHECK_UNPACK, /* codec, raw length, the frame */
	CHECK_COLUMNS, /* the form of lengths, runs and times */
	CHECK_COUNT, /* as many records as it says */
	CHECK_LENGTHS, /* a record longer than the longest that is taken */
	CHECK_DIGEST,
	CHECK_RUNS, /* as many records of each range as the ranges say */
};

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

/*
 * Do the runs of such a *view hold what these encoded ranges say?  `n` is how
 * many they are.  0, ERR_FORMAT, ERR_NOMEM.
 */
int check_runs(struct check *c, const struct batch_columns_view *view,
    struct bytes ranges, uint32_t n);

/* Where the last check_batch or check_runs failed. */
enum check_step check_failed_at(const struct check *c);

/* Content digest of columns that are known to be good. */
int check_digest(struct check *c, const struct batch_columns_view *view,
    uint8_t digest[static BATCH_DIGEST_SIZE]);

#endif
