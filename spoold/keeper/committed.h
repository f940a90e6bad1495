/* SPDX-License-Identifier: Apache-2.0 */
/*
 * committed - the one place where a COMMITTED message is made.
 *
 * It takes the token of a commit that has returned, and only lib/store makes
 * tokens; so nothing is acknowledged before it is durable (RULES.md 1).  The
 * receiver's side of the same guard is lib/codec/proof.h.
 */
#ifndef SPOOLD_KEEPER_COMMITTED_H
#define SPOOLD_KEEPER_COMMITTED_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/store/store.h"

struct committed {
	struct committed *next;
	uint64_t link; /* whom to send it to */
	struct buf message; /* encoded IPC_COMMITTED */
};

/*
 * Every number of that link up to `number` is durable: the last of them lies
 * in batch `batch_number`, which the token covers.  Freed with committed_free.
 */
struct committed *committed_new(const struct store_token *token, uint64_t link,
    uint64_t number, uint64_t batch_number);
void committed_free(struct committed *c);

#endif
