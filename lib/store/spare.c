/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/spare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/store/env.h"
#include "lib/store/fileio.h"
#include "lib/store/segment.h"

#define QUARANTINE_MAX 8 /* files; they count for the quota */
#define DROP_STEP (16 * STORE_MIB) /* unlinking at once stalls the disk */

static char *
spare_path(const struct store *s, uint64_t n, char path[static STORE_PATH_MAX])
{
	return store_path(s, path, "seg/spare.%llu", (unsigned long long)n);
}

static int
scratch_metas(
    const struct store *s, uint64_t bytes, uint8_t metas[static ENV_METAS_SIZE])
{
	char path[STORE_PATH_MAX];

	return env_fresh_metas(store_path(s, path, "seg/template.%lx.tmp",
				   (unsigned long)pthread_self()),
	    bytes, metas);
}

int
spare_init(struct store *s)
{
	char path[STORE_PATH_MAX];

	return env_fresh_metas(store_path(s, path, "seg/template.tmp"),
	    store_segment_bytes(s), s->fresh_metas);
}

int
spare_freshen(struct store *s, const char *path, uint64_t bytes)
{
	uint8_t metas[ENV_METAS_SIZE], now[ENV_METAS_SIZE];
	int rc = scratch_metas(s, bytes, metas);
	int fd;

	if (rc)
		return rc;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return ERR_IO;
	if (fileio_read(fd, now, sizeof(now), 0) ||
	    memcmp(now, metas, sizeof(now))) {
		rc = fileio_write(fd, metas, sizeof(metas), 0);
		if (!rc)
			rc = fileio_sync(fd);
	}
	close(fd);
	return rc;
}

/* ---- making ---------------------------------------------------------------
 */

