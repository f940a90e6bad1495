/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/unit/forwarder/targets/file_rig.h"

static void
records_are_lines_in_order(void **state)
{
	struct file_rig f;

	(void)state;
	file_rig_begin(&f, &file_rig_plain);
	for (uint64_t i = 0; i < 20; i++)
		peer_batch(
		    &f.peer, 1 + i * FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + 20 * FILE_RIG_BATCH);
	file_rig_check(&f, 20 * FILE_RIG_BATCH);
	assert_int_equal(
	    f.peer.by_term[ENTRY_TERM_DELIVERED], 20 * FILE_RIG_BATCH);
	assert_int_equal(file_rig_count(&f, ".log"), 1);
	file_rig_end(&f);
}

static void
framing_length_writes_the_bytes(void **state)
{
	struct file_rig_settings s = file_rig_plain;
	struct file_rig f;

	(void)state;
	s.framing = "length";
	s.size = 30000;
	file_rig_begin(&f, &s);
	for (uint64_t i = 0; i < 3; i++)
		peer_batch(
		    &f.peer, 1 + i * FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + 3 * FILE_RIG_BATCH);
	file_rig_check(&f, 3 * FILE_RIG_BATCH);
	assert_true(file_rig_count(&f, ".log") > 2);
	file_rig_end(&f);
}

static void
streams_that_are_not_wanted_are_filtered(void **state)
{
	struct file_rig_settings s = file_rig_plain;
	struct file_rig f;

	(void)state;
	s.streams = "o*";
	file_rig_begin(&f, &s);
	f.mixed = true;
	for (uint64_t i = 0; i < 4; i++)
		peer_batch(
		    &f.peer, 1 + i * FILE_RIG_BATCH, FILE_RIG_BATCH, true);
	peer_until_settled(&f.peer, 1, 1 + 4 * FILE_RIG_BATCH);
	file_rig_check(&f, 4 * FILE_RIG_BATCH);
	assert_int_equal(
	    f.peer.by_term[ENTRY_TERM_DELIVERED], 2 * FILE_RIG_BATCH);
	assert_int_equal(
	    f.peer.by_term[ENTRY_TERM_FILTERED], 2 * FILE_RIG_BATCH);
	file_rig_end(&f);
}

/* All but the last; fewer are there only before it began. */
static bool
all_packed(void *arg)
{
	return file_rig_count(arg, ".log") == 1 &&
	    file_rig_count(arg, ".zst") > 3;
}

static bool
is_packed(void *arg)
{
	return file_rig_count(arg, ".log") == 1;
}

static void
a_full_file_is_closed_and_packed(void **state)
{
	struct file_rig_settings s = file_rig_plain;
	struct file_rig f;

	(void)state;
	s.size = 40000;
	s.compress = "zstd";
	file_rig_begin(&f, &s);
	for (uint64_t i = 0; i < 10; i++)
		peer_batch(
		    &f.peer, 1 + i * FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + 10 * FILE_RIG_BATCH);
	peer_until(&f.peer, all_packed, &f);
	file_rig_check(&f, 10 * FILE_RIG_BATCH);
	file_rig_end(&f);
}

static void
nothing_is_packed_before_the_keeper_says_durable(void **state)
{
	struct file_rig_settings s = file_rig_plain;
	struct file_rig f;
	struct ipc_msg m = {.type = IPC_DURABLE};

	(void)state;
	s.size = 40000;
	s.compress = "zstd";
	file_rig_begin(&f, &s);
	peer_batch(&f.peer, 1, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + FILE_RIG_BATCH);
	f.peer.mute = true;
	for (uint64_t i = 1; i < 10; i++)
		peer_batch(
		    &f.peer, 1 + i * FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + 10 * FILE_RIG_BATCH);
	for (int i = 0; i < 20; i++)
		peer_turn(&f.peer, 5);
	assert_true(file_rig_count(&f, ".zst") <= 1);
	memcpy(m.u.durable.opaque, f.peer.opaque, ENTRY_OPAQUE_SIZE);
	peer_send(&f.peer, &m);
	peer_until(&f.peer, all_packed, &f);
	file_rig_check(&f, 10 * FILE_RIG_BATCH);
	file_rig_end(&f);
}

