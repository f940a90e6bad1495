/* SPDX-License-Identifier: Apache-2.0 */
/* The program `agentlink send` against a TLS server of the test's own. */
#include "tests/helpers/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agentlink/agent/options.h"
#include "tests/unit/agentlink/agent/tlsspool.h"

extern char **environ;

static struct tlsspool spool;
static char program[4096];
static char out[4096], err[8192]; /* what the last one printed */
static pid_t running; /* 0: none */

static int
setup(void **state)
{
	(void)state;
	tlsspool_start(&spool);
	const char *build = getenv("TOP_BUILDDIR");
	snprintf(program, sizeof(program), "%s/agentlink/agent/agentlink",
	    build ? build : ".");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	/* A test that failed has not ended it. */
	if (running > 0) {
		kill(running, SIGKILL);
		waitpid(running, NULL, 0);
		running = 0;
	}
	tlsspool_free(&spool);
	return 0;
}

static char *
in_dir(const char *name)
{
	static char path[256][160];
	static unsigned n;
	char *p = path[n++ % 256];
	snprintf(p, sizeof(path[0]), "%s/%s", spool.dir, name);
	return p;
}

/* Lines "record #N" for from <= N < to, each ended by `end`. */
static void
write_records(const char *path, const char *mode, uint32_t from, uint32_t to,
    const char *end)
{
	FILE *f = fopen(path, mode);
	assert_non_null(f);
	for (uint32_t i = from; i < to; i++)
		fprintf(f, "one more record of the file, #%u%s", i, end);
	fclose(f);
}

