/* SPDX-License-Identifier: Apache-2.0 */
/* What a store refuses to open, unharmed, and what it mends. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/store/segfmt.h"
#include "tests/component/store_expect.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/storerig.h"

#define SLOT 4096

static void
refused(struct storerig *r, int code, const char *word)
{
	assert_int_equal(storerig_open(r), code);
	if (!strstr(r->why, word))
		fail_msg("\"%s\" does not say \"%s\"", r->why, word);
}

/* Flip or overwrite part of a file of the spool. */
static void
spoil(struct storerig *r, const char *name, long off, size_t len, int with)
{
	uint8_t bytes[SLOT];
	char path[512];
	int fd;

	memset(bytes, with, sizeof(bytes));
	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, off), len);
	close(fd);
}

static void
put_value(struct storerig *r)
{
	struct store_meta_item item = {
	    bytes_of_str("key"), bytes_of_str("value")};

	assert_int_equal(store_meta_put(r->s, &item, 1), 0);
}

static bool
has_value(struct storerig *r)
{
	struct buf value;
	int rc;

	buf_init(&value, 100);
	rc = store_meta_get(r->s, bytes_of_str("key"), &value);
	buf_fini(&value);
	return !rc;
}

/* The second time it takes the place of the first. */
static void
meta_that_is_called_bad_is_set_aside_and_counted(void **state)
{
	struct store_info before, after;
	struct storerig r;
	char path[512];
	struct stat st;

	(void)state;
	store_expect_begin(&r, true, 3);
	store_info(r.s, &before);
	snprintf(path, sizeof(path), "%s/quarantine/meta.mdb", r.dir);
	for (int i = 0; i < 2; i++) {
		put_value(&r);
		storerig_close(&r);
		r.o.meta_is_bad = true;
		store_expect_open(&r);
		assert_false(has_value(&r));
		store_info(r.s, &after);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(
		    after.used_bytes, before.used_bytes + (uint64_t)st.st_size);
		assert_int_equal(after.quarantined, 1);
		store_expect_perfect(&r);
	}
	storerig_fini(&r);
}

/* What keeps it from being made is gone later, as a full disk may be. */
static void
without_meta_a_spool_opens_and_it_is_made_later(void **state)
{
	struct storerig r;
	char path[512], tmp[520];

	(void)state;
	store_expect_begin(&r, true, 3);
	put_value(&r);
	storerig_close(&r);
	snprintf(path, sizeof(path), "%s/meta/meta.mdb", r.dir);
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(tmp, 0700), 0);
	store_expect_open(&r);
	assert_false(has_value(&r));
	store_expect_perfect(&r);
	assert_int_equal(storerig_put(&r, 2, 20000), 0);
	assert_int_equal(rmdir(tmp), 0);
	put_value(&r);
	assert_true(has_value(&r));
	storerig_fini(&r);
}

/* ---- refusals ---- */

static void
a_second_keeper_is_refused(void **state)
{
	struct store *second = NULL;
	struct storerig r;
	char why[256];

	(void)state;
	store_expect_begin(&r, true, 3);
	assert_int_equal(store_open(&r.o, why, sizeof(why), &second), ERR_BUSY);
	assert_non_null(strstr(why, "another keeper"));
	store_expect_perfect(&r);
	storerig_fini(&r);
}

static void
a_newer_lock_is_refused(void **state)
{
	uint8_t raw[4096 + 512];
	struct storerig r;
	char path[512];
	int fd;

	(void)state;
	store_expect_begin(&r, true, 3);
	storerig_close(&r);
	snprintf(path, sizeof(path), "%s/LOCK", r.dir);
	fd = open(path, O_RDWR);
	assert_true(pread(fd, raw, sizeof(raw), 0) > 512);
	endian_put_le16(raw + 8, 2); /* version 2, whatever follows */
	endian_put_le16(raw + 4096 + 8, 2);
	assert_int_equal(pwrite(fd, raw, sizeof(raw), 0), sizeof(raw));
	refused(&r, ERR_VERSION, "newer version");
	endian_put_le16(raw + 8, 1);
	endian_put_le16(raw + 4096 + 8, 1);
	assert_int_equal(pwrite(fd, raw, sizeof(raw), 0), sizeof(raw));
	close(fd);
	store_expect_open(&r);
	store_expect_perfect(&r);
	storerig_fini(&r);
}

