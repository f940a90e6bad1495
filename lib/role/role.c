/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/role/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/link/chan.h"
#include "lib/role/thrift.h"

struct role {
	struct loop *loop;
	struct chan *chan;
	struct thrift *thrift;
	const struct role_events *events;
	void *arg;
	enum ipc_role id;
	enum sandbox_role sandbox;
	struct kv *kv; /* the first one: user and sandbox are in it */
	pid_t parent;
	uint32_t prepared;
	bool ready;
	int status;
};

static int
send_msg(struct role *r, const struct ipc_msg *m)
{
	struct buf b;
	struct bytes part;
	int rc;

	buf_init(&b, IPC_MESSAGE_MAX);
	ipc_encode(&b, m);
	part = buf_bytes(&b);
	rc = b.err ? b.err : chan_send(r->chan, m->type, &part, 1, -1);
	buf_fini(&b);
	return rc;
}

static void
refuse(struct role *r, uint32_t generation, const char *why)
{
	struct ipc_msg m = {.type = IPC_CONFIG_REFUSED};

	m.u.config.generation = generation;
	m.u.config.text = bytes_of_str(why);
	send_msg(r, &m);
}

static const char *
kv_text(const struct kv *kv, const char *key)
{
	const char *text = "";

	return kv_get_str(kv, key, &text) ? "" : text;
}

static void
set_log(const struct kv *kv)
{
	enum log_level level;

	if (!log_level_parse(kv_text(kv, "log.level"), &level))
		log_set_level(level);
	log_set_json(!strcmp(kv_text(kv, "log.format"), "json"));
}

static void
prepare(struct role *r, const struct ipc_config *config)
{
	struct ipc_msg m = {.type = IPC_CONFIG_READY};
	struct kv *kv = NULL, *first = NULL;
	char why[256] = "";
	int rc;

	rc = kv_decode(config->kv, &kv);
	if (!rc && !r->ready && !r->kv)
		rc = kv_decode(config->kv, &first);
	if (rc) {
		refuse(r, config->generation, err_text(rc));
		kv_free(kv);
		return;
	}
	set_log(kv);
	rc = r->events->on_prepare(
	    kv, config->generation, why, sizeof(why), r->arg);
	if (rc) {
		refuse(r, config->generation, *why ? why : err_text(rc));
		kv_free(kv);
		kv_free(first);
		return;
	}
	if (first)
		r->kv = first;
	r->prepared = config->generation;
	m.u.config.generation = config->generation;
	send_msg(r, &m);
}

/* Give up what the role does not need; then nothing can be opened. */
static int
enter_sandbox(struct role *r)
{
	struct sandbox_profile profile = {.role = r->sandbox};
	struct sandbox_report report;
	char text[SANDBOX_TEXT_SIZE];
	const char *user = kv_text(r->kv, "user");
	int rc;

	profile.off = !strcmp(kv_text(r->kv, "sandbox"), "off");
#ifdef WITH_SANITIZER
	profile.off = true;
#endif
	/* Needs privileges, which are gone with the user; at best. */
	if (!profile.off)
		(void)sandbox_leave_network(r->sandbox);
	if (*user) {
		rc = sandbox_become(user);
		if (rc) {
			log_error("cannot become user %s: %s; running as uid "
				  "%u is not what the configuration says",
			    user, err_text(rc), (unsigned)getuid());
			return rc;
		}
	}
	rc = sandbox_die_with_parent(r->parent);
	if (rc)
		return rc;
	rc =
	    r->events->on_sandbox ? r->events->on_sandbox(&profile, r->arg) : 0;
	if (rc)
		return rc; /* the role has said why */
	rc = sandbox_enter(&profile, &report);
	if (rc) {
		log_error("cannot enter the sandbox: %s", err_text(rc));
		return rc;
	}
	log_debug("sandbox: %s", sandbox_report_format(&report, text));
	return 0;
}

static int
first_switch(struct role *r)
{
	struct ipc_msg m = {.type = IPC_READY};
	int rc = enter_sandbox(r);

	kv_free(r->kv);
	r->kv = NULL;
	if (!rc && r->events->on_ready)
		rc = r->events->on_ready(r->arg);
	if (rc)
		return rc;
	r->ready = true;
	return send_msg(r, &m);
}

static int
exit_status_of(int rc)
{
	switch (rc) {
	case ERR_DENIED:
	case ERR_KEY:
	case ERR_VERSION:
	case ERR_UNSUPPORTED:
		return ROLE_EXIT_REFUSED;
	case ERR_BUSY:
		return ROLE_EXIT_BUSY;
	default:
		return 1;
	}
}

