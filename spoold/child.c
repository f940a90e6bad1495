/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "lib/codec/kv.h"

#define OOM_SCORE_MORE 300

const char *
child_program_dir(void)
{
	const char *dir = getenv("SPOOLD_LIBEXECDIR");

	return dir && *dir ? dir : LIBEXECDIR;
}

static void
on_restart(void *arg)
{
	struct child *c = arg;

	c->events->on_due(c, c->arg);
}

int
child_new(struct loop *loop, enum ipc_role role, uint32_t slot,
    const char *target, const struct child_events *events, void *arg,
    struct child **out)
{
	struct child *c = calloc(1, sizeof(*c));
	const char *role_name = ipc_role_name(role);
	int rc;

	if (!c)
		return ERR_NOMEM;
	c->loop = loop;
	c->events = events;
	c->arg = arg;
	c->role = role;
	c->slot = slot;
	c->wanted = true;
	snprintf(c->target, sizeof(c->target), "%s", target);
	snprintf(c->program, sizeof(c->program), "spoold-%s", role_name);
	if (role == IPC_ROLE_RECEIVER)
		snprintf(c->name, sizeof(c->name), "receiver-%u", slot);
	else
		snprintf(c->name, sizeof(c->name), "%s%s%s", role_name,
		    *target ? "-" : "", target);
	backoff_init(&c->backoff);
	buf_init(&c->kv, KV_BYTES_MAX);
	buf_init(&c->next_kv, KV_BYTES_MAX);
	rc = loop_timer_new(loop, on_restart, c, &c->restart);
	if (rc) {
		free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void
child_free(struct child *c)
{
	if (!c)
		return;
	child_kill(c);
	chan_free(c->chan);
	loop_timer_free(c->restart);
	buf_fini(&c->kv);
	buf_fini(&c->next_kv);
	free(c);
}

int
child_send(struct child *c, const struct ipc_msg *m, int fd)
{
	struct buf b;
	struct bytes part;
	int rc;

	if (!c->chan)
		return ERR_CLOSED;
	buf_init(&b, IPC_MESSAGE_MAX);
	ipc_encode(&b, m);
	part = buf_bytes(&b);
	rc = b.err ? b.err : chan_send(c->chan, m->type, &part, 1, fd);
	buf_fini(&b);
	return rc;
}

int
child_prepare(struct child *c, uint32_t generation, struct bytes kv)
{
	struct ipc_msg m = {.type = IPC_CONFIG_PREPARE};

	c->prepared = 0;
	m.u.config.generation = generation;
	m.u.config.kv = kv;
	return child_send(c, &m, -1);
}

int
child_switch(struct child *c, uint32_t generation)
{
	struct ipc_msg m = {.type = IPC_CONFIG_SWITCH};

	m.u.config.generation = generation;
	return child_send(c, &m, -1);
}

void
child_stop(struct child *c, uint32_t deadline_ms)
{
	struct ipc_msg m = {.type = IPC_STOP};

	loop_timer_stop(c->restart);
	if (!c->pid)
		return;
	c->state = CHILD_LEAVING;
	m.u.stop.deadline_ms = deadline_ms;
	child_send(c, &m, -1);
}

void
child_kill(struct child *c)
{
	if (c->pid)
		kill(c->pid, SIGKILL);
}

/* ---- messages
 * ------------------------------------------------------------------- */

static void
config_answer(struct child *c, const struct ipc_msg *m)
{
	bool ready = m->type == IPC_CONFIG_READY;

	if (ready)
		c->prepared = m->u.config.generation;
	c->events->on_config(
	    c, m->u.config.generation, ready, m->u.config.text, c->arg);
}

static void
on_message(uint16_t type, struct bytes payload, int fd, void *arg)
{
	struct child *c = arg;
	struct ipc_msg m;
	int rc = ipc_decode(type, payload, &m);

	if (fd >= 0)
		close(fd); /* nobody sends us one */
	c->heard_ms = loop_now_ms(c->loop);
	if (rc) {
		log_error("%s: message %s: %s; it is ended", c->name,
		    ipc_type_name(type), err_text(rc));
		child_kill(c);
		return;
	}
	switch (type) {
	case IPC_HELLO:
		c->greeted = true;
		c->events->on_hello(c, c->arg);
		break;
	case IPC_CONFIG_READY:
	case IPC_CONFIG_REFUSED:
		config_answer(c, &m);
		break;
	case IPC_READY:
		if (c->state == CHILD_STARTING)
			c->state = CHILD_READY;
		c->events->on_ready(c, c->arg);
		break;
	case IPC_STATUS:
		c->events->on_status(c, m.u.kv.kv, c->arg);
		break;
	default:
		break; /* PONG: heard_ms says it */
	}
}

static void
on_closed(int rc, void *arg)
{
	struct child *c = arg;

	if (rc != ERR_CLOSED)
		log_error("%s: channel: %s", c->name, err_text(rc));
	/*
	 * It is ending, and SIGCHLD will tell how: to kill it now would hide
	 * its exit status.  What goes on without a channel is killed later.
	 */
	c->is_cut = true;
}

static const struct chan_events chan_events = {
    .on_message = on_message,
    .on_closed = on_closed,
};

/* ---- processes
 * ------------------------------------------------------------------- */

/*
 * When memory runs out, the keeper and the supervisor are to be the last to
 * die: the others only hold what is kept elsewhere too.
 */
static void
be_first_to_die(void)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char text[16] = "";
	long score;

	if (fd < 0)
		return; /* at best */
	if (read(fd, text, sizeof(text) - 1) > 0) {
		score = strtol(text, NULL, 10) + OOM_SCORE_MORE;
		dprintf(fd, "%ld", score > 1000 ? 1000 : score);
	}
	close(fd);
}

/* In the new process: nothing but descriptors 0 to 3, then the program. */
static void
become(const struct child *c, int fd)
{
	char path[512];
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0)
		_exit(127);
	if (fd == 3)
		fcntl(fd, F_SETFD, 0);
	else if (dup2(fd, 3) < 0)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (c->role != IPC_ROLE_KEEPER)
		be_first_to_die();
	snprintf(path, sizeof(path), "%s/%s", child_program_dir(), c->program);
	execl(path, c->program, "--role-name", c->name, (char *)NULL);
	dprintf(
	    STDERR_FILENO, "cannot execute %s: %s\n", path, strerror(errno));
	_exit(127);
}