/* The one that is spoilt may have been the newer, and said "open". */
static void
a_lock_copy_that_cannot_be_read_counts_as_unclean(void **state)
{
	struct store_info info;
	struct storerig r;

	(void)state;
	store_expect_begin(&r, true, 3);
	for (long copy = 1; copy >= 0; copy--) {
		storerig_close(&r);
		store_expect_open(&r);
		store_info(r.s, &info);
		assert_true(info.clean);
		storerig_close(&r);
		spoil(&r, "LOCK", copy * 4096 + 20, 4, 0xa5);
		store_expect_open(&r);
		store_info(r.s, &info);
		assert_false(info.clean);
		store_expect_perfect(&r);
	}
	storerig_fini(&r);
}

static void
a_newer_segment_is_refused(void **state)
{
	struct storerig r;
	uint8_t page[4096];
	char path[512];
	long off = 8192;
	int fd, found = 0;

	(void)state;
	store_expect_begin(&r, true, 3);
	assert_true(storerig_segment_path(&r, 0, path));
	storerig_close(&r);
	fd = open(path, O_RDWR);
	for (; pread(fd, page, sizeof(page), off) == 4096; off += 4096) {
		if (memcmp(page + 16, "SPLSEGMT", 8))
			continue;
		endian_put_le16(page + 16 + 8, 2);
		assert_int_equal(pwrite(fd, page, sizeof(page), off), 4096);
		found++;
	}
	close(fd);
	assert_true(found >= 2);
	refused(&r, ERR_VERSION, "newer version");
	storerig_fini(&r);
}

static void
memory_file_systems_are_refused_unless_allowed(void **state)
{
	struct storerig r;

	(void)state;
	storerig_init(&r, true);
	storerig_remove_tree(r.dir);
	snprintf(r.dir, sizeof(r.dir), "/dev/shm/storerig-%ld", (long)getpid());
	r.o.allow_any_filesystem = false;
	refused(&r, ERR_UNSUPPORTED, "tmpfs");
	r.o.allow_any_filesystem = true;
	store_expect_open(&r);
	storerig_fini(&r);
}

static void
a_link_and_an_open_directory_are_refused(void **state)
{
	struct storerig r;
	char real[256];

	(void)state;
	storerig_init(&r, true);
	memcpy(real, r.dir, sizeof(real));
	strcat(r.dir, ".link");
	assert_int_equal(symlink(real, r.dir), 0);
	refused(&r, ERR_DENIED, "symbolic link");
	unlink(r.dir);
	memcpy(r.dir, real, sizeof(real));
	assert_int_equal(chmod(r.dir, 0770), 0);
	refused(&r, ERR_DENIED, "others may write");
	assert_int_equal(chmod(r.dir, 0700), 0);
	store_expect_open(&r);
	storerig_fini(&r);
}

/* ---- keys ---- */

static void
a_wrong_or_missing_key_is_refused_and_nothing_changes(void **state)
{
	struct storerig r;

	(void)state;
	store_expect_begin(&r, true, 3);
	storerig_close(&r);
	r.o.key[0] ^= 1;
	refused(&r, ERR_KEY, "another key");
	r.o.encrypt = false;
	refused(&r, ERR_KEY, "no key is configured");
	r.o.encrypt = true;
	r.o.key_is_new = true;
	refused(&r, ERR_KEY, "key is missing");
	/* Not even if LOCK has forgotten which key it was. */
	spoil(&r, "LOCK", 0, 4096, 0);
	spoil(&r, "LOCK", 4096, 512, 0);
	refused(&r, ERR_KEY, "key is missing");
	r.o.key_is_new = false;
	refused(&r, ERR_KEY, "another key");
	r.o.key[0] ^= 1;
	store_expect_open(&r);
	store_expect_perfect(&r);
	storerig_fini(&r);
}

static void
encryption_can_be_switched_on_later(void **state)
{
	struct storerig r;

	(void)state;
	store_expect_begin(&r, false, 3);
	storerig_close(&r);
	r.o.encrypt = true;
	r.o.key_is_new = true;
	store_expect_open(&r);
	for (int i = 0; i < 3; i++)
		assert_int_equal(storerig_put(&r, 3, 20000), 0);
	store_expect_perfect(&r);
	storerig_close(&r);
	r.o.key_is_new = false;
	store_expect_open(&r);
	store_expect_perfect(&r);
	storerig_fini(&r);
}

