/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/table.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/store/segment.h"

#define ID_DIGITS 16

int
table_add(struct store *s, struct segment *seg)
{
	size_t i;

	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 32;
		struct segment **more = realloc(s->seg, cap * sizeof(*more));

		if (!more)
			return ERR_NOMEM;
		s->seg = more;
		s->cap = cap;
	}
	for (i = s->n; i > 0 && s->seg[i - 1]->id > seg->id; i--)
		s->seg[i] = s->seg[i - 1];
	s->seg[i] = seg;
	s->n++;
	return 0;
}

void
table_remove(struct store *s, struct segment *seg)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->seg[i] != seg)
			continue;
		memmove(&s->seg[i], &s->seg[i + 1],
		    (s->n - i - 1) * sizeof(*s->seg));
		s->n--;
		return;
	}
}

/* "0000000000000001.sp": an id; lower-case digits only. */
static bool
parse_segment(const char *name, uint64_t *id)
{
	if (strlen(name) != ID_DIGITS + 3 || strcmp(name + ID_DIGITS, ".sp"))
		return false;
	for (int i = 0; i < ID_DIGITS; i++)
		if (!isxdigit((unsigned char)name[i]) ||
		    isupper((unsigned char)name[i]))
			return false;
	*id = strtoull(name, NULL, 16);
	return true;
}

static bool
parse_spare(const char *name, uint64_t *n)
{
	char *end;

	if (strncmp(name, "spare.", 6) || !isdigit((unsigned char)name[6]))
		return false;
	*n = strtoull(name + 6, &end, 10);
	return *end == '\0';
}

static int
note(uint64_t *list, size_t *n, uint64_t x)
{
	if (*n == STORE_SPARES_MAX)
		return ERR_LIMIT;
	list[(*n)++] = x;
	return 0;
}

static int
load_segment(struct store *s, struct table_rest *rest, uint64_t id)
{
	struct segment *seg;
	int rc = segment_load(s, id, &seg);

	if (id >= s->next_id)
		s->next_id = id + 1;
	if (rc == ERR_NOENT)
		return note(rest->empty, &rest->empties, id);
	if (rc)
		return rc;
	rc = table_add(s, seg);
	if (rc)
		segment_free(s, seg);
	return rc;
}

static int
load_name(struct store *s, struct table_rest *rest, const char *name)
{
	uint64_t x;

	if (parse_segment(name, &x))
		return load_segment(s, rest, x);
	if (parse_spare(name, &x)) {
		if (x >= s->next_spare)
			s->next_spare = x + 1;
		return note(rest->spare, &rest->spares, x);
	}
	return 0;
}

int
table_load(struct store *s, struct table_rest *rest)
{
	int fd = openat(s->dirfd, "seg", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	DIR *d;
	int rc = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : ERR_IO;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return ERR_NOMEM;
	}
	while (!rc && (errno = 0, e = readdir(d)))
		rc = load_name(s, rest, e->d_name);
	if (!rc && errno)
		rc = ERR_IO;
	closedir(d);
	if (!rc)
		table_apply_cuts(s);
	return rc;
}

/* A lost segment lies between the ends of its neighbours. */
static void
place_lost(struct store *s)
{
	uint64_t number = 1, rec = 1;

	for (size_t i = 0; i < s->n; i++) {
		struct segment *seg = s->seg[i];

		if (!seg->committed)
			continue;
		if (seg->lost) {
			seg->header.first_number = number;
			seg->header.opening_next = number;
			seg->header.prev_last = number - 1;
			seg->header.first_rec = rec;
		}
		number = seg->next_number;
		rec = seg->next_rec;
	}
}

/* A later header's cut holds for every earlier segment. */
void
table_apply_cuts(struct store *s)
{
	uint64_t limit = UINT64_MAX, rec = UINT64_MAX;

	for (size_t i = s->n; i-- > 0;) {
		struct segment *seg = s->seg[i];

		if (!seg->committed)
			continue;
		if (seg->next_number > limit)
			seg->next_number = limit;
		if (seg->next_rec > rec)
			seg->next_rec = rec;
		if (seg->lost)
			continue;
#ifndef MUTANT_NO_CUT
		if (seg->header.prev_last + 1 < limit)
			limit = seg->header.prev_last + 1;
		if (seg->header.first_rec < rec)
			rec = seg->header.first_rec;
#endif
	}
	place_lost(s);
}

struct segment *
table_by_uuid(struct store *s, const struct uuid *segment)
{
	for (size_t i = 0; i < s->n; i++)
		if (uuid_equal(&s->seg[i]->header.segment, segment))
			return s->seg[i];
	return NULL;
}

struct segment *
table_by_id(struct store *s, uint64_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->seg[i]->id == id)
			return s->seg[i];
	return NULL;
}

struct segment *
table_next(struct store *s, const struct segment *seg)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->seg[i]->committed && (!seg || s->seg[i]->id > seg->id))
			return s->seg[i];
	return NULL;
}

struct segment *
table_last(struct store *s)
{
	for (size_t i = s->n; i-- > 0;)
		if (s->seg[i]->committed)
			return s->seg[i];
	return NULL;
}

struct segment *
table_for_rec(struct store *s, uint64_t rec)
{
	for (size_t i = s->n; i-- > 0;)
		if (s->seg[i]->committed && s->seg[i]->header.first_rec <= rec)
			return s->seg[i];
	return table_next(s, NULL);
}

struct segment *
table_for_number(struct store *s, uint64_t number)
{
	for (size_t i = s->n; i-- > 0;)
		if (s->seg[i]->committed &&
		    s->seg[i]->header.first_number <= number)
			return s->seg[i];
	return table_next(s, NULL);
}
