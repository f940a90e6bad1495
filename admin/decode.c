/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/decode.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/codec/escape.h"

#define LINE_START (DECODE_ID_SIZE + 1) /* ID TAB */
#define LINE_MAX (LINE_START + ESCAPE_GROWTH * (size_t)DECODE_RECORD_MAX + 1)
#define LENGTH_SIZE 4

enum framing { UNKNOWN, LINES, LENGTHS };

struct decode {
	decode_fn *fn;
	void *arg;
	enum framing framing;
	struct buf in; /* what is no whole record yet */
	size_t scanned; /* bytes of it without LF */
	struct buf record; /* unescaped */
	uint64_t records;
};

int
decode_new(decode_fn *fn, void *arg, struct decode **out)
{
	struct decode *d = calloc(1, sizeof(*d));

	if (!d)
		return ERR_NOMEM;
	d->fn = fn;
	d->arg = arg;
	buf_init(&d->in, LINE_MAX);
	/* escape_decode wants room for the escaped form. */
	buf_init(&d->record, ESCAPE_GROWTH * (size_t)DECODE_RECORD_MAX);
	*out = d;
	return 0;
}

void
decode_free(struct decode *d)
{
	if (d) {
		buf_fini(&d->in);
		buf_fini(&d->record);
		free(d);
	}
}

static bool
is_line_start(struct bytes x)
{
	if (x.len < LINE_START || x.ptr[DECODE_ID_SIZE] != '\t')
		return false;
	for (size_t i = 0; i < DECODE_ID_SIZE; i++) {
		uint8_t c = x.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'v')))
			return false;
	}
	return true;
}

static int
give(struct decode *d, struct bytes id, struct bytes record)
{
	int rc = d->fn(id, record, d->arg);

	if (!rc)
		d->records++;
	return rc;
}

/* One line without its LF. */
static int
take_line(struct decode *d, struct bytes line)
{
	int rc;

	if (!is_line_start(line))
		return ERR_FORMAT;
	buf_clear(&d->record);
	rc = escape_decode(
	    bytes_of(line.ptr + LINE_START, line.len - LINE_START), &d->record);
	if (rc)
		return rc;
	if (d->record.len > DECODE_RECORD_MAX)
		return ERR_LIMIT;
	return give(
	    d, bytes_of(line.ptr, DECODE_ID_SIZE), buf_bytes(&d->record));
}

/* 1 and *used if there was a whole record at the front of x. */
static int
next_line(struct decode *d, struct bytes x, size_t *used)
{
	const uint8_t *from = x.ptr + d->scanned;
	const uint8_t *lf =
	    x.len > d->scanned ? memchr(from, '\n', x.len - d->scanned) : NULL;
	int rc;

	if (!lf) {
		d->scanned = x.len;
		return 0;
	}
	d->scanned = 0;
	*used = (size_t)(lf - x.ptr) + 1;
	rc = take_line(d, bytes_of(x.ptr, *used - 1));
	return rc ? rc : 1;
}

static int
next_length(struct decode *d, struct bytes x, size_t *used)
{
	uint32_t len;
	int rc;

	if (x.len < LENGTH_SIZE)
		return 0;
	len = endian_get_le32(x.ptr);
	if (len > DECODE_RECORD_MAX)
		return ERR_LIMIT;
	if (x.len - LENGTH_SIZE < len)
		return 0;
	*used = LENGTH_SIZE + len;
	rc = give(d, bytes_of(NULL, 0), bytes_of(x.ptr + LENGTH_SIZE, len));
	return rc ? rc : 1;
}

/* All whole records in d->in. */
static int
take_records(struct decode *d)
{
	struct bytes x = buf_bytes(&d->in);
	size_t used, taken = 0;
	int rc = 1;

	while (rc == 1 && taken < x.len) {
		struct bytes rest = bytes_of(x.ptr + taken, x.len - taken);

		rc = d->framing == LINES ? next_line(d, rest, &used)
					 : next_length(d, rest, &used);
		if (rc == 1)
			taken += used;
	}
	buf_consume(&d->in, taken);
	return rc == 1 ? 0 : rc;
}

static void
find_framing(struct decode *d)
{
	d->framing = is_line_start(buf_bytes(&d->in)) ? LINES : LENGTHS;
}

int
decode_feed(struct decode *d, struct bytes in)
{
	int rc = 0;

	while (!rc && in.len) {
		size_t room = LINE_MAX - d->in.len;
		size_t n = in.len < room ? in.len : room;

		if (!n)
			return ERR_LIMIT;
		buf_add(&d->in, in.ptr, n);
		in = bytes_of(in.ptr + n, in.len - n);
		rc = d->in.err;
		if (!rc && !d->framing && d->in.len >= LINE_START)
			find_framing(d);
		if (!rc && d->framing)
			rc = take_records(d);
	}
	return rc;
}

int
decode_end(struct decode *d)
{
	int rc = 0;

	if (!d->framing) {
		find_framing(d);
		rc = take_records(d);
	}
	return rc ? rc : d->in.len ? ERR_PARTIAL : 0;
}

uint64_t
decode_records(const struct decode *d)
{
	return d->records;
}