static void
a_bad_key_slot_is_mended_from_its_twin(void **state)
{
	struct storerig r;

	(void)state;
	store_expect_begin(&r, true, 30);
	storerig_close(&r);
	spoil(&r, "keys.a", 0, SLOT, 0xff);
	spoil(&r, "keys.b", SLOT + 60, 1, 0xff);
	store_expect_open(&r);
	assert_int_equal(r.events[STORE_EVENT_KEY_SLOT_MENDED], 1);
	store_expect_perfect(&r);
	storerig_close(&r);
	store_expect_open(&r);
	assert_int_equal(r.events[STORE_EVENT_KEY_SLOT_MENDED], 0);
	/* Each file has it all. */
	storerig_close(&r);
	spoil(&r, "keys.b", 0, SLOT, 0);
	spoil(&r, "keys.b", SLOT, SLOT, 0);
	store_expect_open(&r);
	store_expect_perfect(&r);
	storerig_fini(&r);
}

static void
a_key_gone_from_both_files_costs_its_segment_only(void **state)
{
	struct store_segment rows[16];
	struct storerig_sum sum;
	struct storerig r;

	(void)state;
	store_expect_begin(&r, true, 30);
	assert_true(store_segments(r.s, rows, 16) > 2);
	storerig_close(&r);
	spoil(&r, "keys.a", 0, SLOT, 0xff);
	spoil(&r, "keys.b", 0, SLOT, 0xff);
	store_expect_open(&r);
	storerig_read_all(&r, &sum);
	assert_true(storerig_is_honest(&sum));
	assert_int_equal(
	    sum.lost_records, rows[0].next_rec - rows[0].first_rec);
	assert_int_equal(sum.damaged_records, sum.lost_records);
	storerig_fini(&r);
}

/* The bytes of a wrapped or a data key are in no other file. */
static void
no_plain_record_is_on_the_disk(void **state)
{
	char command[600];
	struct storerig r;

	(void)state;
	store_expect_begin(&r, true, 3);
	/* Control batches hold this sentence in the clear otherwise. */
	snprintf(command, sizeof(command), "grep -rq 'a full checkpoint' '%s'",
	    r.dir);
	assert_int_not_equal(system(command), 0);
	storerig_fini(&r);
	store_expect_begin(&r, false, 3);
	snprintf(command, sizeof(command), "grep -rq 'a full checkpoint' '%s'",
	    r.dir);
	assert_int_equal(system(command), 0);
	storerig_fini(&r);
}

/* Write both copies of a segment's header again, made two days ago. */
static void
make_older(const char *path)
{
	uint8_t page[4096];
	struct segfmt_header h;
	int fd = open(path, O_RDWR);

	for (long off = 8192; pread(fd, page, sizeof(page), off) == 4096;
	     off += 4096) {
		if (segfmt_header_decode(
			bytes_of(page + 16, SEGFMT_VALUE_SIZE), &h))
			continue;
		h.created_ns -= 2 * 86400 * (int64_t)1000000000;
		segfmt_header_encode(&h, page + 16);
		assert_int_equal(pwrite(fd, page, sizeof(page), off), 4096);
	}
	close(fd);
}

static void
a_data_key_serves_one_day(void **state)
{
	struct store_segment rows[4];
	struct storerig r;
	char path[512];

	(void)state;
	store_expect_begin(&r, true, 2);
	assert_true(storerig_segment_path(&r, 0, path));
	storerig_close(&r);
	store_expect_open(&r);
	assert_int_equal(storerig_put(&r, 1, 100), 0);
	assert_int_equal(store_segments(r.s, rows, 4), 1);
	storerig_close(&r);
	make_older(path);
	store_expect_open(&r);
	assert_int_equal(storerig_put(&r, 1, 100), 0);
	assert_int_equal(store_segments(r.s, rows, 4), 2);
	assert_true(rows[0].sealed);
	store_expect_perfect(&r);
	storerig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_second_keeper_is_refused),
	    cmocka_unit_test(a_newer_lock_is_refused),
	    cmocka_unit_test(a_lock_copy_that_cannot_be_read_counts_as_unclean),
	    cmocka_unit_test(meta_that_is_called_bad_is_set_aside_and_counted),
	    cmocka_unit_test(without_meta_a_spool_opens_and_it_is_made_later),
	    cmocka_unit_test(a_newer_segment_is_refused),
	    cmocka_unit_test(memory_file_systems_are_refused_unless_allowed),
	    cmocka_unit_test(a_link_and_an_open_directory_are_refused),
	    cmocka_unit_test(
		a_wrong_or_missing_key_is_refused_and_nothing_changes),
	    cmocka_unit_test(encryption_can_be_switched_on_later),
	    cmocka_unit_test(a_bad_key_slot_is_mended_from_its_twin),
	    cmocka_unit_test(a_key_gone_from_both_files_costs_its_segment_only),
	    cmocka_unit_test(no_plain_record_is_on_the_disk),
	    cmocka_unit_test(a_data_key_serves_one_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
