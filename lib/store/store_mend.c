/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course after an unclean stop: the pages of the last transaction
 * are written again, so that one successful sync covers them, and a footer is
 * committed.  What can go wrong: the disk refuses either; then a copy of the
 * file is sealed in its place.  If that fails too, nothing of it was believed
 * and the start fails.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/store/btree.h"
#include "lib/store/env.h"
#include "lib/store/fileio.h"
#include "lib/store/segment.h"
#include "lib/store/spare.h"
#include "lib/store/store_internal.h"

#define PIECE_PAGES 64

/* Pages of values that were durable before the last transaction. */
struct old_values {
	uint8_t *map; /* a bit a page */
	uint64_t boundary; /* their keys are at most this */
	uint64_t pages;
};

static int
note_old(void *arg, struct bytes key, struct btree_place place)
{
	struct old_values *old = arg;
	uint64_t k, page = place.off / BTREE_PAGE;
	uint64_t end = (place.off + place.len + BTREE_PAGE - 1) / BTREE_PAGE;

	/* A small value lies in a tree page, which is always written. */
	if (place.off % BTREE_PAGE != SEGFMT_PAGE_HEADER ||
	    segfmt_key_decode(key, &k) || k > old->boundary)
		return 0;
	for (; page < end && page < old->pages; page++)
		old->map[page / 8] |= (uint8_t)(1 << page % 8);
	return 0;
}

static bool
is_old(const struct old_values *old, uint64_t page)
{
	return old->map[page / 8] >> page % 8 & 1;
}

static int
write_again(int fd, const struct old_values *old)
{
	uint8_t *buf = malloc(PIECE_PAGES * BTREE_PAGE);
	int rc = buf ? 0 : ERR_NOMEM;

	for (uint64_t page = 0; !rc && page < old->pages;) {
		uint64_t n = 0;

		while (n < PIECE_PAGES && page + n < old->pages &&
		    !is_old(old, page + n))
			n++;
		if (n == 0) {
			page++;
			continue;
		}
		rc = fileio_read(
		    fd, buf, (size_t)n * BTREE_PAGE, page * BTREE_PAGE);
		if (!rc)
			rc = fileio_write(
			    fd, buf, (size_t)n * BTREE_PAGE, page * BTREE_PAGE);
		page += n;
	}
	free(buf);
	return rc;
}

static int
rewrite_tree(int fd)
{
	struct old_values old = {0};
	struct btree_place place;
	struct btree b;
	int rc = btree_open(&b, fd);

	if (rc)
		return rc;
	old.pages = b.newest.last_page + 1;
	if (btree_find_lt(&b, &b.older, UINT64_MAX, &old.boundary, &place))
		old.boundary = 0;
	old.map = calloc(1, (size_t)(old.pages / 8 + 1));
	if (!old.map)
		return ERR_NOMEM;
	rc = btree_check(&b, false, note_old, &old);
	if (!rc)
		rc = write_again(fd, &old);
	free(old.map);
	return rc;
}

/* A damaged tree says nothing about what is new: write all of it again. */
static int
rewrite_all(int fd)
{
	struct old_values none = {0};
	uint64_t size;
	int rc = fileio_size(fd, &size);

	if (rc)
		return rc;
	none.pages = size / BTREE_PAGE;
	none.map = calloc(1, (size_t)(none.pages / 8 + 1));
	if (!none.map)
		return ERR_NOMEM;
	rc = write_again(fd, &none);
	free(none.map);
	return rc;
}

int
store_mend_rewrite(struct store *s, const struct segment *seg)
{
	char path[STORE_PATH_MAX];
	int fd = open(
	    segment_path(s, seg->id, path), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int rc;

	if (fd < 0)
		return ERR_IO;
	rc = seg->bad ? rewrite_all(fd) : rewrite_tree(fd);
	if (!rc)
		rc = fileio_sync(fd);
	close(fd);
	return rc;
}

static int
add_footer(struct store *s, const char *path, struct segment *seg,
    const struct segment_tally *tally)
{
	MDB_env *env;
	int rc = env_open_write(path, seg->bytes, &env);

	if (rc)
		return rc;
	rc = store_rotate_footer(s, env, seg, tally);
	env_close_write(path, env);
	return rc;
}

/* Unreadable pages become zeros, which every check notices. */
static int
copy_pages(int from, int to, uint64_t size)
{
	uint8_t page[BTREE_PAGE];
	int rc = 0;

	for (uint64_t off = 0; !rc && off + sizeof(page) <= size;
	     off += sizeof(page)) {
		if (fileio_read(from, page, sizeof(page), off))
			memset(page, 0, sizeof(page));
		rc = fileio_write(to, page, sizeof(page), off);
	}
	return rc ? rc : fileio_sync(to);
}

static int
make_copy(struct store *s, const char *from, const char *to, uint64_t size)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int out =
	    open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = in < 0 || out < 0 ? ERR_IO : 0;

	(void)s;
	if (!rc)
		rc = copy_pages(in, out, size);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return rc;
}

/*
 * The file cannot be written any more: seal a copy of it and put that in its
 * place, under the same id, UUID and key.
 */
static int
seal_copy(
    struct store *s, struct segment *seg, const struct segment_tally *tally)
{
	char from[STORE_PATH_MAX], to[STORE_PATH_MAX];
	int rc;

	segment_path(s, seg->id, from);
	store_path(s, to, "seg/copy.tmp");
	rc = make_copy(s, from, to, seg->bytes);
	if (!rc)
		rc = add_footer(s, to, seg, tally);
	FAILPOINT("store-copy-sealed");
	if (!rc && rename(to, from))
		rc = ERR_IO;
	if (!rc)
		rc = fileio_sync_dir(s->segfd);
	if (rc) {
		seg->sealed = false;
		unlink(to);
	}
	return rc;
}

int
store_mend_seal(
    struct store *s, struct segment *seg, const struct segment_tally *tally)
{
	char path[STORE_PATH_MAX];
	int rc = store_mend_rewrite(s, seg);

	pthread_mutex_lock(&s->lock);
	segment_drop_env(s, seg);
	pthread_mutex_unlock(&s->lock);
	if (!rc)
		rc = add_footer(s, segment_path(s, seg->id, path), seg, tally);
	if (rc)
		rc = seal_copy(s, seg, tally);
	if (rc)
		return rc;
	seg->checked = false;
	store_rotate_truncate(s, seg);
	return 0;
}
