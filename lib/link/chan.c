/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: chan_send writes at once what the socket takes, the rest
 * waits in `out` for the socket to become writable.  What arrives goes into
 * one large buffer, and frames are delivered in place.
 *
 * What can go wrong.  The peer dies: a write fails first, but its last frames
 * may still be in our socket; so a failed write only shuts the socket down,
 * and reading goes on to the end, which then tells on_closed.  A callback
 * frees the channel: it is marked, and freed when the callback has returned.
 * A callback pauses: frames that are in the buffer stay there, and chan_resume
 * has them delivered in the next turn.  The kernel gives a descriptor with
 * some byte of a read, not saying which: it belongs to the frame that asks
 * for one and began within that read; one that nobody asked for is closed.
 */
#include "config.h"

#include "lib/link/chan.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/link/chan_frame.h"
#include "lib/link/outq.h"
#include "lib/link/rights.h"

#define IN_SIZE (256U << 10)
#define IN_ROOM (64U << 10) /* the least to read into */
#define READ_BUDGET (1U << 20) /* in one turn, so that others get theirs */
#define READ_SHORT (16U << 10) /* a shorter read emptied the socket */
#define PASSED_MAX 4
/* A received descriptor and the read it came with (positions of bytes). */
struct passed {
	int fd;
	uint64_t from, to;
};

struct chan {
	int fd;
	struct loop_poll *poll;
	struct loop_timer *soon; /* callbacks that are due without an event */
	struct chan_events events;
	void *arg;
	struct outq out;
	size_t limit;
	uint8_t *in;
	size_t in_cap, in_start, in_len;
	uint64_t in_pos; /* position of in[in_start] in the stream */
	struct passed passed[PASSED_MAX];
	size_t passed_count;
	int calling; /* callbacks in progress: freeing waits for their end */
	int rc; /* for on_closed */
	bool paused;
	bool in_ended; /* nothing more can be read */
	bool out_broken; /* nothing more can be written */
	bool drain_due; /* on_drained is owed when out is empty */
	bool told; /* on_closed was called */
	bool closing; /* chan_free was called */
};

static void
watch(struct chan *c)
{
	unsigned events = 0;

	if (!c->paused && !c->in_ended)
		events |= LOOP_READABLE;
	if (c->out.len)
		events |= LOOP_WRITABLE;
	loop_poll_set(c->poll, events);
}

static void
destroy(struct chan *c)
{
	loop_poll_free(c->poll);
	loop_timer_free(c->soon);
	for (size_t i = 0; i < c->passed_count; i++)
		close(c->passed[i].fd);
	outq_fini(&c->out);
	close(c->fd);
	free(c->in);
	free(c);
}

static void
end_in(struct chan *c, int rc)
{
	c->in_ended = true;
	c->rc = rc;
}

/* Descriptors whose read is wholly delivered belong to no frame. */
static void
close_strays(struct chan *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->passed_count; i++) {
		if (c->passed[i].to <= c->in_pos)
			close(c->passed[i].fd);
		else
			c->passed[kept++] = c->passed[i];
	}
	c->passed_count = kept;
}

/* The descriptor of the frame that begins at in_pos; -1 if there is none. */
static int
take_passed(struct chan *c)
{
	int fd;

	close_strays(c);
	if (!c->passed_count || c->passed[0].from > c->in_pos)
		return -1;
	fd = c->passed[0].fd;
	c->passed_count--;
	memmove(
	    c->passed, c->passed + 1, c->passed_count * sizeof(c->passed[0]));
	return fd;
}

static void
keep_passed(struct chan *c, int fd, uint64_t from, uint64_t to)
{
	if (c->passed_count == PASSED_MAX)
		close(fd);
	else
		c->passed[c->passed_count++] = (struct passed){fd, from, to};
}

/* Deliver one frame; false when none is complete, or all is over. */
static bool
deliver_one(struct chan *c)
{
	const uint8_t *at = c->in + c->in_start;
	struct chan_frame f;
	size_t whole;
	int fd = -1;

	if (c->in_len < CHAN_HEADER_SIZE)
		return false;
	if (chan_frame_decode(at, &f))
		goto malformed;
	whole = CHAN_HEADER_SIZE + f.payload_len;
	if (c->in_len < whole)
		return false;
	if (f.flags & CHAN_FRAME_FD) {
		fd = take_passed(c);
		if (fd < 0)
			goto malformed;
	}
	c->in_start += whole;
	c->in_len -= whole;
	c->in_pos += whole;
	c->events.on_message(
	    f.type, bytes_of(at + CHAN_HEADER_SIZE, f.payload_len), fd, c->arg);
	return true;
malformed:
	c->in_len = 0;
	end_in(c, ERR_FORMAT);
	return false;
}

