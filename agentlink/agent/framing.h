/* SPDX-License-Identifier: Apache-2.0 */
/*
 * framing - where records begin and end in the bytes of an input.
 *
 * LF: a record is the line without its LF, a CR stays.  NUL: the same with a
 * NUL.  Length: four bytes, little-endian, and that many bytes.  Empty records
 * are records.  Pure: bytes in, one record at a time out, no copies.
 */
#ifndef AGENTLINK_AGENT_FRAMING_H
#define AGENTLINK_AGENT_FRAMING_H

#include "lib/base/bytes.h"

enum framing_kind { FRAMING_LF, FRAMING_NUL, FRAMING_LENGTH };

/* "lf", "nul", "length"; ERR_INVAL. */
int framing_parse(const char *word, enum framing_kind *kind);

/*
 * The record at the start of `in`, whole: 1, *record (borrowed) and *used.
 * 0: its end is not there yet.  ERR_LIMIT: it is longer than `max` for sure.
 * `at_end`: nothing will follow, so what is left is a record if there is any
 * (LF, NUL), or ERR_FORMAT (length: it is cut off).
 */
int framing_next(enum framing_kind kind, struct bytes in, size_t max,
    bool at_end, struct bytes *record, size_t *used);

/*
 * After ERR_LIMIT: how many bytes can be left out.  *done: the record ends
 * with them; otherwise ask again with what follows.  *left (0 at first) is
 * for FRAMING_LENGTH's use.
 */
size_t framing_skip(
    enum framing_kind kind, struct bytes in, uint64_t *left, bool *done);

#endif
