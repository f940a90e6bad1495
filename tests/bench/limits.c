/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits - what this machine can do at the most, right now.
 *
 * The disk: how often a page can be made durable in a second, and how many
 * bytes; in a file whose blocks are there already, as the spool's spares are.
 * The loopback: bytes a second from one process to another, plain and with
 * TLS, through the same lib/link that the spool uses.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/link/link.h"
#include "lib/tls/tls.h"
#include "tests/bench/pem.h"

#define PATH_SIZE 4096
#define FILE_BYTES (64u << 20)
#define PAGE 4096u
#define LARGE (1u << 20)
#define WRITE_BYTES (128u << 10)
#define QUEUE_MAX (1u << 20)
#define MEASURE_US 1000000u
#define PROTOCOL "bench"

/* ---- disk ---------------------------------------------------------------- */

static int
fill_file(int fd, uint8_t *block)
{
	for (unsigned i = 0; i < FILE_BYTES / LARGE; i++)
		if (pwrite(fd, block, LARGE, (off_t)i * LARGE) != LARGE)
			return ERR_IO;
	return fdatasync(fd) ? ERR_IO : 0;
}

/* Bytes a second of writes of `size` bytes, each made durable. */
static int
measure_sync(int fd, uint8_t *block, size_t size, double *syncs)
{
	uint64_t begin = clock_now().mono_us, now = begin, n = 0;

	for (; now - begin < MEASURE_US; now = clock_now().mono_us) {
		off_t at = (off_t)(n * size % FILE_BYTES);

		block[n % size]++;
		if (pwrite(fd, block, size, at) != (ssize_t)size ||
		    fdatasync(fd))
			return ERR_IO;
		n++;
	}
	*syncs = (double)n * 1e6 / (double)(now - begin);
	return 0;
}

static int
measure_disk(const char *dir)
{
	char path[PATH_SIZE];
	uint8_t *block = calloc(1, LARGE);
	double small = 0, large = 0;
	int fd, rc;

	snprintf(path, sizeof(path), "%s/limits.tmp", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	rc = fd < 0 ? err_of_errno(errno) : !block ? ERR_NOMEM : 0;
	if (!rc)
		rc = fill_file(fd, block);
	if (!rc)
		rc = measure_sync(fd, block, PAGE, &small);
	if (!rc)
		rc = measure_sync(fd, block, LARGE, &large);
	if (!rc)
		printf("{\"fdatasync_per_s\":%.1f,"
		       "\"fdatasync_bytes_per_s\":%.0f",
		    small, large * LARGE);
	if (fd >= 0)
		close(fd);
	unlink(path);
	free(block);
	return rc;
}

/* ---- loopback ------------------------------------------------------------ */

struct end {
	struct loop *loop;
	struct link_pool *pool;
	struct link *link;
	struct loop_timer *timer;
	uint8_t *block; /* the sender's */
	uint64_t bytes, begin_us, end_us;
	bool is_over;
};

static void
send_more(void *arg)
{
	struct end *e = arg;
	struct bytes part = bytes_of(e->block, WRITE_BYTES);

	while (!e->is_over && link_queued(e->link) < QUEUE_MAX &&
	    !link_write(e->link, &part, 1))
		e->bytes += part.len;
}

static void
on_timer(void *arg)
{
	struct end *e = arg;

	e->is_over = true;
	link_close(e->link, 2000);
}

static void
on_ready(void *arg)
{
	struct end *e = arg;

	e->begin_us = clock_now().mono_us;
	if (!e->block)
		return;
	loop_timer_start(e->timer, MEASURE_US / 1000, 0);
	send_more(e);
}

static size_t
on_data(struct bytes data, void *arg)
{
	struct end *e = arg;

	if (!e->bytes)
		e->begin_us = clock_now().mono_us;
	e->bytes += data.len;
	e->end_us = clock_now().mono_us;
	return data.len;
}

static void
on_closed(int rc, const char *why, void *arg)
{
	struct end *e = arg;

	(void)rc;
	(void)why;
	loop_stop(e->loop);
}

/* Run one end until the connection is closed. */
static int
run_end(struct end *e, int fd, struct tls_config *config)
{
	static const struct link_events events = {
	    .on_ready = on_ready,
	    .on_data = on_data,
	    .on_drained = send_more,
	    .on_closed = on_closed,
	};
	static const struct link_events receiver = {
	    .on_ready = on_ready,
	    .on_data = on_data,
	    .on_closed = on_closed,
	};
	struct tls *tls = NULL;
	int rc = loop_new(&e->loop);

	if (!rc)
		rc = link_pool_new(e->loop, &e->pool);
	if (!rc)
		rc = loop_timer_new(e->loop, on_timer, e, &e->timer);
	if (!rc && config)
		rc = tls_new(config, e->block ? "127.0.0.1" : NULL, &tls);
	if (!rc)
		rc = link_new(e->pool, fd, tls, e->block ? &events : &receiver,
		    e, &e->link);
	if (rc)
		return rc;
	loop_run(e->loop);
	link_free(e->link);
	loop_timer_free(e->timer);
	link_pool_free(e->pool);
	loop_free(e->loop);
	return 0;
}

/* Two ends of a connection through the loopback. */
static int
connect_pair(int fd[2])
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(a);
	void *generic = &a;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = ERR_SYS;

	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fd[1] = -1;
	if (listener < 0 || fd[0] < 0)
		goto out;
	if (bind(listener, generic, sizeof(a)) || listen(listener, 1) ||
	    getsockname(listener, generic, &len) ||
	    connect(fd[0], generic, len))
		goto out;
	fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	rc = fd[1] < 0 ? ERR_SYS : 0;
out:
	if (listener >= 0)
		close(listener);
	return rc;
}

