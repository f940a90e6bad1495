/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain_position - what a chain target had settled when its incarnation began:
 * its opaque bytes.
 *
 * Pure.  The bytes are specified in doc/format-chain-position.md.
 */
#ifndef FORWARDER_TARGETS_CHAIN_POSITION_H
#define FORWARDER_TARGETS_CHAIN_POSITION_H

#include <stdint.h>

#include "lib/base/uuid.h"
#include "lib/codec/entry.h"
#include "lib/codec/ivset.h"

#define CHAIN_POSITION_EXTRA 2

/* Records below base, and in the intervals, went out under another one. */
struct chain_position {
	struct uuid incarnation;
	uint64_t base;
	struct {
		uint64_t from, to; /* half-open; both 0: not used */
	} extra[CHAIN_POSITION_EXTRA];
};

/* ERR_NOENT: all zero, nothing was noted; ERR_VERSION; ERR_FORMAT. */
int chain_position_decode(
    const uint8_t opaque[static ENTRY_OPAQUE_SIZE], struct chain_position *p);
void chain_position_encode(
    const struct chain_position *p, uint8_t opaque[static ENTRY_OPAQUE_SIZE]);

/* What is settled now, from `start` on.  More than fits counts as one. */
void chain_position_note(struct chain_position *p, const struct ivset *settled,
    uint64_t start, const struct uuid *incarnation);

#endif
