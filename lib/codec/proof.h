/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof - what an acknowledgement may be made from (RULES.md 1).
 *
 * A receiver acknowledges only with a struct proof in its hand, and a proof
 * is made here and nowhere else: from the bytes of a COMMITTED, an ALREADY or
 * a STREAM_STATE / CHAIN_STATE that the keeper sent.  The type is opaque, so
 * nothing else compiles (tests/lint/proof-must-not-compile).  The keeper's
 * side has the same guard: store_token.
 */
#ifndef LIB_CODEC_PROOF_H
#define LIB_CODEC_PROOF_H

#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/codec/ipc.h"

struct proof; /* opaque */

/*
 * Decode a frame from the keeper.  ERR_INVAL if the type proves nothing;
 * ERR_FORMAT; ERR_NOMEM.  The caller frees *out; its message borrows from
 * payload.
 */
int proof_decode(uint16_t type, struct bytes payload, struct proof **out);
void proof_free(struct proof *p);

/* The decoded message (COMMITTED, ALREADY, STREAM_STATE, CHAIN_STATE). */
const struct ipc_msg *proof_msg(const struct proof *p);

#endif