static int
send_in_child(int fd, struct tls_config *config)
{
	struct end e = {.block = calloc(1, WRITE_BYTES)};

	return e.block ? run_end(&e, fd, config) : ERR_NOMEM;
}

static int
measure_loopback(
    const char *name, struct tls_config *server, struct tls_config *client)
{
	struct end e = {0};
	int fd[2], status = 0;
	pid_t child;
	int rc = connect_pair(fd);

	if (rc)
		return rc;
	child = fork();
	if (child < 0)
		return ERR_SYS;
	if (!child) {
		close(fd[1]);
		_exit(send_in_child(fd[0], client) ? 1 : 0);
	}
	close(fd[0]);
	rc = run_end(&e, fd[1], server);
	if (waitpid(child, &status, 0) != child || status)
		rc = ERR_SYS;
	if (!rc)
		printf(",\"%s_bytes_per_s\":%.0f", name,
		    (double)e.bytes * 1e6 / (double)(e.end_us - e.begin_us));
	return rc;
}

int
main(int argc, char **argv)
{
	struct tls_config *server, *client;
	int rc;

	if (argc != 4) {
		fputs("usage: limits DIR CERTS-DIR SPOOL-NAME\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	rc = pem_load(argv[2], argv[3], TLS_CONFIG_SERVER, PROTOCOL, &server);
	if (!rc)
		rc = pem_load(
		    argv[2], "agent-0", TLS_CONFIG_CLIENT, PROTOCOL, &client);
	if (!rc)
		rc = measure_disk(argv[1]);
	if (!rc)
		fflush(stdout);
	if (!rc)
		rc = measure_loopback("loopback_tcp", NULL, NULL);
	if (!rc)
		fflush(stdout);
	if (!rc)
		rc = measure_loopback("loopback_tls", server, client);
	if (rc) {
		fprintf(stderr, "limits: %s\n", err_text(rc));
		return EXIT_FAILURE;
	}
	puts("}");
	return EXIT_SUCCESS;
}
