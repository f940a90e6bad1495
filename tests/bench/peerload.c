/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peerload - the same records into another log daemon: RELP, or lines over TCP.
 *
 * The usual course: some connections to 127.0.0.1; each sends record after
 * record of a file of them (tests/bench/sample --framing length), over and
 * over.  RELP: at most `window` frames of a connection wait for their answer,
 * and answers of the window are counted.  Lines: as fast as the far end takes
 * them; after the window it reads what is under way, until it closes, and that
 * time counts; what became of them is for the far end to say.  Lines of JSON
 * on standard output tell when the window begins and when it is over; the last
 * one is the result.
 * What can go wrong: a connection breaks, or RELP answers anything but 200,
 * or nothing moves for half a minute: exit 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"

#define EXIT_USAGE 2
#define CONNS_MAX 64u
#define OUT_SIZE (256u << 10)
#define IN_SIZE (64u << 10)
#define RECORD_MAX (128u << 10)
#define FRAME_EXTRA 64u /* bytes around a record, at most */
#define STALL_MS 30000
#define TXNR_MAX UINT64_C(999999999)
#define PRIORITY "<14>" /* before a record that has none */

struct conn {
	int fd;
	uint8_t *out;
	size_t out_at, out_len; /* what is to be written */
	char in[IN_SIZE];
	size_t in_len;
	uint64_t sent, answered; /* RELP frames, the first is `open` */
	size_t next; /* offset in the file */
};

struct peerload {
	bool relp;
	uint16_t port;
	unsigned conns, window;
	double warm_s, seconds;
	const uint8_t *map;
	size_t len;
	struct conn *conn[CONNS_MAX];
	uint64_t start_us, begin_us, end_us;
	uint64_t records; /* answered in the window (RELP), or sent */
};

/* ---- records ------------------------------------------------------------- */

static struct bytes
next_record(const struct peerload *p, struct conn *c)
{
	size_t len = endian_get_le32(p->map + c->next);
	struct bytes record = bytes_of(p->map + c->next + 4, len);

	c->next += 4 + len;
	if (c->next >= p->len)
		c->next = 0;
	return record;
}

/* The lengths lead from the first record exactly to the end of the file. */
static int
check_file(const struct peerload *p)
{
	size_t at = 0;

	while (p->len - at >= 4) {
		size_t len = endian_get_le32(p->map + at);

		if (len > RECORD_MAX || len > p->len - at - 4)
			return ERR_FORMAT;
		at += 4 + len;
	}
	return at == p->len && p->len ? 0 : ERR_FORMAT;
}

static int
map_file(struct peerload *p, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st)) {
		if (fd >= 0)
			close(fd);
		return err_of_errno(errno);
	}
	p->len = (size_t)st.st_size;
	map = mmap(NULL, p->len, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return err_of_errno(errno);
	p->map = map;
	return check_file(p);
}

/* ---- one connection ------------------------------------------------------ */

static void
put(struct conn *c, const void *ptr, size_t len)
{
	memcpy(c->out + c->out_len, ptr, len);
	c->out_len += len;
}

static void
put_relp_head(struct conn *c, const char *command, size_t len)
{
	int n = snprintf((char *)c->out + c->out_len, FRAME_EXTRA,
	    "%" PRIu64 " %s %zu ", c->sent % TXNR_MAX + 1, command, len);

	c->out_len += (size_t)n;
	c->sent++;
}

static void
put_open(struct conn *c)
{
	static const char offers[] = "relp_version=0\n"
				     "relp_software=peerload\n"
				     "commands=syslog";

	put_relp_head(c, "open", sizeof(offers) - 1);
	put(c, offers, sizeof(offers) - 1);
	put(c, "\n", 1);
}

static void
put_record(struct peerload *p, struct conn *c)
{
	struct bytes record = next_record(p, c);
	bool is_bare = !record.len || record.ptr[0] != '<';
	size_t extra = is_bare ? sizeof(PRIORITY) - 1 : 0;

	if (p->relp)
		put_relp_head(c, "syslog", record.len + extra);
	put(c, PRIORITY, extra);
	put(c, record.ptr, record.len);
	put(c, "\n", 1);
	if (!p->relp)
		p->records++;
}

static bool
has_turn(const struct peerload *p, const struct conn *c)
{
	if (OUT_SIZE - c->out_len < RECORD_MAX + FRAME_EXTRA)
		return false;
	/* Nothing before `open` is answered. */
	return !p->relp || (c->answered && c->sent - c->answered < p->window);
}

static int
write_some(struct peerload *p, struct conn *c)
{
	ssize_t n;

	while (has_turn(p, c))
		put_record(p, c);
	if (c->out_at == c->out_len)
		return 0;
	n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN ? 0 : err_of_errno(errno);
	c->out_at += (size_t)n;
	if (c->out_at == c->out_len)
		c->out_at = c->out_len = 0;
	return 0;
}

/*
 * One answer, "TXNR rsp LEN DATA LF"; its length, 0 if it is not whole.  The
 * data of an answer begins with a code.
 */
static int
take_answer(const struct conn *c, const char *at, size_t len, size_t *used)
{
	char *end;
	unsigned long txnr, size;

	*used = 0;
	if (!memchr(at, '\n', len))
		return 0;
	txnr = strtoul(at, &end, 10);
	if (txnr != c->answered % TXNR_MAX + 1 || strncmp(end, " rsp ", 5))
		return ERR_FORMAT;
	size = strtoul(end + 5, &end, 10);
	if (strncmp(end, " 200", 4))
		return ERR_FORMAT;
	size += (size_t)(end + 1 - at) + 1;
	*used = size <= len ? size : 0;
	return 0;
}

