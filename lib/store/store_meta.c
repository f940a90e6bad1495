/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meta is a checkpoint of the log: whatever is wrong with it, it is set aside
 * and made anew.  Beside the keeper's values it keeps the watermark: how
 * far the log was durable when meta was last written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/store/btree.h"
#include "lib/store/env.h"
#include "lib/store/fileio.h"
#include "lib/store/segfmt.h"
#include "lib/store/store_internal.h"

#define META_NAME "meta/meta.mdb"
#define ASIDE_NAME "quarantine/meta.mdb" /* the newest one only */
#define KEY_MAX 255
#define VALUE_MAX (8 * STORE_MIB)
#define WATERMARK_SIZE 16

/* No key of the keeper begins with a zero byte. */
static const uint8_t watermark_key[] = {0, 'w', 'a', 't', 'e', 'r'};

static uint64_t
map_size(const struct store *s)
{
	uint64_t size = s->o.quota_bytes / 32;

	if (size < 2 * STORE_MIB)
		size = 2 * STORE_MIB;
	return size > 64 * STORE_MIB ? 64 * STORE_MIB
				     : size / SEGFMT_PAGE * SEGFMT_PAGE;
}

/* ---- the file ---------------------------------------------------------------
 */

static int
create(struct store *s, const char *path)
{
	uint8_t metas[ENV_METAS_SIZE];
	char tmp[STORE_PATH_MAX];
	int dir, fd, rc;

	store_path(s, tmp, META_NAME ".tmp");
	rc = env_fresh_metas(tmp, map_size(s), metas);
	if (rc)
		return rc;
	fd = open(
	    tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_of_errno(errno);
	rc = fileio_fill(fd, map_size(s));
	if (!rc)
		rc = fileio_write(fd, metas, sizeof(metas), 0);
	if (!rc)
		rc = fileio_sync(fd);
	close(fd);
	if (!rc && rename(tmp, path))
		rc = ERR_IO;
	if (rc) {
		unlink(tmp);
		return rc;
	}
	dir = openat(s->dirfd, "meta", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = dir < 0 ? ERR_IO : fileio_sync_dir(dir);
	if (dir >= 0)
		close(dir);
	return rc;
}

/* Walk the tree, so that LMDB is not led astray; *size: the map's. */
static int
check(const char *path, uint64_t *size)
{
	struct btree b;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int rc;

	if (fd < 0)
		return errno == ENOENT ? ERR_NOENT : ERR_CORRUPT;
	rc = btree_open(&b, fd);
	if (!rc)
		rc = btree_check(&b, true, NULL, NULL);
	*size = b.newest.map_size;
	if (!rc && b.size < *size)
		rc = ERR_CORRUPT; /* it must not need space to grow */
	close(fd);
	return rc;
}

static int
open_dbi(struct store *s)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->meta, NULL, MDB_RDONLY, &txn);

	if (rc)
		return env_err(rc);
	rc = mdb_dbi_open(txn, NULL, 0, &s->meta_dbi);
	mdb_txn_abort(txn);
	return env_err(rc);
}

/*
 * A write that failed, or was under way when we were killed, may be seen in
 * the page cache and never reach the disk by itself.  Nothing is built on such
 * a meta page: they are written again first, so that both agree.
 */
static int
settle(const char *path)
{
	uint8_t metas[ENV_METAS_SIZE];
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int rc = fd < 0 ? ERR_IO : fileio_read(fd, metas, sizeof(metas), 0);

	if (!rc)
		rc = fileio_write(fd, metas, sizeof(metas), 0);
	if (!rc)
		rc = fileio_sync(fd);
	if (fd >= 0)
		close(fd);
	return rc;
}

static void
count_aside(struct store *s, uint64_t more, uint64_t less)
{
	pthread_mutex_lock(&s->lock);
	s->other_bytes += more - less;
	s->quarantined += more != 0;
	s->quarantined -= less != 0;
	pthread_mutex_unlock(&s->lock);
}

static bool
has_room(struct store *s, uint64_t bytes)
{
	uint64_t used;

	pthread_mutex_lock(&s->lock);
	used = store_used(s) + store_spare_bytes(s);
	pthread_mutex_unlock(&s->lock);
	return used + bytes + map_size(s) <= s->o.quota_bytes;
}

