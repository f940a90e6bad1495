/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/btree.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/store/env.h"
#include "lib/store/fileio.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/golden.h"

#define MIB (1024ull * 1024)
#define PAGE 4096

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

struct rig {
	char path[64];
	MDB_env *env;
	int fd;
	uint64_t seed;
	uint64_t keys;
};

static void
rig_init(struct rig *r)
{
	uint8_t metas[ENV_METAS_SIZE];
	char scratch[80];

	*r = (struct rig){.seed = 88172645463325252u};
	strcpy(r->path, "/var/tmp/btree.XXXXXX");
	r->fd = mkstemp(r->path);
	assert_true(r->fd >= 0);
	snprintf(scratch, sizeof(scratch), "%s.t", r->path);
	assert_int_equal(env_fresh_metas(scratch, 16 * MIB, metas), 0);
	assert_int_equal(fileio_fill(r->fd, 16 * MIB), 0);
	assert_int_equal(fileio_write(r->fd, metas, sizeof(metas), 0), 0);
	assert_int_equal(env_open_write(r->path, 16 * MIB, &r->env), 0);
}

static void
rig_fini(struct rig *r)
{
	env_close_write(r->path, r->env);
	close(r->fd);
	unlink(r->path);
}

static void
put(MDB_txn *txn, const void *key, size_t key_len, size_t len, unsigned flags)
{
	static uint8_t value[40000];
	MDB_val k = {key_len, (void *)(uintptr_t)key};
	MDB_val v = {len, value};
	MDB_dbi dbi;

	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &k, &v, flags), 0);
}

/* One transaction as a segment has them: keys ascending, whole pages. */
static void
append(struct rig *r)
{
	MDB_txn *txn;
	unsigned n = 1 + (unsigned)(next_random(&r->seed) % 4);

	assert_int_equal(mdb_txn_begin(r->env, NULL, 0, &txn), 0);
	for (unsigned i = 0; i < n; i++) {
		uint8_t key[8];

		endian_put_be64(key, 0x100 + ++r->keys);
		put(txn, key, sizeof(key),
		    4080 + 4096 * (next_random(&r->seed) % 3), MDB_APPEND);
	}
	assert_int_equal(mdb_txn_commit(txn), 0);
}

static void
must_be_sound(struct rig *r, bool deep)
{
	struct btree b;

	if (btree_open(&b, r->fd) || btree_check(&b, deep, NULL, NULL))
		fail_msg("after %lu keys: %s", (unsigned long)r->keys, b.why);
}

static void
fresh_metas_are_those_of_the_golden_file(void **state)
{
	uint8_t metas[ENV_METAS_SIZE];
	struct bytes first = bytes_of(metas, 152);
	struct bytes second = bytes_of(metas + PAGE, 152);

	(void)state;
	assert_int_equal(
	    env_fresh_metas("/var/tmp/btree-template", 64 * MIB, metas), 0);
	golden_check("metas-1", "META-0", "btree", first);
	golden_check("metas-1", "META-1", "btree", second);
	assert_int_equal(access("/var/tmp/btree-template", F_OK), -1);
}

static void
all_that_lmdb_appends_is_sound_after_each_commit(void **state)
{
	struct btree_place place;
	struct btree b;
	struct rig r;
	uint64_t found;

	(void)state;
	rig_init(&r);
	assert_int_equal(btree_open(&b, r.fd), 0);
	assert_true(btree_is_empty(&b));
	for (int i = 0; i < 350; i++) {
		append(&r);
		must_be_sound(&r, i % 2);
	}
	assert_int_equal(btree_open(&b, r.fd), 0);
	assert_true(b.newest.main_db.depth >= 2);
	for (uint64_t k = 0x101; k <= 0x100 + r.keys; k++) {
		assert_int_equal(
		    btree_find_ge(&b, &b.newest, k, &found, &place), 0);
		assert_int_equal(found, k);
		assert_int_equal(place.off % PAGE, 16);
		assert_int_equal(
		    btree_find_lt(&b, &b.newest, k, &found, &place),
		    k == 0x101 ? ERR_NOENT : 0);
		if (k > 0x101)
			assert_int_equal(found, k - 1);
	}
	assert_int_equal(
	    btree_find_ge(&b, &b.newest, UINT64_MAX, &found, &place),
	    ERR_NOENT);
	assert_int_equal(
	    btree_find_lt(&b, &b.newest, UINT64_MAX, &found, &place), 0);
	assert_int_equal(found, 0x100 + r.keys);
	rig_fini(&r);
}

