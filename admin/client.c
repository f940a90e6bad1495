/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/json.h"
#include "lib/base/err.h"

#define READ_SIZE 65536

#define UNREACHABLE "DAEMON_UNREACHABLE"
#define BROKEN_OFF "DAEMON_BROKE_OFF"

struct client {
	int fd;
	uint64_t timeout_ms;
	struct buf in;
};

static int
cannot_connect(const char *path, int errnum, struct fault *f)
{
	bool is_denied = errnum == EACCES || errnum == EPERM;

	fault_set(f, is_denied ? FAULT_DENIED : FAULT_UNREACHABLE,
	    is_denied ? "SOCKET_DENIED" : UNREACHABLE,
	    is_denied ? "this user may not use the control socket"
		      : "the daemon does not answer");
	fault_cause(f, "%s: %s", path, strerror(errnum));
	fault_hint(f,
	    is_denied ? "use sudo, or a group that control.socket admits"
		      : "is spoold running, and is this its control socket "
			"(--socket)?");
	return (int)f->exit;
}

static int
connect_to(const char *path, int *out, struct fault *f)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return cannot_connect(path, ENAMETOOLONG, f);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return cannot_connect(path, errno, f);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		int errnum = errno;

		close(fd);
		return cannot_connect(path, errnum, f);
	}
	*out = fd;
	return FAULT_OK;
}

int
client_open(const char *path, uint64_t timeout_ms, struct client **out,
    struct fault *fault)
{
	struct client *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return fault_of_err(fault, ERR_NOMEM, "cannot connect");
	c->timeout_ms = timeout_ms;
	rc = connect_to(path, &c->fd, fault);
	if (rc) {
		free(c);
		return rc;
	}
	buf_init(&c->in, CTL_ANSWER_MAX + CTL_HEADER_SIZE + READ_SIZE);
	*out = c;
	return FAULT_OK;
}

void
client_close(struct client *c)
{
	if (c) {
		close(c->fd);
		buf_fini(&c->in);
		free(c);
	}
}

static int
broken_off(int errnum, struct fault *f)
{
	fault_set(f, FAULT_UNREACHABLE, BROKEN_OFF,
	    "the daemon ended the connection before it had answered");
	fault_cause(
	    f, "%s", errnum ? strerror(errnum) : "it restarts, or was stopped");
	fault_hint(f, "try again; spoolctl wait --ready waits for it");
	return FAULT_UNREACHABLE;
}

static int
malformed(const char *cause, struct fault *f)
{
	fault_set(f, FAULT_FAILED, "ANSWER_MALFORMED",
	    "the answer does not follow the protocol");
	fault_cause(f, "%s", cause);
	fault_hint(f, "is it spoold that listens there, and of this version?");
	return FAULT_FAILED;
}

/* Until the socket is ready for it, or silent for too long. */
static int
wait_for(struct client *c, short events, struct fault *f)
{
	struct pollfd p = {.fd = c->fd, .events = events};
	uint64_t ms = c->timeout_ms;
	int n;

	do
		n = poll(&p, 1, !ms ? -1 : ms > 1 << 30 ? 1 << 30 : (int)ms);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return FAULT_OK;
	fault_set(f, FAULT_TIMEOUT, "NO_ANSWER",
	    "the daemon gave no answer in %g s", (double)ms / 1000);
	fault_hint(f, "--timeout waits longer; does a disk hang?");
	return FAULT_TIMEOUT;
}

static int
send_all(struct client *c, struct buf *out, struct fault *f)
{
	int rc = FAULT_OK;

	while (out->len && !rc) {
		ssize_t n = send(c->fd, buf_ptr(out), out->len, MSG_NOSIGNAL);

		if (n >= 0)
			buf_consume(out, (size_t)n);
		else if (errno == EPIPE)
			break; /* why it hung up is still to be read */
		else if (errno == EAGAIN)
			rc = wait_for(c, POLLOUT, f);
		else if (errno != EINTR)
			rc = broken_off(errno, f);
	}
	return rc;
}

