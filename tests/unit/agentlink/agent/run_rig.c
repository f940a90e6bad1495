/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agentlink/agent/run_rig.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/helpers/cmocka_all.h"

#define NOBODY 65534

struct run_rig run_rig = {.in = -1};
static char program[4096];

void
run_rig_nap(void)
{
	nanosleep(&(struct timespec){0, 10000000}, NULL);
}

char *
run_rig_path(const char *name)
{
	static char path[64][160];
	static unsigned n;
	char *p = path[n++ % 64];
	snprintf(p, sizeof(path[0]), "%s/%s", run_rig.spool.dir, name);
	return p;
}

void
run_rig_configure(const char *inputs)
{
	FILE *f = fopen(run_rig_path("agent.yaml"), "w");
	assert_non_null(f);
	fprintf(f,
	    "servers: [\"%s\"]\ncertificate: %s\nkey: %s\nca: %s\n"
	    "state: %s\noutbox: 1MiB\ninputs:\n%s",
	    run_rig.spool.address, run_rig_path("agent.pem"),
	    run_rig_path("agent.key"), run_rig_path("ca.pem"),
	    run_rig_path("state"), inputs);
	fclose(f);
}

static void
run_program(int input)
{
	char *argv[] = {program, (char *)(uintptr_t) "run",
	    (char *)(uintptr_t) "--config", run_rig_path("agent.yaml"), NULL};
	int err = open(run_rig_path("err"),
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(input, 0);
	dup2(err, 2);
	if (run_rig.becomes_nobody &&
	    (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
		_exit(99);
	execv(program, argv);
	_exit(98);
}

void
run_rig_start(void)
{
	int fd[2] = {-1, -1};
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	run_rig.pid = fork();
	if (!run_rig.pid)
		run_program(fd[0]);
	assert_true(run_rig.pid > 0);
	close(fd[0]);
	if (run_rig.in >= 0)
		close(run_rig.in);
	run_rig.in = fd[1];
}

int
run_rig_end(int signum)
{
	int status;
	kill(run_rig.pid, signum);
	assert_int_equal(waitpid(run_rig.pid, &status, 0), run_rig.pid);
	run_rig.pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int
run_rig_setup(void **state)
{
	(void)state;
	tlsspool_start(&run_rig.spool);
	const char *build = getenv("TOP_BUILDDIR");
	snprintf(program, sizeof(program), "%s/agentlink/agent/agentlink",
	    build ? build : ".");
	run_rig.next = 0;
	assert_int_equal(mkdir(run_rig_path("log"), 0700), 0);
	char inputs[400];
	snprintf(inputs, sizeof(inputs), "  app: { files: [\"%s/*.log\"] }\n",
	    run_rig_path("log"));
	run_rig_configure(inputs);
	return 0;
}

int
run_rig_teardown(void **state)
{
	(void)state;
	/* A test that failed has not ended it. */
	if (run_rig.pid > 0) {
		kill(run_rig.pid, SIGKILL);
		waitpid(run_rig.pid, NULL, 0);
		run_rig.pid = 0;
	}
	tlsspool_free(&run_rig.spool);
	close(run_rig.in);
	run_rig.in = -1;
	return 0;
}

void
run_rig_append(const char *name, unsigned records)
{
	FILE *f = fopen(run_rig_path(name), "a");
	assert_non_null(f);
	for (unsigned i = 0; i < records; i++)
		fprintf(f, "something has happened, #%u\n", run_rig.next++);
	fclose(f);
}

void
run_rig_all_arrive(void)
{
	for (int i = 0; i < 1500; i++) {
		if (atomic_load(&run_rig.spool.stored) >= run_rig.next)
			return;
		run_rig_nap();
	}
	char command[200];
	snprintf(command, sizeof(command), "cat %s >&2", run_rig_path("err"));
	if (system(command))
		fputs("no log\n", stderr);
	fail_msg("%lu of %u records arrived",
	    atomic_load(&run_rig.spool.stored), run_rig.next);
}

void
run_rig_all_are_stored_once(void)
{
	tlsspool_stop(&run_rig.spool);
	assert_int_equal(tlsspool_wrong(&run_rig.spool, run_rig.next), 0);
}
