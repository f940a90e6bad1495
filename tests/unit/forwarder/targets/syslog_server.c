/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/forwarder/targets/syslog_server.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/link/link.h"
#include "lib/loop/tcp.h"
#include "lib/tls/tls.h"
#include "tests/helpers/cmocka_all.h"

struct syslog_server_connection {
	struct syslog_server *server;
	struct link *link;
	int fd;
	unsigned number;
	size_t slot;
	uint64_t bytes; /* that were used */
};

static void
end(struct syslog_server_connection *c, bool reset)
{
	struct linger hard = {1, 0};

	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	link_free(c->link);
	c->server->connection[c->slot] = NULL;
	c->server->ended++;
	free(c);
}

void
syslog_server_drop(struct syslog_server *s, bool reset)
{
	for (size_t i = 0; i < SYSLOG_SERVER_CONNECTIONS; i++)
		if (s->connection[i])
			end(s->connection[i], reset);
}

/* The message at the front of x; its length in all, 0 if it is not whole. */
static size_t
take_message(struct bytes x, struct bytes *message)
{
	size_t len = 0, i = 0;

	while (i < x.len && x.ptr[i] >= '0' && x.ptr[i] <= '9')
		len = len * 10 + (size_t)(x.ptr[i++] - '0');
	if (i == x.len)
		return 0;
	assert_true(i > 0 && x.ptr[0] != '0' && x.ptr[i] == ' ');
	if (x.len - i - 1 < len)
		return 0;
	*message = bytes_of(x.ptr + i + 1, len);
	return i + 1 + len;
}

static size_t
on_data(struct bytes data, void *arg)
{
	struct syslog_server_connection *c = arg;
	struct syslog_server *s = c->server;
	bool bad =
	    s->way == SYSLOG_SERVER_RESETS || s->way == SYSLOG_SERVER_CLOSES;
	struct bytes rest = data, message;
	size_t n;

	if (bad && c->bytes + rest.len > s->at)
		rest.len = s->at > c->bytes ? (size_t)(s->at - c->bytes) : 0;
	while ((n = take_message(rest, &message))) {
		s->on_message(c->number, message, s->arg);
		rest = bytes_of(rest.ptr + n, rest.len - n);
		c->bytes += n;
	}
	n = (size_t)(rest.ptr - data.ptr);
	if (bad && c->bytes + data.len - n > s->at)
		end(c, s->way == SYSLOG_SERVER_RESETS);
	return n;
}

static void
on_ready(void *arg)
{
	struct syslog_server_connection *c = arg;

	if (c->server->way == SYSLOG_SERVER_NEVER_READS)
		link_pause(c->link);
}

static void
on_closed(int rc, const char *why, void *arg)
{
	(void)rc;
	(void)why;
	end(arg, false);
}

static const struct link_events events = {
    .on_ready = on_ready, .on_data = on_data, .on_closed = on_closed};

static void
on_accept(
    int fd, const struct sockaddr_storage *peer, socklen_t peer_len, void *arg)
{
	struct syslog_server *s = arg;
	struct syslog_server_connection *c = calloc(1, sizeof(*c));
	struct tls *tls = NULL;

	(void)peer;
	(void)peer_len;
	assert_non_null(c);
	while (s->connection[c->slot]) {
		c->slot++;
		assert_true(c->slot < SYSLOG_SERVER_CONNECTIONS);
	}
	c->server = s;
	c->fd = fd;
	c->number = s->accepted++;
	if (s->tls)
		assert_int_equal(tls_new(s->tls, NULL, &tls), 0);
	assert_int_equal(link_new(s->pool, fd, tls, &events, c, &c->link), 0);
	s->connection[c->slot] = c;
}

void
syslog_server_open(struct syslog_server *s)
{
	static const struct tcp_listener_events listener_events = {
	    .on_accept = on_accept};
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons(s->port)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
	int small = 32768;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (s->way == SYSLOG_SERVER_NEVER_READS)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	s->port = ntohs(a.sin_port);
	assert_int_equal(
	    tcp_listener_new(s->loop, fd, &listener_events, s, &s->listener),
	    0);
}

void
syslog_server_close(struct syslog_server *s)
{
	tcp_listener_free(s->listener);
	s->listener = NULL;
}

void
syslog_server_start(
    struct syslog_server *s, struct loop *loop, struct tls_config *tls)
{
	s->loop = loop;
	s->tls = tls;
	assert_int_equal(link_pool_new(loop, &s->pool), 0);
	syslog_server_open(s);
}

void
syslog_server_stop(struct syslog_server *s)
{
	syslog_server_drop(s, false);
	syslog_server_close(s);
	link_pool_free(s->pool);
}
