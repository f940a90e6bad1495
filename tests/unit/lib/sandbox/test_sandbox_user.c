/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/helpers/cmocka_all.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/sandbox/sandbox.h"

#define CHECK(x)                                                            \
	do {                                                                \
		if (!(x)) {                                                 \
			fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, \
			    __LINE__, #x, errno);                           \
			return 1;                                           \
		}                                                           \
	} while (0)

static int
in_child(int (*child)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int
child_becomes_nobody(void)
{
	uid_t r, e, s;
	int deathsig = -1;

	CHECK(sandbox_become("no such user") == ERR_NOENT);
	CHECK(sandbox_die_with_parent(getppid()) == 0);
	CHECK(sandbox_become("nobody") == 0);
	CHECK(getresuid(&r, &e, &s) == 0);
	CHECK(r == e && e == s && r != 0);
	CHECK(getgroups(0, NULL) == 0);
	CHECK(setuid(0) < 0);
	CHECK(sandbox_become("nobody") == 0); /* is already */
	CHECK(sandbox_become("root") == ERR_DENIED);
	/* RULES.md 11: the change of user has cleared it. */
	CHECK(prctl(PR_GET_PDEATHSIG, &deathsig) == 0 && deathsig == 0);
	CHECK(sandbox_die_with_parent(getppid()) == 0);
	CHECK(sandbox_die_with_parent(getppid() + 1) == ERR_CLOSED);
	return 0;
}

static void
becoming_another_user_is_for_good(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("needs root\n");
		skip();
	}
	assert_int_equal(in_child(child_becomes_nobody), 0);
}

static int
child_leaves_network(void)
{
	CHECK(sandbox_leave_network(SANDBOX_FORWARDER) == ERR_STATE);
	CHECK(sandbox_leave_network(SANDBOX_KEEPER) == 0 || geteuid() != 0);
	return 0;
}

static void
only_roles_without_sockets_leave_the_network(void **state)
{
	(void)state;
	assert_int_equal(in_child(child_leaves_network), 0);
}

/* The child makes a grandchild, which holds the pipe until it dies. */
static void
a_role_dies_with_its_parent(void **state)
{
	int pipes[2], status;
	char c;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		pid_t self = getpid();

		close(pipes[0]);
		if (fork() == 0) {
			if (sandbox_die_with_parent(self))
				_exit(1);
			if (write(pipes[1], "r", 1) == 1)
				pause();
			_exit(0);
		}
		close(pipes[1]);
		pause();
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &c, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(read(pipes[0], &c, 1), 0);
	close(pipes[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(becoming_another_user_is_for_good),
	    cmocka_unit_test(only_roles_without_sockets_leave_the_network),
	    cmocka_unit_test(a_role_dies_with_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