static int
read_some(struct peerload *p, struct conn *c)
{
	ssize_t n = recv(
	    c->fd, c->in + c->in_len, IN_SIZE - 1 - c->in_len, MSG_DONTWAIT);
	size_t at = 0, used = 1;
	int rc = 0;

	if (n <= 0)
		return n < 0 && errno == EAGAIN ? 0 : ERR_CLOSED;
	c->in_len += (size_t)n;
	c->in[c->in_len] = 0;
	while (!rc && used) {
		rc = take_answer(c, c->in + at, c->in_len - at, &used);
		at += used;
		if (!used)
			break;
		c->answered++;
		p->records += p->begin_us && c->answered > 1;
	}
	memmove(c->in, c->in + at, c->in_len - at);
	c->in_len -= at;
	return rc;
}

/* ---- all of them --------------------------------------------------------- */

static int
open_conn(struct peerload *p, unsigned i)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET,
	    .sin_port = htons(p->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const void *generic = &to;
	struct conn *c = calloc(1, sizeof(*c));

	p->conn[i] = c;
	if (!c)
		return ERR_NOMEM;
	c->out = calloc(1, OUT_SIZE);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!c->out || c->fd < 0 || connect(c->fd, generic, sizeof(to)))
		return c->out ? err_of_errno(errno) : ERR_NOMEM;
	/* Connections are not to send the same records at the same time. */
	for (size_t part = p->len / p->conns * i; c->next < part;)
		next_record(p, c);
	if (p->relp)
		put_open(c);
	return 0;
}

static void
event(const char *name)
{
	printf("{\"event\":\"%s\"}\n", name);
	fflush(stdout);
}

/* Begin and end the window; true at the end. */
static bool
is_over(struct peerload *p)
{
	uint64_t now = clock_now().mono_us;

	if (!p->begin_us && (double)(now - p->start_us) >= p->warm_s * 1e6) {
		p->begin_us = now;
		event("begin");
	}
	if (!p->begin_us || (double)(now - p->begin_us) < p->seconds * 1e6)
		return false;
	p->end_us = now;
	return true;
}

/* The far end reads to the end of each connection, then it closes it. */
static int
finish_lines(struct peerload *p)
{
	int rc = 0;

	for (unsigned i = 0; !rc && i < p->conns; i++) {
		struct conn *c = p->conn[i];
		const uint8_t *at = c->out + c->out_at;
		size_t len = c->out_len - c->out_at;

		/* Blocking: the rest of what was begun. */
		if (send(c->fd, at, len, MSG_NOSIGNAL) != (ssize_t)len ||
		    shutdown(c->fd, SHUT_WR))
			rc = err_of_errno(errno);
	}
	for (unsigned i = 0; !rc && i < p->conns; i++)
		if (recv(p->conn[i]->fd, p->conn[i]->in, IN_SIZE, 0))
			rc = ERR_CLOSED;
	p->end_us = clock_now().mono_us;
	return rc;
}

static int
turn(struct peerload *p)
{
	struct pollfd fds[CONNS_MAX];
	int rc = 0;

	for (unsigned i = 0; i < p->conns; i++) {
		const struct conn *c = p->conn[i];
		bool is_wanted = c->out_at < c->out_len || has_turn(p, c);

		fds[i] = (struct pollfd){
		    c->fd, (short)(POLLIN | (is_wanted ? POLLOUT : 0)), 0};
	}
	if (poll(fds, p->conns, STALL_MS) <= 0)
		return ERR_TIMEOUT;
	for (unsigned i = 0; !rc && i < p->conns; i++) {
		if (fds[i].revents & ~POLLOUT)
			rc = read_some(p, p->conn[i]);
		if (!rc)
			rc = write_some(p, p->conn[i]);
	}
	return rc;
}

static int
run(struct peerload *p)
{
	int rc = 0;

	for (unsigned i = 0; !rc && i < p->conns; i++)
		rc = open_conn(p, i);
	p->start_us = clock_now().mono_us;
	while (!rc && !is_over(p))
		rc = turn(p);
	if (!rc && !p->relp)
		rc = finish_lines(p);
	if (rc)
		return rc;
	event("end");
	double seconds = (double)(p->end_us - p->begin_us) / 1e6;

	printf("{\"event\":\"result\",\"records\":%" PRIu64
	       ",\"seconds\":%.6f,\"rate\":%.1f}\n",
	    p->records, seconds, (double)p->records / seconds);
	return 0;
}

int
main(int argc, char **argv)
{
	struct peerload p = {0};
	int rc;

	if (argc != 8 || (strcmp(argv[1], "relp") && strcmp(argv[1], "lf"))) {
		fputs("usage: peerload relp|lf PORT FILE CONNECTIONS WINDOW "
		      "WARM-S SECONDS\n",
		    stderr);
		return EXIT_USAGE;
	}
	p.relp = !strcmp(argv[1], "relp");
	p.port = (uint16_t)strtoul(argv[2], NULL, 10);
	p.conns = (unsigned)strtoul(argv[4], NULL, 10);
	p.window = (unsigned)strtoul(argv[5], NULL, 10);
	p.warm_s = strtod(argv[6], NULL);
	p.seconds = strtod(argv[7], NULL);
	if (!p.port || !p.conns || p.conns > CONNS_MAX || !p.window)
		return EXIT_USAGE;
	rc = map_file(&p, argv[3]);
	if (!rc)
		rc = run(&p);
	if (rc)
		fprintf(stderr, "peerload: %s\n", err_text(rc));
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
