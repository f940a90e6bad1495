/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each test forks a child that enters a sandbox and looks around; a child
 * that finds something wrong says the line on standard error and exits 1.
 */
#include "config.h"

#include "tests/helpers/cmocka_all.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/loop/loop.h"
#include "lib/sandbox/sandbox.h"

#define CHECK(x)                                                            \
	do {                                                                \
		if (!(x)) {                                                 \
			fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, \
			    __LINE__, #x, errno);                           \
			return 1;                                           \
		}                                                           \
	} while (0)

struct place {
	char dir[64]; /* usable by roles that may open */
	int dir_fd;
	int listener; /* bound to loopback */
	struct sockaddr_in addr;
};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	socklen_t len = sizeof(p->addr);

	if (!p)
		return -1;
	*state = p;
	strcpy(p->dir, "/tmp/test-sandbox-XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	p->dir_fd = open(p->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	p->listener = socket(AF_INET, SOCK_STREAM, 0);
	p->addr.sin_family = AF_INET;
	p->addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return bind(p->listener, (struct sockaddr *)&p->addr, len) ||
	    listen(p->listener, 8) ||
	    getsockname(p->listener, (struct sockaddr *)&p->addr, &len);
}

static int
teardown(void **state)
{
	struct place *p = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/file", p->dir);
	unlink(path);
	rmdir(p->dir);
	close(p->dir_fd);
	close(p->listener);
	free(p);
	return 0;
}

/* Unused where a sanitizer forbids these tests. */
__attribute__((unused)) static int
in_child(int (*child)(enum sandbox_role role, struct place *p),
    enum sandbox_role role, struct place *p)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child(role, p));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
for_each_role(void **state, int (*child)(enum sandbox_role, struct place *))
{
#ifdef WITH_SANITIZER
	(void)state;
	(void)child;
	print_message("a sanitizer's run-time needs what is forbidden here\n");
	skip();
#else
	for (int i = 0; i < SANDBOX_ROLES; i++) {
		int status = in_child(child, (enum sandbox_role)i, *state);

		if (status)
			print_error("role %s: status %d\n",
			    sandbox_role_name((enum sandbox_role)i), status);
		assert_int_equal(status, 0);
	}
#endif
}

static int
enter(enum sandbox_role role, const struct place *p, bool kill)
{
	struct sandbox_dir dir = {.fd = p->dir_fd, .write = true};
	struct sandbox_profile profile = {
	    .role = role,
	    .dirs = &dir,
	    .dir_count = sandbox_role_may(role, SANDBOX_OPEN) ? 1 : 0,
	    .max_files = 64,
	    .kill = kill,
	};
	struct sandbox_report report;
	int rc = sandbox_enter(&profile, &report);

	return rc ? rc : report.landlock_abi;
}

/* What a call gave is what the table says of its class. */
static bool
fits(int result, enum sandbox_role role, enum sandbox_class class)
{
	return sandbox_role_may(role, class) ? result >= 0
					     : result < 0 && errno == EPERM;
}

static int
child_opens(enum sandbox_role role, struct place *p)
{
	int home = open(p->dir, O_RDONLY | O_DIRECTORY);
	int abi = enter(role, p, false);
	char path[128];
	struct stat st;

	CHECK(abi >= 0);
	snprintf(path, sizeof(path), "%s/file", p->dir);
	CHECK(fits(open(path, O_RDWR | O_CREAT, 0600), role, SANDBOX_OPEN));
	CHECK(fits(openat(home, "file", O_RDONLY), role, SANDBOX_OPEN));
	CHECK(fits(renameat(home, "file", home, "other"), role, SANDBOX_OPEN));
	CHECK(fits(unlinkat(home, "other", 0), role, SANDBOX_OPEN));
	CHECK(open("/etc/passwd", O_RDONLY) < 0 ||
	    (sandbox_role_may(role, SANDBOX_OPEN) && abi == 0));
	CHECK(open("/proc/self/mem", O_RDWR) < 0);
	CHECK(fstat(home, &st) == 0);
	return 0;
}

static void
only_roles_of_the_table_open_and_only_in_their_directory(void **state)
{
	for_each_role(state, child_opens);
}

static int
child_connects(enum sandbox_role role, struct place *p)
{
	int sock = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(enter(role, p, false) >= 0);
	CHECK(fits(connect(sock, (struct sockaddr *)&p->addr, sizeof(p->addr)),
	    role, SANDBOX_CONNECT));
	CHECK(bind(sock, (struct sockaddr *)&p->addr, sizeof(p->addr)) < 0);
	CHECK(errno == EPERM);
	return 0;
}

