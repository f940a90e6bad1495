/* SPDX-License-Identifier: Apache-2.0 */
/* Questions over real links; names are looked up by a stand-in that waits. */
#include <netdb.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "forwarder/resolver/resolver.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/link/chan.h"
#include "tests/helpers/cmocka_all.h"

#define WAIT_MS 10000

struct fixture {
	struct loop *loop;
	struct resolver *resolver;
	struct buf in;
	int fd[2];
};

static sem_t gate; /* "slow" waits for it */
static atomic_int running;

static void
stand_in(struct lookup *l)
{
	if (!strcmp(l->host, "slow")) {
		atomic_fetch_add(&running, 1);
		sem_wait(&gate);
	}
	lookup_run(l);
}

static int
connect_one(struct fixture *f)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(resolver_connect(f->resolver, pair[1]), 0);
	return pair[0];
}

static void
begin(struct fixture *f, void (*run)(struct lookup *l))
{
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(resolver_new(f->loop, run, &f->resolver), 0);
	buf_init(&f->in, IPC_MESSAGE_MAX);
	sem_init(&gate, 0, 0);
	atomic_store(&running, 0);
	f->fd[0] = connect_one(f);
	f->fd[1] = connect_one(f);
}

static void
end(struct fixture *f)
{
	resolver_free(f->resolver);
	loop_free(f->loop);
	buf_fini(&f->in);
	close(f->fd[0]);
	close(f->fd[1]);
}

static void
ask(int fd, uint32_t id, const char *host)
{
	struct ipc_msg m = {.type = IPC_RESOLVE};
	struct bytes part;
	struct buf b;

	m.u.resolve.id = id;
	m.u.resolve.host = bytes_of_str(host);
	m.u.resolve.port = 514;
	buf_init(&b, IPC_MESSAGE_MAX);
	ipc_encode(&b, &m);
	part = buf_bytes(&b);
	assert_int_equal(
	    chan_blocking_send(fd, m.type, &part, 1, -1, WAIT_MS), 0);
	buf_fini(&b);
}

/* The answer is valid until the next. */
static struct ipc_addresses
hear(struct fixture *f, int fd)
{
	uint64_t until = clock_now().mono_us + WAIT_MS * 1000;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct ipc_msg m;
	uint16_t type;
	int passed;

	while (poll(&p, 1, 0) == 0) {
		assert_true(clock_now().mono_us < until);
		loop_run_once(f->loop, 10);
	}
	assert_int_equal(
	    chan_blocking_recv(fd, WAIT_MS, &type, &f->in, &passed), 0);
	assert_int_equal(type, IPC_ADDRESSES);
	assert_int_equal(ipc_decode(type, buf_bytes(&f->in), &m), 0);
	return m.u.addresses;
}