/* Keys and values as meta has them, with deletions. */
static void
all_that_meta_does_is_sound_after_each_commit(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	for (int i = 0; i < 300; i++) {
		MDB_txn *txn;

		assert_int_equal(mdb_txn_begin(r.env, NULL, 0, &txn), 0);
		for (int j = 0; j < 5; j++) {
			char key[32];
			int n = snprintf(key, sizeof(key), "target/%lu",
			    (unsigned long)(next_random(&r.seed) % 300));
			MDB_val k = {(size_t)n, key};

			if (next_random(&r.seed) % 4 == 0)
				mdb_del(txn, 1, &k, NULL);
			else
				put(txn, key, (size_t)n,
				    next_random(&r.seed) % 9000, 0);
		}
		assert_int_equal(mdb_txn_commit(txn), 0);
		must_be_sound(&r, true);
	}
	rig_fini(&r);
}

/* Read all of it through LMDB, in a child that may die. */
static void
read_by_lmdb(const char *path)
{
	MDB_cursor *cursor;
	MDB_txn *txn;
	MDB_env *env;
	MDB_val k, v;
	MDB_dbi dbi;

	if (env_open_read(path, &env) ||
	    mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) ||
	    mdb_dbi_open(txn, NULL, 0, &dbi) ||
	    mdb_cursor_open(txn, dbi, &cursor))
		_exit(1);
	while (!mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
		volatile uint8_t x = 0;

		for (size_t i = 0; i < v.mv_size; i += 64)
			x ^= ((uint8_t *)v.mv_data)[i];
		(void)x;
	}
	_exit(0);
}

static bool
is_tree_page(const uint8_t *page)
{
	uint16_t flags = endian_get_le16(page + 10);

	return flags == 1 || flags == 2 || flags == 8;
}

/* What passes the walk does not crash LMDB; most of what is spoilt fails. */
static void
no_damaged_tree_that_passes_crashes_lmdb(void **state)
{
	uint8_t page[PAGE], kept[PAGE];
	int tried = 0, passed = 0;
	struct rig r;

	(void)state;
	rig_init(&r);
	for (int i = 0; i < 300; i++)
		append(&r);
	env_close_write(r.path, r.env);
	r.env = NULL;
	while (tried < 400) {
		uint64_t off = next_random(&r.seed) % 4096 * PAGE;
		struct btree b;
		int status;
		pid_t pid;

		if (fileio_read(r.fd, page, PAGE, off) || !is_tree_page(page))
			continue;
		tried++;
		memcpy(kept, page, PAGE);
		for (int n = 0; n < 1 + tried % 3; n++)
			page[next_random(&r.seed) % (tried % 2 ? 64 : PAGE)] ^=
			    (uint8_t)(1 << next_random(&r.seed) % 8);
		assert_int_equal(fileio_write(r.fd, page, PAGE, off), 0);
		if (!btree_open(&b, r.fd) &&
		    !btree_check(&b, false, NULL, NULL)) {
			passed++;
			pid = fork();
			if (pid == 0)
				read_by_lmdb(r.path);
			assert_int_equal(waitpid(pid, &status, 0), pid);
			if (!WIFEXITED(status))
				fail_msg("LMDB died of page %lu",
				    (unsigned long)(off / PAGE));
		}
		assert_int_equal(fileio_write(r.fd, kept, PAGE, off), 0);
	}
	must_be_sound(&r, true);
	assert_true(passed < tried);
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fresh_metas_are_those_of_the_golden_file),
	    cmocka_unit_test(all_that_lmdb_appends_is_sound_after_each_commit),
	    cmocka_unit_test(all_that_meta_does_is_sound_after_each_commit),
	    cmocka_unit_test(no_damaged_tree_that_passes_crashes_lmdb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