static void
switch_to(struct role *r, uint32_t generation)
{
	int rc;

	if (generation != r->prepared) {
		log_error("told to switch to configuration %u, but %u is "
			  "prepared",
		    generation, r->prepared);
		role_end(r, 1);
		return;
	}
	rc = r->events->on_switch(generation, r->arg);
	if (!rc && !r->ready)
		rc = first_switch(r);
	if (rc) {
		log_error("cannot use configuration %u: %s", generation,
		    err_text(rc));
		role_end(r, exit_status_of(rc));
	}
}

static void
hand_out_fd(struct role *r, const struct ipc_msg *m, int *fd)
{
	if (*fd < 0)
		return;
	if (m->type == IPC_LINK && r->events->on_link) {
		r->events->on_link(&m->u.link, *fd, r->arg);
		*fd = -1;
	} else if (m->type == IPC_FD && r->events->on_fd) {
		r->events->on_fd(&m->u.fd, *fd, r->arg);
		*fd = -1;
	}
}

static void
handle(struct role *r, const struct ipc_msg *m, int *fd)
{
	struct ipc_msg pong = {.type = IPC_PONG};

	switch (m->type) {
	case IPC_CONFIG_PREPARE:
		prepare(r, &m->u.config);
		break;
	case IPC_CONFIG_SWITCH:
		switch_to(r, m->u.config.generation);
		break;
	case IPC_LINK:
	case IPC_FD:
		hand_out_fd(r, m, fd);
		break;
	case IPC_STOP:
		r->events->on_stop(m->u.stop.deadline_ms, r->arg);
		break;
	case IPC_PING:
		send_msg(r, &pong);
		break;
	default:
		if (r->events->on_message)
			r->events->on_message(m, r->arg);
	}
}

static void
on_message(uint16_t type, struct bytes payload, int fd, void *arg)
{
	struct role *r = arg;
	struct ipc_msg m;
	int rc = ipc_decode(type, payload, &m);

	if (rc) {
		log_error("message %s from the supervisor: %s",
		    ipc_type_name(type), err_text(rc));
		role_end(r, 1);
	} else {
		handle(r, &m, &fd);
	}
	if (fd >= 0)
		close(fd);
}

static void
on_closed(int rc, void *arg)
{
	struct role *r = arg;

	if (rc != ERR_CLOSED)
		log_error("channel to the supervisor: %s", err_text(rc));
	/* Without a supervisor every role ends (RULES.md 11). */
	role_end(r, rc == ERR_CLOSED ? 0 : 1);
}

static const struct chan_events chan_events = {
    .on_message = on_message,
    .on_closed = on_closed,
};

static int
say_hello(struct role *r, const char *name)
{
	struct ipc_msg m = {.type = IPC_HELLO};

	m.u.hello.role = (uint8_t)r->id;
	m.u.hello.version = IPC_VERSION;
	m.u.hello.name = bytes_of_str(name);
	m.u.hello.build = bytes_of_str(PACKAGE_VERSION);
	return send_msg(r, &m);
}

int
role_start(struct loop *l, enum ipc_role id, enum sandbox_role sandbox,
    const char *name, const struct role_events *events, void *arg,
    struct role **out)
{
	struct role *r;
	int rc;

	if (fcntl(ROLE_FD, F_GETFD) < 0 && errno == EBADF)
		return ERR_NOENT;
	fcntl(ROLE_FD, F_SETFD, FD_CLOEXEC);
	r = calloc(1, sizeof(*r));
	if (!r)
		return ERR_NOMEM;
	r->loop = l;
	r->id = id;
	r->sandbox = sandbox;
	r->events = events;
	r->arg = arg;
	r->parent = getppid();
	/* Signals to the process group are the supervisor's to answer. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	rc = chan_new(l, ROLE_FD, &chan_events, r, &r->chan);
	if (!rc)
		rc = thrift_new(l, &r->thrift);
	if (!rc)
		rc = say_hello(r, name);
	if (rc) {
		role_free(r);
		return rc;
	}
	*out = r;
	return 0;
}

int
role_status(struct role *r, const struct kv *kv)
{
	struct ipc_msg m = {.type = IPC_STATUS};
	struct buf b;
	int rc;

	buf_init(&b, KV_BYTES_MAX);
	kv_encode(kv, &b);
	m.u.kv.kv = buf_bytes(&b);
	rc = b.err ? b.err : send_msg(r, &m);
	buf_fini(&b);
	return rc;
}

void
role_end(struct role *r, int status)
{
	r->status = status;
	loop_stop(r->loop);
}

int
role_exit_status(const struct role *r)
{
	return r->status;
}

void
role_free(struct role *r)
{
	if (!r)
		return;
	kv_free(r->kv);
	thrift_free(r->thrift);
	chan_free(r->chan);
	free(r);
}
