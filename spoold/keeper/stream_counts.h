/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_counts - what each stream has received, and what became of it.
 *
 * received = stored + duplicate + refused, each counted where it happens and
 * none from the others (DESIGN.md 2).  What is stored can be counted again from
 * the batches; of the rest, a list is kept of the streams that had something
 * since the last delta, so that a delta, and meta before it, costs what has
 * changed.  All counts of a stream are saved together, and roll back together.
 * Rules: no I/O.
 */
#ifndef SPOOLD_KEEPER_STREAM_COUNTS_H
#define SPOOLD_KEEPER_STREAM_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "spoold/keeper/streams.h"

/* Streams in one delta, and in one save of meta; with more a delta is due. */
#define STREAM_COUNTS_MAX 1024

/* n records of a batch are durable, whose first record is first_rec. */
void stream_counts_stored(struct stream *st, uint64_t first_rec, uint64_t n);

/*
 * Something of it has become durable, and its place has moved: if that is the
 * first of it, what was counted before goes to the log as well.
 */
void stream_counts_durable(
    struct streams *s, struct stream *st, uint64_t place_before);

/* Records of which nothing is stored. */
void stream_counts_unstored(
    struct streams *s, struct stream *st, uint64_t duplicate, uint64_t refused);

/*
 * Take over what was saved.  `whole`: all of it, from a full checkpoint.
 * Otherwise what stores nothing, unless it is older than what is known; true
 * if it was newer.
 */
bool stream_counts_apply(struct streams *s, struct stream *st,
    const struct entry_stream_counts *saved, bool whole);

/* On the list: the log does not have its counts. */
void stream_counts_note(struct streams *s, struct stream *st);
/* Off the list. */
void stream_counts_forget(struct streams *s, struct stream *st);

/*
 * Append STREAM_COUNTERS of those on the list, at most STREAM_COUNTS_MAX.
 * `to_log`: they are on their way to the log; stream_counts_logged when they
 * are durable there, and not again before.
 */
void stream_counts_encode(struct streams *s, bool to_log, struct buf *b);
void stream_counts_logged(struct streams *s);

#endif
