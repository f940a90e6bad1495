/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alarms - what an operator has to know: each with a code that stays the same.
 *
 * Two kinds.  What *happened* is listed with its time until later ones push it
 * out; the same again only renews the time.  What *stands* is a condition, one
 * for each code and thing it is about; it is listed until it ends, and then
 * counts as something that happened.  Another text of it is news.  Rules: the
 * time is an argument.
 */
#ifndef SPOOLD_KEEPER_ALARMS_H
#define SPOOLD_KEEPER_ALARMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALARMS_MAX 64
#define ALARMS_CODE 32
#define ALARMS_ABOUT 64
#define ALARMS_TEXT 256
#define ALARMS_LINE (ALARMS_CODE + ALARMS_TEXT + 128)

struct alarms_row {
	char code[ALARMS_CODE];
	char about[ALARMS_ABOUT]; /* "" or the name of a target or listener */
	char text[ALARMS_TEXT];
	int64_t from_ns, to_ns; /* to: 0 while it stands */
	bool stands;
};

struct alarms {
	struct alarms_row row[ALARMS_MAX]; /* oldest first */
	size_t n;
};

/* These say whether it is news, worth a line of the log. */
bool alarms_happened(
    struct alarms *a, const char *code, const char *text, int64_t now_ns);
bool alarms_stands(struct alarms *a, const char *code, const char *about,
    const char *text, int64_t now_ns);
bool alarms_ended(
    struct alarms *a, const char *code, const char *about, int64_t now_ns);

/* One row as a line: "CODE: text (since ...)". */
const char *alarms_line(
    const struct alarms_row *row, char line[static ALARMS_LINE]);

#endif
