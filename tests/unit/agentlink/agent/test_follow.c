/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to files that are followed, with the outbox on a disk and no
 * spool: records are counted as they are taken, so one too many is a repeat.
 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentlink/agent/follow.h"
#include "agentlink/agent/position.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

static char dir[64];
static struct agentlink_sender *sender;
static struct follow *follow;
static char pattern[128];
static uint64_t now_ms;
static unsigned told; /* errors */

static char *
at(const char *name)
{
	static char path[8][128];
	static unsigned n;
	char *p = path[n++ % 8];
	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static void
append(const char *name, unsigned from, unsigned to)
{
	FILE *f = fopen(at(name), "a");
	assert_non_null(f);
	for (unsigned i = from; i < to; i++)
		fprintf(f, "%s, line %u\n", name, i);
	fclose(f);
}

static void
on_too_long(const char *path, uint64_t line, uint64_t offset, void *arg)
{
	(void)path, (void)line, (void)offset, (void)arg;
}

static void
on_truncated(const char *path, void *arg)
{
	(void)path, (void)arg;
}

static void
on_note(bool is_error, const char *path, const char *text, void *arg)
{
	(void)path, (void)text, (void)arg;
	told += is_error;
}

static void
start_at(bool from_end)
{
	const struct agentlink_settings settings = {.agent = {1}};
	static const char *patterns[] = {pattern};
	char why[256];
	assert_int_equal(agentlink_sender_open(&settings, at("outbox"), 0, why,
			     sizeof(why), &sender),
	    0);
	struct follow_settings f = {
	    .source = {.sender = sender,
		.stream_name = "app",
		.events = {on_too_long, on_truncated, NULL}},
	    .patterns = patterns,
	    .pattern_count = 1,
	    .starts_at_end = from_end,
	    .on_note = on_note,
	};
	assert_int_equal(
	    agentlink_sender_stream(sender, "app", &f.source.stream), 0);
	assert_int_equal(follow_new(&f, &follow), 0);
}

static void
start(void)
{
	start_at(false);
}

static void
end(void)
{
	follow_free(follow);
	agentlink_sender_close(sender);
	follow = NULL;
	sender = NULL;
}

/* A scan, and reading until all is read; the records taken so far. */
static uint64_t
look(void)
{
	struct follow_counts c;
	int rc;
	now_ms += 1000;
	follow_scan(follow, now_ms);
	while ((rc = follow_read(follow, now_ms)) == 1)
		;
	assert_int_equal(rc, 0);
	assert_int_equal(agentlink_sender_commit(sender), 0);
	follow_counts(follow, &c);
	return c.records;
}

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/var/tmp/test_follow-XXXXXX");
	told = 0;
	now_ms = 1;
	if (!mkdtemp(dir) || mkdir(at("log"), 0700))
		return 1;
	snprintf(pattern, sizeof(pattern), "%s/log/*.log", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	char command[128];
	end();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void
another_file_with_the_same_inode_is_read_from_its_beginning(void **state)
{
	(void)state;
	append("log/a.log", 0, 100);
	start();
	assert_int_equal(look(), 100);
	end();
	/* As if the inode had been given to a new file, a longer one. */
	assert_int_equal(truncate(at("log/a.log"), 0), 0);
	append("log/a.log", 1000, 1300);
	start();
	assert_int_equal(look(), 300);
}

static void
a_file_whose_device_has_another_number_goes_on(void **state)
{
	(void)state;
	struct bytes key, value, stream;
	struct position p;
	struct buf moved, copy;
	append("log/a.log", 0, 100);
	start();
	assert_int_equal(look(), 100);
	/* As after a restart of the machine: only the key differs. */
	struct agentlink_outbox *o = agentlink_sender_outbox(sender);
	assert_int_equal(agentlink_outbox_position_at(o, 0, &key, &value), 0);
	assert_int_equal(
	    position_key_decode(key, &stream, &p.device, &p.inode), 0);
	buf_init(&moved, 4096);
	buf_init(&copy, 8192);
	position_key(&moved, stream, p.device + 7, p.inode);
	buf_add_bytes(&copy, value);
	assert_int_equal(
	    agentlink_outbox_position(o, key, bytes_of(NULL, 0)), 0);
	assert_int_equal(
	    agentlink_outbox_position(o, buf_bytes(&moved), buf_bytes(&copy)),
	    0);
	end();
	append("log/a.log", 100, 103);
	start();
	assert_int_equal(look(), 3);
	/* And the old key is gone. */
	o = agentlink_sender_outbox(sender);
	assert_int_equal(
	    agentlink_outbox_find(o, buf_bytes(&moved), &value), ERR_NOENT);
	buf_fini(&moved);
	buf_fini(&copy);
}

static void
a_directory_that_is_away_for_a_while_is_remembered(void **state)
{
	(void)state;
	append("log/a.log", 0, 10);
	start();
	assert_int_equal(look(), 10);
	end();
	/* As where another file system should be mounted: another device. */
	assert_int_equal(rename(at("log"), at("away")), 0);
	assert_int_equal(symlink("/proc/self/task", at("log")), 0);
	start();
	assert_int_equal(look(), 0);
	end();
	assert_int_equal(unlink(at("log")), 0);
	assert_int_equal(rename(at("away"), at("log")), 0);
	append("log/a.log", 10, 12);
	start();
	assert_int_equal(look(), 2);
}

static void
a_file_that_is_gone_for_good_is_forgotten(void **state)
{
	(void)state;
	struct bytes key, value;
	append("log/a.log", 0, 10);
	start();
	assert_int_equal(look(), 10);
	end();
	assert_int_equal(unlink(at("log/a.log")), 0);
	start();
	assert_int_equal(look(), 0);
	assert_int_equal(agentlink_outbox_position_at(
			     agentlink_sender_outbox(sender), 0, &key, &value),
	    ERR_NOENT);
}

static void
what_was_there_before_the_first_start_stays_out_over_restarts(void **state)
{
	(void)state;
	append("log/a.log", 0, 10);
	start_at(true);
	assert_int_equal(look(), 0);
	end();
	/* The stream is known now, and nothing of the file was sent. */
	start_at(false);
	assert_int_equal(look(), 0);
	append("log/a.log", 10, 11);
	append("log/b.log", 0, 5);
	assert_int_equal(look(), 6);
}

static void
a_file_without_its_last_line_end_waits_for_it(void **state)
{
	(void)state;
	FILE *f = fopen(at("log/a.log"), "w");
	fputs("one\ntwo", f);
	fflush(f);
	start();
	assert_int_equal(look(), 1);
	end();
	start();
	assert_int_equal(look(), 0);
	fputs(" and more\n", f);
	fclose(f);
	assert_int_equal(look(), 1);
	/* Deleted while it is open: the last line counts without its end. */
	f = fopen(at("log/a.log"), "a");
	fputs("three", f);
	assert_int_equal(unlink(at("log/a.log")), 0);
	fclose(f);
	look();
	assert_int_equal(look(), 2);
}

static void
thousands_of_files_are_read_with_few_descriptors(void **state)
{
	(void)state;
	char name[32];
	struct follow_counts c;
	struct rlimit files = {200, 200};
	start();
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "log/%04u.log", i);
		append(name, 0, 2);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (int i = 0; i < 100 && look() < 6000; i++)
		;
	assert_int_equal(look(), 6000);
	assert_int_equal(told, 1);
	/* Those that rest are seen when they grow, also under a new name. */
	append("log/0000.log", 2, 3);
	append("log/2999.log", 2, 3);
	append("log/1500.log", 2, 3);
	assert_int_equal(rename(at("log/1500.log"), at("log/1500.log.1")), 0);
	look();
	assert_int_equal(look(), 6003);
	follow_counts(follow, &c);
	assert_int_equal(c.unreadable, 0);
	assert_int_equal(c.behind_bytes, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(another_file_with_the_same_inode_is_read_from_its_beginning),
	    CASE(a_file_whose_device_has_another_number_goes_on),
	    CASE(a_directory_that_is_away_for_a_while_is_remembered),
	    CASE(a_file_that_is_gone_for_good_is_forgotten),
	    CASE(what_was_there_before_the_first_start_stays_out_over_restarts),
	    CASE(a_file_without_its_last_line_end_waits_for_it),
	    CASE(thousands_of_files_are_read_with_few_descriptors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
