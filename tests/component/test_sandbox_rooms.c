/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rooms of lib/ at work inside each role's sandbox, in the form that
 * kills: whatever a library calls that the table forbids ends the child.
 * Nothing was warmed up but what the roles warm up themselves.
 */
#include "config.h"

#include "tests/helpers/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/digest/digest.h"
#include "lib/link/chan.h"
#include "lib/link/link.h"
#include "lib/pack/pack.h"
#include "lib/sandbox/sandbox.h"
#include "lib/tls/tls.h"
#include "tests/helpers/pki.h"
#include "tests/helpers/storerig.h"

#define RAW_SIZE ((size_t)4 << 20)
#define AGENT "URI:spool:agent:0189af00-ffee-4abc-8def-0123456789ab"

#define CHECK(x)                                                            \
	do {                                                                \
		if (!(x)) {                                                 \
			fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, \
			    __LINE__, #x, errno);                           \
			return 1;                                           \
		}                                                           \
	} while (0)

struct certificates {
	struct pki *ca, *spool, *agent;
};

static int
setup(void **state)
{
	struct certificates *c = calloc(1, sizeof(*c));

	if (!c)
		return -1;
	*state = c;
	c->ca = pki_issue(NULL, NULL);
	c->spool = pki_issue(c->ca, "DNS:spool.example");
	c->agent = pki_issue(c->ca, AGENT);
	return 0;
}

static int
teardown(void **state)
{
	struct certificates *c = *state;

	pki_free(c->ca);
	pki_free(c->spool);
	pki_free(c->agent);
	free(c);
	return 0;
}

#ifndef WITH_SANITIZER

static struct tls *
session(const struct certificates *c, const struct pki *own,
    enum tls_config_side side, const char *name)
{
	struct tls_config_settings settings = {.side = side,
	    .verify = TLS_CONFIG_REQUIRED,
	    .cert_pem = pki_cert(own),
	    .key_pem = pki_key(own),
	    .ca_pem = pki_cert(c->ca)};
	struct tls_config *config;
	struct tls *t = NULL;

	if (tls_config_new(&config))
		return NULL;
	if (!tls_config_load(config, &settings))
		(void)tls_new(config, name, &t);
	tls_config_free(config);
	return t;
}

struct talk {
	struct loop *loop;
	struct link *link;
	struct chan *chan;
	int count;
};

static void
on_ready(void *arg)
{
	struct talk *t = arg;

	t->count++;
}

static size_t
on_data(struct bytes data, void *arg)
{
	struct talk *t = arg;

	t->count++;
	return data.len;
}

static void
on_closed(int rc, const char *why, void *arg)
{
	(void)arg;
	fprintf(stderr, "closed: %s: %s\n", err_text(rc), why);
	_exit(1);
}

static void
turn_until(struct talk *t, int count)
{
	for (int i = 0; i < 1000 && t->count < count; i++)
		loop_run_once(t->loop, 10);
}

/* Both ends of a TLS connection over a socket pair that is given. */
static int
talk_tls(struct loop *l, const struct certificates *c, const int pair[2])
{
	static const struct link_events events = {
	    on_ready, on_data, NULL, NULL, on_closed};
	struct talk a = {.loop = l}, b = {.loop = l};
	struct bytes hello = bytes_of_str("hello");
	struct link_pool *pool;

	CHECK(link_pool_new(l, &pool) == 0);
	CHECK(link_new(pool, pair[0],
		  session(c, c->spool, TLS_CONFIG_SERVER, NULL), &events, &a,
		  &a.link) == 0);
	CHECK(link_new(pool, pair[1],
		  session(c, c->agent, TLS_CONFIG_CLIENT, "spool.example"),
		  &events, &b, &b.link) == 0);
	turn_until(&a, 1);
	turn_until(&b, 1);
	CHECK(link_write(b.link, &hello, 1) == 0);
	turn_until(&a, 2);
	CHECK(a.count == 2);
	link_free(a.link);
	link_free(b.link);
	link_pool_free(pool);
	return 0;
}

static void
on_message(uint16_t type, struct bytes payload, int fd, void *arg)
{
	struct talk *t = arg;

	(void)type;
	(void)payload;
	if (fd >= 0)
		close(fd);
	t->count++;
}

static void
on_chan_closed(int rc, void *arg)
{
	(void)rc;
	(void)arg;
}