/* Write a whole file under a temporary name, then give it its own. */
static int
write_file(struct store *s, const char *path, uint64_t bytes)
{
	uint8_t metas[ENV_METAS_SIZE];
	char tmp[STORE_PATH_MAX + 8];
	int fd, rc = scratch_metas(s, bytes, metas);

	if (rc)
		return rc;
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	fd = open(
	    tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_of_errno(errno);
	rc = fileio_fill(fd, bytes);
	if (!rc)
		rc = fileio_write(fd, metas, sizeof(metas), 0);
	if (!rc)
		rc = fileio_sync(fd);
	close(fd);
	FAILPOINT("store-spare-written");
	if (!rc && rename(tmp, path))
		rc = ERR_IO;
	if (rc)
		unlink(tmp);
	return rc;
}

static int
note(struct store *s, uint64_t n, uint64_t bytes)
{
	if (s->spares == STORE_SPARES_MAX)
		return ERR_LIMIT;
	s->spare[s->spares++] = (struct store_spare){n, bytes};
	return 0;
}

static int
make(struct store *s, uint64_t bytes)
{
	char path[STORE_PATH_MAX];
	uint64_t n, total;
	int rc;

	pthread_mutex_lock(&s->lock);
	n = s->next_spare++;
	total = store_used(s) + store_spare_bytes(s);
	pthread_mutex_unlock(&s->lock);
	if (total + bytes > s->o.quota_bytes)
		return ERR_FULL;
	rc = write_file(s, spare_path(s, n, path), bytes);
	if (!rc)
		rc = fileio_sync_dir(s->segfd);
	if (rc)
		return rc;
	pthread_mutex_lock(&s->lock);
	rc = note(s, n, bytes);
	pthread_mutex_unlock(&s->lock);
	if (rc)
		unlink(path);
	return rc;
}

static int
make_reserve(struct store *s)
{
	char path[STORE_PATH_MAX];
	uint64_t total;
	bool ready;
	int rc;

	pthread_mutex_lock(&s->lock);
	ready = s->reserve_ready;
	total = store_used(s) + store_spare_bytes(s);
	pthread_mutex_unlock(&s->lock);
	if (ready)
		return 0;
	if (total + store_segment_bytes(s) > s->o.quota_bytes)
		return ERR_FULL;
	rc = write_file(
	    s, store_path(s, path, "reserve"), store_segment_bytes(s));
	if (!rc)
		rc = fileio_sync_dir(s->dirfd);
	if (rc)
		return rc;
	pthread_mutex_lock(&s->lock);
	s->reserve_ready = true;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static bool
wants_more(struct store *s)
{
	uint32_t whole = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->spares; i++)
		whole += s->spare[i].bytes == store_segment_bytes(s);
	pthread_mutex_unlock(&s->lock);
	return whole < s->o.spares;
}

/* Once, until there was room again. */
static void
tell_short(struct store *s, bool is_short)
{
	bool tell;

	pthread_mutex_lock(&s->lock);
	tell = is_short && !s->short_told;
	s->short_told = is_short;
	pthread_mutex_unlock(&s->lock);
	if (tell)
		store_tell(s, STORE_EVENT_SPARE_SHORT, 0, 0,
		    "no room for another spare segment");
}

int
store_prepare_spares(struct store *s)
{
	int rc = spare_drop_surplus(s);

	while (!rc && wants_more(s))
		rc = make(s, store_segment_bytes(s));
	if (!rc)
		rc = make_reserve(s);
	tell_short(s, rc == ERR_FULL);
	return rc;
}

/* ---- taking and giving -----------------------------------------------------
 */

/* The largest that fits the allowance; the lock is held. */
static bool
pick(struct store *s, uint64_t allowed, struct store_spare *out)
{
	size_t best = s->spares;

	for (size_t i = 0; i < s->spares; i++)
		if (s->spare[i].bytes <= allowed &&
		    (best == s->spares ||
			s->spare[i].bytes > s->spare[best].bytes))
			best = i;
	if (best == s->spares)
		return false;
	*out = s->spare[best];
	s->spare[best] = s->spare[--s->spares];
	return true;
}

static bool
take_reserve(struct store *s, char path[static STORE_PATH_MAX], uint64_t *bytes)
{
	bool had;

	pthread_mutex_lock(&s->lock);
	had = s->reserve_ready;
	s->reserve_ready = false;
	pthread_mutex_unlock(&s->lock);
	store_path(s, path, "reserve");
	*bytes = store_segment_bytes(s);
	return had;
}

int
spare_take(struct store *s, bool control, char path[static STORE_PATH_MAX],
    uint64_t *bytes)
{
	uint64_t ceiling = s->o.quota_bytes - (control ? 0 : s->reserve_bytes);
	uint64_t small = store_segment_bytes(s) < STORE_EMERGENCY_BYTES
	    ? store_segment_bytes(s)
	    : STORE_EMERGENCY_BYTES;
	struct store_spare spare;

	for (int tries = 0; tries < 2; tries++) {
		uint64_t used;
		bool found;
		int rc;

		pthread_mutex_lock(&s->lock);
		used = store_used(s);
		found = used < ceiling && pick(s, ceiling - used, &spare);
		pthread_mutex_unlock(&s->lock);
		if (found) {
			spare_path(s, spare.n, path);
			*bytes = spare.bytes;
			return 0;
		}
		rc = used + small > ceiling ? ERR_FULL : make(s, small);
		if (rc && control && take_reserve(s, path, bytes))
			return 0;
		if (rc)
			return rc;
	}
	return ERR_FULL;
}

int
spare_give(struct store *s, const char *path, uint64_t bytes)
{
	char to[STORE_PATH_MAX];
	uint64_t n = s->next_spare++;
	bool keep =
	    bytes == store_segment_bytes(s) && s->spares < s->o.spares + 1;
	int rc = 0;

	spare_path(s, n, to);
	if (!keep)
		store_path(s, to, "seg/drop.%llu", (unsigned long long)n);
	/* An earlier try that failed later on may have renamed it. */
	if (rename(path, to))
		return errno == ENOENT ? fileio_sync_dir(s->segfd) : ERR_IO;
	FAILPOINT("store-recycle-renamed");
	rc = fileio_sync_dir(s->segfd);
	if (!rc && keep)
		rc = spare_freshen(s, to, bytes);
	FAILPOINT("store-recycle-fresh");
	if (!rc && keep)
		rc = note(s, n, bytes);
	return rc;
}

int
spare_quarantine(struct store *s, const char *path, const struct segment *seg)
{
	char to[STORE_PATH_MAX];

	if (s->quarantined >= QUARANTINE_MAX)
		return unlink(path) ? ERR_IO : 0;
	store_path(s, to, "quarantine/%016llx.sp", (unsigned long long)seg->id);
	if (rename(path, to))
		return ERR_IO;
	FAILPOINT("store-quarantined");
	s->quarantined++;
	s->other_bytes += seg->bytes;
	return fileio_sync_dir(s->segfd);
}

/* ---- at the start ---- */

static int
load_one(struct store *s, uint64_t n)
{
	char path[STORE_PATH_MAX];
	uint64_t bytes = 0;
	int rc = 0;
	int fd =
	    open(spare_path(s, n, path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return ERR_IO;
	rc = fileio_size(fd, &bytes);
	close(fd);
	if (rc)
		return rc;
	if (bytes != store_segment_bytes(s) || s->spares >= s->o.spares + 1)
		return unlink(path) ? ERR_IO : 0;
	rc = spare_freshen(s, path, bytes);
	return rc ? rc : note(s, n, bytes);
}

static int
give_back(struct store *s, uint64_t id)
{
	char path[STORE_PATH_MAX];
	uint64_t bytes = 0;
	int rc, fd;

	segment_path(s, id, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return ERR_IO;
	rc = fileio_size(fd, &bytes);
	close(fd);
	return rc ? rc : spare_give(s, path, bytes);
}

int
spare_load(struct store *s, const struct table_rest *rest)
{
	char path[STORE_PATH_MAX];
	uint64_t bytes = 0;
	int rc = 0, fd;

	for (size_t i = 0; !rc && i < rest->spares; i++)
		rc = load_one(s, rest->spare[i]);
	for (size_t i = 0; !rc && i < rest->empties; i++)
		rc = give_back(s, rest->empty[i]);
	fd = open(
	    store_path(s, path, "reserve"), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return rc;
	fileio_size(fd, &bytes);
	close(fd);
	s->reserve_ready =
	    bytes == store_segment_bytes(s) && !spare_freshen(s, path, bytes);
	if (!s->reserve_ready)
		unlink(path);
	return rc;
}

/* ---- dropping ---- */

static int
drop(struct store *s, const char *name)
{
	int fd = openat(s->segfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	uint64_t size = 0;

	if (fd < 0)
		return ERR_IO;
	if (fileio_size(fd, &size) == 0)
		while (size > DROP_STEP) {
			size -= DROP_STEP;
			if (ftruncate(fd, (off_t)size))
				break;
		}
	close(fd);
	return unlinkat(s->segfd, name, 0) ? ERR_IO : 0;
}

int
spare_drop_surplus(struct store *s)
{
	int fd = openat(s->dirfd, "seg", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	DIR *d;
	int rc = 0;

	if (fd < 0)
		return ERR_IO;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return ERR_NOMEM;
	}
	while (!rc && (e = readdir(d)))
		if (!strncmp(e->d_name, "drop.", 5))
			rc = drop(s, e->d_name);
	closedir(d);
	return rc;
}
