/* SPDX-License-Identifier: Apache-2.0 */
/* A host with several addresses, each with another fault, of one loop. */
#include "tests/helpers/cmocka_all.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/link/dial.h"
#include "lib/loop/tcp.h"
#include "tests/helpers/pki.h"

#define WAIT_TURNS 1000
#define SERVERS_MAX 4

/* What listens at an address. */
enum manner {
	GOOD,
	ABSENT, /* nobody listens */
	SILENT, /* accepts, and says nothing */
	UNKNOWN, /* its certificate is of another authority */
	FOREIGN, /* it speaks another protocol (ALPN) */
	PLAIN, /* it speaks no TLS */
};

struct server {
	enum manner manner;
	int fd;
	struct tcp_listener *listener;
	struct link *link;
	int accepted;
};

static struct loop *loop;
static struct link_pool *pool;
static struct pki *ca, *other_ca;
static struct tls_config *client, *config[PLAIN + 1];
static struct server servers[SERVERS_MAX];
static struct address address[SERVERS_MAX];
static struct dial *dial;
static struct link *came;
static struct dial_failure failure;
static char why[400];
static int outcomes;
static struct clock_floor floor_of_time;

/* ---- servers
 * --------------------------------------------------------------- */

static void
server_ready(void *arg)
{
	(void)arg;
}

static size_t
server_data(struct bytes data, void *arg)
{
	(void)arg;
	return data.len;
}

static void
server_closed(int rc, const char *text, void *arg)
{
	struct server *s = arg;

	(void)rc, (void)text;
	link_free(s->link);
	s->link = NULL;
}

static const struct link_events server_events = {
    .on_ready = server_ready,
    .on_data = server_data,
    .on_closed = server_closed,
};

static void
on_accept(
    int fd, const struct sockaddr_storage *peer, socklen_t peer_len, void *arg)
{
	struct server *s = arg;
	struct tls *tls = NULL;

	(void)peer, (void)peer_len;
	s->accepted++;
	if (s->manner == SILENT || s->manner == PLAIN) {
		if (s->manner == PLAIN)
			assert_int_equal(write(fd, "220 hello\r\n", 11), 11);
		s->fd = fd;
		return;
	}
	assert_int_equal(tls_new(config[s->manner], NULL, &tls), 0);
	link_free(s->link);
	assert_int_equal(
	    link_new(pool, fd, tls, &server_events, s, &s->link), 0);
}

static void
serve(size_t i, enum manner manner)
{
	static const struct tcp_listener_events events = {on_accept, NULL};
	struct sockaddr_in *sa = (struct sockaddr_in *)&address[i].sa;
	struct server *s = &servers[i];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	*s = (struct server){.manner = manner, .fd = -1};
	*sa = (struct sockaddr_in){
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	address[i].len = sizeof(*sa);
	assert_int_equal(bind(fd, (struct sockaddr *)sa, sizeof(*sa)), 0);
	assert_int_equal(
	    getsockname(fd, (struct sockaddr *)sa, &address[i].len), 0);
	if (manner == ABSENT)
		close(fd);
	else
		assert_int_equal(
		    tcp_listener_new(loop, fd, &events, s, &s->listener), 0);
}

/* ---- the client
 * ------------------------------------------------------------ */

static void
on_link(struct link *link, void *arg)
{
	(void)arg;
	outcomes++;
	came = link;
	assert_true(link_is_ready(link));
}

static void
on_failed(const struct dial_failure *f, void *arg)
{
	(void)arg;
	outcomes++;
	failure = *f;
	strncpy(why, f->why, sizeof(why) - 1);
}

static const struct dial_events dial_events = {on_link, on_failed};

static void
dial_from(size_t first, size_t count)
{
	const struct dial_settings settings = {
	    .addresses = address,
	    .count = count,
	    .first = first,
	    .tls = client,
	    .name = "spool.example",
	    .connect_ms = 5000,
	    .handshake_ms = 300,
	    .floor = &floor_of_time,
	    .events = &server_events,
	    .link_arg = &servers[SERVERS_MAX - 1],
	};

	assert_int_equal(
	    dial_start(loop, pool, &settings, &dial_events, NULL, &dial), 0);
	for (int i = 0; i < WAIT_TURNS && !outcomes; i++)
		loop_run_once(loop, 20);
	assert_int_equal(outcomes, 1);
}

/* ---- certificates
 * ---------------------------------------------------------- */

static struct tls_config *
configure(
    enum tls_config_side side, const struct pki *issuer, const char *protocol)
{
	struct pki *own = pki_issue(issuer, "DNS:spool.example");
	struct tls_config_settings settings = {
	    .side = side,
	    .verify = side == TLS_CONFIG_CLIENT ? TLS_CONFIG_REQUIRED
						: TLS_CONFIG_NONE,
	    .cert_pem = pki_cert(own),
	    .key_pem = pki_key(own),
	    .ca_pem = pki_cert(ca),
	    .protocols = {protocol},
	};
	struct tls_config *c;

	assert_int_equal(tls_config_new(&c), 0);
	if (tls_config_load(c, &settings))
		fail_msg("%s", tls_config_why(c));
	pki_free(own);
	return c;
}

static int
setup(void **state)
{
	(void)state;
	outcomes = 0;
	floor_of_time = (struct clock_floor){0};
	came = NULL;
	dial = NULL;
	failure = (struct dial_failure){0};
	memset(servers, 0, sizeof(servers));
	ca = pki_issue(NULL, NULL);
	other_ca = pki_issue(NULL, NULL);
	client = configure(TLS_CONFIG_CLIENT, ca, "agentlink/1");
	config[GOOD] = configure(TLS_CONFIG_SERVER, ca, "agentlink/1");
	config[UNKNOWN] = configure(TLS_CONFIG_SERVER, other_ca, "agentlink/1");
	config[FOREIGN] = configure(TLS_CONFIG_SERVER, ca, "http/1.1");
	return loop_new(&loop) || link_pool_new(loop, &pool);
}

static int
teardown(void **state)
{
	(void)state;
	dial_free(dial);
	link_free(came);
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		struct server *s = &servers[i];

		tcp_listener_free(s->listener);
		link_free(s->link);
		if (s->listener && s->fd >= 0)
			close(s->fd);
	}
	link_pool_free(pool);
	loop_free(loop);
	tls_config_free(client);
	for (size_t i = 0; i <= PLAIN; i++) {
		tls_config_free(config[i]);
		config[i] = NULL;
	}
	pki_free(ca);
	pki_free(other_ca);
	return 0;
}

