/* SPDX-License-Identifier: Apache-2.0 */
/*
 * valuetext - kinds of value in words, for errors, the sample, the manual.
 */
#ifndef LIB_CONFIG_VALUETEXT_H
#define LIB_CONFIG_VALUETEXT_H

#include "lib/base/buf.h"
#include "lib/config/value.h"

/* "a size": the kind in a word or three. */
const char *valuetext_kind(enum value_kind kind);

/* Append "a size from 1MiB to 1GiB, in B, KiB, ..."; no full stop. */
void valuetext_allowed(const struct value_type *type, struct buf *b);

#endif