static void
deliver(struct chan *c)
{
	while (!c->paused && !c->closing && deliver_one(c))
		;
	close_strays(c);
}

/* Bytes that the frame at the front needs in all, as far as known. */
static size_t
wanted_room(const struct chan *c)
{
	struct chan_frame f;
	size_t whole = c->in_len + IN_ROOM;

	if (c->in_len >= CHAN_HEADER_SIZE &&
	    !chan_frame_decode(c->in + c->in_start, &f) &&
	    CHAN_HEADER_SIZE + f.payload_len > c->in_len)
		whole = CHAN_HEADER_SIZE + f.payload_len;
	return whole;
}

/* Make room behind what is there; a large buffer goes back when empty. */
static int
make_room(struct chan *c)
{
	size_t need = wanted_room(c), cap = need > IN_SIZE ? need : IN_SIZE;
	uint8_t *mem;

	if (c->in_len == 0)
		c->in_start = 0;
	if (c->in_cap == cap || (c->in_cap > cap && c->in_len)) {
		if (c->in_cap - c->in_start < need) {
			memmove(c->in, c->in + c->in_start, c->in_len);
			c->in_start = 0;
		}
		return 0;
	}
	mem = malloc(cap);
	if (!mem)
		return ERR_NOMEM;
	if (c->in_len)
		memcpy(mem, c->in + c->in_start, c->in_len);
	free(c->in);
	c->in = mem;
	c->in_cap = cap;
	c->in_start = 0;
	return 0;
}

/* Read once; *got is 0 when nothing more is to be had now. */
static void
read_once(struct chan *c, size_t *got)
{
	size_t room, end;
	int fd = -1;
	int rc = make_room(c);

	*got = 0;
	if (rc) {
		end_in(c, rc);
		return;
	}
	end = c->in_start + c->in_len;
	room = c->in_cap - end;
	rc = rights_recv(c->fd, c->in + end, room, got, &fd);
	if (rc == ERR_AGAIN)
		return;
	if (rc || *got == 0) {
		if (fd >= 0)
			close(fd);
		end_in(c, rc ? rc : ERR_CLOSED);
		return;
	}
	if (fd >= 0)
		keep_passed(
		    c, fd, c->in_pos + c->in_len, c->in_pos + c->in_len + *got);
	c->in_len += *got;
}

static void
read_in(struct chan *c)
{
	size_t got, budget = READ_BUDGET;

	do {
		read_once(c, &got);
		deliver(c);
		budget -= got < budget ? got : budget;
	} while (got >= READ_SHORT && budget && !c->in_ended && !c->paused &&
	    !c->closing);
}

static void
write_out(struct chan *c)
{
	int rc = outq_write(&c->out, c->fd);

	if (rc == 0 || rc == ERR_AGAIN)
		return;
	outq_fini(&c->out);
	c->out_broken = true;
	/* What the peer wrote can still be read, and then comes the end. */
	shutdown(c->fd, SHUT_RDWR);
}

/* Tell what is due to be told, and free what is to be freed. */
static void
settle(struct chan *c)
{
	if (c->drain_due && !c->out.len && !c->out_broken && !c->closing) {
		c->drain_due = false;
		if (c->events.on_drained)
			c->events.on_drained(c->arg);
	}
	if (c->in_ended && !c->paused && !c->told && !c->closing) {
		c->told = true;
		outq_fini(&c->out);
		c->events.on_closed(c->rc, c->arg);
	}
	c->calling--;
	if (c->closing)
		destroy(c);
	else
		watch(c);
}

static void
on_events(unsigned events, void *arg)
{
	struct chan *c = arg;

	c->calling++;
	if (events & LOOP_WRITABLE)
		write_out(c);
	if ((events & LOOP_READABLE) && !c->in_ended)
		read_in(c);
	settle(c);
}

