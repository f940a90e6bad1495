/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `agentlink run`: what it is told by its configuration, and what
 * it tells, a person and the service manager.
 */
#include "tests/helpers/cmocka_all.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/agentlink/agent/run_rig.h"

/* Wait until a file of the test's directory contains this text. */
static void
it_says(const char *name, const char *text)
{
	static char all[1 << 20];
	for (int i = 0; i < 1500; i++) {
		FILE *f = fopen(run_rig_path(name), "r");
		size_t n = f ? fread(all, 1, sizeof(all) - 1, f) : 0;
		all[n] = '\0';
		if (f)
			fclose(f);
		if (strstr(all, text))
			return;
		run_rig_nap();
	}
	fail_msg("%s: no \"%s\" in it:\n%s", name, text, all);
}

/* Records that no compressor makes small. */
static void
append_noise(const char *name, unsigned records)
{
	uint64_t x = 88172645463325252u;
	FILE *f = fopen(run_rig_path(name), "a");
	assert_non_null(f);
	for (unsigned i = 0; i < records; i++) {
		for (int k = 0; k < 8; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			fprintf(f, "%016" PRIx64, x);
		}
		fprintf(f, " #%u\n", run_rig.next++);
	}
	fclose(f);
}

static void
a_small_outbox_makes_the_files_wait(void **state)
{
	(void)state;
	atomic_store(&run_rig.spool.is_silent, true);
	append_noise("log/a.log", 60000); /* 3.8 MB in 1 MiB */
	run_rig_start();
	it_says("state/status.json", "\"full\": true");
	atomic_store(&run_rig.spool.is_silent, false);
	run_rig_all_arrive();
	assert_int_equal(run_rig_end(SIGTERM), 0);
	run_rig_all_are_stored_once();
}

static void
a_new_configuration_is_used_and_a_wrong_one_is_not(void **state)
{
	(void)state;
	char inputs[1000];
	snprintf(inputs, sizeof(inputs),
	    "  app: { files: [\"%s/*.log\"] }\n  piped: { stdin: true }\n",
	    run_rig_path("log"));
	run_rig_configure(inputs);
	run_rig_append("log/a.log", 5);
	run_rig_start();
	run_rig_all_arrive();
	/* A record that has only begun is carried over. */
	assert_int_equal(write(run_rig.in, "the first half of ", 18), 18);
	run_rig_configure("  app: { fils: [\"/x\"] }\n");
	kill(run_rig.pid, SIGHUP);
	it_says("err", "the old one stays");
	run_rig_append("log/a.log", 5);
	run_rig_all_arrive();
	snprintf(inputs, sizeof(inputs),
	    "  app: { files: [\"%s/*.log\", \"%s/*.txt\"] }\n"
	    "  piped: { stdin: true }\n",
	    run_rig_path("log"), run_rig_path("log"));
	run_rig_configure(inputs);
	run_rig_append("log/b.txt", 5);
	kill(run_rig.pid, SIGHUP);
	run_rig_all_arrive();
	char text[64];
	int n = snprintf(text, sizeof(text), "a record #%u\n", run_rig.next++);
	assert_int_equal(write(run_rig.in, text, (size_t)n), n);
	run_rig_append("log/a.log", 5);
	run_rig_all_arrive();
	/* Again and again, while lines come. */
	for (int i = 0; i < 5; i++) {
		run_rig_append("log/a.log", 500);
		kill(run_rig.pid, SIGHUP);
		run_rig_append("log/b.txt", 500);
	}
	run_rig_all_arrive();
	assert_int_equal(run_rig_end(SIGTERM), 0);
	run_rig_all_are_stored_once();
}

static void
a_person_can_see_how_it_is(void **state)
{
	(void)state;
	run_rig_append("log/a.log", 7);
	run_rig_start();
	it_says("state/status.json", "\"unacknowledged\": {\"records\": 0, ");
	it_says("state/status.json", "\"acknowledged\": {\"records\": 7, ");
	it_says("state/status.json",
	    "{\"name\": \"app\", \"stream\": \"app\", \"files\": 1, "
	    "\"unreadable\": 0, \"behind_bytes\": 0, \"records\": 7}");
	it_says("state/status.json", run_rig.spool.address);
	/* Half a line is behind. */
	FILE *f = fopen(run_rig_path("log/a.log"), "a");
	fputs("half", f);
	fclose(f);
	it_says("state/status.json", "\"behind_bytes\": 4, ");
	tlsspool_stop(&run_rig.spool);
	it_says("state/status.json", "\"server\": null");
	it_says("state/status.json", "\"last_error\": {\"text\": \"127.0.0.1:");
	assert_int_equal(run_rig_end(SIGTERM), 0);
	assert_int_equal(tlsspool_wrong(&run_rig.spool, run_rig.next), 0);
}

