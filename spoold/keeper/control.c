/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: accept, look at who it is, read a frame, find the verb, do
 * it, answer, read the next.  What can go wrong: a frame that is not a
 * request: one answer that says so, and the end; the caller hangs up while a
 * job works for it: the call lives on without it; a caller that asks nothing:
 * it has to make room when others come; no descriptor is left: the socket
 * rests for a moment, since it stays readable.
 */
#include "spoold/keeper/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "spoold/keeper/access.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/verbs.h"

#define READ_SIZE 16384
#define IDLE_MS 5000 /* then it may have to make room */
#define REST_MS 100

struct client {
	struct client *next;
	struct control *all;
	int fd;
	struct loop_poll *poll;
	struct buf in, out;
	unsigned rights;
	char actor[64];
	uint64_t seen_ms; /* when bytes came or went last */
	struct control_call *call; /* being answered, or NULL */
	bool ending; /* when `out` is empty */
};

struct control_call {
	struct keeper *k;
	struct client *client; /* NULL: gone */
	unsigned rights;
	char actor[64];
};

struct control {
	struct keeper *k;
	int fd;
	struct loop_poll *poll;
	struct loop_timer *rest; /* after an accept that failed */
	struct client *clients;
	size_t n;
};

/* ---- clients ---- */

static void
hang_up(struct client *c)
{
	struct client **p = &c->all->clients;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	c->all->n--;
	if (c->call)
		c->call->client = NULL;
	loop_poll_free(c->poll);
	close(c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c);
}

static void
watch(struct client *c)
{
	unsigned events = c->call || c->ending ? 0 : LOOP_READABLE;

	if (c->out.len)
		events |= LOOP_WRITABLE;
	/* While a call runs, only the hang-up is of interest. */
	loop_poll_set(c->poll, events ? events : LOOP_READABLE);
}

/* False: it hung up. */
static bool
write_out(struct client *c)
{
	ssize_t n;

	while (c->out.len) {
		n = send(c->fd, buf_ptr(&c->out), c->out.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (n <= 0)
			return false;
		buf_consume(&c->out, (size_t)n);
	}
	return !c->ending;
}

/* Over the limit it gets no half answer. */
static void
look_at_room(struct client *c)
{
	if (c->out.err)
		c->ending = true;
}

static void
put_json(struct client *c, enum ctl_kind kind, json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);

	if (text)
		ctl_put(&c->out, kind, bytes_of_str(text));
	look_at_room(c);
	free(text);
	json_decref(j);
}

static json_t *
error_json(enum refusal what, const char *about, const char *cause)
{
	const struct refusal_row *row = refusal_row(what);
	char message[256];
	json_t *o;

	snprintf(message, sizeof(message), "%s%s%.100s", row->message,
	    about ? ": " : "", about ? about : "");
	o = json_string(message);
	return json_pack("{s:b, s:{s:s, s:o, s:s, s:s, s:i}}", "ok", 0, "error",
	    "code", row->code, "message", o ? o : json_string(row->message),
	    "cause", cause ? cause : "", "hint", row->hint, "exit", row->exit);
}

/* ---- requests ---- */

static void
refuse(struct client *c, const char *cause)
{
	put_json(
	    c, CTL_JSON, error_json(REFUSAL_REQUEST_MALFORMED, NULL, cause));
	c->ending = true;
}

static void
begin_call(struct client *c, json_t *request)
{
	struct control_call *call = mem_new(sizeof(*call));

	call->k = c->all->k;
	call->client = c;
	call->rights = c->rights;
	memcpy(call->actor, c->actor, sizeof(call->actor));
	c->call = call;
	verbs_run(call, request);
}

static void
on_frame(struct client *c, const struct ctl_frame *f)
{
	json_t *request = NULL;

	if (f->kind == CTL_JSON)
		request = json_loadb((const char *)f->payload.ptr,
		    f->payload.len, JSON_REJECT_DUPLICATES, NULL);
	if (!request ||
	    json_integer_value(json_object_get(request, "v")) != CTL_VERSION)
		refuse(c, "a request is one JSON object with \"v\":1");
	else
		begin_call(c, request);
	json_decref(request);
}

/* One request at a time: the next is looked at when this one is answered. */
static void
look_at_input(struct client *c)
{
	struct ctl_frame f;
	size_t used;
	int rc;

	while (!c->call && !c->ending) {
		rc = ctl_next(buf_bytes(&c->in), CTL_REQUEST_MAX, &f, &used);
		if (rc == ERR_AGAIN)
			return;
		if (rc) {
			refuse(c, "a request is one frame of at most 64 KiB");
			return;
		}
		on_frame(c, &f);
		buf_consume(&c->in, used);
	}
}

