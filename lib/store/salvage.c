/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/codec/batch.h"
#include "lib/store/fileio.h"

#define PAGE SEGFMT_PAGE
#define VALUE_AT SEGFMT_PAGE_HEADER
#define PEEK 64 /* bytes that tell what a page begins with */
#define VALUE_MAX (8u * 1024 * 1024)

/* doc/format-batch.md: where the lengths are. */
enum { AT_HEADER_LEN = 10, AT_RANGES_LEN = 20, AT_STORED_LEN = 48 };

struct candidate {
	struct salvage_entry entry;
	struct uuid segment;
};

struct salvage {
	int fd;
	struct salvage_entry *entry;
	size_t n;
};

struct scan {
	int fd;
	uint64_t size;
	uint64_t id;
	const struct uuid *spool;
	struct salvage_found *found;
	struct candidate *c;
	size_t n, cap;
	uint8_t *value;
	size_t value_cap;
};

static int
append(struct scan *s, const struct candidate *c)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 256;
		struct candidate *more = realloc(s->c, cap * sizeof(*more));

		if (!more)
			return ERR_NOMEM;
		s->c = more;
		s->cap = cap;
	}
	s->c[s->n++] = *c;
	return 0;
}

static int
value_room(struct scan *s, size_t len)
{
	uint8_t *more;

	if (len <= s->value_cap)
		return 0;
	more = realloc(s->value, len);
	if (!more)
		return ERR_NOMEM;
	s->value = more;
	s->value_cap = len;
	return 0;
}

/* Length that a batch says it has; 0 if it cannot be. */
static size_t
said_len(const struct scan *s, const uint8_t *head, uint64_t off)
{
	uint64_t len = (uint64_t)endian_get_le16(head + AT_HEADER_LEN) +
	    endian_get_le32(head + AT_RANGES_LEN) +
	    endian_get_le32(head + AT_STORED_LEN);

	if (len > VALUE_MAX)
		return 0;
	len = batch_padded_len((size_t)len);
	return len <= s->size - off ? (size_t)len : 0;
}

/* A page that may begin a batch; *pages: how many it takes if it does. */
static int
try_batch(struct scan *s, uint64_t off, const uint8_t *head, uint64_t *pages)
{
	size_t len = said_len(s, head, off);
	struct candidate c;
	struct batch_view v;
	int rc;

	if (!len)
		return 0;
	rc = value_room(s, len);
	if (rc)
		return rc;
	if (fileio_read(s->fd, s->value, len, off) ||
	    batch_decode(bytes_of(s->value, len), &v) ||
	    !uuid_equal(&v.header.spool, s->spool))
		return 0;
	memset(&c, 0, sizeof(c));
	c.segment = v.header.segment;
	c.entry = (struct salvage_entry){v.header.number, off, (uint32_t)len,
	    v.header.first_rec, v.header.records};
	*pages = (len + VALUE_AT) / PAGE;
	return append(s, &c);
}

static void
try_ends(struct scan *s, uint64_t off)
{
	uint8_t value[SEGFMT_VALUE_SIZE];
	struct segfmt_header h;
	struct segfmt_footer f;

	if (s->size - off < sizeof(value) ||
	    fileio_read(s->fd, value, sizeof(value), off))
		return;
	if (!segfmt_header_decode(bytes_of(value, sizeof(value)), &h) &&
	    h.id == s->id && uuid_equal(&h.spool, s->spool)) {
		/* A page of an older transaction knows less of the opening. */
		if (!s->found->has_header ||
		    h.opening_next > s->found->header.opening_next)
			s->found->header = h;
		s->found->has_header = true;
	}
	if (!segfmt_footer_decode(bytes_of(value, sizeof(value)), &f) &&
	    f.id == s->id) {
		s->found->footer = f;
		s->found->has_footer = true;
	}
}