static void
on_soon(void *arg)
{
	struct chan *c = arg;

	c->calling++;
	deliver(c);
	settle(c);
}

int
chan_new(struct loop *l, int fd, const struct chan_events *events, void *arg,
    struct chan **out)
{
	struct chan *c = calloc(1, sizeof(*c));
	int rc = ERR_NOMEM;

	if (!c)
		return rc;
	c->fd = fd;
	c->events = *events;
	c->arg = arg;
	c->limit = CHAN_QUEUE_LIMIT;
	rc = loop_timer_new(l, on_soon, c, &c->soon);
	if (rc)
		goto fail;
	rc = loop_poll_new(l, fd, on_events, c, &c->poll);
	if (rc)
		goto fail;
	watch(c);
	*out = c;
	return 0;
fail:
	loop_timer_free(c->soon);
	free(c);
	return rc;
}

void
chan_free(struct chan *c)
{
	if (!c)
		return;
	c->closing = true;
	if (!c->calling)
		destroy(c);
}

/* Send at once what the socket takes, if nothing is waiting. */
static int
send_now(struct chan *c, const struct bytes *parts, size_t count, int fd,
    size_t *sent)
{
	struct iovec iov[CHAN_PARTS_MAX + 1];

	if (c->out.len)
		return 0;
	for (size_t i = 0; i < count; i++)
		iov[i] = (struct iovec){
		    (void *)(uintptr_t)parts[i].ptr, parts[i].len};
	return rights_send(c->fd, iov, count, fd, sent);
}

static int
send_parts(struct chan *c, const struct bytes *parts, size_t count,
    size_t whole, int fd)
{
	size_t sent = 0;
	int rc = send_now(c, parts, count, fd, &sent);

	if (rc && rc != ERR_AGAIN) {
		c->out_broken = true;
		shutdown(c->fd, SHUT_RDWR);
		return ERR_CLOSED;
	}
	if (sent == whole)
		return 0;
	rc = outq_add(&c->out, parts, count, sent, sent ? -1 : fd);
	if (rc && sent) {
		/* Half a frame is out: the stream cannot be mended. */
		c->out_broken = true;
		shutdown(c->fd, SHUT_RDWR);
	}
	if (rc)
		return rc;
	c->drain_due = true;
	watch(c);
	return 0;
}

int
chan_send(struct chan *c, uint16_t type, const struct bytes *parts,
    size_t count, int fd)
{
	struct bytes framed[CHAN_PARTS_MAX + 1];
	uint8_t header[CHAN_HEADER_SIZE];
	struct chan_frame f = {
	    .type = type, .flags = fd >= 0 ? CHAN_FRAME_FD : 0};
	size_t len = 0;

	assert(count <= CHAN_PARTS_MAX);
	if (c->out_broken || c->in_ended)
		return ERR_CLOSED;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > CHAN_PAYLOAD_MAX - len)
			return ERR_RANGE;
		len += parts[i].len;
		framed[i + 1] = parts[i];
	}
	if (c->out.len + sizeof(header) + len > c->limit)
		return ERR_LIMIT;
	f.payload_len = (uint32_t)len;
	chan_frame_encode(&f, header);
	framed[0] = bytes_of(header, sizeof(header));
	return send_parts(c, framed, count + 1, sizeof(header) + len, fd);
}

size_t
chan_queued(const struct chan *c)
{
	return c->out.len;
}

void
chan_set_limit(struct chan *c, size_t queue_bytes)
{
	c->limit = queue_bytes;
}

void
chan_pause(struct chan *c)
{
	c->paused = true;
	watch(c);
}

void
chan_resume(struct chan *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	watch(c);
	loop_timer_start(c->soon, 0, 0);
}

int
chan_flush(struct chan *c, unsigned wait_ms)
{
	uint64_t end = clock_now().mono_us + wait_ms * UINT64_C(1000);

	for (;;) {
		struct pollfd p = {.fd = c->fd, .events = POLLOUT};
		uint64_t now;

		write_out(c);
		if (c->out_broken)
			return ERR_CLOSED;
		if (!c->out.len)
			break;
		now = clock_now().mono_us;
		if (now >= end)
			return ERR_TIMEOUT;
		poll(&p, 1, (int)((end - now) / 1000 + 1));
	}
	if (c->drain_due)
		loop_timer_start(c->soon, 0, 0);
	return 0;
}