/* For a person to look at, in place of an earlier one, if the quota allows. */
static void
set_aside(struct store *s, const char *path)
{
	char to[STORE_PATH_MAX];
	struct stat st;

	store_path(s, to, ASIDE_NAME);
	if (!lstat(to, &st) && !unlink(to))
		count_aside(s, 0, (uint64_t)st.st_size);
	if (lstat(path, &st) || !S_ISREG(st.st_mode) ||
	    !has_room(s, (uint64_t)st.st_size))
		unlink(path);
	else if (!rename(path, to))
		count_aside(s, (uint64_t)st.st_size, 0);
}

int
store_meta_open(struct store *s)
{
	char path[STORE_PATH_MAX];
	uint64_t size = 0;
	int rc;

	store_path(s, path, META_NAME);
	rc = check(path, &size);
	if (!rc && s->o.meta_is_bad)
		rc = ERR_CORRUPT;
	s->o.meta_is_bad = false;
	if (rc && rc != ERR_NOMEM) {
		if (rc != ERR_NOENT) {
			store_tell(s, STORE_EVENT_META_REBUILT, 0, 0,
			    "meta was damaged and begins empty");
			set_aside(s, path);
		}
		rc = create(s, path);
		size = map_size(s);
	}
	if (!rc)
		rc = settle(path);
	if (!rc)
		rc = env_open_write(path, size, &s->meta);
	if (!rc)
		rc = open_dbi(s);
	s->meta_bytes = size;
	return rc;
}

void
store_meta_close(struct store *s)
{
	char path[STORE_PATH_MAX];

	env_close_write(store_path(s, path, META_NAME), s->meta);
	s->meta = NULL;
}

/* ---- values ---- */

static int
put(struct store *s, MDB_txn *txn, struct bytes key, struct bytes value)
{
	MDB_val k = {key.len, (void *)(uintptr_t)key.ptr};
	MDB_val v;
	struct buf b;
	int rc;

	if (value.len == 0) {
		rc = mdb_del(txn, s->meta_dbi, &k, NULL);
		return rc == MDB_NOTFOUND ? 0 : env_err(rc);
	}
	buf_init(&b, VALUE_MAX + SEGFMT_META_PREFIX);
	segfmt_meta_encode(&b, key, value);
	rc = b.err;
	if (!rc) {
		v = (MDB_val){b.len, buf_ptr(&b)};
		rc = env_err(mdb_put(txn, s->meta_dbi, &k, &v, 0));
	}
	buf_fini(&b);
	return rc;
}

static int
put_watermark(struct store *s, MDB_txn *txn)
{
	uint8_t value[WATERMARK_SIZE];

	pthread_mutex_lock(&s->lock);
	endian_put_le64(value, s->durable_number);
	endian_put_le64(value + 8, s->durable_rec);
	pthread_mutex_unlock(&s->lock);
	return put(s, txn, bytes_of(watermark_key, sizeof(watermark_key)),
	    bytes_of(value, sizeof(value)));
}

static bool
is_ours(struct bytes key)
{
	return key.len == 0 || key.len > KEY_MAX || key.ptr[0] == 0;
}

static int
put_all(struct store *s, const struct store_meta_item *items, size_t n)
{
	MDB_txn *txn;
	int rc = env_err(mdb_txn_begin(s->meta, NULL, 0, &txn));

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < n; i++)
		rc = put(s, txn, items[i].key, items[i].value);
	if (!rc)
		rc = put_watermark(s, txn);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	FAILPOINT("store-meta-before");
	rc = env_err(mdb_txn_commit(txn));
	FAILPOINT("store-meta-after");
	return rc;
}

int
store_meta_put(struct store *s, const struct store_meta_item *items, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		if (is_ours(items[i].key) || items[i].value.len > VALUE_MAX)
			return ERR_INVAL;
	pthread_mutex_lock(&s->meta_lock);
	/* A failed write leaves an environment that must be opened anew. */
	if (!s->meta)
		rc = store_meta_open(s);
	if (!rc)
		rc = put_all(s, items, n);
	if (rc == ERR_IO && s->meta)
		store_meta_close(s);
	pthread_mutex_unlock(&s->meta_lock);
	return rc;
}

