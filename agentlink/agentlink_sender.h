/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentlink_sender - an engine, its outbox and one sealer, joined.
 *
 * Records of one stream at a time are gathered; agentlink_sender_seal makes
 * the batch, with the position in the input that follows from it; and
 * agentlink_sender_commit lets all that was sealed be sent, after it is
 * durable if there is an outbox.  Bytes and connections go through the
 * engine as always, but its events are taken with agentlink_sender_next,
 * which remembers in the outbox what must be remembered.
 */
#ifndef AGENTLINK_AGENTLINK_SENDER_H
#define AGENTLINK_AGENTLINK_SENDER_H

#include "agentlink/agentlink.h"
#include "agentlink/agentlink_outbox.h"
#include "lib/base/bytes.h"

struct agentlink_sender;

/* outbox: directory or NULL; `load`, `release`, `arg` are set here. */
int agentlink_sender_open(const struct agentlink_settings *settings,
    const char *outbox, uint64_t outbox_max, char *why, size_t why_size,
    struct agentlink_sender **out);
void agentlink_sender_close(struct agentlink_sender *s);

struct agentlink_engine *agentlink_sender_engine(struct agentlink_sender *s);
/* NULL without one. */
struct agentlink_outbox *agentlink_sender_outbox(struct agentlink_sender *s);
const struct agentlink_outbox_report *agentlink_sender_report(
    const struct agentlink_sender *s);

/* Find or make a stream. */
int agentlink_sender_stream(
    struct agentlink_sender *s, const char *name, uint32_t *stream);

/*
 * Gather one more record.  ERR_FULL: seal first (also when records of another
 * stream are gathered), then add it again; ERR_LIMIT: the record is too long.
 */
int agentlink_sender_add(
    struct agentlink_sender *s, uint32_t stream, const void *ptr, size_t len);
/* Records gathered and not sealed. */
uint32_t agentlink_sender_gathered(const struct agentlink_sender *s);
uint32_t agentlink_sender_gathered_of(
    const struct agentlink_sender *s, uint32_t stream);

/*
 * Make a batch of what was gathered; nothing gathered is no error, and
 * nothing happens.  ERR_FULL: all that may be held is held; call again after
 * acknowledgements, what was gathered stays (path and position of the first
 * call count).
 */
int agentlink_sender_seal(struct agentlink_sender *s, const char *path,
    uint8_t flags, struct bytes key, struct bytes value);

/* Errors are final: the outbox cannot be written. */
int agentlink_sender_commit(struct agentlink_sender *s);
bool agentlink_sender_next(
    struct agentlink_sender *s, struct agentlink_event *event);
/* 0, or why agentlink_sender_next could not remember; final. */
int agentlink_sender_err(const struct agentlink_sender *s);

#endif
