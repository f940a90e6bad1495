/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/store/btree.h"
#include "lib/store/env.h"
#include "lib/store/fileio.h"
#include "lib/store/salvage.h"

char *
segment_path(
    const struct store *s, uint64_t id, char path[static STORE_PATH_MAX])
{
	return store_path(s, path, "seg/%016llx.sp", (unsigned long long)id);
}

/* Whether options or inspector call this id bad. */
static bool
is_listed_bad(const struct store *s, uint64_t id)
{
	for (size_t i = 0; i < s->o.bad_count; i++)
		if (s->o.bad_segments[i] == id)
			return true;
	return false;
}

static int
open_file(const struct store *s, uint64_t id, int *fd)
{
	char path[STORE_PATH_MAX];

	*fd =
	    open(segment_path(s, id, path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd >= 0)
		return 0;
	return errno == ENOENT ? ERR_NOENT
	    : errno == EMFILE  ? ERR_LIMIT
			       : ERR_IO;
}

/* ---- header and footer -----------------------------------------------------
 */

static int
read_value(struct btree *b, uint64_t key, uint8_t value[SEGFMT_VALUE_SIZE])
{
	struct btree_place place;
	uint64_t found;
	int rc = btree_find_ge(b, &b->newest, key, &found, &place);

	if (rc)
		return rc;
	if (found != key || place.len != SEGFMT_VALUE_SIZE)
		return found != key ? ERR_NOENT : ERR_CORRUPT;
	return fileio_read(b->fd, value, SEGFMT_VALUE_SIZE, place.off);
}

static int
read_header(struct store *s, struct btree *b, struct segment *seg, uint64_t key)
{
	uint8_t value[SEGFMT_VALUE_SIZE];
	struct segfmt_header h;
	int rc = read_value(b, key, value);

	if (!rc)
		rc = segfmt_header_decode(bytes_of(value, sizeof(value)), &h);
	if (rc == ERR_VERSION)
		return rc;
	if (rc || h.id != seg->id ||
	    (s->lockfile.present &&
		!uuid_equal(&h.spool, &s->lockfile.record.spool)))
		return ERR_CORRUPT;
	seg->header = h;
	return 0;
}

static void
set_footer(struct segment *seg, const struct segfmt_footer *f)
{
	if (f->id != seg->id || !uuid_equal(&f->segment, &seg->header.segment))
		return;
	seg->footer = *f;
	seg->sealed = true;
}

static int
load_by_tree(struct store *s, int fd, struct segment *seg)
{
	uint8_t value[SEGFMT_VALUE_SIZE];
	struct segfmt_footer footer;
	struct btree b;
	int rc = btree_open(&b, fd);

	seg->bytes = b.size;
	if (rc)
		return rc == ERR_IO ? ERR_CORRUPT : rc;
	if (btree_is_empty(&b))
		return ERR_NOENT;
	rc = read_header(s, &b, seg, SEGFMT_KEY_HEADER);
	if (rc && rc != ERR_VERSION)
		rc = read_header(s, &b, seg, SEGFMT_KEY_HEADER_COPY);
	if (rc)
		return rc;
	if (!read_value(&b, SEGFMT_KEY_FOOTER, value) &&
	    !segfmt_footer_decode(bytes_of(value, sizeof(value)), &footer))
		set_footer(seg, &footer);
	return 0;
}

/*
 * Nothing in it can be read.  It keeps its place in the row, so that what it
 * held is reported; table_apply_cuts gives it the numbers between its
 * neighbours.
 */
static void
make_up_header(struct store *s, struct segment *seg)
{
	struct segfmt_header *h = &seg->header;

	*h = (struct segfmt_header){.family = SEGFMT_MAIN,
	    .id = seg->id,
	    .spool = s->lockfile.record.spool,
	    .prev_last = UINT64_MAX - 1};
	if (!s->slots || slots_uuid_of(s->slots, seg->id, &h->segment)) {
		memcpy(h->segment.byte, "no UUID ", 8);
		endian_put_be64(h->segment.byte + 8, seg->id);
	}
	seg->lost = true;
}

static int
load_by_salvage(struct store *s, int fd, struct segment *seg)
{
	struct salvage_found found;
	struct uuid wanted;
	bool known = s->slots && !slots_uuid_of(s->slots, seg->id, &wanted);
	int rc = salvage_scan(fd, seg->id, &s->lockfile.record.spool,
	    known ? &wanted : NULL, &found, &seg->salvage);

	if (rc)
		return rc;
	seg->bad = true;
	if (!found.has_header) {
		make_up_header(s, seg);
		return 0;
	}
	seg->header = found.header;
	if (found.has_footer)
		set_footer(seg, &found.footer);
	return 0;
}

int
segment_load(struct store *s, uint64_t id, struct segment **out)
{
	struct segment *seg = calloc(1, sizeof(*seg));
	int fd = -1, rc;

	if (!seg)
		return ERR_NOMEM;
	seg->id = id;
	rc = open_file(s, id, &fd);
	if (rc == ERR_NOENT)
		rc = ERR_IO; /* ERR_NOENT means that it is empty */
	if (!rc && is_listed_bad(s, id))
		rc = ERR_CORRUPT;
	else if (!rc)
		rc = load_by_tree(s, fd, seg);
	if (rc == ERR_CORRUPT) {
		fileio_size(fd, &seg->bytes);
		rc = load_by_salvage(s, fd, seg);
	}
	if (fd >= 0)
		close(fd);
	if (rc) {
		segment_free(s, seg);
		return rc;
	}
	seg->committed = true;
	seg->next_number = seg->sealed ? seg->footer.next_number : UINT64_MAX;
	seg->next_rec = seg->sealed ? seg->footer.next_rec : UINT64_MAX;
	*out = seg;
	return 0;
}

/* ---- environments ---- */

static void
close_env(struct store *s, struct segment_env *e)
{
	if (e->writing)
		env_close_write(e->path, e->env);
	else
		mdb_env_close(e->env);
	if (!e->writing)
		s->open_envs--;
	free(e);
}

void
segment_drop_env(struct store *s, struct segment *seg)
{
	struct segment_env *e = seg->env;

	seg->env = NULL;
	salvage_free(seg->salvage);
	seg->salvage = NULL;
	if (!e)
		return;
	e->dropped = true;
	if (e->users == 0)
		close_env(s, e);
}

void
segment_free(struct store *s, struct segment *seg)
{
	if (!seg)
		return;
	segment_drop_env(s, seg);
	free(seg);
}

void
segment_condemn(struct store *s, struct segment *seg, const char *why)
{
	if (seg->bad)
		return;
	segment_drop_env(s, seg);
	seg->bad = true;
	store_tell(s, STORE_EVENT_SEGMENT_QUARANTINED, 0, 0,
	    "segment %016llx: %s; reading what is whole",
	    (unsigned long long)seg->id, why);
}

static void
evict_one(struct store *s)
{
	struct segment *oldest = NULL;

	for (size_t i = 0; i < s->n; i++) {
		struct segment *seg = s->seg[i];

		if (!seg->env || seg->env->writing || seg->env->users)
			continue;
		if (!oldest || seg->tick < oldest->tick)
			oldest = seg;
	}
	if (!oldest)
		return;
	segment_drop_env(s, oldest);
	oldest->checked = false; /* who knows what the disk gives next time */
}

static int
open_env(struct store *s, struct segment *seg)
{
	struct segment_env *e;
	int rc;

	if (s->open_envs >= STORE_ENVS_MAX)
		evict_one(s);
	e = calloc(1, sizeof(*e));
	if (!e)
		return ERR_NOMEM;
	segment_path(s, seg->id, e->path);
	rc = env_open_read(e->path, &e->env);
	if (rc) {
		free(e);
		return rc;
	}
	s->open_envs++;
	seg->env = e;
	return 0;
}

static int
build_salvage(struct store *s, struct segment *seg)
{
	struct salvage_found found;
	int fd, rc = open_file(s, seg->id, &fd);

	if (rc)
		return rc;
	rc = salvage_scan(fd, seg->id, &s->lockfile.record.spool,
	    &seg->header.segment, &found, &seg->salvage);
	close(fd);
	return rc;
}

/* Before LMDB sees the file for the first time: walk its tree. */
static int
check_tree(struct store *s, struct segment *seg)
{
	struct btree b;
	int fd, rc = open_file(s, seg->id, &fd);

	if (rc)
		return rc;
	rc = btree_open(&b, fd);
	if (!rc)
		rc = btree_check(&b, false, NULL, NULL);
	close(fd);
	if (rc == ERR_NOMEM)
		return rc;
	if (rc)
		segment_condemn(s, seg, b.why);
	else
		seg->checked = true;
	return 0;
}

/* Make the segment readable by LMDB or by salvage; the lock is held. */
static int
make_readable(struct store *s, struct segment *seg)
{
	int rc = 0;

	seg->tick = ++s->tick;
	if (seg->env || seg->salvage)
		return 0;
	if (!seg->bad && !seg->checked)
		rc = check_tree(s, seg);
	if (!rc && !seg->bad) {
		rc = open_env(s, seg);
		if (rc == ERR_CORRUPT || rc == ERR_VERSION) {
			segment_condemn(s, seg, "LMDB does not open it");
			rc = 0;
		}
	}
	if (!rc && seg->bad)
		rc = build_salvage(s, seg);
	return rc;
}

struct segment_env *
segment_use(struct store *s, struct segment *seg, int *rc)
{
	struct segment_env *e;

	pthread_mutex_lock(&s->lock);
	*rc = make_readable(s, seg);
	e = *rc ? NULL : seg->env;
	if (e)
		e->users++;
	pthread_mutex_unlock(&s->lock);
	return e;
}

void
segment_unuse(struct store *s, struct segment_env *e)
{
	pthread_mutex_lock(&s->lock);
	if (--e->users == 0 && e->dropped)
		close_env(s, e);
	pthread_mutex_unlock(&s->lock);
}
