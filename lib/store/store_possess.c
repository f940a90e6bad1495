/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: all checks have passed, and the first thing written is
 * that the spool is open.  What can go wrong: a crash at any point; each step
 * is done again by the next start.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/store/fileio.h"
#include "lib/store/segment.h"
#include "lib/store/spare.h"
#include "lib/store/store_internal.h"
#include "lib/store/table.h"

static const char *const folders[] = {"seg", "meta", "held", "quarantine"};

#define FOLDERS (sizeof(folders) / sizeof(*folders))

static int
make_folders(struct store *s)
{
	int rc;

	for (size_t i = 0; i < FOLDERS; i++)
		if (mkdirat(s->dirfd, folders[i], 0700) && errno != EEXIST)
			return err_of_errno(errno);
	FAILPOINT("store-folders-made");
	rc = fileio_sync_dir(s->dirfd);
	if (rc)
		return rc;
	s->segfd = openat(
	    s->dirfd, "seg", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return s->segfd < 0 ? ERR_IO : 0;
}

/* LOCK is gone: the segments know whose they are. */
static bool
has_identity(const struct store *s, struct uuid *spool)
{
	for (size_t i = s->n; i-- > 0;) {
		if (s->seg[i]->lost)
			continue;
		*spool = s->seg[i]->header.spool;
		return true;
	}
	return false;
}

/* From here on a crash leaves the spool marked as not clean. */
static int
mark_open(struct store *s)
{
	struct segfmt_lock *l = &s->lockfile.record;
	int rc = 0;

	s->clean = s->lockfile.present && l->flags & SEGFMT_LOCK_CLEAN;
	if (!s->lockfile.present) {
		l->created_ns = clock_now().wall_ns;
		if (has_identity(s, &l->spool))
			rc = 0;
		else if (s->o.new_spool_id)
			l->spool = *s->o.new_spool_id;
		else
			rc = digest_uuid(&l->spool);
	}
	l->flags = s->o.encrypt ? SEGFMT_LOCK_ENCRYPTED : 0;
	memcpy(l->key_id, s->key_id, sizeof(l->key_id));
	if (!rc)
		rc = lockfile_write(&s->lockfile);
	FAILPOINT("store-lock-open");
	return rc;
}

/* Files that a crash left half made; *bytes of the others, and how many. */
static int
tidy_folder(struct store *s, const char *folder, uint64_t *bytes, uint32_t *n)
{
	int fd = openat(s->dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	struct stat st;
	DIR *d;

	if (fd < 0)
		return ERR_IO;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return ERR_NOMEM;
	}
	while ((e = readdir(d))) {
		size_t len = strlen(e->d_name);

		if (len > 4 && !strcmp(e->d_name + len - 4, ".tmp"))
			unlinkat(fd, e->d_name, 0);
		else if (!fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    S_ISREG(st.st_mode)) {
			*bytes += (uint64_t)st.st_size;
			++*n;
		}
	}
	closedir(d);
	return 0;
}

static int
tidy(struct store *s)
{
	uint64_t bytes = 0;
	uint32_t n = 0;
	int rc = tidy_folder(s, "seg", &bytes, &n);

	unlinkat(s->dirfd, "reserve.tmp", 0);
	if (!rc)
		rc = tidy_folder(s, "meta", &bytes, &n);
	bytes = 0;
	if (!rc)
		rc = tidy_folder(s, "held", &bytes, &n);
	n = 0;
	if (!rc)
		rc = tidy_folder(s, "quarantine", &bytes, &n);
	s->other_bytes = bytes;
	s->quarantined = n;
	return rc;
}

static void
tell_lost(struct store *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->seg[i]->lost)
			store_tell(s, STORE_EVENT_SEGMENT_QUARANTINED, 0, 0,
			    "segment %016llx: nothing in it can be read",
			    (unsigned long long)s->seg[i]->id);
}

static bool
is_known_id(void *arg, uint64_t id)
{
	return table_by_id(arg, id) != NULL;
}

/* Mend twins, forget keys of segments that never came to be. */
static int
settle_keys(struct store *s)
{
	size_t mended;
	int rc;

	if (!s->slots)
		return 0;
	rc = slots_mend(s->slots, &mended);
	if (!rc && mended)
		store_tell(s, STORE_EVENT_KEY_SLOT_MENDED, 0, 0,
		    "%zu key slots were mended from their twins", mended);
	if (!rc)
		rc = slots_sweep(s->slots, is_known_id, s);
	return rc;
}

static void
note_missing_keys(struct store *s)
{
	uint8_t key[SLOTS_KEY_SIZE];

	for (size_t i = 0; i < s->n; i++) {
		struct segment *seg = s->seg[i];

		if (seg->header.cipher == BATCH_CIPHER_NONE)
			continue;
		seg->no_key =
		    !s->slots || slots_get(s->slots, &seg->header.segment, key);
		digest_wipe(key, sizeof(key));
	}
}

/*
 * On a full disk it cannot be made: nothing depends on it, and it is tried
 * again whenever it is to be written.  What is there has to be read.
 */
static int
open_meta(struct store *s)
{
	char path[STORE_PATH_MAX];
	int rc = store_meta_open(s);

	if (!rc || !access(store_path(s, path, "meta/meta.mdb"), F_OK))
		return rc;
	store_meta_close(s);
	store_tell(s, STORE_EVENT_META_REBUILT, 0, 0,
	    "there is no meta, the log is believed: %s", err_text(rc));
	return 0;
}

int
store_possess(struct store *s, const struct table_rest *rest)
{
	int rc = make_folders(s);

	if (!rc)
		rc = mark_open(s);
	if (!rc && !s->created && !s->clean)
		store_tell(s, STORE_EVENT_UNCLEAN_START, 0, 0,
		    "the spool was not closed cleanly");
	if (!rc)
		rc = tidy(s);
	tell_lost(s);
	if (!rc)
		rc = settle_keys(s);
	if (!rc)
		note_missing_keys(s);
	if (!rc)
		rc = spare_init(s);
	if (!rc)
		rc = spare_load(s, rest);
	if (!rc)
		rc = open_meta(s);
	return rc;
}
