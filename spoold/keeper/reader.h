/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader - read ahead in the log for one target.
 *
 * A job runs in a thread of the pool and reads some batches; the result is
 * taken on the loop's thread.  One job at a time.  Payloads stay packed.
 * Streams are resolved from the references of their segment.
 */
#ifndef SPOOLD_KEEPER_READER_H
#define SPOOLD_KEEPER_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/store/store.h"
#include "spoold/keeper/sdef.h"

struct reader; /* opaque */

struct reader_range {
	struct sdef *def;
	struct batch_range range;
};

/* A data batch, or numbers between batches that hold nothing, or damage. */
struct reader_batch {
	struct reader_batch *next;
	struct buf copy; /* what `batch` borrows from */
	struct store_batch batch;
	struct reader_range *range;
	uint32_t ranges;
	bool is_hole, is_damage;
	uint64_t from, to; /* record numbers */
	struct store_damage damage;
};

struct reader *reader_new(struct store *s);
/* Not while a job runs. */
void reader_free(struct reader *r);
void reader_batch_free(struct reader_batch *b);

/* The next job begins at the batch that holds rec. */
void reader_seek(struct reader *r, uint64_t rec);
/* Holds no segment any more; the next job begins at its place again. */
void reader_release(struct reader *r);

/*
 * The job, in any one thread: up to max_bytes of payload and max_batches, or
 * until nothing more is durable.  The list is the caller's; *end if nothing
 * more was there.
 */
struct reader_batch *reader_run(
    struct reader *r, uint64_t max_bytes, uint32_t max_batches, bool *end);

/* Resolve the streams of a batch as in reader_run; for control.c. */
int reader_resolve(struct reader *r, struct reader_batch *b);

#endif
