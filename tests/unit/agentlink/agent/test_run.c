/* SPDX-License-Identifier: Apache-2.0 */
/* The program `agentlink run`: files that grow, turn, shrink and go. */
#include "tests/helpers/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config.h"

#include "tests/unit/agentlink/agent/run_rig.h"

static void
files_that_grow_and_files_that_come_are_followed(void **state)
{
	(void)state;
	run_rig_append("log/a.log", 10);
	run_rig_start();
	run_rig_all_arrive();
	run_rig_append("log/a.log", 10);
	run_rig_append("log/b.log", 5);
	run_rig_append("log/not-this-one", 0);
	run_rig_all_arrive();
	assert_int_equal(run_rig_end(SIGTERM), 0);
	run_rig_all_are_stored_once();
	assert_int_equal(run_rig.spool.sim.streams, 1);
	assert_string_equal(run_rig.spool.sim.stream[0].name, "app");
}

static void
rotation_by_renaming_leaves_nothing_out(void **state)
{
	(void)state;
	run_rig_append("log/a.log", 10);
	run_rig_start();
	run_rig_all_arrive();
	for (int i = 0; i < 3; i++) {
		run_rig_append("log/a.log", 10);
		assert_int_equal(rename(run_rig_path("log/a.log"),
				     run_rig_path("log/a.log.1")),
		    0);
		run_rig_append("log/a.log.1", 10); /* the writer was late */
		run_rig_append("log/a.log", 10);
		run_rig_all_arrive();
	}
	assert_int_equal(run_rig_end(SIGTERM), 0);
	run_rig_all_are_stored_once();
}

static void
rotation_while_the_agent_is_away_leaves_nothing_out(void **state)
{
	(void)state;
	run_rig_append("log/a.log", 10);
	run_rig_start();
	run_rig_all_arrive();
	run_rig_end(SIGKILL);
	run_rig_append("log/a.log", 10);
	assert_int_equal(
	    rename(run_rig_path("log/a.log"), run_rig_path("log/a.log.1")), 0);
	run_rig_append("log/a.log", 10);
	run_rig_start();
	run_rig_all_arrive();
	assert_int_equal(run_rig_end(SIGTERM), 0);
	run_rig_all_are_stored_once();
}

static void
a_truncated_file_is_read_from_its_beginning(void **state)
{
	(void)state;
	run_rig_append("log/a.log", 100);
	run_rig_start();
	run_rig_all_arrive();
	assert_int_equal(truncate(run_rig_path("log/a.log"), 0), 0);
	run_rig_append("log/a.log", 3);
	run_rig_all_arrive();
	/* Longer than before: only its beginning tells. */
	assert_int_equal(truncate(run_rig_path("log/a.log"), 0), 0);
	run_rig_append("log/a.log", 300);
	run_rig_all_arrive();
	assert_int_equal(run_rig_end(SIGTERM), 0);
	run_rig_all_are_stored_once();
}

static void
a_deleted_file_is_read_to_its_end_and_its_last_line_counts(void **state)
{
	(void)state;
	run_rig_append("log/a.log", 10);
	run_rig_start();
	run_rig_all_arrive();
	int fd = open(run_rig_path("log/a.log"), O_WRONLY | O_APPEND);
	assert_int_equal(unlink(run_rig_path("log/a.log")), 0);
	char text[32];
	int n = snprintf(text, sizeof(text), "no line end #%u", run_rig.next++);
	assert_int_equal(write(fd, text, (size_t)n), n);
	close(fd);
	run_rig_all_arrive();
	run_rig_append("log/a.log", 4);
	run_rig_all_arrive();
	assert_int_equal(run_rig_end(SIGTERM), 0);
	run_rig_all_are_stored_once();
}

static void
a_line_that_is_not_complete_waits(void **state)
{
	(void)state;
	run_rig_append("log/a.log", 1);
	FILE *f = fopen(run_rig_path("log/a.log"), "a");
	fputs("half of a ", f);
	fflush(f);
	run_rig_start();
	run_rig_all_arrive();
	fprintf(f, "line #%u\n", run_rig.next++);
	fclose(f);
	run_rig_all_arrive();
	assert_int_equal(run_rig_end(SIGTERM), 0);
	run_rig_all_are_stored_once();
}