static int
scan_file(struct scan *s)
{
	for (uint64_t page = 2; (page + 1) * PAGE <= s->size;) {
		uint64_t off = page * PAGE + VALUE_AT;
		uint64_t pages = 1;
		uint8_t head[PEEK];
		int rc = 0;

		if (fileio_read(s->fd, head, sizeof(head), off)) {
			page++; /* an unreadable sector */
			continue;
		}
		if (!memcmp(head, "SPLBATCH", 8))
			rc = try_batch(s, off, head, &pages);
		else if (!memcmp(head, "SPLSEG", 6))
			try_ends(s, off);
		if (rc)
			return rc;
		page += pages;
	}
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	const struct salvage_entry *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* Without a header: the segment is that of the newest batch. */
static void
make_up_header(struct scan *s, const struct uuid *wanted)
{
	struct segfmt_header *h = &s->found->header;
	const struct candidate *newest = NULL, *oldest = NULL;

	for (size_t i = 0; i < s->n; i++) {
		const struct candidate *c = &s->c[i];

		if (wanted && !uuid_equal(wanted, &c->segment))
			continue;
		if (!newest || c->entry.number > newest->entry.number)
			newest = c;
	}
	for (size_t i = 0; newest && i < s->n; i++)
		if (uuid_equal(&s->c[i].segment, &newest->segment) &&
		    (!oldest || s->c[i].entry.number < oldest->entry.number))
			oldest = &s->c[i];
	if (!newest)
		return;
	*h = (struct segfmt_header){.family = SEGFMT_MAIN,
	    .id = s->id,
	    .spool = *s->spool,
	    .segment = newest->segment,
	    .prev_last = oldest->entry.number - 1,
	    .first_number = oldest->entry.number,
	    .first_rec = oldest->entry.first_rec,
	    .opening_next = oldest->entry.number};
	s->found->has_header = true;
}

static int
build_index(struct scan *s, struct salvage *v)
{
	const struct uuid *segment = &s->found->header.segment;

	v->entry = calloc(s->n + 1, sizeof(*v->entry));
	if (!v->entry)
		return ERR_NOMEM;
	for (size_t i = 0; s->found->has_header && i < s->n; i++)
		if (uuid_equal(&s->c[i].segment, segment))
			v->entry[v->n++] = s->c[i].entry;
	qsort(v->entry, v->n, sizeof(*v->entry), by_number);
	if (s->found->has_footer &&
	    !uuid_equal(&s->found->footer.segment, segment))
		s->found->has_footer = false;
	v->fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	return v->fd < 0 ? err_of_errno(errno) : 0;
}

int
salvage_scan(int fd, uint64_t id, const struct uuid *spool,
    const struct uuid *wanted, struct salvage_found *found,
    struct salvage **out)
{
	struct salvage_found f = {0};
	struct scan s = {.fd = fd, .id = id, .spool = spool, .found = &f};
	struct salvage *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return ERR_NOMEM;
	v->fd = -1;
	rc = fileio_size(fd, &s.size);
	if (!rc)
		rc = scan_file(&s);
	if (!rc && f.has_header && wanted &&
	    !uuid_equal(wanted, &f.header.segment))
		f.has_header = false;
	if (!rc && !f.has_header)
		make_up_header(&s, wanted);
	if (!rc)
		rc = build_index(&s, v);
	free(s.c);
	free(s.value);
	if (rc) {
		salvage_free(v);
		return rc;
	}
	*found = f;
	*out = v;
	return 0;
}

void
salvage_free(struct salvage *v)
{
	if (!v)
		return;
	if (v->fd >= 0)
		close(v->fd);
	free(v->entry);
	free(v);
}

const struct salvage_entry *
salvage_ge(const struct salvage *v, uint64_t number)
{
	size_t low = 0, high = v->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (v->entry[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low < v->n ? &v->entry[low] : NULL;
}

const struct salvage_entry *
salvage_lt(const struct salvage *v, uint64_t number)
{
	const struct salvage_entry *e = salvage_ge(v, number);
	size_t i = e ? (size_t)(e - v->entry) : v->n;

	return i > 0 ? &v->entry[i - 1] : NULL;
}

int
salvage_read(
    const struct salvage *v, const struct salvage_entry *entry, uint8_t *to)
{
	return fileio_read(v->fd, to, entry->len, entry->off);
}