static void
addresses_are_told_with_the_port(void **state)
{
	static const uint8_t four[] = {4, 2, 2, 192, 0, 2, 7};
	static const uint8_t six[] = {
	    6, 2, 2, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
	struct fixture f;
	struct ipc_addresses a;

	(void)state;
	begin(&f, lookup_run);
	ask(f.fd[0], 7, "192.0.2.7");
	a = hear(&f, f.fd[0]);
	assert_int_equal(a.id, 7);
	assert_int_equal(a.code, LOOKUP_FOUND);
	assert_int_equal(a.n, 1);
	assert_true(bytes_equal(a.addresses, bytes_of(four, sizeof(four))));
	ask(f.fd[0], 8, "2001:db8::1");
	a = hear(&f, f.fd[0]);
	assert_int_equal(a.n, 1);
	assert_true(bytes_equal(a.addresses, bytes_of(six, sizeof(six))));
	ask(f.fd[0], 9, "localhost");
	a = hear(&f, f.fd[0]);
	assert_int_equal(a.code, LOOKUP_FOUND);
	assert_true(a.n >= 1 && a.n <= IPC_ADDRESSES_MAX);
	end(&f);
}

static void
what_is_no_name_is_not_found(void **state)
{
	struct fixture f;
	struct ipc_addresses a;

	(void)state;
	begin(&f, lookup_run);
	/* Not asked of any server: a label of 64 bytes. */
	ask(f.fd[0], 1,
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	    "example");
	a = hear(&f, f.fd[0]);
	assert_int_equal(a.n, 0);
	assert_int_not_equal(a.code, LOOKUP_FOUND);
	assert_true(a.text.len > 0);
	end(&f);
}

static void
codes_tell_absent_from_later(void **state)
{
	(void)state;
	assert_int_equal(lookup_code_of(0), LOOKUP_FOUND);
	assert_int_equal(lookup_code_of(EAI_NONAME), LOOKUP_NOT_FOUND);
	assert_int_equal(lookup_code_of(EAI_NODATA), LOOKUP_NOT_FOUND);
	assert_int_equal(lookup_code_of(EAI_AGAIN), LOOKUP_TRY_AGAIN);
	assert_int_equal(lookup_code_of(EAI_FAIL), LOOKUP_TRY_AGAIN);
	assert_int_equal(lookup_code_of(EAI_SYSTEM), LOOKUP_TRY_AGAIN);
}

static void
until_running(struct fixture *f, int n)
{
	uint64_t until = clock_now().mono_us + WAIT_MS * 1000;

	while (atomic_load(&running) < n) {
		assert_true(clock_now().mono_us < until);
		loop_run_once(f->loop, 10);
	}
}

static void
one_forwarder_keeps_no_other_waiting(void **state)
{
	struct fixture f;
	struct ipc_addresses a;

	(void)state;
	begin(&f, stand_in);
	for (uint32_t i = 0; i < RESOLVER_WAITING; i++)
		ask(f.fd[0], i, "slow");
	until_running(&f, 1);
	ask(f.fd[1], 1, "192.0.2.1");
	a = hear(&f, f.fd[1]);
	assert_int_equal(a.code, LOOKUP_FOUND);
	/* Of the first link one was taken in hand, no more. */
	assert_int_equal(atomic_load(&running), 1);
	for (uint32_t i = 0; i < RESOLVER_WAITING; i++)
		sem_post(&gate);
	for (uint32_t i = 0; i < RESOLVER_WAITING; i++)
		assert_int_equal(hear(&f, f.fd[0]).id, i);
	end(&f);
}

static void
too_many_questions_are_told_to_come_again(void **state)
{
	struct fixture f;
	struct ipc_addresses a;

	(void)state;
	begin(&f, stand_in);
	ask(f.fd[0], 0, "slow");
	until_running(&f, 1);
	for (uint32_t i = 1; i < RESOLVER_WAITING + 2; i++)
		ask(f.fd[0], i, "slow");
	a = hear(&f, f.fd[0]);
	assert_int_equal(a.id, RESOLVER_WAITING + 1);
	assert_int_equal(a.code, LOOKUP_TRY_AGAIN);
	for (uint32_t i = 0; i < RESOLVER_WAITING + 1; i++)
		sem_post(&gate);
	for (uint32_t i = 0; i < RESOLVER_WAITING + 1; i++)
		assert_int_equal(hear(&f, f.fd[0]).id, i);
	end(&f);
}

static void
a_forwarder_may_go_while_it_is_answered(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, stand_in);
	ask(f.fd[0], 0, "slow");
	until_running(&f, 1);
	close(f.fd[0]);
	f.fd[0] = connect_one(&f);
	ask(f.fd[0], 1, "192.0.2.1");
	assert_int_equal(hear(&f, f.fd[0]).id, 1);
	sem_post(&gate);
	end(&f);
}

static void
nonsense_ends_the_link(void **state)
{
	struct bytes junk = bytes_of_str("x");
	struct fixture f;
	uint8_t byte;
	uint64_t until = clock_now().mono_us + WAIT_MS * 1000;

	(void)state;
	begin(&f, lookup_run);
	chan_blocking_send(f.fd[0], IPC_RESOLVE, &junk, 1, -1, WAIT_MS);
	while (recv(f.fd[0], &byte, 1, MSG_DONTWAIT) != 0) {
		assert_true(clock_now().mono_us < until);
		loop_run_once(f.loop, 10);
	}
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_are_told_with_the_port),
	    cmocka_unit_test(what_is_no_name_is_not_found),
	    cmocka_unit_test(codes_tell_absent_from_later),
	    cmocka_unit_test(one_forwarder_keeps_no_other_waiting),
	    cmocka_unit_test(too_many_questions_are_told_to_come_again),
	    cmocka_unit_test(a_forwarder_may_go_while_it_is_answered),
	    cmocka_unit_test(nonsense_ends_the_link),
	};

	log_setup("test", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
