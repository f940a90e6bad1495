/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/store/fileio.h"
#include "lib/store/fscheck.h"
#include "lib/store/segment.h"
#include "lib/store/spare.h"
#include "lib/store/store_internal.h"
#include "lib/store/table.h"

#define DEFAULT_SPARES 2
#define SPARES_LIMIT 16
#define TEXT_MAX 512
#define SEGMENT_MIN (512 * 1024ull)
#define RESERVE_MIN (64 * STORE_MIB)

void
store_tell(struct store *s, enum store_event event, uint64_t from, uint64_t to,
    const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	if (!s->o.on_event)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->o.on_event(s->o.arg, event, text, from, to);
}

char *
store_path(const struct store *s, char path[static STORE_PATH_MAX],
    const char *fmt, ...)
{
	int n = snprintf(path, STORE_PATH_MAX, "%s/", s->dir);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path + n, STORE_PATH_MAX - (size_t)n, fmt, ap);
	va_end(ap);
	return path;
}

uint64_t
store_segment_bytes(const struct store *s)
{
	return s->o.segment_bytes;
}

uint64_t
store_used(const struct store *s)
{
	uint64_t sum = s->other_bytes + s->meta_bytes + slots_bytes(s->slots);

	for (size_t i = 0; i < s->n; i++)
		sum += s->seg[i]->bytes;
	return sum;
}

uint64_t
store_spare_bytes(const struct store *s)
{
	uint64_t sum = s->reserve_ready ? store_segment_bytes(s) : 0;

	for (size_t i = 0; i < s->spares; i++)
		sum += s->spare[i].bytes;
	return sum;
}

/* ---- options ---- */

static uint64_t
at_least(uint64_t x, uint64_t min)
{
	return x > min ? x : min;
}

static uint64_t
at_most(uint64_t x, uint64_t max)
{
	return x < max ? x : max;
}

static int
take_options(struct store *s, const struct store_options *o)
{
	size_t bad = o->bad_count * sizeof(*o->bad_segments);
	uint64_t *copy = NULL;

	s->o = *o;
	if (bad) {
		copy = malloc(bad);
		if (!copy)
			return ERR_NOMEM;
		memcpy(copy, o->bad_segments, bad);
	}
	s->o.bad_segments = copy;
	if (!s->o.segment_bytes)
		s->o.segment_bytes =
		    at_most(at_least(o->quota_bytes / 256, 64 * STORE_MIB),
			1024 * STORE_MIB);
	s->o.segment_bytes = at_least(s->o.segment_bytes, SEGMENT_MIN) /
	    SEGFMT_PAGE * SEGFMT_PAGE;
	s->o.segment_records =
	    s->o.segment_records ? s->o.segment_records : STORE_HOLE_RECS;
	s->o.spares = s->o.spares ? s->o.spares : DEFAULT_SPARES;
	if (s->o.spares > SPARES_LIMIT)
		s->o.spares = SPARES_LIMIT;
	s->reserve_bytes =
	    at_least(at_least(o->quota_bytes / 20,
			 at_most(RESERVE_MIN, o->quota_bytes / 8)),
		s->o.segment_bytes);
	return o->encrypt ? slots_key_id(o->key, s->key_id) : 0;
}

/* ---- the directory ---- */

