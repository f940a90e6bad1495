/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known - records whose bytes follow from who sent them and their number.
 *
 * A lane is a stream of the tests: the stream named "lane-N" of an origin made
 * from N.  Whoever finds record `seq` of a lane can tell whether it is right.
 */
#ifndef TESTS_CRASH_KNOWN_H
#define TESTS_CRASH_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/codec/entry.h"

#define KNOWN_LANES 8
#define KNOWN_RECORD_MAX 2048

/* The bytes of a record; returns how many. */
size_t known_record(
    unsigned lane, uint64_t seq, uint8_t to[static KNOWN_RECORD_MAX]);

bool known_is(unsigned lane, uint64_t seq, struct bytes record);

/* The columns of records [from, from + count) of one lane, as range 0. */
void known_columns(
    unsigned lane, uint64_t from, uint32_t count, struct buf *out);

/* Content digest of the same records. */
void known_digest(
    unsigned lane, uint64_t from, uint32_t count, uint8_t digest[static 32]);

/* The stream's key; its name is kept in `name`. */
struct entry_stream_key known_key(unsigned lane, char name[static 16]);

/* The lane of a stream's key, or KNOWN_LANES. */
unsigned known_lane(const struct entry_stream_key *key);

#endif
