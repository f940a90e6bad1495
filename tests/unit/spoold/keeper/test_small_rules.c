/* SPDX-License-Identifier: Apache-2.0 */
/* clock_rules, linkdefs, access, key_file: small and exact. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "spoold/keeper/access.h"
#include "spoold/keeper/clock_rules.h"
#include "spoold/keeper/control.h"
#include "spoold/keeper/expiry.h"
#include "spoold/keeper/key_file.h"
#include "spoold/keeper/linkdefs.h"
#include "tests/helpers/cmocka_all.h"

#define DAY_NS (24ll * 3600 * 1000000000)

/* ---- RULES.md 11: spool time ---- */

static bool
start(struct clock_rules *c, int64_t jump_ns, struct entry_clock *e)
{
	const struct entry_identity last = {
	    .spool_time_us = 5000000, .wall_ns = 1000 * DAY_NS};
	const struct now now = {
	    .mono_us = 777, .wall_ns = 1000 * DAY_NS + jump_ns};

	return clock_rules_start(c, &last, now, e);
}

static void
over_a_start_the_wall_clock_counts_up_to_thirty_days(void **state)
{
	const struct now later = {.mono_us = 777 + 1000};
	struct clock_rules c;
	struct entry_clock e;

	(void)state;
	assert_false(start(&c, 2 * DAY_NS, &e));
	assert_int_equal(c.base_us, 5000000 + 2 * DAY_NS / 1000);
	assert_int_equal(clock_rules_us(&c, later), c.base_us + 1000);
	assert_false(start(&c, 30 * DAY_NS, &e));
	assert_false(start(&c, 0, &e));
	assert_int_equal(c.base_us, 5000000);
}

static void
a_clock_that_cannot_be_believed_counts_nothing_and_is_recorded(void **state)
{
	struct clock_rules c;
	struct entry_clock e;

	(void)state;
	assert_true(start(&c, -1, &e));
	assert_int_equal(c.base_us, 5000000);
	assert_int_equal(e.jump_ns, -1);
	assert_true(start(&c, 30 * DAY_NS + 1, &e));
	assert_int_equal(c.base_us, 5000000);
	assert_int_equal(e.spool_time_us, 5000000);
}

static void
the_end_of_a_certificate_is_told_30_7_and_1_day_before(void **state)
{
	static const struct {
		int64_t left_s;
		enum expiry e;
	} row[] = {
	    {30 * 86400 + 1, EXPIRY_FAR},
	    {30 * 86400, EXPIRY_30_DAYS},
	    {7 * 86400 + 1, EXPIRY_30_DAYS},
	    {7 * 86400, EXPIRY_7_DAYS},
	    {86400 + 1, EXPIRY_7_DAYS},
	    {86400, EXPIRY_1_DAY},
	    {1, EXPIRY_1_DAY},
	    {0, EXPIRY_OVER},
	    {-86400, EXPIRY_OVER},
	};
	const int64_t now_ns = 1000 * DAY_NS;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint64_t ends = (uint64_t)(now_ns / 1000000000 + row[i].left_s);

		assert_int_equal(expiry_of(ends, now_ns), row[i].e);
		assert_int_equal(
		    !*expiry_text(row[i].e), row[i].e == EXPIRY_FAR);
	}
	assert_int_equal(expiry_of(0, now_ns), EXPIRY_FAR);
	assert_int_equal(expiry_of(UINT64_MAX, now_ns), EXPIRY_FAR);
}

/* ---- numbers of streams on a link ---- */

static struct sdef *
def_of(unsigned i)
{
	struct entry_stream_key k = {.name = bytes_of(&i, sizeof(i))};

	return sdef_new(&k, bytes_of_str("agents"), bytes_of_str("peer"),
	    bytes_of_str(""), bytes_of_str(""));
}

static uint32_t
id_of(struct linkdefs *l, unsigned i, uint64_t seq, uint64_t oldest, bool *new)
{
	struct sdef *d = def_of(i);
	uint32_t id = linkdefs_id(l, d, seq, oldest, new);

	sdef_unref(d);
	return id;
}

static void
equal_definitions_share_a_number(void **state)
{
	struct linkdefs *l = linkdefs_new(1, 4);
	bool is_new;
	uint32_t id;

	(void)state;
	id = id_of(l, 1, 1, 1, &is_new);
	assert_true(is_new);
	assert_int_not_equal(id, 0);
	assert_int_equal(id_of(l, 1, 2, 1, &is_new), id);
	assert_false(is_new);
	assert_int_not_equal(id_of(l, 2, 2, 1, &is_new), id);
	assert_true(is_new);
	linkdefs_free(l);
}