/* The keeper has lost what it wrote of late: it holds an older position. */
static void
check_going_back(bool broken_off)
{
	struct file_rig_settings s = file_rig_plain;
	struct file_rig f;
	uint8_t opaque[ENTRY_OPAQUE_SIZE];
	char name[64];

	s.size = 40000;
	s.compress = "zstd";
	file_rig_begin(&f, &s);
	peer_batch(&f.peer, 1, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + FILE_RIG_BATCH);
	memcpy(opaque, f.peer.opaque, sizeof(opaque));
	snprintf(name, sizeof(name), "archive-%016u.log", opaque[8]);
	for (uint64_t i = 1; i < 10; i++)
		peer_batch(
		    &f.peer, 1 + i * FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + 10 * FILE_RIG_BATCH);
	peer_until(&f.peer, all_packed, &f);
	for (int i = 0; i < 20; i++) /* it looks once more, in vain */
		peer_turn(&f.peer, 5);
	memcpy(f.peer.opaque, opaque, sizeof(opaque));
	ivset_clear(&f.peer.settled);
	assert_int_equal(
	    ivset_add(&f.peer.settled, 1, 1 + FILE_RIG_BATCH, NULL), 0);
	if (broken_off) /* an earlier attempt was killed */
		file_rig_put(&f, name, "record 1");
	file_rig_restart(&f, &s);
	for (uint64_t i = 1; i < 3; i++)
		peer_batch(
		    &f.peer, 1 + i * FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + 3 * FILE_RIG_BATCH);
	peer_until(&f.peer, is_packed, &f);
	file_rig_check(&f, 3 * FILE_RIG_BATCH);
	file_rig_end(&f);
}

static void
a_position_in_a_packed_file_can_be_gone_back_to(void **state)
{
	(void)state;
	check_going_back(false);
	check_going_back(true);
}

static bool
has_two_files(void *arg)
{
	return file_rig_count(arg, ".log") == 2;
}

static void
an_old_file_is_closed_without_further_records(void **state)
{
	struct file_rig_settings s = file_rig_plain;
	struct file_rig f;

	(void)state;
	s.every_ms = 300;
	file_rig_begin(&f, &s);
	peer_batch(&f.peer, 1, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + FILE_RIG_BATCH);
	peer_until(&f.peer, has_two_files, &f);
	/* An empty file does not grow old. */
	for (int i = 0; i < 50; i++)
		peer_turn(&f.peer, 10);
	assert_int_equal(file_rig_count(&f, ".log"), 2);
	file_rig_restart(&f, &s);
	peer_batch(&f.peer, 1 + FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + 2 * FILE_RIG_BATCH);
	file_rig_check(&f, 2 * FILE_RIG_BATCH);
	file_rig_end(&f);
}

static void
what_was_written_past_the_position_goes(void **state)
{
	struct file_rig f;

	(void)state;
	file_rig_begin(&f, &file_rig_plain);
	peer_batch(&f.peer, 1, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + FILE_RIG_BATCH);
	/* More than what will be written over it. */
	for (int i = 0; i < 20000; i++)
		file_rig_put(&f, "archive-0000000000000001.log", "half a reco");
	file_rig_put(&f, "archive-0000000000000002.log", "a later file");
	file_rig_put(&f, "archive-0000000000000001.log.zst", "made by halves");
	file_rig_restart(&f, &file_rig_plain);
	peer_batch(&f.peer, 1 + FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + 2 * FILE_RIG_BATCH);
	file_rig_check(&f, 2 * FILE_RIG_BATCH);
	assert_int_equal(file_rig_count(&f, ".log"), 1);
	assert_int_equal(file_rig_count(&f, ".zst"), 0);
	file_rig_end(&f);
}

