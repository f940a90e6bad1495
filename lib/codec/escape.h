/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape - any bytes as one line of valid UTF-8, and back.
 *
 * The file target writes records with it and `spoolctl decode` reads them.
 * Backslash, LF, CR, TAB and NUL become \\ \n \r \t \0; the bytes of other
 * control characters (U+0001..1F, U+007F..9F) and every byte that is not part
 * of well-formed UTF-8 become \xHH with two lower-case digits.  All else
 * stays as it is, so each run of bytes has exactly one escaped form.
 * The bytes are specified in doc/format-file-target.md.
 */
#ifndef LIB_CODEC_ESCAPE_H
#define LIB_CODEC_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"

/* No byte grows to more than this many when escaped. */
#define ESCAPE_GROWTH 4

/* The length of the escaped form of raw. */
size_t escape_length(struct bytes raw);

/* Append the escaped form of raw to out; out->err says if there was room. */
void escape_encode(struct bytes raw, struct buf *out);

/*
 * Append the bytes whose escaped form is text to out.  ERR_FORMAT for
 * anything that escape_encode does not write (a byte that had to be escaped,
 * an unknown escape, capital digits, a longer form than need be); out is
 * unchanged then.  Otherwise ERR_LIMIT or ERR_NOMEM, as out->err says.
 */
int escape_decode(struct bytes text, struct buf *out);

#endif
