/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/role/role.h"
#include "lib/base/notify.h"

#define CHECK_EVERY 5 /* ticks */

static bool
is_anyone_left(const struct supervisor *s)
{
	for (const struct child *c = s->children; c; c = c->next)
		if (c->pid)
			return true;
	return false;
}

void
supervisor_check_ready(struct supervisor *s)
{
	if (s->told_ready)
		return;
	for (struct child *c = s->children; c; c = c->next)
		if ((c->role == IPC_ROLE_KEEPER ||
			c->role == IPC_ROLE_RECEIVER) &&
		    c->state != CHILD_READY)
			return;
	s->told_ready = true;
	s->state = SUPERVISOR_RUNNING;
	log_info("ready");
	notify_status("at work");
	notify_ready();
	supervisor_report(s);
}

/* ---- ends
 * ------------------------------------------------------------------------ */

void
supervisor_forget_unwanted(struct supervisor *s)
{
	struct child **p = &s->children;

	while (*p) {
		struct child *c = *p;

		if (c->wanted || c->pid) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		child_free(c);
	}
}

static void
stop_role(struct supervisor *s, enum ipc_role role)
{
	for (struct child *c = s->children; c; c = c->next)
		if (c->role == role && c->state != CHILD_LEAVING)
			child_stop(c, SUPERVISOR_DEADLINE_MS);
}

/* Receivers first, so that what they hold is still committed. */
static void
go_on_stopping(struct supervisor *s)
{
	uint64_t now = loop_now_ms(s->loop);
	bool late = now + SUPERVISOR_KILL_MS / 2 >= s->stop_at_ms;
	bool receivers = false;

	for (struct child *c = s->children; c; c = c->next)
		receivers |= c->role == IPC_ROLE_RECEIVER && c->pid;
	if (!receivers || late) {
		stop_role(s, IPC_ROLE_FORWARDER);
		stop_role(s, IPC_ROLE_KEEPER);
		stop_role(s, IPC_ROLE_RESOLVER);
		stop_role(s, IPC_ROLE_WORKER);
	}
	if (now >= s->stop_at_ms)
		for (struct child *c = s->children; c; c = c->next)
			child_kill(c);
	if (!is_anyone_left(s))
		loop_stop(s->loop);
}

static void
on_stop_timer(void *arg)
{
	go_on_stopping(arg);
}

/* Stop everything; the loop ends when all are gone. */
static void
stop_all(struct supervisor *s, int status)
{
	if (s->state == SUPERVISOR_STOPPING)
		return;
	s->state = SUPERVISOR_STOPPING;
	s->status = status;
	s->stop_at_ms = loop_now_ms(s->loop) + SUPERVISOR_KILL_MS;
	notify_stopping();
	log_info("stopping");
	loop_timer_stop(s->open_timer);
	supervisor_inspect_cancel(s);
	for (struct child *c = s->children; c; c = c->next) {
		loop_timer_stop(c->restart);
		c->wanted = false;
	}
	stop_role(s, IPC_ROLE_RECEIVER);
	loop_timer_start(s->stop_timer, 0, 20);
}

/*
 * The keeper says no: at once, or because the spool stays in use (by a keeper
 * of a spoold that was killed a moment ago, it is soon free).
 */
static bool
is_refusal(const struct supervisor *s, const struct child *keeper, int status)
{
	if (s->keeper_was_ready || !WIFEXITED(status))
		return false;
	return WEXITSTATUS(status) == ROLE_EXIT_REFUSED ||
	    (WEXITSTATUS(status) == ROLE_EXIT_BUSY &&
		keeper->restarts >= SUPERVISOR_BUSY_TRIES);
}

