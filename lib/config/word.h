/* SPDX-License-Identifier: Apache-2.0 */
/*
 * word - the words that settings may have, from words.def.
 *
 * One enum for all of them; a setting's row names the set its word is from.
 */
#ifndef LIB_CONFIG_WORD_H
#define LIB_CONFIG_WORD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"

enum word {
	WORD_NONE = -1, /* the setting is not set and has no default */
#define WORD(set, name, text) WORD_##name,
#include "lib/config/words.def"
};

enum word_set {
	WORD_SET_LISTENER_PROTOCOL,
	WORD_SET_TARGET_PROTOCOL,
	WORD_SET_FILESYSTEM,
	WORD_SET_LOG_LEVEL,
	WORD_SET_LOG_FORMAT,
	WORD_SET_CLIENT_CERTIFICATE,
	WORD_SET_TRANSPORT,
	WORD_SET_FORMAT,
	WORD_SET_FILE_FRAMING,
	WORD_SET_COMPRESS,
	WORD_SET_START,
	WORD_SET_ORDER,
	WORD_SET_FULL_POLICY,
	WORD_SET_INPUT_FRAMING,
	WORD_SET_INPUT_START,
};

/* The text of a word; "" for WORD_NONE.  Never NULL. */
const char *word_text(enum word w);

/*
 * Find a text in a set.  ERR_UNSUPPORTED for one that is known and not in
 * this version, ERR_NOENT for any other.
 */
int word_parse(enum word_set set, struct bytes text, enum word *w);

/* Append "tcp or tls". */
void word_allowed(enum word_set set, struct buf *b);

/* The index-th allowed text of a set; NULL past the last. */
const char *word_at(enum word_set set, size_t index);

#endif
