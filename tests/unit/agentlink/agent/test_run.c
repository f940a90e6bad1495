/* SPDX-License-Identifier: Apache-2.0 */
/* The program `agentlink run`: files that grow, turn, shrink and go. */
#include "tests/helpers/cmocka_all.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config.h"

#include "tests/unit/agentlink/agent/tlsspool.h"

#define NOBODY 65534

static struct tlsspool spool;
static char program[4096];
static pid_t pid;
static uint32_t next; /* number of the next record */
static int in = -1; /* standard input of the program */
static bool becomes_nobody; /* the program that is started */

static char *
in_dir(const char *name)
{
	static char path[64][160];
	static unsigned n;
	char *p = path[n++ % 64];
	snprintf(p, sizeof(path[0]), "%s/%s", spool.dir, name);
	return p;
}

static void
write_config(const char *inputs)
{
	FILE *f = fopen(in_dir("agent.yaml"), "w");
	assert_non_null(f);
	fprintf(f,
	    "servers: [\"%s\"]\ncertificate: %s\nkey: %s\nca: %s\n"
	    "state: %s\noutbox: 1MiB\ninputs:\n%s",
	    spool.address, in_dir("agent.pem"), in_dir("agent.key"),
	    in_dir("ca.pem"), in_dir("state"), inputs);
	fclose(f);
}