static int
launch(struct child *c)
{
	int pair[2];
	pid_t pid;
	int rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_of_errno(errno);
	pid = fork();
	if (!pid)
		become(c, pair[1]);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return err_of_errno(errno);
	}
	c->pid = pid;
	rc = chan_new(c->loop, pair[0], &chan_events, c, &c->chan);
	if (rc) {
		close(pair[0]);
		child_kill(c);
	}
	return rc;
}

void
child_start(struct child *c)
{
	uint64_t now = loop_now_ms(c->loop);
	int rc;

	if (c->pid)
		return;
	chan_free(c->chan);
	c->chan = NULL;
	backoff_on_start(&c->backoff, now);
	c->heard_ms = now;
	c->state = CHILD_STARTING;
	c->greeted = false;
	c->is_cut = false;
	rc = launch(c);
	FAILPOINT("supervisor-role-started");
	if (rc) {
		log_error("cannot start %s: %s", c->name, err_text(rc));
		snprintf(c->last_end, sizeof(c->last_end),
		    "it cannot be started: %s", err_text(rc));
		if (!c->pid)
			loop_timer_start(
			    c->restart, backoff_on_death(&c->backoff, now), 0);
	}
}

void
child_reap(struct child *c)
{
	int status;
	bool leaving = c->state == CHILD_LEAVING || !c->wanted;

	if (!c->pid || waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	c->pid = 0;
	chan_free(c->chan);
	c->chan = NULL;
	c->state = CHILD_DOWN;
	FAILPOINT("supervisor-role-ended");
	if (!leaving) {
		uint32_t wait =
		    backoff_on_death(&c->backoff, loop_now_ms(c->loop));

		c->restarts++;
		snprintf(c->last_end, sizeof(c->last_end), "%s %d",
		    WIFSIGNALED(status) ? "signal" : "exit",
		    WIFSIGNALED(status) ? WTERMSIG(status)
					: WEXITSTATUS(status));
		log_warn("%s ended by %s; it starts again in %u ms", c->name,
		    c->last_end, wait);
		loop_timer_start(c->restart, wait, 0);
	}
	c->events->on_death(c, status, c->arg);
}

static void
end_silent(struct child *c, const char *what, unsigned ms)
{
	log_error(
	    "%s has not %s for %u s; it is ended", c->name, what, ms / 1000);
	c->silences++;
	child_kill(c);
}

void
child_check(struct child *c)
{
	struct ipc_msg m = {.type = IPC_PING};
	uint64_t silent_ms = loop_now_ms(c->loop) - c->heard_ms;

	if (!c->pid)
		return;
	if (c->is_cut)
		child_kill(c);
	else if (c->state == CHILD_STARTING && c->role != IPC_ROLE_KEEPER &&
	    silent_ms > CHILD_START_MS)
		end_silent(c, "come up", CHILD_START_MS);
	else if (c->state == CHILD_READY && silent_ms > CHILD_SILENT_MS)
		end_silent(c, "answered", CHILD_SILENT_MS);
	else if (c->state == CHILD_READY)
		child_send(c, &m, -1);
}

uint64_t
child_memory(const struct child *c)
{
	unsigned long size, resident, shared;
	char path[64];
	FILE *f;
	int n;

	if (!c->pid)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)c->pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fscanf(f, "%lu %lu %lu", &size, &resident, &shared);
	fclose(f);
	if (n != 3 || shared > resident)
		return 0;
	return (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}