static void
a_number_is_given_anew_only_when_no_batch_on_the_way_uses_it(void **state)
{
	struct linkdefs *l = linkdefs_new(1, 3);
	bool is_new;
	unsigned i;

	(void)state;
	for (i = 1; i <= 3; i++)
		assert_int_equal(id_of(l, i, i, 1, &is_new), i);
	assert_int_equal(id_of(l, 9, 4, 1, &is_new), 0); /* 1 is out there */
	assert_int_equal(id_of(l, 9, 4, 2, &is_new), 1);
	assert_true(is_new);
	assert_int_equal(id_of(l, 1, 5, 2, &is_new), 0); /* 2 is out there */
	assert_int_equal(id_of(l, 1, 5, 3, &is_new), 2);
	assert_true(is_new); /* it must be defined again */
	linkdefs_free(l);
}

/* ---- who may do what ---- */

static void
groups_give_rights_and_strangers_have_none(void **state)
{
	gid_t viewers[] = {10}, operators[] = {20}, readers[] = {30};
	gid_t mine[] = {5, 20};
	struct settings s = {.starter = 1000};

	(void)state;
	s.group[SETTINGS_VIEWERS] = viewers;
	s.group[SETTINGS_OPERATORS] = operators;
	s.group[SETTINGS_READERS] = readers;
	s.groups[SETTINGS_VIEWERS] = 1;
	s.groups[SETTINGS_OPERATORS] = 1;
	s.groups[SETTINGS_READERS] = 1;
	assert_int_equal(access_rights(&s, 4711, mine, 1), 0);
	assert_int_equal(
	    access_rights(&s, 4711, mine, 2), CONTROL_VIEW | CONTROL_OPERATE);
	assert_int_equal(
	    access_rights(&s, 4711, readers, 1), CONTROL_VIEW | CONTROL_READ);
	assert_int_equal(access_rights(&s, 1000, NULL, 0),
	    CONTROL_VIEW | CONTROL_OPERATE | CONTROL_ADMIN | CONTROL_READ);
	assert_int_equal(access_rights(&s, 0, NULL, 0),
	    CONTROL_VIEW | CONTROL_OPERATE | CONTROL_ADMIN | CONTROL_READ);
}

/* ---- RULES.md 6: the key beside the data ---- */

static void
a_key_is_made_in_an_empty_directory_and_never_again(void **state)
{
	char dir[] = "/tmp/spoold-key-XXXXXX", path[64], why[256];
	uint8_t key[KEY_FILE_SIZE], again[KEY_FILE_SIZE];
	struct stat st;
	bool made;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/spool.key", dir);
	assert_int_equal(key_file_get(dir, key, &made, why, sizeof(why)), 0);
	assert_true(made);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, KEY_FILE_SIZE);
	assert_int_equal(key_file_get(dir, again, &made, why, sizeof(why)), 0);
	assert_false(made);
	assert_memory_equal(key, again, KEY_FILE_SIZE);
	/* With anything else there, a missing key is not replaced. */
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/meta", dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(
	    key_file_get(dir, again, &made, why, sizeof(why)), ERR_KEY);
	assert_non_null(strstr(why, "missing"));
	/* Neither is a broken one. */
	snprintf(path, sizeof(path), "%s/spool.key", dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "short", 5), 5);
	close(fd);
	assert_int_equal(
	    key_file_get(dir, again, &made, why, sizeof(why)), ERR_KEY);
	unlink(path);
	snprintf(path, sizeof(path), "%s/meta", dir);
	unlink(path);
	rmdir(dir);
}

static void
the_floor_of_time_stays_when_the_wall_clock_falls_back(void **state)
{
	const int64_t created = 1000 * DAY_NS;
	const struct now in_1970 = {.mono_us = 777, .wall_ns = 5};
	struct clock_rules c;
	struct entry_clock e;

	(void)state;
	/* The machine starts without a battery: 1970. */
	assert_true(start(&c, -1000 * DAY_NS, &e));
	assert_int_equal(
	    clock_rules_floor_ns(&c, created, in_1970), created + 5000000000);
	const struct now later = {.mono_us = 777 + 9000000};
	assert_int_equal(
	    clock_rules_floor_ns(&c, created, later), created + 14000000000);
	/* Nothing is known: nothing is claimed. */
	assert_int_equal(clock_rules_floor_ns(&c, 0, later), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_end_of_a_certificate_is_told_30_7_and_1_day_before),
	    cmocka_unit_test(
		over_a_start_the_wall_clock_counts_up_to_thirty_days),
	    cmocka_unit_test(
		a_clock_that_cannot_be_believed_counts_nothing_and_is_recorded),
	    cmocka_unit_test(
		the_floor_of_time_stays_when_the_wall_clock_falls_back),
	    cmocka_unit_test(equal_definitions_share_a_number),
	    cmocka_unit_test(
		a_number_is_given_anew_only_when_no_batch_on_the_way_uses_it),
	    cmocka_unit_test(groups_give_rights_and_strangers_have_none),
	    cmocka_unit_test(
		a_key_is_made_in_an_empty_directory_and_never_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
