/* SPDX-License-Identifier: Apache-2.0 */
/* Data keys: gone from the disk with their segment; nonces that never repeat.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/segfmt.h"
#include "tests/component/store_expect.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/storerig.h"

#define NONCES_MAX 1024
#define NONCE 24
#define AT_NONCE 184 /* doc/format-batch.md */

/* All of a file; the caller frees it. */
static uint8_t *
content_of(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	uint8_t *bytes;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	*len = (size_t)ftell(f);
	rewind(f);
	bytes = malloc(*len + 1);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, *len, f), *len);
	fclose(f);
	return bytes;
}

/* How often these bytes are in the file of keys. */
static size_t
times_in(const struct storerig *r, const char *file, const void *what, size_t n)
{
	char path[300];
	size_t len, times = 0;
	uint8_t *bytes, *at;

	snprintf(path, sizeof(path), "%s/%s", r->dir, file);
	bytes = content_of(path, &len);
	for (at = bytes; (at = memmem(at, len - (size_t)(at - bytes), what, n));
	     at++)
		times++;
	free(bytes);
	return times;
}

/* The wrapped key of the segment, as it lies on the disk. */
static void
wrapped_key(
    const struct storerig *r, const struct uuid *segment, uint8_t to[40])
{
	struct segfmt_slot slot;
	char path[300];
	uint8_t *bytes;
	size_t len, at;

	snprintf(path, sizeof(path), "%s/keys.a", r->dir);
	bytes = content_of(path, &len);
	for (at = 0; at < len; at += SEGFMT_SLOT_SIZE)
		if (!segfmt_slot_decode(
			bytes_of(bytes + at, SEGFMT_SLOT_SIZE), &slot) &&
		    uuid_equal(&slot.segment, segment))
			break;
	assert_true(at < len);
	memcpy(to, slot.wrapped, sizeof(slot.wrapped));
	free(bytes);
}

static void
a_recycled_segments_key_is_in_neither_file(void **state)
{
	static const char *const files[] = {"keys.a", "keys.b"};
	struct store_segment rows[16];
	uint8_t gone[40], kept[40];
	struct storerig r;

	(void)state;
	store_expect_begin(&r, true, 30);
	assert_true(store_segments(r.s, rows, 16) > 1);
	wrapped_key(&r, &rows[0].uuid, gone);
	wrapped_key(&r, &rows[1].uuid, kept);
	for (int f = 0; f < 2; f++)
		assert_int_equal(times_in(&r, files[f], gone, 40), 1);
	assert_int_equal(store_recycle(r.s, &rows[0].uuid), 0);
	for (int f = 0; f < 2; f++) {
		assert_int_equal(times_in(&r, files[f], gone, 40), 0);
		assert_int_equal(times_in(&r, files[f], &rows[0].uuid, 16), 0);
		assert_int_equal(times_in(&r, files[f], kept, 40), 1);
	}
	storerig_forget_below(&r, rows[1].first_rec);
	store_expect_perfect(&r);
	storerig_fini(&r);
}

/* ---- a backup that is put back ---- */

struct nonces {
	uint8_t nonce[NONCES_MAX][NONCE];
	size_t n;
};

/* The nonces of all batches in a segment's file. */
static void
collect_file(struct nonces *all, const char *path)
{
	uint8_t *bytes;
	size_t len;

	bytes = content_of(path, &len);
	for (size_t at = 16; at + 4080 <= len; at += 4096) {
		if (memcmp(bytes + at, "SPLBATCH", 8))
			continue;
		assert_true(all->n < NONCES_MAX);
		memcpy(all->nonce[all->n++], bytes + at + AT_NONCE, NONCE);
	}
	free(bytes);
}

static bool
is_in(const struct nonces *all, const uint8_t *nonce)
{
	for (size_t i = 0; i < all->n; i++)
		if (!memcmp(all->nonce[i], nonce, NONCE))
			return true;
	return false;
}

/* Those that are on the disk and not in `before`. */
static void
collect_new(struct storerig *r, const struct nonces *before, struct nonces *new)
{
	static struct nonces all;
	char path[512];

	all.n = new->n = 0;
	for (size_t i = 0; storerig_segment_path(r, i, path); i++)
		collect_file(&all, path);
	for (size_t i = 0; i < all.n; i++) {
		if (is_in(before, all.nonce[i]))
			continue;
		/* Within one course they are all different as well. */
		assert_false(is_in(new, all.nonce[i]));
		memcpy(new->nonce[new->n++], all.nonce[i], NONCE);
	}
}

/*
 * Put back, the spool has the keys and the numbers that it had, and stores
 * something else under them: only a nonce at random cannot come twice.
 */
static void
after_a_backup_was_put_back_no_nonce_comes_again(void **state)
{
	static struct nonces none, first, once, again;
	struct storerig r;
	char backup[300];

	(void)state;
	store_expect_begin(&r, true, 3);
	storerig_close(&r);
	snprintf(backup, sizeof(backup), "%s.backup", r.dir);
	storerig_copy_tree(r.dir, backup);
	store_expect_open(&r);
	collect_new(&r, &none, &first);
	store_expect_put(&r, 10);
	collect_new(&r, &first, &once);
	storerig_close(&r);
	storerig_remove_tree(r.dir);
	storerig_copy_tree(backup, r.dir);
	storerig_remove_tree(backup);
	store_expect_open(&r);
	store_expect_put(&r, 10);
	collect_new(&r, &first, &again);
	assert_true(once.n >= 30 && again.n >= 30);
	for (size_t i = 0; i < again.n; i++)
		assert_false(is_in(&once, again.nonce[i]));
	storerig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_recycled_segments_key_is_in_neither_file),
	    cmocka_unit_test(after_a_backup_was_put_back_no_nonce_comes_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