void
supervisor_on_death(struct supervisor *s, struct child *c, int status)
{
	if (s->state == SUPERVISOR_STOPPING)
		return;
	if (c->role == IPC_ROLE_KEEPER) {
		if (is_refusal(s, c, status)) {
			log_error("the keeper refuses its spool; see above");
			stop_all(s, SUPERVISOR_REFUSED);
			return;
		}
		supervisor_blame(s, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	}
	if (c->role == IPC_ROLE_RECEIVER)
		supervisor_tell_receivers(s);
	if (s->next_generation)
		supervisor_reload_timeout(s);
	supervisor_report(s);
}

static void
on_signal(int signum, void *arg)
{
	struct supervisor *s = arg;

	if (signum == SIGHUP) {
		supervisor_reload(s);
	} else if (signum == SIGCHLD) {
		while (supervisor_inspect_reap(s))
			;
		for (struct child *c = s->children; c; c = c->next)
			child_reap(c);
		if (s->state != SUPERVISOR_STOPPING)
			supervisor_forget_unwanted(s);
	} else {
		stop_all(s, 0);
	}
}

/* ---- ticks
 * ----------------------------------------------------------------------- */

static void
on_tick(void *arg)
{
	struct supervisor *s = arg;

	supervisor_inspect_check(s);
	if (++s->ticks % CHECK_EVERY == 0)
		for (struct child *c = s->children; c; c = c->next)
			child_check(c);
	supervisor_report(s);
}

static void
on_watchdog(void *arg)
{
	(void)arg;
	notify_watchdog();
}

static void
on_reload_timer(void *arg)
{
	supervisor_reload_timeout(arg);
}

/* ---- life cycle
 * --------------------------------------------------------------------- */

static int
make_parts(struct supervisor *s)
{
	static const int signums[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	int rc = loop_timer_new(s->loop, on_tick, s, &s->tick);

	if (!rc)
		rc = loop_timer_new(s->loop, on_stop_timer, s, &s->stop_timer);
	if (!rc)
		rc = loop_timer_new(s->loop, on_watchdog, s, &s->watchdog);
	if (!rc)
		rc = loop_timer_new(
		    s->loop, on_reload_timer, s, &s->reload_timer);
	for (int i = 0; i < 4 && !rc; i++)
		rc = loop_signal_new(
		    s->loop, signums[i], on_signal, s, &s->signals[i]);
	return rc;
}

static void
start_children(struct supervisor *s)
{
	notify_status("starting: the spool is opened");
	supervisor_inspect(s); /* and then the keeper */
	for (struct child *c = s->children; c; c = c->next)
		if (c->role != IPC_ROLE_KEEPER)
			child_start(c);
	loop_timer_start(s->tick, 1000, 1000);
	if (notify_watchdog_ms())
		loop_timer_start(
		    s->watchdog, notify_watchdog_ms(), notify_watchdog_ms());
}

/* Idempotent: what is open already stays so. */
static int
open_and_start(struct supervisor *s, char *why)
{
	int rc;

	*why = '\0';
	rc = supervisor_open(s, s->config, why);
	if (!rc)
		rc = supervisor_plan(s, s->config);
	if (rc && !*why)
		snprintf(why, SOCKETS_WHY, "%s", err_text(rc));
	if (!rc)
		start_children(s);
	return rc;
}

/*
 * The roles of a spoold that was killed a moment ago may still have the
 * addresses and the control socket; they end by themselves, and soon.
 */
static void
wait_for_sockets(struct supervisor *s, const char *why)
{
	s->open_until_ms = loop_now_ms(s->loop) + SUPERVISOR_OPEN_MS;
	log_warn(
	    "%s; it is tried for %u s more", why, SUPERVISOR_OPEN_MS / 1000);
	notify_status("starting: waits for what is in use: %s", why);
	loop_timer_start(
	    s->open_timer, SUPERVISOR_OPEN_EVERY_MS, SUPERVISOR_OPEN_EVERY_MS);
}

static void
on_open_timer(void *arg)
{
	struct supervisor *s = arg;
	char why[SOCKETS_WHY];
	int rc = open_and_start(s, why);

	if (rc == ERR_BUSY && loop_now_ms(s->loop) < s->open_until_ms)
		return;
	loop_timer_stop(s->open_timer);
	s->open_until_ms = 0;
	if (rc) {
		log_error("cannot start: %s", why);
		stop_all(s, supervisor_start_status(rc));
	} else if (s->reload_again) {
		s->reload_again = false;
		supervisor_reload(s);
	}
}

int
supervisor_start_status(int rc)
{
	return rc == ERR_INVAL ? SUPERVISOR_REFUSED : 1;
}

int
supervisor_start(struct supervisor *s, struct loop *loop,
    const struct supervisor_options *options, struct config *config, char *why)
{
	int rc;

	*s = (struct supervisor){.loop = loop,
	    .options = *options,
	    .config = config,
	    .generation = 1,
	    .control_fd = -1,
	    .run_fd = -1,
	    .page_fd = -1,
	    .since_ns = clock_now().wall_ns};
	buf_init(&s->warnings, 65536);
	*why = '\0';
	rc = make_parts(s);
	if (!rc)
		rc = loop_timer_new(loop, on_open_timer, s, &s->open_timer);
	if (!rc)
		rc = sockets_page(&s->page_fd, &s->page);
	if (rc)
		snprintf(why, SOCKETS_WHY, "%s", err_text(rc));
	else
		rc = open_and_start(s, why);
	if (rc == ERR_BUSY) {
		wait_for_sockets(s, why);
		rc = 0;
	}
	if (rc)
		supervisor_fini(s);
	return rc;
}

void
supervisor_fini(struct supervisor *s)
{
	while (s->children) {
		struct child *c = s->children;

		s->children = c->next;
		child_free(c);
	}
	supervisor_inspect_cancel(s);
	config_free(s->config);
	config_free(s->next_config);
	s->config = s->next_config = NULL;
	supervisor_close_unused(s);
	if (s->control_fd >= 0)
		close(s->control_fd);
	if (s->run_fd >= 0)
		close(s->run_fd);
	if (s->page_fd >= 0)
		close(s->page_fd);
	if (s->page)
		munmap((void *)(uintptr_t)s->page, 4096);
	for (int i = 0; i < 5; i++)
		loop_signal_free(s->signals[i]);
	loop_timer_free(s->tick);
	loop_timer_free(s->stop_timer);
	loop_timer_free(s->watchdog);
	loop_timer_free(s->reload_timer);
	loop_timer_free(s->open_timer);
	buf_fini(&s->warnings);
}
