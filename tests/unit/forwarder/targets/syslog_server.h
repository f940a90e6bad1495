/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syslog_server - a server on the loop of a test, good or bad.
 *
 * It takes octet-counted messages over TCP or TLS and hands each to the test.
 */
#ifndef TESTS_UNIT_FORWARDER_TARGETS_SYSLOG_SERVER_H
#define TESTS_UNIT_FORWARDER_TARGETS_SYSLOG_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/loop/loop.h"
#include "lib/tls/tls_config.h"

#define SYSLOG_SERVER_CONNECTIONS 64

enum syslog_server_way {
	SYSLOG_SERVER_READS,
	SYSLOG_SERVER_NEVER_READS,
	SYSLOG_SERVER_RESETS, /* at so many bytes of a connection */
	SYSLOG_SERVER_CLOSES,
};

struct syslog_server_connection;

struct syslog_server {
	struct loop *loop;
	struct link_pool *pool;
	struct tcp_listener *listener;
	struct tls_config *tls; /* NULL: in the clear */
	uint16_t port;
	enum syslog_server_way way;
	uint64_t at;
	unsigned accepted, ended;
	void (*on_message)(
	    unsigned connection, struct bytes message, void *arg);
	void *arg;
	struct syslog_server_connection *connection[SYSLOG_SERVER_CONNECTIONS];
};

/* On a free port of 127.0.0.1; set way and on_message after it. */
void syslog_server_start(
    struct syslog_server *s, struct loop *loop, struct tls_config *tls);
void syslog_server_stop(struct syslog_server *s);

/* End all connections, with a reset or a FIN. */
void syslog_server_drop(struct syslog_server *s, bool reset);

/* Take no more connections; and on the same port again. */
void syslog_server_close(struct syslog_server *s);
void syslog_server_open(struct syslog_server *s);

#endif
