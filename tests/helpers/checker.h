/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checker - the one judge of delivery: what was sent against what arrived.
 *
 * Records are kept as 16-byte digests with their positions (about 60 bytes for
 * one that was sent and arrived), so millions fit.  First all that was sent,
 * stream by stream; then all that arrived, in the order of arrival; then
 * checker_judge.  An arrival with a record id (32 characters: stream key and
 * sequence, DESIGN.md 3) is placed exactly: what is most of a key's content
 * says which stream it is. One without is placed by its content: equal records
 * are a multiset, and take the positions that keep each stream in order; where
 * an unknown record came just when a missing one was due, it is taken for that
 * one, altered. Verdicts: lost prefix, middle, suffix; repeats; phantoms (never
 * sent); alterations (the right position with other bytes); order per stream.
 */
#ifndef TESTS_HELPERS_CHECKER_H
#define TESTS_HELPERS_CHECKER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/bytes.h"

struct checker;

struct checker_counts {
	uint64_t sent;
	uint64_t arrived;
	uint64_t matched; /* positions that arrived, unaltered */
	uint64_t lost_prefix; /* before the first that arrived of a stream */
	uint64_t lost_middle;
	uint64_t lost_suffix; /* after the last; all of it if none came */
	uint64_t lost_declared; /* of these, in a declared range: no fault */
	uint64_t repeats;
	uint64_t phantoms;
	uint64_t altered;
	uint64_t disorder; /* arrived after a later one of its stream */
};

/* The most records of each side. */
#define CHECKER_MAX UINT32_C(0xfffffff0)

/* ERR_NOMEM from any of these: the checker may only be freed then. */
int checker_new(struct checker **out);
void checker_free(struct checker *c);

/*
 * Begin a stream; the name is copied.  Later checker_sent are its records.
 * ERR_EXISTS for a name that was used before; ERR_STATE after checker_arrived.
 */
int checker_stream(struct checker *c, const char *name);
/* ERR_LIMIT past CHECKER_MAX; ERR_STATE if no stream was begun. */
int checker_sent(struct checker *c, struct bytes record);

/*
 * One arrival.  id is empty, or the record's id; ERR_FORMAT if it is neither
 * empty nor 32 characters of base32hex.
 */
int checker_arrived(struct checker *c, struct bytes id, struct bytes record);

/* Repeats are counted, and are no fault (targets that give at least once). */
void checker_allow_repeats(struct checker *c);

/*
 * Positions first..last (from 1) of a stream may be lost.  ERR_NOENT: no such
 * stream; ERR_RANGE: not its positions, or a second range of the stream.
 */
int checker_allow_loss(
    struct checker *c, const char *stream, uint64_t first, uint64_t last);

/* Judge all of it, once; *perfect is false if there is any fault. */
int checker_judge(
    struct checker *c, struct checker_counts *counts, bool *perfect);

/* After checker_judge: counts, and the first examples of each fault. */
void checker_report(const struct checker *c, FILE *to);

#endif