static int
make_dir(const char *dir, char *why, size_t why_size)
{
	char parent[STORE_PATH_MAX];
	int fd, rc;

	if (mkdir(dir, 0700)) {
		if (errno == EEXIST)
			return 0;
		snprintf(why, why_size, "%s: cannot be made: %s", dir,
		    strerror(errno));
		return err_of_errno(errno);
	}
	snprintf(parent, sizeof(parent), "%s", dir);
	fd = open(dirname(parent), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = fd < 0 ? ERR_IO : fileio_sync_dir(fd);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int
open_dir(struct store *s, char *why, size_t why_size)
{
	size_t len = strlen(s->o.dir);
	int rc;

	if (len == 0 || len > STORE_PATH_MAX - 128) {
		snprintf(why, why_size, "the directory's name is too long");
		return ERR_INVAL;
	}
	memcpy(s->dir, s->o.dir, len + 1);
	while (len > 1 && s->dir[len - 1] == '/')
		s->dir[--len] = '\0';
	rc = make_dir(s->dir, why, why_size);
	if (rc)
		return rc;
	s->dirfd =
	    open(s->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->dirfd < 0) {
		bool odd = errno == ELOOP || errno == ENOTDIR;

		snprintf(why, why_size, "%s: %s", s->dir,
		    odd ? "is a symbolic link or no directory; name the "
			  "directory itself"
			: strerror(errno));
		return odd ? ERR_DENIED : err_of_errno(errno);
	}
	return fscheck_dir(s->dirfd, s->dir, s->o.allow_any_filesystem, why,
	    why_size, &s->filesystem);
}

static int
lock(struct store *s, char *why, size_t why_size)
{
	int rc = lockfile_open(&s->lockfile, s->dirfd);

	if (rc == ERR_BUSY)
		snprintf(why, why_size,
		    "%s: another keeper is using this spool", s->dir);
	else if (rc == ERR_VERSION)
		snprintf(why, why_size,
		    "%s: was written by a newer version of spoold; nothing was "
		    "changed; use that version",
		    s->dir);
	else if (rc)
		snprintf(why, why_size, "%s/LOCK: %s", s->dir, err_text(rc));
	return rc;
}

/* ---- keys ---- */

static bool
is_encrypted(const struct store *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->seg[i]->header.cipher != BATCH_CIPHER_NONE)
			return true;
	return false;
}

static bool
is_key_of_all(const struct store *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct segfmt_header *h = &s->seg[i]->header;

		/* A header made up by salvage does not know its key. */
		if (h->cipher != BATCH_CIPHER_NONE &&
		    memcmp(h->key_id, s->key_id, sizeof(s->key_id)))
			return false;
	}
	return true;
}

static int
check_key(struct store *s, bool has_data, char *why, size_t why_size)
{
	const struct segfmt_lock *l = &s->lockfile.record;
	bool noted = s->lockfile.present && l->flags & SEGFMT_LOCK_ENCRYPTED;
	const char *text = NULL;

#ifdef MUTANT_NEW_KEY_WHEN_MISSING
	return 0;
#endif
	if (!has_data || !(noted || is_encrypted(s)))
		return 0;
	if (!s->o.encrypt)
		text = "holds encrypted records, and no key is configured";
	else if (s->o.key_is_new)
		text = "holds encrypted records, and its key is missing";
	else if (!is_key_of_all(s) ||
	    (noted && memcmp(l->key_id, s->key_id, sizeof(s->key_id))))
		text = "holds records encrypted with another key";
	if (!text)
		return 0;
	snprintf(why, why_size, "%s: %s; put the right key back", s->dir, text);
	return ERR_KEY;
}

/* ---- life cycle ---- */

static int
look(struct store *s, struct table_rest *rest, char *why, size_t why_size)
{
	int rc = 0;

	if (s->o.encrypt)
		rc = slots_open(s->dirfd, s->o.key, &s->slots);
	if (!rc)
		rc = table_load(s, rest);
	if (rc == ERR_VERSION)
		snprintf(why, why_size,
		    "%s: a segment was written by a newer version of spoold; "
		    "nothing was changed; use that version",
		    s->dir);
	if (rc)
		return rc;
	s->created = !s->lockfile.present && !s->n;
	return check_key(s, s->n > 0, why, why_size);
}

static int
make_tools(struct store *s)
{
	static const uint8_t no_key[DIGEST_AEAD_KEY_SIZE];
	int rc = digest_sha256_new(&s->sha);

	if (!rc)
		rc = digest_aead_new(no_key, &s->aead);
	if (!rc && sysconf(_SC_PAGESIZE) != SEGFMT_PAGE)
		rc = ERR_UNSUPPORTED;
	return rc;
}