static void
a_stranger_is_named_and_not_touched(void **state)
{
	struct file_rig f;
	char path[256];

	(void)state;
	file_rig_begin(&f, &file_rig_plain);
	peer_batch(&f.peer, 1, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + FILE_RIG_BATCH);
	file_rig_put(&f, "notes.txt", "mine");
	file_rig_put(&f, "archive-0000000000000009.log", "ours, too late");
	file_rig_restart(&f, &file_rig_plain);
	peer_until_error(&f.peer, "STRANGE_FILE");
	assert_string_equal(f.peer.state, "hold");
	assert_non_null(strstr(f.peer.error_text, "notes.txt"));
	assert_int_equal(file_rig_count(&f, "9.log"), 1);
	snprintf(path, sizeof(path), "%s/notes.txt", f.dir);
	assert_int_equal(unlink(path), 0);
	peer_control(&f.peer, IPC_CONTROL_RETRY);
	peer_batch(&f.peer, 1 + FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + 2 * FILE_RIG_BATCH);
	file_rig_check(&f, 2 * FILE_RIG_BATCH);
	file_rig_end(&f);
}

static void
a_directory_that_was_replaced_holds(void **state)
{
	struct file_rig f;
	char path[256];

	(void)state;
	file_rig_begin(&f, &file_rig_plain);
	peer_batch(&f.peer, 1, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + FILE_RIG_BATCH);
	snprintf(path, sizeof(path), "%s/archive-0000000000000001.log", f.dir);
	assert_int_equal(truncate(path, 10), 0);
	file_rig_restart(&f, &file_rig_plain);
	peer_until_error(&f.peer, "FILE_MISSING");
	assert_non_null(strstr(f.peer.error_text, "shorter"));
	f.peer.error_code[0] = '\0';
	assert_int_equal(unlink(path), 0);
	file_rig_restart(&f, &file_rig_plain);
	peer_until_error(&f.peer, "FILE_MISSING");
	assert_non_null(strstr(f.peer.error_text, "not there"));
	file_rig_end(&f);
}