/* What the service manager is told until this text comes. */
static void
manager_hears(int fd, const char *text)
{
	char all[2000];
	for (int i = 0; i < 1500; i++) {
		ssize_t n = recv(fd, all, sizeof(all) - 1, MSG_DONTWAIT);
		if (n < 0) {
			run_rig_nap();
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
	snprintf(
	    at.sun_path, sizeof(at.sun_path), "%s", run_rig_path("notify"));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	setenv("WATCHDOG_USEC", "200000", 1);
	run_rig_append("log/a.log", 3);
	run_rig_start();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	manager_hears(fd, "READY=1");
	manager_hears(fd, "WATCHDOG=1");
	manager_hears(fd, "STATUS=connected to 127.0.0.1:");
	kill(run_rig.pid, SIGHUP);
	manager_hears(fd, "RELOADING=1\nMONOTONIC_USEC=");
	manager_hears(fd, "READY=1");
	manager_hears(fd, "WATCHDOG=1");
	kill(run_rig.pid, SIGTERM);
	manager_hears(fd, "STOPPING=1");
	assert_int_equal(run_rig_end(SIGTERM), 0);
	close(fd);
}

/* Root may read everything, so it is done as somebody else. */
static void
permission_denied_for_a_while_costs_nothing(void **state)
{
	(void)state;
	char command[200];
	run_rig_append("log/a.log", 4);
	run_rig_append("log/b.log", 4);
	run_rig.next -= 4;
	snprintf(command, sizeof(command),
	    "chmod 0 %s && chown -R 65534:65534 %s", run_rig_path("log/b.log"),
	    run_rig.spool.dir);
	if (geteuid() == 0)
		assert_int_equal(system(command), 0);
	else
		chmod(run_rig_path("log/b.log"), 0);
	run_rig.becomes_nobody = geteuid() == 0;
	run_rig_start();
	run_rig.becomes_nobody = false;
	run_rig_all_arrive();
	it_says("err", "b.log: not permitted");
	it_says("state/status.json", "\"unreadable\": 1");
	run_rig.next += 4;
	assert_int_equal(chmod(run_rig_path("log/b.log"), 0600), 0);
	run_rig_all_arrive();
	/* The directory too: what is open goes on, what comes waits. */
	assert_int_equal(chmod(run_rig_path("log"), 0), 0);
	it_says("err", "/log: Permission denied");
	run_rig_append("log/a.log", geteuid() == 0 ? 3 : 0);
	run_rig_all_arrive();
	run_rig_end(SIGKILL);
	run_rig.becomes_nobody = geteuid() == 0;
	run_rig_start();
	run_rig.becomes_nobody = false;
	run_rig_append("log/a.log", geteuid() == 0 ? 3 : 0);
	it_says("state/status.json", "\"files\": 0");
	assert_int_equal(chmod(run_rig_path("log"), 0700), 0);
	run_rig_all_arrive();
	assert_int_equal(run_rig_end(SIGTERM), 0);
	run_rig_all_are_stored_once();
}

static void
a_wrong_file_is_told_line_by_line(void **state)
{
	(void)state;
	run_rig_configure("  app: { fils: [\"/x\"] }\n");
	run_rig_start();
	int status;
	assert_int_equal(waitpid(run_rig.pid, &status, 0), run_rig.pid);
	run_rig.pid = 0;
	assert_int_equal(WEXITSTATUS(status), 9);
}

#define CASE(f) \
	cmocka_unit_test_setup_teardown(f, run_rig_setup, run_rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_small_outbox_makes_the_files_wait),
	    CASE(a_wrong_file_is_told_line_by_line),
	    CASE(a_new_configuration_is_used_and_a_wrong_one_is_not),
	    CASE(a_person_can_see_how_it_is),
	    CASE(the_service_manager_is_told),
	    CASE(permission_denied_for_a_while_costs_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
