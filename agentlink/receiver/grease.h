/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grease - now and then something that no peer knows (GREASE).
 *
 * An extension point that nobody uses rusts: a peer that ends the connection
 * at an unknown message or TLV is found out today, not by version 2.  Rules
 * only; the numbers are those of doc/protocol-agentlink.md, section 3.
 */
#ifndef AGENTLINK_RECEIVER_GREASE_H
#define AGENTLINK_RECEIVER_GREASE_H

#include <stdint.h>

#include "lib/base/buf.h"

#define GREASE_EVERY 32 /* messages, on average, for each of the two */

struct grease {
	uint64_t state; /* any; not the same in every process */
};

/*
 * `frame` holds one whole frame; now and then a TLV is put at its end, and a
 * frame of unknown type behind it.  Not for frames that end in a payload.
 */
void grease_apply(struct grease *g, struct buf *frame);

#endif