static void
a_file_that_is_taken_away_meanwhile_holds_until_it_is_back(void **state)
{
	struct file_rig f;
	char path[256], away[256];

	(void)state;
	file_rig_begin(&f, &file_rig_plain);
	peer_batch(&f.peer, 1, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + FILE_RIG_BATCH);
	snprintf(path, sizeof(path), "%s/archive-0000000000000001.log", f.dir);
	snprintf(away, sizeof(away), "%s.away", f.dir);
	assert_int_equal(rename(path, away), 0);
	peer_batch(&f.peer, 1 + FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_error(&f.peer, "FILE_MISSING");
	assert_int_equal(f.peer.by_term[ENTRY_TERM_DELIVERED], FILE_RIG_BATCH);
	assert_int_equal(rename(away, path), 0);
	peer_control(&f.peer, IPC_CONTROL_RETRY);
	peer_until_settled(&f.peer, 1, 1 + 2 * FILE_RIG_BATCH);
	file_rig_check(&f, 2 * FILE_RIG_BATCH);
	file_rig_end(&f);
}

static void
a_new_target_takes_no_old_files_away(void **state)
{
	struct file_rig f;

	(void)state;
	file_rig_begin(&f, &file_rig_plain);
	peer_batch(&f.peer, 1, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + FILE_RIG_BATCH);
	/* The spool was lost: the keeper knows nothing of this directory. */
	memset(f.peer.opaque, 0, sizeof(f.peer.opaque));
	file_rig_restart(&f, &file_rig_plain);
	peer_until_error(&f.peer, "NOT_EMPTY");
	file_rig_check(&f, FILE_RIG_BATCH);
	file_rig_end(&f);
}

static void
a_target_that_was_renamed_takes_its_files_along(void **state)
{
	struct file_rig_settings s = file_rig_plain;
	struct file_rig f;

	(void)state;
	s.size = 40000;
	file_rig_begin(&f, &s);
	for (uint64_t i = 0; i < 5; i++)
		peer_batch(
		    &f.peer, 1 + i * FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + 5 * FILE_RIG_BATCH);
	s.name = "other";
	/* A stranger is found before anything is renamed. */
	file_rig_put(&f, "notes.txt", "mine");
	file_rig_restart(&f, &s);
	peer_until_error(&f.peer, "STRANGE_FILE");
	assert_int_equal(file_rig_count(&f, "0000000000000001.log"), 1);
	file_rig_take(&f, "notes.txt");
	/* A crash left it half done. */
	file_rig_move(
	    &f, "archive-0000000000000001.log", "other-0000000000000001.log");
	peer_control(&f.peer, IPC_CONTROL_RETRY);
	peer_batch(&f.peer, 1 + 5 * FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + 6 * FILE_RIG_BATCH);
	file_rig_check(&f, 6 * FILE_RIG_BATCH);
	file_rig_restart(&f, &s);
	peer_batch(&f.peer, 1 + 6 * FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + 7 * FILE_RIG_BATCH);
	file_rig_check(&f, 7 * FILE_RIG_BATCH);
	file_rig_end(&f);
}

static void
a_disk_that_takes_no_more_is_tried_again(void **state)
{
	struct rlimit before, small;
	struct file_rig f;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 60000;
	file_rig_begin(&f, &file_rig_plain);
	peer_batch(&f.peer, 1, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + FILE_RIG_BATCH);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (uint64_t i = 1; i < 5; i++)
		peer_batch(
		    &f.peer, 1 + i * FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_error(&f.peer, "IO_ERROR");
	assert_string_equal(f.peer.state, "retry");
	assert_non_null(strstr(f.peer.error_text,
	    "cannot write archive-0000000000000001.log: File too large"));
	setrlimit(RLIMIT_FSIZE, &before);
	peer_until_settled(&f.peer, 1, 1 + 5 * FILE_RIG_BATCH);
	file_rig_check(&f, 5 * FILE_RIG_BATCH);
	file_rig_end(&f);
}

static void
a_keeper_that_comes_back_gets_no_repeats(void **state)
{
	struct file_rig f;
	int fd;

	(void)state;
	file_rig_begin(&f, &file_rig_plain);
	for (uint64_t i = 0; i < 10; i++)
		peer_batch(
		    &f.peer, 1 + i * FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	/* It goes while the records are being written. */
	peer_turn(&f.peer, 5);
	peer_again(&f.peer, &fd);
	pump_connect(f.pump, fd);
	file_rig_greet(&f);
	for (uint64_t i = 0; i < 10; i++)
		if (!ivset_has(&f.peer.settled, 1 + i * FILE_RIG_BATCH))
			peer_batch(&f.peer, 1 + i * FILE_RIG_BATCH,
			    FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + 10 * FILE_RIG_BATCH);
	file_rig_check(&f, 10 * FILE_RIG_BATCH);
	file_rig_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_are_lines_in_order),
	    cmocka_unit_test(framing_length_writes_the_bytes),
	    cmocka_unit_test(streams_that_are_not_wanted_are_filtered),
	    cmocka_unit_test(a_full_file_is_closed_and_packed),
	    cmocka_unit_test(nothing_is_packed_before_the_keeper_says_durable),
	    cmocka_unit_test(a_position_in_a_packed_file_can_be_gone_back_to),
	    cmocka_unit_test(an_old_file_is_closed_without_further_records),
	    cmocka_unit_test(what_was_written_past_the_position_goes),
	    cmocka_unit_test(a_stranger_is_named_and_not_touched),
	    cmocka_unit_test(a_directory_that_was_replaced_holds),
	    cmocka_unit_test(
		a_file_that_is_taken_away_meanwhile_holds_until_it_is_back),
	    cmocka_unit_test(a_new_target_takes_no_old_files_away),
	    cmocka_unit_test(a_target_that_was_renamed_takes_its_files_along),
	    cmocka_unit_test(a_disk_that_takes_no_more_is_tried_again),
	    cmocka_unit_test(a_keeper_that_comes_back_gets_no_repeats),
	};

	log_setup("test", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
