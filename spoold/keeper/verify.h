/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify - read all that is stored, to the last byte.
 *
 * Every payload is decrypted, so its tag is checked, and every header is held
 * against its checksum and the chain of its segment.  The keeper unpacks
 * nothing, so content digests are the worker's and the targets' to check.
 * Any thread.
 */
#ifndef SPOOLD_KEEPER_VERIFY_H
#define SPOOLD_KEEPER_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store/store.h"

#define VERIFY_BAD_MAX 256 /* shown; all are counted */

struct verify_result {
	uint64_t batches, records, bytes;
	uint64_t bad; /* places that cannot be read */
	struct store_damage first_bad[VERIFY_BAD_MAX];
};

/* Everything durable below next_number; 0, or why it could not be read. */
int verify_run(struct store *store, uint64_t next_number,
    const _Atomic bool *stop, struct verify_result *result);

#endif