/* ---- the tests
 * ------------------------------------------------------------- */

static void
every_fault_of_one_address_leads_to_the_next(void **state)
{
	static const enum manner faults[] = {
	    ABSENT, SILENT, UNKNOWN, FOREIGN, PLAIN};

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		if (i) {
			teardown(state);
			assert_int_equal(setup(state), 0);
		}
		serve(0, faults[i]);
		serve(1, GOOD);
		dial_from(0, 2);
		if (!came)
			fail_msg("fault %zu: %s", i, why);
		assert_int_equal(dial_at(dial), 1);
		assert_true(dial_is_last(dial));
		assert_int_equal(servers[0].accepted, faults[i] != ABSENT);
		assert_int_equal(servers[1].accepted, 1);
	}
}

static void
what_refuses_counts_only_if_all_refuse(void **state)
{
	(void)state;
	serve(0, UNKNOWN);
	serve(1, UNKNOWN);
	dial_from(0, 2);
	assert_null(came);
	assert_int_equal(failure.rc, ERR_AUTH);
	assert_int_equal(failure.tls, TLS_FAILURE_PEER_REFUSED);
	assert_int_equal(servers[0].accepted + servers[1].accepted, 2);
}

static void
an_address_that_may_come_back_counts_more(void **state)
{
	(void)state;
	serve(0, ABSENT);
	serve(1, UNKNOWN);
	dial_from(0, 2);
	assert_int_not_equal(failure.rc, ERR_AUTH);
	assert_int_equal(failure.tls, TLS_FAILURE_NONE);
	assert_non_null(strstr(why, "127.0.0.1:"));
}

static void
it_begins_where_it_is_told(void **state)
{
	serve(0, GOOD);
	serve(1, GOOD);
	dial_from(1, 2);
	assert_non_null(came);
	assert_int_equal(dial_at(dial), 1);
	assert_int_equal(servers[0].accepted, 0);
	teardown(state);
	assert_int_equal(setup(state), 0);
	serve(0, GOOD);
	serve(1, GOOD);
	dial_from(0, 2);
	assert_non_null(came);
	assert_int_equal(dial_at(dial), 0);
	assert_false(dial_is_last(dial));
}

static void
certificates_are_judged_by_the_floor_of_time(void **state)
{
	(void)state;
	struct now now = clock_now();

	/* A day after the certificates have ended, whatever the clock says. */
	floor_of_time = (struct clock_floor){
	    now.wall_ns + INT64_C(24) * 3600 * 1000000000, now.mono_us};
	serve(0, GOOD);
	dial_from(0, 1);
	assert_null(came);
	assert_int_equal(failure.rc, ERR_AUTH);
	assert_non_null(strstr(why, "has expired"));
	/* One that is behind the clock changes nothing. */
	teardown(state);
	assert_int_equal(setup(state), 0);
	floor_of_time = (struct clock_floor){1000, now.mono_us};
	serve(0, GOOD);
	dial_from(0, 1);
	assert_non_null(came);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(every_fault_of_one_address_leads_to_the_next),
	    CASE(what_refuses_counts_only_if_all_refuse),
	    CASE(an_address_that_may_come_back_counts_more),
	    CASE(it_begins_where_it_is_told),
	    CASE(certificates_are_judged_by_the_floor_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
