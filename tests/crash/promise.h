/* SPDX-License-Identifier: Apache-2.0 */
/*
 * promise - what had been promised by some place in the log, told by marks.
 *
 * "store SEGMENT_BYTES ENCRYPT [keeper]"  how to open it, and who wrote it
 * "sent LANE SEQ"    records up to SEQ were handed to the store
 * "ack LANE SEQ"     up to SEQ they are acknowledged: they must be there
 * "gone LANE SEQ"    up to SEQ they are delivered and may be recycled
 * "meta-sent N"      value N was handed to meta
 * "meta-ack N"       and is durable
 * "meta-lost"        writing it failed, and it begins empty
 * "fault short"      a write was cut short: a sector may hold half of it
 */
#ifndef TESTS_CRASH_PROMISE_H
#define TESTS_CRASH_PROMISE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/crash/known.h"
#include "tests/crash/oplog.h"

struct promise {
	uint64_t segment_bytes;
	bool encrypt;
	bool by_keeper; /* the real one: this test does not write on */
	uint64_t sent[KNOWN_LANES], ack[KNOWN_LANES], gone[KNOWN_LANES];
	uint64_t meta_sent, meta_ack;
	uint64_t shorts;
};

/* Take one operation of the log into account; others than marks are not. */
void promise_on_op(struct promise *p, const struct oplog_op *op);

#endif