static int
open_all(struct store *s, char *why, size_t why_size)
{
	struct table_rest *rest = calloc(1, sizeof(*rest));
	int rc = rest ? make_tools(s) : ERR_NOMEM;

	if (!rc)
		rc = open_dir(s, why, why_size);
	if (!rc)
		rc = lock(s, why, why_size);
	if (!rc)
		rc = look(s, rest, why, why_size);
	if (!rc)
		rc = store_possess(s, rest);
	free(rest);
	if (rc && !*why)
		snprintf(why, why_size, "%s: %s", s->dir, err_text(rc));
	return rc;
}

static void
free_all(struct store *s)
{
	store_meta_close(s);
	for (size_t i = 0; i < s->n; i++)
		segment_free(s, s->seg[i]);
	free(s->seg);
	slots_close(s->slots);
	lockfile_close(&s->lockfile);
	if (s->segfd >= 0)
		close(s->segfd);
	if (s->dirfd >= 0)
		close(s->dirfd);
	digest_sha256_free(s->sha);
	digest_aead_free(s->aead);
	digest_wipe(s->o.key, sizeof(s->o.key));
	free((void *)(uintptr_t)s->o.bad_segments);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->meta_lock);
	free(s);
}

int
store_open(const struct store_options *options, char *why, size_t why_size,
    struct store **out)
{
	struct store *s = calloc(1, sizeof(*s));
	int rc;

	if (!s) {
		snprintf(why, why_size, "out of memory");
		return ERR_NOMEM;
	}
	*why = '\0';
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->meta_lock, NULL);
	s->dirfd = s->segfd = s->lockfile.fd = -1;
	s->next_id = 1;
	rc = take_options(s, options);
	if (!rc)
		rc = open_all(s, why, why_size);
	if (rc) {
		if (!*why)
			snprintf(why, why_size, "%s", err_text(rc));
		free_all(s);
		return rc;
	}
	*out = s;
	return 0;
}

/*
 * The stop is clean if the end of the log is known: no transaction open, no
 * commit whose outcome is not.
 */
void
store_close(struct store *s)
{
	bool clean;

	if (!s)
		return;
	store_abort(&s->txn);
	clean = s->replayed && !s->unsettled;
	store_meta_close(s);
	for (size_t i = 0; i < s->n; i++)
		segment_drop_env(s, s->seg[i]);
	FAILPOINT("store-close");
	if (clean) {
		s->lockfile.record.flags |= SEGFMT_LOCK_CLEAN;
		lockfile_write(&s->lockfile);
	}
	free_all(s);
}

void
store_info(const struct store *s, struct store_info *info)
{
	struct store *locked = (struct store *)(uintptr_t)s;

	pthread_mutex_lock(&locked->lock);
	*info = (struct store_info){.spool = s->lockfile.record.spool,
	    .filesystem = s->filesystem,
	    .created = s->created,
	    .clean = s->clean || s->created,
	    .encrypted = s->o.encrypt,
	    .next_rec = s->durable_rec,
	    .known_rec = s->known_rec,
	    .next_number = s->durable_number,
	    .quota_bytes = s->o.quota_bytes,
	    .reserve_bytes = s->reserve_bytes,
	    .used_bytes = store_used(s),
	    .spare_bytes = store_spare_bytes(s),
	    .segment_bytes = s->o.segment_bytes,
	    .data_bytes = s->durable_data,
	    .spares = (uint32_t)s->spares,
	    .quarantined = s->quarantined};
	for (size_t i = 0; i < s->n; i++) {
		info->segments += s->seg[i]->committed;
		info->quarantined += s->seg[i]->bad || s->seg[i]->no_key;
	}
	pthread_mutex_unlock(&locked->lock);
}
