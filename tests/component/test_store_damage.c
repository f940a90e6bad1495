/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flipped bits, zeroed, torn, stale and misdirected pages, cut files, in any
 * file of the spool: never a wrong byte comes out, what is lost is reported,
 * and the store goes on.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/storerig.h"

#define TRIALS 60
#define PAGE 4096

static const char *const kinds[] = {"flip a bit", "zero a page",
    "garbage in a page", "tear a page", "misdirect a page", "cut the file",
    "flip a bit of the metas"};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

struct victim {
	char path[600];
	uint64_t size;
	int fd;
};

static void
at(struct victim *v, uint64_t off, const void *p, size_t len)
{
	if (pwrite(v->fd, p, len, (off_t)off) != (ssize_t)len)
		abort();
}

static void
flip(struct storerig *r, struct victim *v, uint64_t limit)
{
	uint64_t off = storerig_random(r) % limit;
	uint8_t x;

	if (pread(v->fd, &x, 1, (off_t)off) != 1)
		abort();
	x ^= (uint8_t)(1 << storerig_random(r) % 8);
	at(v, off, &x, 1);
}

static void
hurt(struct storerig *r, struct victim *v, size_t kind)
{
	uint64_t pages = v->size / PAGE ? v->size / PAGE : 1;
	uint64_t page = storerig_random(r) % pages;
	uint8_t buf[PAGE] = {0};

	if (kind == 0) {
		flip(r, v, v->size);
	} else if (kind == 1) {
		at(v, page * PAGE, buf, PAGE);
	} else if (kind == 2) {
		for (size_t i = 0; i < PAGE; i++)
			buf[i] = (uint8_t)storerig_random(r);
		at(v, page * PAGE, buf, PAGE);
	} else if (kind == 3) {
		at(v, page * PAGE + 512, buf, PAGE - 512);
	} else if (kind == 4) {
		if (pread(v->fd, buf, PAGE,
			(off_t)(storerig_random(r) % pages * PAGE)) < 0)
			abort();
		at(v, page * PAGE, buf, PAGE);
	} else if (kind == 5) {
		if (ftruncate(v->fd, (off_t)(page * PAGE)))
			abort();
	} else {
		flip(r, v, v->size < 8192 ? v->size : 8192);
	}
}

/* The nth file of a folder of the spool, by name. */
static bool
nth_file(const char *dir, const char *end, size_t n, char path[600])
{
	struct dirent **list;
	int found = scandir(dir, &list, NULL, alphasort);
	bool ok = false;

	for (int i = 0; i < found; i++) {
		size_t len = strlen(list[i]->d_name);
		size_t tail = strlen(end);

		if (!ok && len > tail &&
		    !strcmp(list[i]->d_name + len - tail, end) && n-- == 0) {
			snprintf(path, 600, "%s/%s", dir, list[i]->d_name);
			ok = true;
		}
		free(list[i]);
	}
	if (found >= 0)
		free(list);
	return ok;
}

static void
choose(struct storerig *r, struct victim *v)
{
	uint64_t x = storerig_random(r) % (r->o.encrypt ? 16 : 12);
	char dir[300];
	struct stat st;
	bool ok = false;

	snprintf(dir, sizeof(dir), "%s/%s", r->dir, x < 12 ? "seg" : "");
	if (x < 12) {
		while (!ok)
			ok = nth_file(
			    dir, ".sp", storerig_random(r) % 6, v->path);
	} else if (x == 12) {
		snprintf(v->path, sizeof(v->path), "%s/keys.a", r->dir);
	} else if (x == 13) {
		snprintf(v->path, sizeof(v->path), "%s/keys.b", r->dir);
	} else if (x == 14) {
		snprintf(v->path, sizeof(v->path), "%s/meta/meta.mdb", r->dir);
	} else {
		snprintf(v->path, sizeof(v->path), "%s/LOCK", r->dir);
	}
	v->fd = open(v->path, O_RDWR);
	if (v->fd < 0 || fstat(v->fd, &st))
		fail_msg("%s is not there", v->path);
	v->size = (uint64_t)st.st_size;
}

static void
build(struct storerig *r, bool encrypt)
{
	struct store_meta_item item = {
	    bytes_of_str("cursor"), bytes_of_str("12")};

	storerig_init(r, encrypt);
	r->o.segment_bytes = STORERIG_MIB / 2;
	r->o.quota_bytes = 24 * STORERIG_MIB;
	r->o.spares = 1;
	assert_int_equal(storerig_open(r), 0);
	for (int i = 0; i < 30; i++)
		assert_int_equal(
		    storerig_put(r, 2, 500 + (uint32_t)i * 1000), 0);
	assert_int_equal(store_meta_put(r->s, &item, 1), 0);
}

static void
judge(struct storerig *r, const char *when, const char *kind,
    const struct victim *v, uint64_t seed)
{
	struct storerig_sum sum;

	storerig_read_all(r, &sum);
	if (!storerig_is_honest(&sum))
		fail_msg("%s: %s in %s, seed %lu: silent %lu doubles %lu "
			 "altered %lu strangers %lu",
		    when, kind, v->path, (unsigned long)seed,
		    (unsigned long)sum.silent_losses,
		    (unsigned long)sum.doubles, (unsigned long)sum.alterations,
		    (unsigned long)sum.strangers);
}

static void
reopen(
    struct storerig *r, const char *kind, const struct victim *v, uint64_t seed)
{
	int rc = storerig_open(r);

