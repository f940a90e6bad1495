/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safe - text from records and names, harmless to a terminal.
 *
 * What others wrote may hold anything: sequences that move the cursor or
 * answer for the user, characters that turn the direction of what follows.
 * Control characters and broken UTF-8 are shown as lib/codec/escape does,
 * format characters as \u{XXXX}.
 */
#ifndef ADMIN_SAFE_H
#define ADMIN_SAFE_H

#include <stdio.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"

/* Append the safe form; out->err says if there was room. */
void safe_add(struct bytes text, struct buf *out);

void safe_write(struct bytes text, FILE *to);

/* JSON text as libjansson dumps it; what is escaped stays the same JSON. */
void safe_write_json(const char *json, FILE *to);

/* Columns that safe text takes on a terminal. */
size_t safe_width(struct bytes text);

/* Append at most `max` columns of safe text, the last one "…" if cut. */
void safe_add_cut(struct bytes text, size_t max, struct buf *out);

#endif
