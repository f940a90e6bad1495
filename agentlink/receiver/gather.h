/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gather - small batches of many agents become one, so that it packs well.
 *
 * Ranges are added with their records; gather_seal packs what there is into
 * one item for the flow.  When to seal is decided here as well
 * (gather_is_due): at 256 KiB; when the keeper is idle and every sender that
 * contributed is waiting; or when it is older than
 * T = clamp(16.6 KiB / stored bytes per second, 2 ms, 200 ms), which protects
 * the disk in quiet times (DESIGN.md 4).
 */
#ifndef AGENTLINK_RECEIVER_GATHER_H
#define AGENTLINK_RECEIVER_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#include "agentlink/receiver/flow.h"
#include "lib/base/clock.h"
#include "lib/codec/batch.h"

#define GATHER_RAW_BYTES (512u * 1024) /* sealed when reached */
#define GATHER_SMALL_BYTES (96u * 1024) /* a larger batch is left as it is */

struct check;
struct gather; /* opaque */

int gather_new(struct check *check, struct flow *flow, struct gather **out);
void gather_free(struct gather *g);

/*
 * Add one range with the records of `view` (all of them are its).  What it
 * needs is copied.  ERR_NOMEM, ERR_LIMIT.
 */
int gather_add(struct gather *g, struct flow_stream *stream,
    const struct ipc_range *range, const struct batch_columns_view *view,
    const struct now *now);

bool gather_is_empty(const struct gather *g);
bool gather_is_full(const struct gather *g);

/* Whether records of this stream are in it, of any connection. */
bool gather_holds(const struct gather *g, const struct entry_stream_key *key);

/* Bytes of records in it. */
size_t gather_bytes(const struct gather *g);

/*
 * Is it time?  idle: the keeper has nothing of ours unanswered; waiting: all
 * who contributed wait for an answer.  *in_ms: when to ask again if not.
 */
bool gather_is_due(const struct gather *g, bool idle, bool waiting,
    const struct now *now, uint64_t *in_ms);

/* Pack what there is and leave it empty.  On error it is empty as well. */
int gather_seal(
    struct gather *g, const struct now *now, struct flow_item **out);

/* flow_events.rebuild: make a batch anew with some of its ranges only. */
int gather_rebuild(struct gather *g, struct flow_item *item, const bool *keep);

/* Note stored bytes, for T. */
void gather_note_stored(
    struct gather *g, size_t stored_bytes, const struct now *now);

#endif