	if (rc)
		fail_msg("%s in %s, seed %lu: it does not open: %s: %s", kind,
		    v->path, (unsigned long)seed, err_name(rc), r->why);
}

static void
one_trial(struct storerig *r, const char *pristine, uint64_t seed)
{
	size_t kind, acks = r->acks;
	struct victim v;

	storerig_copy_tree(pristine, r->dir);
	r->seed = seed;
	kind = storerig_random(r) % KINDS;
	choose(r, &v);
	hurt(r, &v, kind);
	close(v.fd);
	reopen(r, kinds[kind], &v, seed);
	judge(r, "at once", kinds[kind], &v, seed);
	for (int i = 0; i < 6; i++)
		assert_int_equal(storerig_put(r, 2, 9000), 0);
	judge(r, "after more", kinds[kind], &v, seed);
	storerig_close(r);
	reopen(r, kinds[kind], &v, seed);
	judge(r, "after another start", kinds[kind], &v, seed);
	storerig_close(r);
	r->acks = acks; /* they are sorted, and the new ones come last */
}

static void
run(bool encrypt, bool clean)
{
	const char *trials = getenv("STORE_DAMAGE_TRIALS");
	const char *first = getenv("STORE_DAMAGE_SEED");
	long n = trials ? atol(trials) : TRIALS;
	uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
	struct storerig r;
	char pristine[300];

	build(&r, encrypt);
	snprintf(pristine, sizeof(pristine), "%s.pristine", r.dir);
	if (clean)
		storerig_close(&r);
	storerig_copy_tree(r.dir, pristine);
	storerig_close(&r);
	for (long i = 0; i < n; i++)
		one_trial(&r, pristine, seed + (uint64_t)i);
	storerig_remove_tree(pristine);
	storerig_fini(&r);
}

static void
damage_after_a_clean_stop_is_reported_and_nothing_else_lost(void **state)
{
	(void)state;
	run(true, true);
}

static void
damage_after_a_crash_is_reported_and_nothing_else_lost(void **state)
{
	(void)state;
	run(true, false);
}

static void
damage_without_a_key_is_noticed_as_well(void **state)
{
	(void)state;
	run(false, true);
}

/* Spoil the header of the last batch of the newest segment. */
static void
spoil_last(struct storerig *r)
{
	uint8_t page[PAGE];
	char dir[300];
	size_t n = 0;
	struct victim v = {.fd = -1};
	off_t last = 0;

	snprintf(dir, sizeof(dir), "%s/seg", r->dir);
	while (nth_file(dir, ".sp", n, v.path))
		n++;
	v.fd = open(v.path, O_RDWR);
	assert_true(v.fd >= 0);
	for (off_t off = 0; pread(v.fd, page, PAGE, off) == PAGE; off += PAGE)
		if (!memcmp(page + 16, "SPLBATCH", 8))
			last = off;
	at(&v, (uint64_t)last + 16 + 40, "spoilt", 6);
	close(v.fd);
}

/* Four batches, perhaps meta, and the last is spoilt; what was to come. */
static uint64_t
fill_and_spoil(struct storerig *r, bool with_meta)
{
	struct store_meta_item item = {bytes_of_str("k"), bytes_of_str("v")};
	struct store_info info;

	storerig_init(r, true);
	assert_int_equal(storerig_open(r), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(storerig_put(r, 3, 9000), 0);
	if (with_meta)
		assert_int_equal(store_meta_put(r->s, &item, 1), 0);
	store_info(r->s, &info);
	storerig_close(r);
	spoil_last(r);
	return info.next_rec;
}

/* As meta was saved behind it, it is known how many records it had. */
static void
damage_at_the_end_is_as_wide_as_meta_knows(void **state)
{
	struct storerig_sum sum;
	struct store_info info;
	struct storerig r;
	uint64_t next_rec = fill_and_spoil(&r, true);

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(storerig_open(&r), 0);
		storerig_read_all(&r, &sum);
		assert_true(storerig_is_honest(&sum));
		assert_true(sum.lost_records > 0);
		assert_int_equal(sum.damaged_records, sum.lost_records);
		store_info(r.s, &info);
		assert_true(i || info.next_rec == next_rec);
		assert_int_equal(info.known_rec, info.next_rec);
		assert_int_equal(storerig_put(&r, 3, 9000), 0);
		storerig_close(&r);
	}
	storerig_fini(&r);
}

/* Nobody knows: all numbers that it may have had are left out. */
static void
damage_at_the_end_that_nobody_knows_of_leaves_a_hole(void **state)
{
	struct storerig_sum sum;
	struct store_info info;
	struct storerig r;
	uint64_t next_rec = fill_and_spoil(&r, false);

	(void)state;
	assert_int_equal(storerig_open(&r), 0);
	storerig_read_all(&r, &sum);
	assert_true(storerig_is_honest(&sum));
	assert_true(sum.damaged_records > sum.lost_records);
	store_info(r.s, &info);
	assert_true(info.known_rec < next_rec);
	assert_true(info.next_rec > next_rec);
	storerig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		damage_after_a_clean_stop_is_reported_and_nothing_else_lost),
	    cmocka_unit_test(
		damage_after_a_crash_is_reported_and_nothing_else_lost),
	    cmocka_unit_test(damage_without_a_key_is_noticed_as_well),
	    cmocka_unit_test(damage_at_the_end_is_as_wide_as_meta_knows),
	    cmocka_unit_test(
		damage_at_the_end_that_nobody_knows_of_leaves_a_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
