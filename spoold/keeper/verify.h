/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify - read all that is stored, to the last byte, and have it unpacked.
 *
 * Every payload is decrypted, so its tag is checked, and every header is held
 * against its checksum and the chain of its segment.  The keeper unpacks
 * nothing: the worker is given each batch of records and compares records,
 * lengths, ranges and the content digest.  A batch that the worker dies of
 * twice counts as damaged; without a worker the rest is only read, and the
 * result says that it cannot be told.  Any thread, one at a time.
 */
#ifndef SPOOLD_KEEPER_VERIFY_H
#define SPOOLD_KEEPER_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store/store.h"

#define VERIFY_BAD_MAX 256 /* shown; all are counted */

struct worker;

struct verify_result {
	uint64_t batches, records, bytes;
	uint64_t inspected; /* batches of records that the worker judged */
	uint64_t unchecked; /* and those that it could not */
	uint64_t bad; /* places that cannot be read, or are not as they say */
	struct store_damage first_bad[VERIFY_BAD_MAX];
};

/*
 * Everything durable below next_number; 0, or why it could not be read:
 * ERR_AGAIN once *stop is true.
 */
int verify_run(struct store *store, struct worker *worker, uint64_t next_number,
    const _Atomic bool *stop, struct verify_result *result);

/* The same of the batch alone that holds record `rec`. */
int verify_batch(struct store *store, struct worker *worker, uint64_t rec,
    const _Atomic bool *stop, struct verify_result *result);

#endif
