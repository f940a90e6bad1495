/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/codec/deny.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, UUID_SIZE);
}

static int
compare_prints(const void *a, const void *b)
{
	return memcmp(a, b, DENY_PRINT_SIZE);
}

void
deny_fini(struct deny *d)
{
	free(d->ids);
	free(d->prints);
	*d = (struct deny){0};
}

/* One line without comment and blanks; an empty one is none. */
static struct bytes
next_line(struct bytes *text)
{
	struct bytes line = bytes_take_line(text);
	const uint8_t *comment =
	    line.len ? memchr(line.ptr, '#', line.len) : NULL;

	if (comment)
		line.len = (size_t)(comment - line.ptr);
	while (line.len && line.ptr[line.len - 1] <= ' ')
		line.len--;
	while (line.len && line.ptr[0] <= ' ')
		line = bytes_of(line.ptr + 1, line.len - 1);
	return line;
}

/* A UUID, or a SHA-256 with or without colons. */
static int
add(struct deny *d, struct bytes line)
{
	uint8_t hex[2 * DENY_PRINT_SIZE];
	size_t n = 0;

	if (!uuid_parse(line, &d->ids[d->n_ids])) {
		d->n_ids++;
		return 0;
	}
	for (size_t i = 0; i < line.len; i++)
		if (line.ptr[i] != ':') {
			if (n == sizeof(hex))
				return ERR_FORMAT;
			hex[n++] = line.ptr[i];
		}
	if (uuid_hex_parse(
		bytes_of(hex, n), d->prints[d->n_prints], DENY_PRINT_SIZE))
		return ERR_FORMAT;
	d->n_prints++;
	return 0;
}

int
deny_parse(struct bytes text, struct deny *d, size_t *line)
{
	size_t lines = 1, at = 0;

	*d = (struct deny){0};
	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	if (lines > DENY_LINES_MAX)
		return ERR_LIMIT;
	d->ids = calloc(lines, sizeof(*d->ids));
	d->prints = calloc(lines, sizeof(*d->prints));
	if (!d->ids || !d->prints)
		return ERR_NOMEM;
	while (text.len) {
		struct bytes entry = next_line(&text);

		at++;
		if (entry.len && add(d, entry)) {
			*line = at;
			return ERR_FORMAT;
		}
	}
	qsort(d->ids, d->n_ids, sizeof(*d->ids), compare_ids);
	qsort(d->prints, d->n_prints, sizeof(*d->prints), compare_prints);
	return 0;
}

bool
deny_has(const struct deny *d, const struct uuid *id,
    const uint8_t print[static DENY_PRINT_SIZE])
{
	return (d->n_ids &&
		   bsearch(
		       id, d->ids, d->n_ids, sizeof(*d->ids), compare_ids)) ||
	    (d->n_prints &&
		bsearch(print, d->prints, d->n_prints, sizeof(*d->prints),
		    compare_prints));
}