static void
only_roles_of_the_table_connect(void **state)
{
	for_each_role(state, child_connects);
}

static int
child_makes_sockets(enum sandbox_role role, struct place *p)
{
	int pair[2];

	CHECK(enter(role, p, false) >= 0);
	CHECK(fits(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), role,
	    SANDBOX_SOCKET));
	CHECK(fits(socket(AF_INET6, SOCK_DGRAM, 0), role, SANDBOX_SOCKET) ||
	    errno == EAFNOSUPPORT);
	/* Nobody: the control socket, raw packets, the kernel's others. */
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM);
	CHECK(socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EPERM);
	CHECK(socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EPERM);
	CHECK(socket(AF_INET, SOCK_RAW, 1) < 0 && errno == EPERM);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 && errno == EPERM);
	return 0;
}

static void
only_roles_of_the_table_make_sockets(void **state)
{
	for_each_role(state, child_makes_sockets);
}

static int
child_executes(enum sandbox_role role, struct place *p)
{
	char *argv[] = {(char *)(uintptr_t) "true", NULL};
	pid_t pid;

	CHECK(enter(role, p, false) >= 0);
	CHECK(!sandbox_role_may(role, SANDBOX_EXEC));
	CHECK(execve("/bin/true", argv, NULL) < 0 && errno == EPERM);
	pid = fork();
	if (pid == 0)
		_exit(0);
	CHECK(!sandbox_role_may(role, SANDBOX_FORK));
	CHECK(pid < 0 && errno == EPERM);
	return 0;
}

static void
no_role_executes_or_forks(void **state)
{
	for_each_role(state, child_executes);
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
child_makes_threads(enum sandbox_role role, struct place *p)
{
	pthread_t thread;
	int rc;

	CHECK(enter(role, p, false) >= 0);
	rc = pthread_create(&thread, NULL, nothing, NULL);
	CHECK((rc == 0) == sandbox_role_may(role, SANDBOX_THREAD));
	CHECK(rc || pthread_join(thread, NULL) == 0);
	return 0;
}

static void
only_roles_of_the_table_make_threads(void **state)
{
	for_each_role(state, child_makes_threads);
}

static int
child_reaches_out(enum sandbox_role role, struct place *p)
{
	void *mem;

	CHECK(enter(role, p, false) >= 0);
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(mem != MAP_FAILED);
	CHECK(mprotect(mem, 4096, PROT_READ | PROT_EXEC) < 0);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK(kill(getppid(), 0) < 0 && errno == EPERM);
	CHECK(syscall(SYS_ptrace, 16 /* attach */, getppid(), 0, 0) < 0);
	CHECK(errno == EPERM);
	CHECK(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EPERM);
	CHECK(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM);
	CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 && errno == EPERM);
	CHECK(setuid(0) < 0);
	return 0;
}

static void
no_role_makes_code_or_touches_other_processes(void **state)
{
	for_each_role(state, child_reaches_out);
}

static int
child_looks_at_itself(enum sandbox_role role, struct place *p)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];
	struct rlimit core, files;
	int deathsig = 0;

	CHECK(sandbox_die_with_parent(getppid()) == 0);
	CHECK(enter(role, p, false) >= 0);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	CHECK(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max == 64);
	/* Entering must not clear it. */
	CHECK(prctl(PR_GET_PDEATHSIG, &deathsig, 0, 0, 0) == 0);
	CHECK(deathsig == SIGKILL);
	/* capget is forbidden by now; a raised uid would show the rest. */
	CHECK(syscall(SYS_capget, &head, caps) < 0 && errno == EPERM);
	return 0;
}

static void
limits_hold_and_the_parents_death_still_counts(void **state)
{
	for_each_role(state, child_looks_at_itself);
}

static void
on_wake(void *arg)
{
	loop_stop(arg);
}

static void
work(void *arg)
{
	void *mem = malloc(1 << 20); /* an arena of its own */

	memset(mem, 1, 1 << 20);
	free(mem);
	(void)arg;
}

static void
on_done(int rc, void *arg)
{
	(void)rc;
	loop_stop(arg);
}