static pid_t
start(const char *cert, int in, char *const extra[])
{
	char *argv[40] = {program, (char *)"send", (char *)"--server",
	    spool.address, (char *)"--ca", in_dir("ca.pem")};
	char name[32];
	int n = 6;
	argv[n++] = (char *)"--cert";
	snprintf(name, sizeof(name), "%s.pem", cert);
	argv[n++] = in_dir(name);
	argv[n++] = (char *)"--key";
	snprintf(name, sizeof(name), "%s.key", cert);
	argv[n++] = in_dir(name);
	while (*extra && n < 39)
		argv[n++] = *extra++;
	posix_spawn_file_actions_t act;
	posix_spawn_file_actions_init(&act);
	posix_spawn_file_actions_addopen(
	    &act, 1, in_dir("out"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_addopen(
	    &act, 2, in_dir("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (in >= 0)
		posix_spawn_file_actions_adddup2(&act, in, 0);
	pid_t pid;
	assert_int_equal(
	    posix_spawn(&pid, program, &act, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&act);
	running = pid;
	return pid;
}

static void
read_text(const char *path, char *to, size_t size)
{
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t n = fread(to, 1, size - 1, f);
	to[n] = '\0';
	fclose(f);
}

static int
wait_for(pid_t pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	running = 0;
	read_text(in_dir("out"), out, sizeof(out));
	read_text(in_dir("err"), err, sizeof(err));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define RUN(...) \
	wait_for(start("agent", -1, (char *const[]){__VA_ARGS__, NULL}))
#define S(text) ((char *)(uintptr_t)(text))

static void
all_are_stored_once(uint32_t n)
{
	tlsspool_stop(&spool);
	assert_int_equal(tlsspool_wrong(&spool, n), 0);
}

static void
a_file_arrives_whole_and_the_summary_says_so(void **state)
{
	(void)state;
	write_records(in_dir("app.log"), "w", 0, 20000, "\n");
	assert_int_equal(RUN(in_dir("app.log")), 0);
	unsigned long records, bytes, batches, repeats;
	assert_int_equal(sscanf(out,
			     "records=%lu bytes=%lu batches=%lu "
			     "repeats=%lu seconds=",
			     &records, &bytes, &batches, &repeats),
	    4);
	assert_int_equal(records, 20000);
	struct stat st;
	assert_int_equal(stat(in_dir("app.log"), &st), 0);
	assert_int_equal(bytes, (unsigned long)st.st_size - 20000);
	assert_true(batches >= 2);
	assert_int_equal(repeats, 0);
	assert_string_equal(err, "");
	all_are_stored_once(20000);
	assert_string_equal(spool.sim.stream[0].name, "app.log");
	assert_string_equal(spool.sim.last_path, in_dir("app.log"));
}

static void
a_last_line_without_lf_and_cr_and_nul_are_kept(void **state)
{
	(void)state;
	FILE *f = fopen(in_dir("a"), "w");
	fputs("#0\nwith cr #1", f);
	fclose(f);
	assert_int_equal(RUN(S("--stream"), S("x"), in_dir("a")), 0);
	f = fopen(in_dir("b"), "w");
	fwrite("a\nb#2\0#3\0#4", 1, 11, f);
	fclose(f);
	assert_int_equal(RUN(S("--framing"), S("nul"), in_dir("b")), 0);
	f = fopen(in_dir("c"), "w");
	fwrite("\2\0\0\0#5\3\0\0\0\n#6", 1, 13, f);
	fclose(f);
	assert_int_equal(RUN(S("--framing"), S("length"), in_dir("c")), 0);
	all_are_stored_once(7);
	assert_string_equal(spool.sim.stream[0].name, "x");
}

static void
standard_input_arrives_as_it_comes(void **state)
{
	(void)state;
	int fd[2];
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	pid_t pid = start("agent", fd[0],
	    (char *const[]){S("--stream"), S("in"), S("-"), NULL});
	close(fd[0]);
	assert_int_equal(write(fd[1], "#0\n#1\n", 6), 6);
	/* It does not wait for the end. */
	for (int i = 0; i < 500 && !atomic_load(&spool.seen_data); i++)
		nanosleep(&(struct timespec){0, 20000000}, NULL);
	assert_true(atomic_load(&spool.seen_data) > 0);
	assert_int_equal(write(fd[1], "#2", 2), 2);
	close(fd[1]);
	assert_int_equal(wait_for(pid), 0);
	all_are_stored_once(3);
}

static void
a_connection_that_breaks_again_and_again_loses_and_repeats_nothing(void **state)
{
	(void)state;
	write_records(in_dir("app.log"), "w", 0, 150000, "\n");
	atomic_store(&spool.cut_after, 3);
	pid_t pid =
	    start("agent", -1, (char *const[]){in_dir("app.log"), NULL});
	for (int i = 0; i < 1500 && atomic_load(&spool.connections) < 3; i++)
		nanosleep(&(struct timespec){0, 20000000}, NULL);
	atomic_store(&spool.cut_after, 0);
	assert_int_equal(wait_for(pid), 0);
	assert_true(atomic_load(&spool.connections) >= 3);
	all_are_stored_once(150000);
}

static void
killed_and_started_again_with_state_it_goes_on(void **state)
{
	(void)state;
	write_records(in_dir("app.log"), "w", 0, 120000, "\n");
	char *args[] = {S("--state"), in_dir("state"), in_dir("app.log"), NULL};
	for (int i = 0; i < 6; i++) {
		pid_t pid = start("agent", -1, args);
		nanosleep(&(struct timespec){0, (i + 1) * 8000000}, NULL);
		kill(pid, SIGKILL);
		wait_for(pid);
	}
	if (wait_for(start("agent", -1, args)))
		fail_msg("%s", err);
	/* Once more: nothing is left to be sent. */
	if (wait_for(start("agent", -1, args)))
		fail_msg("%s", err);
	assert_non_null(strstr(out, "records=0 "));
	write_records(in_dir("app.log"), "a", 120000, 120010, "\n");
	if (wait_for(start("agent", -1, args)))
		fail_msg("%s", err);
	assert_non_null(strstr(out, "records=10 "));
	/* Another file goes on with the stream. */
	write_records(in_dir("more"), "w", 120010, 120020, "\n");
	assert_int_equal(RUN(S("--state"), in_dir("state"), S("--stream"),
			     S("app.log"), in_dir("more")),
	    0);
	all_are_stored_once(120020);
	assert_int_equal(spool.sim.streams, 1);
}

static void
refused_certificates_end_it_with_4(void **state)
{
	(void)state;
	write_records(in_dir("app.log"), "w", 0, 1, "\n");
	/* Ours, by the spool. */
	assert_int_equal(wait_for(start("other", -1,
			     (char *const[]){in_dir("app.log"), NULL})),
	    4);
	assert_non_null(strstr(err, "alert"));
	/* The spool's, by us. */
	assert_int_equal(
	    RUN(S("--ca"), in_dir("other.pem"), in_dir("app.log")), 4);
}

static void
a_server_that_refuses_is_no_end_while_another_is_there(void **state)
{
	(void)state;
	struct tlsspool wrong;
	char servers[80];
	tlsspool_start(&wrong); /* with an authority of its own */
	write_records(in_dir("app.log"), "w", 0, 5, "\n");
	snprintf(
	    servers, sizeof(servers), "%s,%s", wrong.address, spool.address);
	assert_int_equal(RUN(S("--server"), servers, in_dir("app.log")), 0);
	assert_non_null(strstr(err, wrong.address));
	/* Both refuse: that is the end, and at once. */
	assert_int_equal(RUN(S("--server"), servers, S("--ca"),
			     in_dir("other.pem"), in_dir("app.log")),
	    4);
	all_are_stored_once(5);
	tlsspool_stop(&wrong);
	assert_int_equal(wrong.sim.streams, 0);
	tlsspool_free(&wrong);
}

static void
what_is_wrong_at_the_start_has_its_exit_code(void **state)
{
	(void)state;
	assert_int_equal(RUN(in_dir("absent")), 3);
	assert_non_null(strstr(err, "absent: No such file"));
	write_records(in_dir("app.log"), "w", 0, 1, "\n");
	assert_int_equal(
	    RUN(S("--cert"), in_dir("absent"), in_dir("app.log")), 3);
	assert_int_equal(RUN(S("--rate"), S("fast"), in_dir("app.log")), 2);
	assert_int_equal(RUN(S("--framing"), S("x"), in_dir("app.log")), 2);
	assert_int_equal(RUN(S("--what")), 2);
	assert_int_equal(RUN(S("-")), 2);
	assert_int_equal(atomic_load(&spool.connections), 0);
}

static void
a_time_limit_ends_it_with_6(void **state)
{
	(void)state;
	write_records(in_dir("app.log"), "w", 0, 10, "\n");
	atomic_store(&spool.is_silent, true);
	assert_int_equal(RUN(S("--timeout"), S("300ms"), in_dir("app.log")), 6);
}

static void
a_record_over_the_limit_is_named_with_file_line_and_limit(void **state)
{
	(void)state;
	write_records(in_dir("app.log"), "w", 0, 3, "\n");
	FILE *f = fopen(in_dir("app.log"), "a");
	for (int i = 0; i < (1 << 20) + 1; i++)
		putc('x', f);
	fputs("\n#3\n", f);
	fclose(f);
	assert_int_equal(RUN(in_dir("app.log")), 1);
	assert_non_null(strstr(err, "app.log:4: "));
	assert_non_null(strstr(err, "1048576"));
	/* What came before it is safe; nothing after it was sent. */
	tlsspool_stop(&spool);
	assert_int_equal(tlsspool_wrong(&spool, 3), 0);
	assert_int_equal(spool.counts[3], 0);
}

static void
the_rate_is_kept(void **state)
{
	(void)state;
	write_records(in_dir("app.log"), "w", 0, 300, "\n");
	assert_int_equal(RUN(S("--rate"), S("300/s"), in_dir("app.log")), 0);
	double seconds = atof(strstr(out, "seconds=") + 8);
	assert_true(seconds > 0.6 && seconds < 10);
	all_are_stored_once(300);
}

static void
the_bandwidth_is_kept(void **state)
{
	(void)state;
	FILE *f = fopen(in_dir("app.log"), "w");
	uint64_t x = 88172645463325252u;
	for (int i = 0; i < 2000; i++) {
		for (int k = 0; k < 8; k++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			fprintf(f, "%016lx", x);
		}
		fprintf(f, "#%d\n", i);
	}
	fclose(f);
	/* About 130 kB when packed. */
	assert_int_equal(
	    RUN(S("--bandwidth"), S("100000B/s"), in_dir("app.log")), 0);
	double seconds = atof(strstr(out, "seconds=") + 8);
	assert_true(seconds > 0.7 && seconds < 10);
	all_are_stored_once(2000);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_file_arrives_whole_and_the_summary_says_so),
	    CASE(a_last_line_without_lf_and_cr_and_nul_are_kept),
	    CASE(standard_input_arrives_as_it_comes),
	    CASE(
		a_connection_that_breaks_again_and_again_loses_and_repeats_nothing),
	    CASE(killed_and_started_again_with_state_it_goes_on),
	    CASE(refused_certificates_end_it_with_4),
	    CASE(a_server_that_refuses_is_no_end_while_another_is_there),
	    CASE(what_is_wrong_at_the_start_has_its_exit_code),
	    CASE(a_time_limit_ends_it_with_6),
	    CASE(a_record_over_the_limit_is_named_with_file_line_and_limit),
	    CASE(the_rate_is_kept),
	    CASE(the_bandwidth_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