static int
talk_frames(struct loop *l, int pair[2])
{
	static const struct chan_events events = {
	    on_message, NULL, on_chan_closed};
	struct talk a = {.loop = l}, b = {.loop = l};
	struct bytes hello = bytes_of_str("hello");

	CHECK(chan_new(l, pair[0], &events, &a, &a.chan) == 0);
	CHECK(chan_new(l, pair[1], &events, &b, &b.chan) == 0);
	CHECK(chan_send(a.chan, 1, &hello, 1, STDERR_FILENO) == 0);
	turn_until(&b, 1);
	CHECK(b.count == 1);
	chan_free(a.chan);
	chan_free(b.chan);
	return 0;
}

static int
pack_and_unpack(void)
{
	uint8_t *raw = malloc(RAW_SIZE), *out = malloc(pack_bound(RAW_SIZE));
	struct pack *p = NULL;
	struct buf again;
	size_t len;

	CHECK(raw && out && pack_new(1, &p) == 0);
	for (size_t i = 0; i < RAW_SIZE; i++)
		raw[i] = (uint8_t)(i * i >> 7);
	CHECK(pack_compress(p, bytes_of(raw, RAW_SIZE), out,
		  pack_bound(RAW_SIZE), &len) == 0);
	buf_init(&again, RAW_SIZE);
	CHECK(pack_unpack(p, bytes_of(out, len), RAW_SIZE, RAW_SIZE, &again) ==
	    0);
	CHECK(!memcmp(buf_ptr(&again), raw, RAW_SIZE));
	buf_fini(&again);
	pack_free(p);
	free(raw);
	free(out);
	return 0;
}

static void
work(void *arg)
{
	*(int *)arg = pack_and_unpack();
}

static void
on_done(int rc, void *arg)
{
	(void)rc;
	(void)arg;
}

static int
child(enum sandbox_role role, const struct certificates *c)
{
	struct sandbox_profile profile = {.role = role, .kill = true};
	struct sandbox_report report;
	int frames[2], tls[2], result = 1;
	uint8_t random[16];
	struct loop *l;

	CHECK(tls_warm_up() == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, frames) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, tls) == 0);
	CHECK(sandbox_enter(&profile, &report) == 0);
	CHECK(loop_new(&l) == 0);
	CHECK(talk_frames(l, frames) == 0);
	CHECK(talk_tls(l, c, tls) == 0);
	CHECK(pack_and_unpack() == 0);
	CHECK(digest_random(random, sizeof(random)) == 0);
	if (sandbox_role_may(role, SANDBOX_THREAD)) {
		CHECK(loop_work_start(l, work, on_done, &result, NULL) == 0);
		loop_free(l);
		CHECK(result == 0);
	} else {
		loop_free(l);
	}
	log_debug("%s", "nothing is said at this level");
	return 0;
}
#endif

#ifndef WITH_SANITIZER
/* Open, write, rotate, close and reopen the store in the keeper's sandbox. */
static int
keep_store(struct storerig *r)
{
	struct sandbox_dir dir = {
	    .fd = open(r->dir, O_PATH | O_DIRECTORY | O_CLOEXEC),
	    .write = true};
	struct sandbox_profile profile = {
	    .role = SANDBOX_KEEPER, .dirs = &dir, .dir_count = 1, .kill = true};
	struct sandbox_report report;
	struct storerig_sum sum;

	CHECK(digest_warm_up() == 0);
	CHECK(sandbox_enter(&profile, &report) == 0);
	for (int round = 0; round < 2; round++) {
		CHECK(storerig_open(r) == 0);
		for (int i = 0; i < 40; i++)
			CHECK(storerig_put(r, 3, 20000) == 0);
		storerig_read_all(r, &sum);
		CHECK(storerig_is_perfect(&sum));
		storerig_close(r);
	}
	return 0;
}
#endif

static void
the_store_works_in_the_keepers_sandbox(void **state)
{
	(void)state;
#ifdef WITH_SANITIZER
	skip();
#else
	struct storerig r;
	int status;
	pid_t pid;

	storerig_init(&r, true);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(keep_store(&r));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	storerig_fini(&r);
#endif
}

static void
the_rooms_work_in_each_roles_sandbox(void **state)
{
#ifdef WITH_SANITIZER
	(void)state;
	print_message("a sanitizer's run-time needs what is forbidden here\n");
	skip();
#else
	for (int i = 0; i < SANDBOX_ROLES; i++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(child((enum sandbox_role)i, *state));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status)
			print_error("role %s: status %d\n",
			    sandbox_role_name((enum sandbox_role)i), status);
		assert_int_equal(status, 0);
	}
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		the_rooms_work_in_each_roles_sandbox, setup, teardown),
	    cmocka_unit_test(the_store_works_in_the_keepers_sandbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
