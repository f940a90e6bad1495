/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - JSON of the control socket: strict in, safe for a terminal out.
 *
 * The getters take any JSON, also none (NULL), and give a default where a key
 * is missing or of another type: a newer or older keeper is no error.  The
 * names begin with json_ as those of libjansson do, which has none of these.
 */
#ifndef ADMIN_JSON_H
#define ADMIN_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/bytes.h"

#define JSON_DEPTH_MAX 16

/*
 * One object without duplicate keys, nested at most JSON_DEPTH_MAX deep.
 * ERR_FORMAT; `why`, if not NULL, then holds JSON_ERROR_TEXT_LENGTH bytes of
 * text.
 */
int json_read(struct bytes text, json_t **out, char *why);

/* A value by a path with dots, "last_error.text"; NULL if not there. */
const json_t *json_at(const json_t *o, const char *path);

const char *json_str(const json_t *o, const char *path, const char *none);
double json_num(const json_t *o, const char *path, double none);
uint64_t json_u64(const json_t *o, const char *path, uint64_t none);
bool json_flag(const json_t *o, const char *path, bool none);

/* A string; bytes that are not UTF-8 are escaped. */
json_t *json_text(struct bytes text);

/*
 * Write on one line, or indented, and LF.  Control characters and those that
 * turn the direction of text are \u escapes.  false: writing failed.
 */
bool json_write(const json_t *value, int indent, FILE *to);

#endif
