/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonput - members of the JSON that the control socket answers with.
 *
 * Each sets one member of an object.  No I/O.
 */
#ifndef SPOOLD_KEEPER_JSONPUT_H
#define SPOOLD_KEEPER_JSONPUT_H

#include <stdint.h>

#include <jansson.h>

#include "lib/codec/entry.h"

void jsonput_u64(json_t *o, const char *key, uint64_t x);
/* What is not UTF-8 becomes "?". */
void jsonput_text(json_t *o, const char *key, const char *text);
/* null for "". */
void jsonput_text_or_null(json_t *o, const char *key, const char *text);
void jsonput_real(json_t *o, const char *key, double x);
/* RFC 3339; null for 0. */
void jsonput_time(json_t *o, const char *key, int64_t ns);

/* A new object: which stream it is, and where it comes from. */
json_t *jsonput_stream(const struct entry_stream_key *key, size_t id,
    const char *listener, const char *peer);

#endif
