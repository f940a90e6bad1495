/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoold-receiver - network in: accepts, checks, gives batches to the keeper.
 *
 * Started by spoold with its channel as descriptor 3.  It opens nothing: the
 * listening sockets, certificates and keys come over the channel.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agentlink/receiver/receiver.h"
#include "agentlink/receiver/session.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/digest/digest.h"
#include "lib/role/role.h"

#define POOL_BYTES (64u * 1024 * 1024)
#define POOL_LEAST (4u * 1024 * 1024) /* a frame, and what it becomes */
#define FILES_MAX 16384u

struct program {
	struct loop *loop;
	struct role *role;
	struct receiver receiver;
	struct kv *prepared;
	struct loop_timer *stop_timer;
	uint64_t stop_at_ms;
};

static int
on_prepare(
    struct kv *kv, uint32_t generation, char *why, size_t why_size, void *arg)
{
	struct program *p = arg;
	int rc = listener_prepare(kv, why, why_size);

	(void)generation;
	if (rc)
		return rc;
	kv_free(p->prepared);
	p->prepared = kv;
	return 0;
}

static void
take_limits(struct program *p)
{
	uint64_t x, n;

	/* Of what one process bounds alone, each has its part, rounded up. */
	if (kv_get_u64(p->prepared, "receivers", &n) || !n)
		n = 1;
	p->receiver.receivers = (uint32_t)n;
	if (!kv_get_u64(p->prepared, "limits.connections", &x))
		p->receiver.max_connections = (uint32_t)x;
	if (!kv_get_u64(p->prepared, "limits.unauthenticated", &x))
		p->receiver.max_unauthenticated = (uint32_t)((x + n - 1) / n);
	if (!kv_get_u64(p->prepared, "limits.memory", &x)) {
		x = (x + n - 1) / n;
		x = x < POOL_LEAST ? POOL_LEAST : x;
		p->receiver.pool_bytes = (size_t)x;
		flow_set_pool(p->receiver.flow, (size_t)x);
	}
}

static int
on_switch(uint32_t generation, void *arg)
{
	struct program *p = arg;
	int rc;

	(void)generation;
	take_limits(p);
	rc = listener_apply(&p->receiver, p->prepared);
	kv_free(p->prepared);
	p->prepared = NULL;
	listener_resume_all(&p->receiver);
	return rc;
}

static int
on_sandbox(struct sandbox_profile *profile, void *arg)
{
	int rc = digest_warm_up();

	(void)arg;
	if (!rc)
		rc = tls_warm_up();
	profile->max_files = FILES_MAX;
	return rc;
}

static void
on_link(const struct ipc_link *link, int fd, void *arg)
{
	struct program *p = arg;

	if (link->role == IPC_ROLE_KEEPER)
		receiver_connect(&p->receiver, fd);
	else
		close(fd);
}

static void
on_fd(const struct ipc_fd *what, int fd, void *arg)
{
	struct program *p = arg;
	int rc;

	if (what->kind != IPC_FD_LISTENER) {
		close(fd);
		return;
	}
	rc = listener_give_fd(&p->receiver, what->name, fd);
	if (rc)
		log_error("listener %.*s: %s", (int)what->name.len,
		    (const char *)what->name.ptr, err_text(rc));
}

/* Everything is answered, or there is no more time. */
static void
on_stop_timer(void *arg)
{
	struct program *p = arg;
	bool late = loop_now_ms(p->loop) >= p->stop_at_ms;

	if (!flow_is_idle(p->receiver.flow) && !late)
		return;
	for (struct session *s = p->receiver.sessions, *next; s; s = next) {
		next = s->next;
		session_flush(s);
		session_goodbye(s, AGENTLINK_CODE_OK, 1000);
	}
	if (!p->receiver.sessions || late)
		role_end(p->role, 0);
}

static void
on_stop(uint32_t deadline_ms, void *arg)
{
	struct program *p = arg;

	p->stop_at_ms = loop_now_ms(p->loop) + deadline_ms * 3 / 4;
	receiver_drain(&p->receiver, deadline_ms);
	loop_timer_start(p->stop_timer, 0, 20);
}

static const struct role_events events = {
    .on_prepare = on_prepare,
    .on_switch = on_switch,
    .on_sandbox = on_sandbox,
    .on_link = on_link,
    .on_fd = on_fd,
    .on_stop = on_stop,
};

static uint32_t
slot_of(int argc, char **argv)
{
	/* --role-name receiver-N */
	for (int i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], "--role-name") &&
		    !strncmp(argv[i + 1], "receiver-", 9))
			return (uint32_t)strtoul(argv[i + 1] + 9, NULL, 10);
	return 0;
}

static int
start(struct program *p, uint32_t slot)
{
	char name[24];
	int rc = loop_new(&p->loop);

	if (!rc)
		rc = receiver_init(&p->receiver, p->loop, slot, POOL_BYTES);
	if (!rc)
		rc = loop_timer_new(p->loop, on_stop_timer, p, &p->stop_timer);
	snprintf(name, sizeof(name), "%u", slot);
	if (!rc)
		rc = role_start(p->loop, IPC_ROLE_RECEIVER, SANDBOX_RECEIVER,
		    name, &events, p, &p->role);
	return rc;
}

int
main(int argc, char **argv)
{
	struct program p = {0};
	int rc, status;

	log_setup("spoold-receiver", LOG_LEVEL_INFO, false);
	signal(SIGPIPE, SIG_IGN);
	rc = start(&p, slot_of(argc, argv));
	if (rc) {
		log_error(rc == ERR_NOENT
			? "this program is started by spoold, not by hand"
			: "cannot start: %s",
		    err_text(rc));
		status = 1;
	} else {
		loop_run(p.loop);
		status = role_exit_status(p.role);
	}
	receiver_fini(&p.receiver);
	loop_timer_free(p.stop_timer);
	role_free(p.role);
	kv_free(p.prepared);
	loop_free(p.loop);
	return status;
}