static int
get(struct store *s, struct bytes key, struct buf *value)
{
	MDB_val k = {key.len, (void *)(uintptr_t)key.ptr};
	struct bytes plain;
	MDB_txn *txn;
	MDB_val v;
	int rc;

	if (!s->meta)
		return ERR_NOENT;
	rc = env_err(mdb_txn_begin(s->meta, NULL, MDB_RDONLY, &txn));
	if (rc)
		return rc;
	rc = env_err(mdb_get(txn, s->meta_dbi, &k, &v));
	if (!rc &&
	    segfmt_meta_decode(key, bytes_of(v.mv_data, v.mv_size), &plain))
		rc = ERR_NOENT;
	if (!rc) {
		buf_add_bytes(value, plain);
		rc = value->err;
	}
	mdb_txn_abort(txn);
	return rc;
}

int
store_meta_get(struct store *s, struct bytes key, struct buf *value)
{
	int rc;

	if (is_ours(key))
		return ERR_INVAL;
	pthread_mutex_lock(&s->meta_lock);
	rc = get(s, key, value);
	pthread_mutex_unlock(&s->meta_lock);
	return rc;
}

static int
walk(struct store *s, MDB_cursor *cursor, struct bytes prefix,
    int (*see)(void *arg, struct bytes key, struct bytes value), void *arg)
{
	MDB_val k = {prefix.len, (void *)(uintptr_t)prefix.ptr};
	MDB_val v;
	int rc = mdb_cursor_get(
	    cursor, &k, &v, prefix.len ? MDB_SET_RANGE : MDB_FIRST);

	(void)s;
	for (; !rc; rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
		struct bytes key = bytes_of(k.mv_data, k.mv_size);
		struct bytes value;
		int stop;

		if (key.len < prefix.len ||
		    memcmp(key.ptr, prefix.ptr, prefix.len))
			return 0;
		if (is_ours(key) ||
		    segfmt_meta_decode(
			key, bytes_of(v.mv_data, v.mv_size), &value))
			continue;
		stop = see(arg, key, value);
		if (stop)
			return stop;
	}
	return rc == MDB_NOTFOUND ? 0 : env_err(rc);
}

int
store_meta_each(struct store *s, struct bytes prefix,
    int (*see)(void *arg, struct bytes key, struct bytes value), void *arg)
{
	MDB_cursor *cursor = NULL;
	MDB_txn *txn = NULL;
	int rc = 0;

	pthread_mutex_lock(&s->meta_lock);
	if (s->meta) {
		rc = env_err(mdb_txn_begin(s->meta, NULL, MDB_RDONLY, &txn));
		if (!rc)
			rc =
			    env_err(mdb_cursor_open(txn, s->meta_dbi, &cursor));
		if (!rc)
			rc = walk(s, cursor, prefix, see, arg);
		mdb_cursor_close(cursor);
		mdb_txn_abort(txn);
	}
	pthread_mutex_unlock(&s->meta_lock);
	return rc;
}

/* ---- against the log ---- */

int
store_meta_watermark(struct store *s, struct store_watermark *w)
{
	struct buf value;
	int rc;

	*w = (struct store_watermark){0};
	buf_init(&value, WATERMARK_SIZE);
	rc = get(s, bytes_of(watermark_key, sizeof(watermark_key)), &value);
	if (!rc && value.len == WATERMARK_SIZE) {
		w->number = endian_get_le64(buf_ptr(&value));
		w->rec = endian_get_le64(buf_ptr(&value) + 8);
	}
	buf_fini(&value);
	return rc == ERR_NOMEM ? rc : 0;
}

/*
 * Meta was written only after the log was durable so far.  If the log ends
 * before that now, the disk has lost what it had confirmed.
 */
int
store_meta_compare(struct store *s)
{
	struct store_watermark w;
	int rc = store_meta_watermark(s, &w);

	if (rc)
		return rc;
	if (w.number > s->next_number || w.rec > s->next_rec)
		store_tell(s, STORE_EVENT_DISK_LIED, s->next_rec,
		    w.rec > s->next_rec ? w.rec : s->next_rec,
		    "meta has seen batch %llu and record %llu durable, the "
		    "log ends before %llu and %llu",
		    (unsigned long long)w.number - 1,
		    (unsigned long long)w.rec - 1,
		    (unsigned long long)s->next_number,
		    (unsigned long long)s->next_rec);
	store_raise_numbers(s, w.rec, w.number);
	return 0;
}