static int
child_lives(enum sandbox_role role, struct place *p)
{
	struct loop *l;
	struct loop_wake *w;
	struct loop_timer *t;
	struct loop_signal *s;

	CHECK(enter(role, p, false) >= 0);
	CHECK(loop_new(&l) == 0);
	CHECK(loop_wake_new(l, on_wake, l, &w) == 0);
	CHECK(loop_timer_new(l, on_wake, l, &t) == 0);
	CHECK(loop_signal_new(l, SIGHUP, NULL, NULL, &s) == 0);
	loop_wake_send(w);
	loop_run(l);
	loop_timer_start(t, 1, 0);
	loop_run(l);
	if (sandbox_role_may(role, SANDBOX_THREAD)) {
		CHECK(loop_work_start(l, work, on_done, l, NULL) == 0);
		loop_run(l);
	}
	loop_signal_free(s);
	loop_timer_free(t);
	loop_wake_free(w);
	loop_free(l);
	CHECK(listen(p->listener, 8) == 0);
	CHECK(fcntl(p->listener, F_SETFL, O_NONBLOCK) == 0);
	CHECK(accept4(p->listener, NULL, NULL, SOCK_CLOEXEC) < 0);
	CHECK(errno == EAGAIN);
	CHECK(fprintf(stderr, "%s", "") == 0);
	return 0;
}

static void
the_loop_its_threads_and_given_sockets_still_work(void **state)
{
	for_each_role(state, child_lives);
}

#ifndef WITH_SANITIZER
static int
child_is_killed(enum sandbox_role role, struct place *p)
{
	CHECK(enter(role, p, true) >= 0);
	open("/etc/passwd", O_RDONLY);
	return 0;
}

static int
child_reports(enum sandbox_role role, struct place *p)
{
	struct sandbox_profile profile = {.role = role};
	struct sandbox_report r;
	char text[SANDBOX_TEXT_SIZE];

	(void)p;
	CHECK(sandbox_enter(&profile, &r) == 0);
	CHECK(!r.off && r.no_new_privs && r.seccomp);
	CHECK(r.capabilities);
	CHECK(strstr(sandbox_report_format(&r, text), "seccomp on"));
	CHECK(strstr(text, "capabilities none"));
	return 0;
}

static int
child_has_threads(enum sandbox_role role, struct place *p)
{
	struct sandbox_profile profile = {.role = role};
	struct sandbox_report r = {0};
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	pthread_t thread;

	(void)p;
	pthread_mutex_lock(&gate);
	CHECK(
	    pthread_create(&thread, NULL,
		(void *(*)(void *))(uintptr_t)pthread_mutex_lock, &gate) == 0);
	CHECK(sandbox_enter(&profile, &r) == ERR_STATE);
	CHECK(!r.seccomp);
	return 0;
}
#endif

static void
a_forbidden_call_can_be_made_fatal(void **state)
{
#ifdef WITH_SANITIZER
	(void)state;
	skip();
#else
	int status = in_child(child_is_killed, SANDBOX_RECEIVER, *state);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
#endif
}

static void
what_was_reached_is_reported(void **state)
{
#ifdef WITH_SANITIZER
	(void)state;
	skip();
#else
	assert_int_equal(in_child(child_reports, SANDBOX_WORKER, *state), 0);
#endif
}

static void
entering_with_threads_is_refused(void **state)
{
#ifdef WITH_SANITIZER
	(void)state;
	skip();
#else
	assert_int_equal(
	    in_child(child_has_threads, SANDBOX_KEEPER, *state), 0);
#endif
}

static void
off_does_nothing_and_says_so(void **state)
{
	struct sandbox_profile profile = {.off = true};
	struct sandbox_report r;
	char text[SANDBOX_TEXT_SIZE];
	int fd;

	(void)state;
	assert_int_equal(sandbox_enter(&profile, &r), 0);
	assert_true(r.off);
	assert_string_equal(sandbox_report_format(&r, text), "off");
	fd = open("/dev/null", O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
}

static void
roles_have_names_and_reasons(void **state)
{
	enum sandbox_role role;

	(void)state;
	for (int i = 0; i < SANDBOX_ROLES; i++) {
		const char *name = sandbox_role_name((enum sandbox_role)i);

		assert_int_equal(sandbox_role_parse(name, &role), 0);
		assert_int_equal(role, i);
		assert_true(strlen(sandbox_role_reason(role)) > 10);
	}
	assert_int_equal(sandbox_role_parse("cook", &role), ERR_NOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(only_roles_of_the_table_open_and_only_in_their_directory),
	    TEST(only_roles_of_the_table_connect),
	    TEST(only_roles_of_the_table_make_sockets),
	    TEST(no_role_executes_or_forks),
	    TEST(only_roles_of_the_table_make_threads),
	    TEST(no_role_makes_code_or_touches_other_processes),
	    TEST(limits_hold_and_the_parents_death_still_counts),
	    TEST(the_loop_its_threads_and_given_sockets_still_work),
	    TEST(a_forbidden_call_can_be_made_fatal),
	    TEST(what_was_reached_is_reported),
	    TEST(entering_with_threads_is_refused),
	    TEST(off_does_nothing_and_says_so),
	    cmocka_unit_test(roles_have_names_and_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
