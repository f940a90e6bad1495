/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nullsink - a far end that acknowledges everything and keeps nothing: how
 * fast the load generator, TLS and the loopback are without a spool.
 *
 * It looks at frames (their CRC32C) and at nothing in the batches.  It ends
 * when standard input does.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/codec/agentlink_msg.h"
#include "lib/link/link.h"
#include "lib/loop/tcp.h"
#include "lib/tls/tls.h"
#include "tests/bench/pem.h"

#define CREDIT_BYTES (8u << 20)
#define CREDIT_BATCHES 64u
#define KEEPALIVE_MS 30000u

struct session {
	struct nullsink *sink;
	struct link *link;
	struct buf out;
	uint64_t seq; /* of the one stream, received */
	uint32_t stream;
	bool is_owed; /* an ACK */
};

struct nullsink {
	struct loop *loop;
	struct link_pool *pool;
	struct tls_config *tls;
	struct tcp_listener *listener;
};

static void
say_hello_ok(struct session *s)
{
	struct agentlink_msg m = {.type = AGENTLINK_HELLO_OK};

	m.u.hello_ok = (struct agentlink_hello_ok){
	    .version = AGENTLINK_VERSION,
	    .wall_ns = clock_now().wall_ns,
	    .max_frame = AGENTLINK_FRAME_MAX,
	    .max_raw = AGENTLINK_RAW_MAX,
	    .max_record = AGENTLINK_RECORD_MAX,
	    .max_records = AGENTLINK_RECORDS_MAX,
	    .max_streams = 1,
	    .keepalive_ms = KEEPALIVE_MS,
	    .credit_bytes = CREDIT_BYTES,
	    .credit_batches = CREDIT_BATCHES,
	    .software = bytes_of_str("nullsink"),
	};
	agentlink_msg_encode(&s->out, &m);
}

static void
say_stream_state(struct session *s, const struct agentlink_msg *in)
{
	struct agentlink_msg m = {
	    .type = AGENTLINK_STREAM_STATE, .stream = in->stream};

	s->stream = in->stream;
	m.u.stream_state.flags = AGENTLINK_STREAM_NEW;
	m.u.stream_state.epoch = in->u.stream_open.epoch;
	agentlink_msg_encode(&s->out, &m);
}

static void
say_ack(struct session *s)
{
	struct agentlink_msg m = {.type = AGENTLINK_ACK, .stream = s->stream};

	m.u.ack.seq = s->seq;
	m.u.ack.credit_bytes = CREDIT_BYTES;
	m.u.ack.credit_batches = CREDIT_BATCHES;
	agentlink_msg_encode(&s->out, &m);
	s->is_owed = false;
}

static void
say_pong(struct session *s, const struct agentlink_msg *in)
{
	struct agentlink_msg m = {.type = AGENTLINK_PONG};

	m.u.pong.t1 = in->u.ping.t1;
	m.u.pong.t2 = m.u.pong.t3 = clock_now().wall_ns;
	agentlink_msg_encode(&s->out, &m);
}

static void
take(struct session *s, const struct agentlink_msg *m)
{
	switch (m->type) {
	case AGENTLINK_HELLO:
		say_hello_ok(s);
		break;
	case AGENTLINK_STREAM_OPEN:
		say_stream_state(s, m);
		break;
	case AGENTLINK_DATA:
		s->seq = m->u.data.first_seq + m->u.data.count - 1;
		s->is_owed = true;
		break;
	case AGENTLINK_PING:
		say_pong(s, m);
		break;
	default:
		break;
	}
}

static size_t
on_data(struct bytes data, void *arg)
{
	struct session *s = arg;
	struct agentlink_frame frame;
	struct agentlink_msg m;
	size_t used = 0, n;

	while (
	    agentlink_frame_decode(bytes_of(data.ptr + used, data.len - used),
		AGENTLINK_FRAME_MAX, &frame, &n, NULL) == 1) {
		used += n;
		if (!agentlink_msg_decode(&frame, &m))
			take(s, &m);
	}
	if (s->is_owed)
		say_ack(s);
	struct bytes out = buf_bytes(&s->out);

	if (out.len && !link_write(s->link, &out, 1))
		buf_clear(&s->out);
	return used;
}

static void
on_ready(void *arg)
{
	(void)arg;
}

static void
on_closed(int rc, const char *why, void *arg)
{
	struct session *s = arg;

	(void)rc;
	(void)why;
	link_free(s->link);
	buf_fini(&s->out);
	free(s);
}

static void
on_accept(int fd, const struct sockaddr_storage *peer, socklen_t len, void *arg)
{
	static const struct link_events events = {
	    .on_ready = on_ready,
	    .on_data = on_data,
	    .on_closed = on_closed,
	};
	struct nullsink *sink = arg;
	struct session *s = calloc(1, sizeof(*s));
	struct tls *tls = NULL;
	int rc = s ? tls_new(sink->tls, NULL, &tls) : ERR_NOMEM;

	(void)peer;
	(void)len;
	if (!rc) {
		s->sink = sink;
		buf_init(&s->out, AGENTLINK_FRAME_MAX);
		rc = link_new(sink->pool, fd, tls, &events, s, &s->link);
	}
	if (!rc)
		return;
	fprintf(stderr, "nullsink: %s\n", err_text(rc));
	tls_free(tls);
	free(s);
	close(fd);
}

static void
on_input(unsigned events, void *arg)
{
	struct nullsink *sink = arg;
	char byte[64];

	(void)events;
	if (read(STDIN_FILENO, byte, sizeof(byte)) <= 0)
		loop_stop(sink->loop);
}

static int
listen_anywhere(int *fd, uint16_t *port)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(a);
	void *generic = &a;

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || bind(*fd, generic, sizeof(a)) || listen(*fd, 1024) ||
	    getsockname(*fd, generic, &len))
		return ERR_SYS;
	*port = ntohs(a.sin_port);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct tcp_listener_events events = {
	    .on_accept = on_accept};
	struct nullsink sink = {0};
	struct loop_poll *input;
	uint16_t port;
	int fd, rc;

	if (argc != 3) {
		fputs("usage: nullsink CERTS-DIR NAME\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	rc = pem_load(
	    argv[1], argv[2], TLS_CONFIG_SERVER, AGENTLINK_ALPN, &sink.tls);
	if (!rc)
		rc = listen_anywhere(&fd, &port);
	if (!rc)
		rc = loop_new(&sink.loop);
	if (!rc)
		rc = link_pool_new(sink.loop, &sink.pool);
	if (!rc)
		rc = tcp_listener_new(
		    sink.loop, fd, &events, &sink, &sink.listener);
	if (!rc)
		rc = loop_poll_new(
		    sink.loop, STDIN_FILENO, on_input, &sink, &input);
	if (!rc)
		rc = loop_poll_set(input, LOOP_READABLE);
	if (rc) {
		fprintf(stderr, "nullsink: %s\n", err_text(rc));
		return EXIT_FAILURE;
	}
	printf("%u\n", port);
	fflush(stdout);
	loop_run(sink.loop);
	return EXIT_SUCCESS; /* the kernel takes everything back */
}