static int
send_request(struct client *c, const char *verb, json_t *args, struct fault *f)
{
	json_t *request = json_pack("{s:i,s:s,s:o}", "v", CTL_VERSION, "verb",
	    verb, "args", args ? args : json_object());
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	struct bytes payload = bytes_of_str(text);
	struct buf out;
	int rc;

	buf_init(&out, CTL_REQUEST_MAX + CTL_HEADER_SIZE);
	ctl_put(&out, CTL_JSON, payload);
	if (!text || out.err == ERR_NOMEM)
		rc = fault_of_err(f, ERR_INVAL, "cannot make the request");
	else if (out.err)
		rc = fault_set(f, FAULT_USAGE, "REQUEST_TOO_LONG",
		    "the request is longer than %u bytes", CTL_REQUEST_MAX);
	else
		rc = send_all(c, &out, f);
	buf_fini(&out);
	free(text);
	json_decref(request);
	return rc;
}

/* One read; what came is in c->in. */
static int
receive(struct client *c, struct fault *f)
{
	uint8_t *to = buf_reserve(&c->in, READ_SIZE);
	ssize_t n;
	int rc;

	if (!to)
		return fault_of_err(f, c->in.err, "cannot read the answer");
	n = recv(c->fd, to, READ_SIZE, 0);
	if (n > 0) {
		buf_claim(&c->in, (size_t)n);
		return FAULT_OK;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		return broken_off(n ? errno : 0, f);
	rc = wait_for(c, POLLIN, f);
	return rc;
}

/* The next whole frame, borrowed from c->in, where *used bytes are its own. */
static int
next_frame(
    struct client *c, struct ctl_frame *frame, size_t *used, struct fault *f)
{
	int rc;

	while ((rc = ctl_next(buf_bytes(&c->in), CTL_ANSWER_MAX, frame,
		    used)) == ERR_AGAIN) {
		rc = receive(c, f);
		if (rc)
			return rc;
	}
	return rc ? malformed(err_text(rc), f) : FAULT_OK;
}

static bool
is_code(const char *code)
{
	size_t len = strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return len > 0 && len < 48 && !code[len];
}

static int
take_error(const json_t *answer, struct fault *f)
{
	const json_t *e = json_at(answer, "error");
	const char *code = json_str(e, "code", "");
	uint64_t exit = json_u64(e, "exit", FAULT_FAILED);

	if (!json_is_object(e))
		return malformed("neither a result nor an error", f);
	if (exit < FAULT_FAILED || exit > FAULT_EXIT_MAX)
		exit = FAULT_FAILED;
	fault_set(f, (enum fault_exit)exit, is_code(code) ? code : "UNKNOWN",
	    "%s", json_str(e, "message", "the daemon refused"));
	fault_cause(f, "%s", json_str(e, "cause", ""));
	fault_hint(f, "%s", json_str(e, "hint", ""));
	return (int)f->exit;
}

/* The frame that ends the answer. */
static int
take_answer(struct bytes payload, json_t **result, struct fault *f)
{
	char why[JSON_ERROR_TEXT_LENGTH];
	json_t *answer;
	json_t *r;
	int rc = FAULT_OK;

	if (json_read(payload, &answer, why))
		return malformed(why, f);
	r = json_object_get(answer, "result");
	if (!json_flag(answer, "ok", false))
		rc = take_error(answer, f);
	else if (!json_is_object(r))
		rc = malformed("there is no result", f);
	else
		*result = json_incref(r);
	json_decref(answer);
	return rc;
}

int
client_ask(struct client *c, const char *verb, json_t *args,
    client_frame_fn *on_frame, void *arg, json_t **result, struct fault *fault)
{
	int rc = send_request(c, verb, args, fault);
	bool is_last = false;

	while (!rc && !is_last) {
		struct ctl_frame frame;
		size_t used;

		rc = next_frame(c, &frame, &used, fault);
		if (rc)
			break;
		is_last = frame.kind == CTL_JSON;
		if (is_last)
			rc = take_answer(frame.payload, result, fault);
		else if (on_frame)
			rc = on_frame(&frame, arg, fault);
		else
			rc = malformed("a frame that nobody asked for", fault);
		buf_consume(&c->in, used);
	}
	return rc;
}

bool
client_is_away(const struct fault *fault)
{
	return fault->exit == FAULT_UNREACHABLE ||
	    !strcmp(fault->code, "NO_ANSWER") ||
	    !strcmp(fault->code, "SOCKET_DENIED");
}
