/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/loop/tcp.h"

#define DEADLINE_MS 10000
#define MANY 40

struct peers {
	struct loop *loop;
	struct tcp_listener *listener;
	struct sockaddr_in addr;
	int accepted[MANY];
	int count;
	int full;
	bool free_on_accept;
	bool pause_on_accept;
	struct tcp_connect *connect;
	int connects;
	int rc;
	int fd;
	char why[64];
};

static void
on_accept(int fd, const struct sockaddr_storage *peer, socklen_t len, void *arg)
{
	struct peers *p = arg;

	assert_int_equal(peer->ss_family, AF_INET);
	assert_int_equal(len, sizeof(struct sockaddr_in));
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(p->count < MANY);
	p->accepted[p->count++] = fd;
	if (p->free_on_accept) {
		tcp_listener_free(p->listener);
		p->listener = NULL;
	}
	if (p->pause_on_accept)
		tcp_listener_pause(p->listener);
}

static void
on_full(void *arg)
{
	struct peers *p = arg;

	p->full++;
}

static void
on_connected(int rc, int fd, const char *why, void *arg)
{
	struct peers *p = arg;

	p->connects++;
	p->rc = rc;
	p->fd = fd;
	strncpy(p->why, why, sizeof(p->why) - 1);
}

static int
bind_loopback(struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	*addr = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)addr, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)addr, &len), 0);
	return fd;
}

static int
setup(void **state)
{
	static const struct tcp_listener_events events = {on_accept, on_full};
	struct peers *p = calloc(1, sizeof(*p));

	if (!p || loop_new(&p->loop))
		return -1;
	*state = p;
	return tcp_listener_new(
	    p->loop, bind_loopback(&p->addr), &events, p, &p->listener);
}

static int
teardown(void **state)
{
	struct peers *p = *state;

	tcp_listener_free(p->listener);
	tcp_connect_free(p->connect);
	for (int i = 0; i < p->count; i++)
		close(p->accepted[i]);
	loop_free(p->loop);
	free(p);
	return 0;
}

static int
dial(const struct peers *p)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&p->addr, sizeof(p->addr)), 0);
	return fd;
}

/* Turn the loop until *value is n. */
static void
await(struct peers *p, const int *value, int n)
{
	uint64_t end = loop_now_ms(p->loop) + DEADLINE_MS;

	while (*value < n && loop_now_ms(p->loop) < end)
		loop_run_once(p->loop, 100);
	assert_int_equal(*value, n);
}

static void
connections_are_accepted(void **state)
{
	struct peers *p = *state;
	int fds[MANY];

	for (int i = 0; i < MANY; i++)
		fds[i] = dial(p);
	await(p, &p->count, MANY);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
}

static void
a_paused_listener_leaves_connections_waiting(void **state)
{
	struct peers *p = *state;
	int a = dial(p), b = dial(p);

	p->pause_on_accept = true;
	await(p, &p->count, 1);
	loop_run_once(p->loop, 20);
	assert_int_equal(p->count, 1);
	tcp_listener_resume(p->listener);
	await(p, &p->count, 2);
	close(a);
	close(b);
}

static void
a_listener_may_be_freed_in_its_own_callback(void **state)
{
	struct peers *p = *state;
	int fd = dial(p);

	p->free_on_accept = true;
	await(p, &p->count, 1);
	assert_null(p->listener);
	close(fd);
}

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/*
 * FAULTS.md row 16: accepting rests, nothing spins, the reserve tells one
 * peer, and when descriptors come back the others are served.
 */
static void
without_descriptors_accepting_rests_and_then_goes_on(void **state)
{
	struct peers *p = *state;
	struct rlimit old, low;
	int a = dial(p), b = dial(p), c = dial(p);
	uint64_t begin, end;
	double cpu;
	char byte;
	int top;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	top = dup(a);
	close(top);
	low = (struct rlimit){(rlim_t)top, old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	begin = loop_now_ms(p->loop);
	await(p, &p->full, 1);
	assert_int_equal(p->count, 0);
	assert_int_equal(tcp_listener_refused(p->listener), 1);
	cpu = cpu_seconds();
	end = loop_now_ms(p->loop) + 80;
	while (loop_now_ms(p->loop) < end)
		loop_run_once(p->loop, end - loop_now_ms(p->loop));
	assert_true(cpu_seconds() - cpu < 0.04);
	/* Once, or once more for each tenth of a second on a busy machine. */
	assert_true(
	    (uint64_t)p->full <= 1 + (loop_now_ms(p->loop) - begin) / 100);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	await(p, &p->count, 3 - (int)tcp_listener_refused(p->listener));
	/* The first in the queue was told; the end is clean. */
	assert_int_equal(recv(a, &byte, 1, 0), 0);
	close(a);
	close(b);
	close(c);
}

static void
connecting_gives_a_descriptor(void **state)
{
	struct peers *p = *state;

	assert_int_equal(tcp_connect_new(p->loop, (struct sockaddr *)&p->addr,
			     sizeof(p->addr), on_connected, p, &p->connect),
	    0);
	assert_int_equal(p->connects, 0); /* never from within the call */
	await(p, &p->connects, 1);
	assert_int_equal(p->rc, 0);
	await(p, &p->count, 1);
	assert_int_equal(send(p->fd, "x", 1, 0), 1);
	close(p->fd);
}

static void
a_refused_connection_is_told_with_the_reason(void **state)
{
	struct peers *p = *state;

	tcp_listener_free(p->listener);
	p->listener = NULL;
	assert_int_equal(tcp_connect_new(p->loop, (struct sockaddr *)&p->addr,
			     sizeof(p->addr), on_connected, p, &p->connect),
	    0);
	await(p, &p->connects, 1);
	assert_true(p->rc < 0);
	assert_int_equal(p->fd, -1);
	assert_string_equal(p->why, "Connection refused");
}

static void
an_attempt_that_is_freed_calls_nothing_back(void **state)
{
	struct peers *p = *state;

	assert_int_equal(tcp_connect_new(p->loop, (struct sockaddr *)&p->addr,
			     sizeof(p->addr), on_connected, p, &p->connect),
	    0);
	tcp_connect_free(p->connect);
	p->connect = NULL;
	await(p, &p->count, 1); /* the kernel had connected it */
	assert_int_equal(p->connects, 0);
}

static void
an_unknown_family_is_refused_at_once(void **state)
{
	struct peers *p = *state;
	struct sockaddr addr = {.sa_family = 12345};

	assert_true(tcp_connect_new(p->loop, &addr, sizeof(addr), on_connected,
			p, &p->connect) < 0);
	assert_null(p->connect);
	assert_int_equal(p->connects, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(connections_are_accepted),
	    TEST(a_paused_listener_leaves_connections_waiting),
	    TEST(a_listener_may_be_freed_in_its_own_callback),
	    TEST(without_descriptors_accepting_rests_and_then_goes_on),
	    TEST(connecting_gives_a_descriptor),
	    TEST(a_refused_connection_is_told_with_the_reason),
	    TEST(an_attempt_that_is_freed_calls_nothing_back),
	    TEST(an_unknown_family_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
