/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/word.h"

#include "lib/base/err.h"

struct word_row {
	enum word_set set;
	const char *text;
	enum word value; /* WORD_NONE: not in this version */
};

static const struct word_row rows[] = {
#define WORD(set, name, text) {WORD_SET_##set, text, WORD_##name},
#define LATER(set, text) {WORD_SET_##set, text, WORD_NONE},
#include "lib/config/words.def"
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

const char *
word_text(enum word w)
{
	for (size_t i = 0; i < ROWS && w != WORD_NONE; i++) {
		if (rows[i].value == w)
			return rows[i].text;
	}
	return "";
}

int
word_parse(enum word_set set, struct bytes text, enum word *w)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].set != set || !bytes_equal_str(text, rows[i].text))
			continue;
		if (rows[i].value == WORD_NONE)
			return ERR_UNSUPPORTED;
		*w = rows[i].value;
		return 0;
	}
	return ERR_NOENT;
}

const char *
word_at(enum word_set set, size_t index)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].set != set || rows[i].value == WORD_NONE)
			continue;
		if (index-- == 0)
			return rows[i].text;
	}
	return NULL;
}

void
word_allowed(enum word_set set, struct buf *b)
{
	const char *text, *next;

	for (size_t i = 0; (text = word_at(set, i)); i++) {
		next = word_at(set, i + 1);
		if (i > 0)
			buf_add_str(b, next ? ", " : " or ");
		buf_add_str(b, text);
	}
}