/* False: it hung up. */
static bool
read_in(struct client *c)
{
	uint8_t *to = buf_reserve(&c->in, READ_SIZE);
	ssize_t n;

	if (!to)
		return false;
	n = recv(c->fd, to, READ_SIZE, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ||
		    errno == EINTR;
	buf_claim(&c->in, (size_t)n);
	return n > 0;
}

static void
on_events(unsigned events, void *arg)
{
	struct client *c = arg;

	c->seen_ms = loop_now_ms(c->all->k->loop);
	if ((events & LOOP_READABLE) && !read_in(c)) {
		hang_up(c);
		return;
	}
	look_at_input(c);
	if (!write_out(c)) {
		hang_up(c);
		return;
	}
	watch(c);
}

/* Neither served nor about to be, for the longest time. */
static struct client *
longest_idle(struct control *ctl)
{
	uint64_t now_ms = loop_now_ms(ctl->k->loop);
	struct client *found = NULL, *c;

	for (c = ctl->clients; c; c = c->next)
		if (!c->call && now_ms - c->seen_ms >= IDLE_MS &&
		    (!found || c->seen_ms < found->seen_ms))
			found = c;
	return found;
}

static void
make_room(struct control *ctl)
{
	struct client *idle =
	    ctl->n < CONTROL_CLIENTS_MAX ? NULL : longest_idle(ctl);

	if (idle)
		hang_up(idle);
}

static void
take_client(struct control *ctl, int fd)
{
	struct client *c = mem_new(sizeof(*c));

	c->all = ctl;
	c->fd = fd;
	buf_init(&c->in, 2 * CTL_REQUEST_MAX + READ_SIZE);
	buf_init(&c->out, CONTROL_ANSWER_MAX);
	c->seen_ms = loop_now_ms(ctl->k->loop);
	c->rights = access_of(fd, ctl->k->settings, c->actor, sizeof(c->actor));
	if (loop_poll_new(ctl->k->loop, fd, on_events, c, &c->poll)) {
		close(fd);
		free(c);
		return;
	}
	c->next = ctl->clients;
	ctl->clients = c;
	ctl->n++;
	if (ctl->n > CONTROL_CLIENTS_MAX) {
		put_json(
		    c, CTL_JSON, error_json(REFUSAL_CONTROL_BUSY, NULL, NULL));
		c->ending = true;
	}
	watch(c);
}

static void
on_rested(void *arg)
{
	struct control *ctl = arg;

	loop_poll_set(ctl->poll, LOOP_READABLE);
}

static void
rest(struct control *ctl)
{
	loop_poll_set(ctl->poll, 0);
	loop_timer_start(ctl->rest, REST_MS, 0);
}

static void
on_connection(unsigned events, void *arg)
{
	struct control *ctl = arg;
	int fd;

	(void)events;
	while (ctl->n <= CONTROL_CLIENTS_MAX) {
		fd = accept4(ctl->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && errno == EAGAIN)
			return;
		if (fd < 0)
			break;
		make_room(ctl);
		take_client(ctl, fd);
	}
	rest(ctl);
}

int
control_new(struct keeper *k, int fd, struct control **out)
{
	struct control *ctl = mem_new(sizeof(*ctl));
	int rc;

	ctl->k = k;
	ctl->fd = fd;
	rc = loop_timer_new(k->loop, on_rested, ctl, &ctl->rest);
	if (fd >= 0 && !rc)
		rc = loop_poll_new(k->loop, fd, on_connection, ctl, &ctl->poll);
	if (fd >= 0 && !rc)
		rc = loop_poll_set(ctl->poll, LOOP_READABLE);
	if (rc) {
		loop_timer_free(ctl->rest);
		free(ctl);
		return rc;
	}
	*out = ctl;
	return 0;
}

/* ---- calls ---- */

struct keeper *
control_keeper(const struct control_call *call)
{
	return call->k;
}

unsigned
control_rights(const struct control_call *call)
{
	return call->rights;
}

const char *
control_actor(const struct control_call *call)
{
	return call->actor;
}

bool
control_is_gone(const struct control_call *call)
{
	return !call->client;
}

void
control_send_stream(struct control_call *call, json_t *stream)
{
	if (!call->client) {
		json_decref(stream);
		return;
	}
	put_json(call->client, CTL_STREAM, stream);
	watch(call->client);
}

void
control_send_batch(struct control_call *call, const struct ctl_batch *batch)
{
	if (!call->client)
		return;
	ctl_put_batch(&call->client->out, batch);
	look_at_room(call->client);
	watch(call->client);
}

size_t
control_queued(const struct control_call *call)
{
	return call->client ? call->client->out.len : 0;
}

static void
end_call(struct control_call *call, json_t *answer)
{
	struct client *c = call->client;

	free(call);
	if (!c) {
		json_decref(answer);
		return;
	}
	c->call = NULL;
	put_json(c, CTL_JSON, answer);
	watch(c);
}

void
control_answer(struct control_call *call, json_t *result)
{
	end_call(call, json_pack("{s:b, s:o}", "ok", 1, "result", result));
}

void
control_refuse(struct control_call *call, enum refusal what, const char *about,
    const char *cause)
{
	end_call(call, error_json(what, about, cause));
}