static void
run_program(int input)
{
	char *argv[] = {program, (char *)(uintptr_t) "run",
	    (char *)(uintptr_t) "--config", in_dir("agent.yaml"), NULL};
	int err = open(
	    in_dir("err"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(input, 0);
	dup2(err, 2);
	if (becomes_nobody &&
	    (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
		_exit(99);
	execv(program, argv);
	_exit(98);
}

static void
start(void)
{
	int fd[2] = {-1, -1};
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	pid = fork();
	if (!pid)
		run_program(fd[0]);
	assert_true(pid > 0);
	close(fd[0]);
	if (in >= 0)
		close(in);
	in = fd[1];
}

static int
end(int signum)
{
	int status;
	kill(pid, signum);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int
setup(void **state)
{
	(void)state;
	tlsspool_start(&spool);
	const char *build = getenv("TOP_BUILDDIR");
	snprintf(program, sizeof(program), "%s/agentlink/agent/agentlink",
	    build ? build : ".");
	next = 0;
	assert_int_equal(mkdir(in_dir("log"), 0700), 0);
	char inputs[400];
	snprintf(inputs, sizeof(inputs), "  app: { files: [\"%s/*.log\"] }\n",
	    in_dir("log"));
	write_config(inputs);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	/* A test that failed has not ended it. */
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pid = 0;
	}
	tlsspool_free(&spool);
	close(in);
	in = -1;
	return 0;
}

static void
append(const char *name, unsigned records)
{
	FILE *f = fopen(in_dir(name), "a");
	assert_non_null(f);
	for (unsigned i = 0; i < records; i++)
		fprintf(f, "something has happened, #%u\n", next++);
	fclose(f);
}

/* Wait until all records but `except` have been stored. */
static void
all_arrive_but(uint32_t except)
{
	for (int i = 0; i < 1500; i++) {
		if (atomic_load(&spool.stored) + except >= next)
			return;
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	}
	char command[200];
	snprintf(command, sizeof(command), "cat %s >&2", in_dir("err"));
	if (system(command))
		fputs("no log\n", stderr);
	fail_msg("%lu of %u records arrived", atomic_load(&spool.stored), next);
}

static void
all_arrive(void)
{
	all_arrive_but(0);
}

static void
all_are_stored_once(void)
{
	tlsspool_stop(&spool);
	assert_int_equal(tlsspool_wrong(&spool, next), 0);
}

static void
files_that_grow_and_files_that_come_are_followed(void **state)
{
	(void)state;
	append("log/a.log", 10);
	start();
	all_arrive();
	append("log/a.log", 10);
	append("log/b.log", 5);
	append("log/not-this-one", 0);
	all_arrive();
	assert_int_equal(end(SIGTERM), 0);
	all_are_stored_once();
	assert_int_equal(spool.sim.streams, 1);
	assert_string_equal(spool.sim.stream[0].name, "app");
}

static void
rotation_by_renaming_leaves_nothing_out(void **state)
{
	(void)state;
	append("log/a.log", 10);
	start();
	all_arrive();
	for (int i = 0; i < 3; i++) {
		append("log/a.log", 10);
		assert_int_equal(
		    rename(in_dir("log/a.log"), in_dir("log/a.log.1")), 0);
		append("log/a.log.1", 10); /* the writer was late */
		append("log/a.log", 10);
		all_arrive();
	}
	assert_int_equal(end(SIGTERM), 0);
	all_are_stored_once();
}

static void
rotation_while_the_agent_is_away_leaves_nothing_out(void **state)
{
	(void)state;
	append("log/a.log", 10);
	start();
	all_arrive();
	end(SIGKILL);
	append("log/a.log", 10);
	assert_int_equal(rename(in_dir("log/a.log"), in_dir("log/a.log.1")), 0);
	append("log/a.log", 10);
	start();
	all_arrive();
	assert_int_equal(end(SIGTERM), 0);
	all_are_stored_once();
}

static void
a_truncated_file_is_read_from_its_beginning(void **state)
{
	(void)state;
	append("log/a.log", 100);
	start();
	all_arrive();
	assert_int_equal(truncate(in_dir("log/a.log"), 0), 0);
	append("log/a.log", 3);
	all_arrive();
	/* Longer than before: only its beginning tells. */
	assert_int_equal(truncate(in_dir("log/a.log"), 0), 0);
	append("log/a.log", 300);
	all_arrive();
	assert_int_equal(end(SIGTERM), 0);
	all_are_stored_once();
}

static void
a_deleted_file_is_read_to_its_end_and_its_last_line_counts(void **state)
{
	(void)state;
	append("log/a.log", 10);
	start();
	all_arrive();
	int fd = open(in_dir("log/a.log"), O_WRONLY | O_APPEND);
	assert_int_equal(unlink(in_dir("log/a.log")), 0);
	char text[32];
	int n = snprintf(text, sizeof(text), "no line end #%u", next++);
	assert_int_equal(write(fd, text, (size_t)n), n);
	close(fd);
	all_arrive();
	append("log/a.log", 4);
	all_arrive();
	assert_int_equal(end(SIGTERM), 0);
	all_are_stored_once();
}

static void
a_line_that_is_not_complete_waits(void **state)
{
	(void)state;
	append("log/a.log", 1);
	FILE *f = fopen(in_dir("log/a.log"), "a");
	fputs("half of a ", f);
	fflush(f);
	start();
	all_arrive();
	fprintf(f, "line #%u\n", next++);
	fclose(f);
	all_arrive();
	assert_int_equal(end(SIGTERM), 0);
	all_are_stored_once();
}

static void
standard_input_is_an_input(void **state)
{
	(void)state;
	write_config("  piped: { stdin: true }\n");
	start();
	assert_int_equal(write(in, "#0\n#1\n", 6), 6);
	next = 2;
	all_arrive();
	assert_int_equal(write(in, "#2", 2), 2);
	next = 3;
	close(in);
	in = -1;
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	pid = 0;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	all_are_stored_once();
	assert_string_equal(spool.sim.stream[0].name, "piped");
}

static void
killed_at_any_moment_it_loses_and_repeats_nothing(void **state)
{
	(void)state;
	char inputs[400];
	snprintf(inputs, sizeof(inputs), "  app: { files: [\"%s/*.log*\"] }\n",
	    in_dir("log"));
	write_config(inputs);
	append("log/a.log", 1000);
	for (int i = 0; i < 12; i++) {
		unsigned long stored = atomic_load(&spool.stored);
		start();
		append("log/a.log", 3000);
		append("log/b.log", 1000);
		atomic_store(&spool.cut_after, i % 3 == 1 ? 4 : 0);
		char turned[32];
		snprintf(turned, sizeof(turned), "log/a.log.%d", i);
		if (i % 4 == 2)
			assert_int_equal(
			    rename(in_dir("log/a.log"), in_dir(turned)), 0);
		/* At another moment each time, at times after some arrived. */
		for (int k = 0; i % 2 && k < 300; k++) {
			if (atomic_load(&spool.stored) != stored)
				break;
			nanosleep(&(struct timespec){0, 10000000}, NULL);
		}
		nanosleep(&(struct timespec){0, 7000000 * (i % 7 + 1)}, NULL);
		assert_int_equal(end(SIGKILL), -SIGKILL);
	}
	atomic_store(&spool.cut_after, 0);
	start();
	append("log/a.log", 1);
	all_arrive();
	assert_int_equal(end(SIGTERM), 0);
	all_are_stored_once();
}

#ifdef WITH_FAILPOINTS
/* Did it kill itself, within a second? */
static bool
has_died(void)
{
	for (int i = 0; i < 100; i++) {
		int status;
		if (waitpid(pid, &status, WNOHANG) != pid) {
			nanosleep(&(struct timespec){0, 10000000}, NULL);
			continue;
		}
		pid = 0;
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
		start();
		unsetenv("SPOOLD_FAILPOINT");
		/* Enough for the outbox to turn its file. */
		append("log/a.log", 4000);
		bool is_dead = false;
		for (int k = 0; k < (i < 4 ? 10 : 2) && !(is_dead = has_died());
		     k++)
			append("log/a.log", 4000);
		if (!is_dead)
			assert_int_equal(end(SIGKILL), -SIGKILL);
		/* The first passage of each is reached without fail. */
		if (i < 4)
			assert_true(is_dead);
	}
	start();
	append("log/a.log", 1);
	all_arrive();
	assert_int_equal(end(SIGTERM), 0);
	all_are_stored_once();
#else
	skip();
#endif
}

/* Wait until a file of the test's directory contains this text. */
static void
it_says(const char *name, const char *text)
{
	static char all[1 << 20];
	for (int i = 0; i < 1500; i++) {
		FILE *f = fopen(in_dir(name), "r");
		size_t n = f ? fread(all, 1, sizeof(all) - 1, f) : 0;
		all[n] = '\0';
		if (f)
			fclose(f);
		if (strstr(all, text))
			return;
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	}
	fail_msg("%s: no \"%s\" in it:\n%s", name, text, all);
}

/* Records that no compressor makes small. */
static void
append_noise(const char *name, unsigned records)
{
	uint64_t x = 88172645463325252u;
	FILE *f = fopen(in_dir(name), "a");
	assert_non_null(f);
	for (unsigned i = 0; i < records; i++) {
		for (int k = 0; k < 8; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			fprintf(f, "%016" PRIx64, x);
		}
		fprintf(f, " #%u\n", next++);
	}
	fclose(f);
}

static void
a_small_outbox_makes_the_files_wait(void **state)
{
	(void)state;
	atomic_store(&spool.is_silent, true);
	append_noise("log/a.log", 60000); /* 3.8 MB in 1 MiB */
	start();
	it_says("state/status.json", "\"full\": true");
	atomic_store(&spool.is_silent, false);
	all_arrive();
	assert_int_equal(end(SIGTERM), 0);
	all_are_stored_once();
}

static void
a_new_configuration_is_used_and_a_wrong_one_is_not(void **state)
{
	(void)state;
	char inputs[1000];
	snprintf(inputs, sizeof(inputs),
	    "  app: { files: [\"%s/*.log\"] }\n  piped: { stdin: true }\n",
	    in_dir("log"));
	write_config(inputs);
	append("log/a.log", 5);
	start();
	all_arrive();
	/* A record that has only begun is carried over. */
	assert_int_equal(write(in, "the first half of ", 18), 18);
	write_config("  app: { fils: [\"/x\"] }\n");
	kill(pid, SIGHUP);
	it_says("err", "the old one stays");
	append("log/a.log", 5);
	all_arrive();
	snprintf(inputs, sizeof(inputs),
	    "  app: { files: [\"%s/*.log\", \"%s/*.txt\"] }\n"
	    "  piped: { stdin: true }\n",
	    in_dir("log"), in_dir("log"));
	write_config(inputs);
	append("log/b.txt", 5);
	kill(pid, SIGHUP);
	all_arrive();
	char text[64];
	int n = snprintf(text, sizeof(text), "a record #%u\n", next++);
	assert_int_equal(write(in, text, (size_t)n), n);
	append("log/a.log", 5);
	all_arrive();
	/* Again and again, while lines come. */
	for (int i = 0; i < 5; i++) {
		append("log/a.log", 500);
		kill(pid, SIGHUP);
		append("log/b.txt", 500);
	}
	all_arrive();
	assert_int_equal(end(SIGTERM), 0);
	all_are_stored_once();
}

static void
a_person_can_see_how_it_is(void **state)
{
	(void)state;
	append("log/a.log", 7);
	start();
	it_says("state/status.json", "\"unacknowledged\": {\"records\": 0, ");
	it_says("state/status.json", "\"acknowledged\": {\"records\": 7, ");
	it_says("state/status.json",
	    "{\"name\": \"app\", \"stream\": \"app\", \"files\": 1, "
	    "\"unreadable\": 0, \"behind_bytes\": 0, \"records\": 7}");
	it_says("state/status.json", spool.address);
	/* Half a line is behind. */
	FILE *f = fopen(in_dir("log/a.log"), "a");
	fputs("half", f);
	fclose(f);
	it_says("state/status.json", "\"behind_bytes\": 4, ");
	tlsspool_stop(&spool);
	it_says("state/status.json", "\"server\": null");
	it_says("state/status.json", "\"last_error\": {\"text\": \"127.0.0.1:");
	assert_int_equal(end(SIGTERM), 0);
	assert_int_equal(tlsspool_wrong(&spool, next), 0);
}

/* What the service manager is told until this text comes. */
static void
manager_hears(int fd, const char *text)
{
	char all[2000];
	for (int i = 0; i < 1500; i++) {
		ssize_t n = recv(fd, all, sizeof(all) - 1, MSG_DONTWAIT);
		if (n < 0) {
			nanosleep(&(struct timespec){0, 10000000}, NULL);
			continue;
		}
		all[n] = '\0';
		if (strstr(all, text))
			return;
	}
	fail_msg("never heard: %s", text);
}

static void
the_service_manager_is_told(void **state)
{
	(void)state;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", in_dir("notify"));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	setenv("WATCHDOG_USEC", "200000", 1);
	append("log/a.log", 3);
	start();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	manager_hears(fd, "READY=1");
	manager_hears(fd, "WATCHDOG=1");
	manager_hears(fd, "STATUS=connected to 127.0.0.1:");
	kill(pid, SIGHUP);
	manager_hears(fd, "RELOADING=1\nMONOTONIC_USEC=");
	manager_hears(fd, "READY=1");
	manager_hears(fd, "WATCHDOG=1");
	kill(pid, SIGTERM);
	manager_hears(fd, "STOPPING=1");
	assert_int_equal(end(SIGTERM), 0);
	close(fd);
}

/* Root may read everything, so it is done as somebody else. */
static void
permission_denied_for_a_while_costs_nothing(void **state)
{
	(void)state;
	char command[200];
	append("log/a.log", 4);
	append("log/b.log", 4);
	next -= 4;
	snprintf(command, sizeof(command),
	    "chmod 0 %s && chown -R 65534:65534 %s", in_dir("log/b.log"),
	    spool.dir);
	if (geteuid() == 0)
		assert_int_equal(system(command), 0);
	else
		chmod(in_dir("log/b.log"), 0);
	becomes_nobody = geteuid() == 0;
	start();
	becomes_nobody = false;
	all_arrive();
	it_says("err", "b.log: not permitted");
	it_says("state/status.json", "\"unreadable\": 1");
	next += 4;
	assert_int_equal(chmod(in_dir("log/b.log"), 0600), 0);
	all_arrive();
	/* The directory too: what is open goes on, what comes waits. */
	assert_int_equal(chmod(in_dir("log"), 0), 0);
	it_says("err", "/log: Permission denied");
	append("log/a.log", geteuid() == 0 ? 3 : 0);
	all_arrive();
	end(SIGKILL);
	becomes_nobody = geteuid() == 0;
	start();
	becomes_nobody = false;
	append("log/a.log", geteuid() == 0 ? 3 : 0);
	it_says("state/status.json", "\"files\": 0");
	assert_int_equal(chmod(in_dir("log"), 0700), 0);
	all_arrive();
	assert_int_equal(end(SIGTERM), 0);
	all_are_stored_once();
}

static void
a_wrong_file_is_told_line_by_line(void **state)
{
	(void)state;
	write_config("  app: { fils: [\"/x\"] }\n");
	start();
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	pid = 0;
	assert_int_equal(WEXITSTATUS(status), 9);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
	    CASE(a_small_outbox_makes_the_files_wait),
	    CASE(a_wrong_file_is_told_line_by_line),
	    CASE(a_new_configuration_is_used_and_a_wrong_one_is_not),
	    CASE(a_person_can_see_how_it_is),
	    CASE(the_service_manager_is_told),
	    CASE(permission_denied_for_a_while_costs_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
