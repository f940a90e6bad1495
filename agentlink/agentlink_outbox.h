/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentlink_outbox - a directory that remembers what an engine must not
 * forget: streams and their numbering, batches, acknowledgements, positions.
 *
 * It is a log of what happened to one engine, which it restores when it is
 * opened.  What was appended is durable after agentlink_outbox_sync.  A write
 * that fails leaves the outbox as it was before; a sync that fails ends it
 * (every later call returns ERR_IO): start again from what the disk has.
 * The files are specified in doc/format-outbox.md.
 */
#ifndef AGENTLINK_AGENTLINK_OUTBOX_H
#define AGENTLINK_AGENTLINK_OUTBOX_H

#include "agentlink/agentlink.h"
#include "lib/base/bytes.h"

#define AGENTLINK_OUTBOX_DEFAULT (UINT64_C(1) << 30) /* bytes */

struct agentlink_outbox;

/* What the reading at the start found. */
struct agentlink_outbox_report {
	uint64_t batches, records; /* held, not acknowledged */
	uint64_t torn_bytes; /* of a write that was cut short: no loss */
	uint64_t damaged_bytes; /* skipped elsewhere */
	uint32_t new_epochs; /* streams that were damaged */
};

/*
 * Open or make the directory and lock it.  ERR_BUSY: another has the lock, and
 * still had it after two seconds.
 * max_bytes is the limit of all files (at least 1 MiB); 0: 1 GiB.
 * On failure `why` (of why_size) gets a sentence.
 */
int agentlink_outbox_open(const char *dir, uint64_t max_bytes, char *why,
    size_t why_size, struct agentlink_outbox **out);
void agentlink_outbox_close(struct agentlink_outbox *o);

/* For the settings of the engine; arg is the outbox. */
int agentlink_outbox_load(
    void *arg, uint64_t ref, struct agentlink_batch *batch);
void agentlink_outbox_release(void *arg, uint64_t ref);

/* Read the files into the engine, which is to be new.  Once. */
int agentlink_outbox_restore(struct agentlink_outbox *o,
    struct agentlink_engine *e, struct agentlink_outbox_report *report);

/* A new stream of the engine. */
int agentlink_outbox_stream(struct agentlink_outbox *o, uint32_t stream);

/*
 * Append a batch that the engine will number `seq`, with the position that
 * follows from it (empty key: none).  *ref is for the engine.  ERR_FULL: wait
 * for acknowledgements.
 */
int agentlink_outbox_batch(struct agentlink_outbox *o, uint32_t stream,
    const struct agentlink_batch *batch, struct bytes key, struct bytes value,
    uint64_t *ref);
int agentlink_outbox_acked(
    struct agentlink_outbox *o, const struct agentlink_event *event);
int agentlink_outbox_epoch(
    struct agentlink_outbox *o, const struct agentlink_event *event);

/* Remember a position without a batch; an empty value forgets it. */
int agentlink_outbox_position(
    struct agentlink_outbox *o, struct bytes key, struct bytes value);
/* ERR_NOENT.  *value is valid until the next call. */
int agentlink_outbox_find(
    const struct agentlink_outbox *o, struct bytes key, struct bytes *value);
/* The i-th position, from 0, in no order; ERR_NOENT past the last. */
int agentlink_outbox_position_at(const struct agentlink_outbox *o, size_t i,
    struct bytes *key, struct bytes *value);

/* Make all that was appended durable; remove files not needed any more. */
int agentlink_outbox_sync(struct agentlink_outbox *o);
/* Something was appended since the last sync. */
bool agentlink_outbox_is_dirty(const struct agentlink_outbox *o);
uint64_t agentlink_outbox_bytes(const struct agentlink_outbox *o);

#endif