static void
standard_input_is_an_input(void **state)
{
	(void)state;
	run_rig_configure("  piped: { stdin: true }\n");
	run_rig_start();
	assert_int_equal(write(run_rig.in, "#0\n#1\n", 6), 6);
	run_rig.next = 2;
	run_rig_all_arrive();
	assert_int_equal(write(run_rig.in, "#2", 2), 2);
	run_rig.next = 3;
	close(run_rig.in);
	run_rig.in = -1;
	int status;
	assert_int_equal(waitpid(run_rig.pid, &status, 0), run_rig.pid);
	run_rig.pid = 0;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	run_rig_all_are_stored_once();
	assert_string_equal(run_rig.spool.sim.stream[0].name, "piped");
}

static void
killed_at_any_moment_it_loses_and_repeats_nothing(void **state)
{
	(void)state;
	char inputs[400];
	snprintf(inputs, sizeof(inputs), "  app: { files: [\"%s/*.log*\"] }\n",
	    run_rig_path("log"));
	run_rig_configure(inputs);
	run_rig_append("log/a.log", 1000);
	for (int i = 0; i < 12; i++) {
		unsigned long stored = atomic_load(&run_rig.spool.stored);
		run_rig_start();
		run_rig_append("log/a.log", 3000);
		run_rig_append("log/b.log", 1000);
		atomic_store(&run_rig.spool.cut_after, i % 3 == 1 ? 4 : 0);
		char turned[32];
		snprintf(turned, sizeof(turned), "log/a.log.%d", i);
		if (i % 4 == 2)
			assert_int_equal(rename(run_rig_path("log/a.log"),
					     run_rig_path(turned)),
			    0);
		/* At another moment each time, at times after some arrived. */
		for (int k = 0; i % 2 && k < 300; k++) {
			if (atomic_load(&run_rig.spool.stored) != stored)
				break;
			run_rig_nap();
		}
		nanosleep(&(struct timespec){0, 7000000 * (i % 7 + 1)}, NULL);
		assert_int_equal(run_rig_end(SIGKILL), -SIGKILL);
	}
	atomic_store(&run_rig.spool.cut_after, 0);
	run_rig_start();
	run_rig_append("log/a.log", 1);
	run_rig_all_arrive();
	assert_int_equal(run_rig_end(SIGTERM), 0);
	run_rig_all_are_stored_once();
}

#ifdef WITH_FAILPOINTS
/* Did it kill itself, within a second? */
static bool
has_died(void)
{
	for (int i = 0; i < 100; i++) {
		int status;
		if (waitpid(run_rig.pid, &status, WNOHANG) != run_rig.pid) {
			run_rig_nap();
			continue;
		}
		run_rig.pid = 0;
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	return false;
}
#endif

static void
killed_at_each_fail_point_it_loses_and_repeats_nothing(void **state)
{
	(void)state;
#ifdef WITH_FAILPOINTS
	static const char *const points[] = {"outbox-new-written",
	    "outbox-new-renamed", "outbox-appended", "outbox-synced",
	    "outbox-unlink"};
	for (unsigned i = 0; i < 15; i++) {
		char value[64];
		snprintf(value, sizeof(value), "%s:%u", points[i % 5],
		    i / 5 ? i / 5 + 1 : 1);
		setenv("SPOOLD_FAILPOINT", value, 1);
		run_rig_start();
		unsetenv("SPOOLD_FAILPOINT");
		/* Enough for the outbox to turn its file. */
		run_rig_append("log/a.log", 4000);
		bool is_dead = false;
		for (int k = 0; k < (i < 4 ? 10 : 2) && !(is_dead = has_died());
		     k++)
			run_rig_append("log/a.log", 4000);
		if (!is_dead)
			assert_int_equal(run_rig_end(SIGKILL), -SIGKILL);
		/* The first passage of each is reached without fail. */
		if (i < 4)
			assert_true(is_dead);
	}
	run_rig_start();
	run_rig_append("log/a.log", 1);
	run_rig_all_arrive();
	assert_int_equal(run_rig_end(SIGTERM), 0);
	run_rig_all_are_stored_once();
#else
	skip();
#endif
}

#define CASE(f) \
	cmocka_unit_test_setup_teardown(f, run_rig_setup, run_rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(files_that_grow_and_files_that_come_are_followed),
	    CASE(rotation_by_renaming_leaves_nothing_out),
	    CASE(rotation_while_the_agent_is_away_leaves_nothing_out),
	    CASE(a_truncated_file_is_read_from_its_beginning),
	    CASE(a_deleted_file_is_read_to_its_end_and_its_last_line_counts),
	    CASE(a_line_that_is_not_complete_waits),
	    CASE(standard_input_is_an_input),
	    CASE(killed_at_any_moment_it_loses_and_repeats_nothing),
	    CASE(killed_at_each_fail_point_it_loses_and_repeats_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
