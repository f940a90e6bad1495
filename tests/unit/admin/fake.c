/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/admin/fake.h"

#include "tests/helpers/cmocka_all.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/program.h"
#include "lib/codec/ctl.h"

#define CONNECTIONS_MAX 256
#define ARGV_MAX 32

struct fake {
	char dir[64];
	char socket[96];
	int fd;
	bool runs;
	pthread_t thread;
	const struct fake_reply *replies;
	size_t count;
	size_t connections;
	char *requests[CONNECTIONS_MAX];
};

/* Read until a whole frame is there, or the other side closes. */
static char *
read_request(int fd)
{
	struct ctl_frame frame;
	struct buf in;
	size_t used;
	char *text = NULL;

	buf_init(&in, 2 * CTL_REQUEST_MAX);
	while (ctl_next(buf_bytes(&in), CTL_REQUEST_MAX, &frame, &used)) {
		uint8_t *to = buf_reserve(&in, 4096);
		ssize_t n = recv(fd, to, 4096, 0);

		if (n <= 0) {
			buf_fini(&in);
			return NULL;
		}
		buf_claim(&in, (size_t)n);
	}
	text = strndup((const char *)frame.payload.ptr, frame.payload.len);
	buf_fini(&in);
	return text;
}

static void
reply(int fd, const struct fake_reply *r)
{
	size_t piece = r->piece ? r->piece : r->bytes.len;
	size_t at = 0;
	char rest[256];

	while (at < r->bytes.len) {
		size_t n =
		    r->bytes.len - at < piece ? r->bytes.len - at : piece;
		ssize_t sent = send(fd, r->bytes.ptr + at, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		at += (size_t)sent;
	}
	while (r->is_silent && recv(fd, rest, sizeof(rest), 0) > 0)
		;
}

static void *
serve(void *arg)
{
	struct fake *f = arg;
	int fd;

	while ((fd = accept(f->fd, NULL, NULL)) >= 0) {
		size_t n = f->connections++;
		const struct fake_reply *r =
		    &f->replies[n < f->count ? n : f->count - 1];

		if (!r->is_slammed && n < CONNECTIONS_MAX) {
			f->requests[n] = read_request(fd);
			reply(fd, r);
		}
		close(fd);
	}
	return NULL;
}

struct fake *
fake_absent(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/spoolctl-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->socket, sizeof(f->socket), "%s/control.sock", f->dir);
	return f;
}

struct fake *
fake_start(const struct fake_reply *replies, size_t count)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct fake *f = fake_absent();

	f->replies = replies;
	f->count = count;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", f->socket);
	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(f->fd >= 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(f->fd, 16), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
	f->runs = true;
	return f;
}

const char *
fake_socket(const struct fake *f)
{
	return f->socket;
}

const char *
fake_dir(const struct fake *f)
{
	return f->dir;
}

void
fake_stop(struct fake *f)
{
	if (!f->runs)
		return;
	shutdown(f->fd, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->fd);
	f->runs = false;
}

size_t
fake_connections(const struct fake *f)
{
	assert_false(f->runs);
	return f->connections;
}

const char *
fake_request(const struct fake *f, size_t n)
{
	assert_false(f->runs);
	return n < CONNECTIONS_MAX && f->requests[n] ? f->requests[n] : "";
}

void
fake_free(struct fake *f)
{
	char path[128];

	fake_stop(f);
	snprintf(path, sizeof(path), "%s/status.json", f->dir);
	unlink(path);
	unlink(f->socket);
	rmdir(f->dir);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		free(f->requests[i]);
	free(f);
}

void
fake_put(struct buf *b, int kind, const char *json)
{
	ctl_put(b, (enum ctl_kind)kind, bytes_of_str(json));
	assert_int_equal(b->err, 0);
}

void
fake_put_result(struct buf *b, const char *result)
{
	struct buf json;

	buf_init(&json, 1 << 20);
	buf_add_fmt(&json, "{\"ok\":true,\"result\":%s}", result);
	ctl_put(b, CTL_JSON, buf_bytes(&json));
	assert_int_equal(b->err, 0);
	buf_fini(&json);
}

struct fake_run
fake_spoolctl(const struct fake *f, const char *line)
{
	char *copy = strdup(line), *at = NULL;
	char *argv[ARGV_MAX] = {"spoolctl", "--socket", NULL};
	struct fake_run r = {.status = -1};
	size_t out_len, err_len;
	FILE *out = open_memstream(&r.out, &out_len);
	FILE *err = open_memstream(&r.err, &err_len);
	FILE *in = fopen("/dev/null", "r");
	int argc = 3;

	argv[2] = (char *)(uintptr_t)f->socket; /* never written to */
	for (char *w = strtok_r(copy, " ", &at); w && argc < ARGV_MAX - 1;
	     w = strtok_r(NULL, " ", &at))
		argv[argc++] = w;
	assert_non_null(in);
	r.status = program_run(argc, argv, in, out, err);
	fclose(in);
	fclose(out);
	fclose(err);
	free(copy);
	return r;
}

void
fake_run_fini(struct fake_run *r)
{
	free(r->out);
	free(r->err);
}
