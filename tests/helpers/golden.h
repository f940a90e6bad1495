/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden - examples of a format kept byte for byte in tests/golden/.
 *
 * A file NAME.hex holds several: a line [TITLE], then lines of hexadecimal
 * digits; lines that begin with # are comments.  A test calls golden_check
 * for each example that it encodes: it fails if the bytes are others than the
 * file's.  With GOLDEN_UPDATE=NAME in the environment NAME's are printed
 * instead, as the file should have them, and written as seeds of the fuzz
 * target's corpus: tests/helpers/golden-update does that.  Only for a new
 * version of a format: what was once written must stay readable.
 */
#ifndef TESTS_HELPERS_GOLDEN_H
#define TESTS_HELPERS_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/uuid.h"

#define GOLDEN_LINE 64 /* digits */

static inline FILE *
golden_open(const char *dir, const char *name, const char *mode)
{
	const char *top = getenv("TOP_SRCDIR");
	char path[1024];

	snprintf(
	    path, sizeof(path), "%s/tests/%s/%s", top ? top : ".", dir, name);
	return fopen(path, mode);
}

/* Read the example `title` of tests/golden/NAME.hex; false if not there. */
static inline bool
golden_read(const char *name, const char *title, struct buf *out)
{
	char line[1024], want[256], file[256];
	bool found = false;
	FILE *f;

	snprintf(file, sizeof(file), "%s.hex", name);
	snprintf(want, sizeof(want), "[%s]\n", title);
	f = golden_open("golden", file, "r");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		size_t digits = strspn(line, "0123456789abcdef");
		uint8_t raw[512];

		if (line[0] == '[')
			found = !strcmp(line, want);
		if (!found || !digits ||
		    uuid_hex_parse(bytes_of(line, digits), raw, digits / 2))
			continue;
		buf_add(out, raw, digits / 2);
	}
	fclose(f);
	return out->len > 0;
}

static inline void
golden_update(const char *title, const char *corpus, struct bytes bytes)
{
	char text[GOLDEN_LINE + 1], path[256];
	FILE *f;

	printf("[%s]\n", title);
	for (size_t at = 0; at < bytes.len; at += GOLDEN_LINE / 2) {
		size_t n = bytes.len - at;

		n = n > GOLDEN_LINE / 2 ? GOLDEN_LINE / 2 : n;
		printf("%s\n", uuid_hex_format(bytes.ptr + at, n, text));
	}
	snprintf(path, sizeof(path), "%s/%s", corpus, title);
	f = golden_open("fuzz/corpus", path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
	assert_int_equal(fclose(f), 0);
}

/* `bytes` must be what tests/golden/NAME.hex has under `title`. */
static inline void
golden_check(
    const char *name, const char *title, const char *corpus, struct bytes bytes)
{
	const char *update = getenv("GOLDEN_UPDATE");
	struct buf want;

	if (update) {
		if (!strcmp(update, name))
			golden_update(title, corpus, bytes);
		return;
	}
	buf_init(&want, 1 << 20);
	if (!golden_read(name, title, &want))
		fail_msg("%s.hex has no [%s]", name, title);
	if (!bytes_equal(buf_bytes(&want), bytes))
		fail_msg("%s.hex has other bytes for [%s]", name, title);
	buf_fini(&want);
}

#endif
