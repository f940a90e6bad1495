/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoold-keeper - owns the spool: takes batches in, hands them out.
 *
 * The usual course: the supervisor starts us with its channel as descriptor 3;
 * lib/role does the rest of the talking.  The store is opened as the role's
 * user and before the sandbox closes; everything else begins behind it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/digest/digest.h"
#include "spoold/keeper/control.h"
#include "spoold/keeper/disk.h"
#include "spoold/keeper/dispatch.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/meta.h"
#include "spoold/keeper/receivers.h"
#include "spoold/keeper/status.h"
#include "spoold/keeper/targets.h"
#include "spoold/keeper/upkeep.h"
#include "spoold/keeper/worker.h"

#define STOP_TICK_MS 10
#define STOP_MARGIN_MS 1000
#define THREADS 8

/* A socket that came before the keeper was at work. */
struct early {
	struct early *next;
	uint8_t role;
	uint32_t slot;
	char name[ENTRY_NAME_MAX + 1];
	int fd;
};

struct app {
	struct keeper k;
	struct early *early, **early_last;
	uint32_t *slots; /* of RECEIVERS, if it came early */
	size_t slot_count;
	bool has_slots;
	struct sandbox_dir dir[3];
	struct loop_timer *stop_timer;
	uint64_t stop_at_ms;
	bool closing;
};

/* ---- configuration ---- */

static int
on_prepare(
    struct kv *kv, uint32_t generation, char *why, size_t why_size, void *arg)
{
	struct keeper *k = &((struct app *)arg)->k;
	struct settings *s;
	int rc = settings_new(kv, why, why_size, &s);

	(void)generation;
	if (rc)
		return rc;
	if (k->settings && strcmp(k->settings->directory, s->directory)) {
		snprintf(why, why_size,
		    "spool.directory cannot change while spoold runs");
		settings_free(s);
		return ERR_INVAL;
	}
	settings_free(k->prepared);
	k->prepared = s;
	kv_free(kv);
	return 0;
}

static int
on_switch(uint32_t generation, void *arg)
{
	struct keeper *k = &((struct app *)arg)->k;

	(void)generation;
	if (!k->prepared)
		return ERR_STATE;
	settings_free(k->settings);
	k->settings = k->prepared;
	k->prepared = NULL;
	log_setup(
	    "spoold-keeper", k->settings->log_level, k->settings->log_json);
	if (k->running)
		targets_apply(k);
	return 0;
}

static int
on_sandbox(struct sandbox_profile *profile, void *arg)
{
	struct app *a = arg;
	int rc = digest_warm_up();

	if (!rc)
		rc = disk_open(&a->k);
	if (rc)
		return rc;
	a->dir[0].fd =
	    open(a->k.settings->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	a->dir[0].write = true;
	/* Groups are looked up by name when the configuration is read again. */
	a->dir[1].fd = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	a->dir[2].fd = a->k.run_fd;
	a->dir[2].write = true;
	profile->dirs = a->dir;
	profile->dir_count = a->k.run_fd >= 0 ? 3 : 2;
	return a->dir[0].fd < 0 || a->dir[1].fd < 0 ? err_of_errno(errno) : 0;
}

/* ---- links ---- */

static void
use_link(
    struct keeper *k, uint8_t role, uint32_t slot, struct bytes name, int fd)
{
	if (role == IPC_ROLE_RECEIVER)
		receivers_on_link(k->receivers, slot, fd);
	else if (role == IPC_ROLE_FORWARDER)
		dispatch_on_link(k->dispatch, name, fd);
	else if (role == IPC_ROLE_WORKER)
		worker_on_link(k->worker, fd);
	else
		close(fd);
}

static void
on_link(const struct ipc_link *link, int fd, void *arg)
{
	struct app *a = arg;
	struct early *e;

	if (a->k.running) {
		use_link(&a->k, link->role, link->slot, link->name, fd);
		return;
	}
	e = mem_new(sizeof(*e));
	e->role = link->role;
	e->slot = link->slot;
	snprintf(e->name, sizeof(e->name), "%.*s", (int)link->name.len,
	    (const char *)link->name.ptr);
	e->fd = fd;
	*a->early_last = e;
	a->early_last = &e->next;
}

static void
on_fd(const struct ipc_fd *what, int fd, void *arg)
{
	struct keeper *k = &((struct app *)arg)->k;

	if (what->kind == IPC_FD_CONTROL && k->control_fd < 0)
		k->control_fd = fd;
	else if (what->kind == IPC_FD_RUN && k->run_fd < 0)
		k->run_fd = fd;
	else if (what->kind == IPC_FD_BLAME && k->blame_fd < 0)
		k->blame_fd = fd;
	else
		close(fd);
}

static void
note_slots(struct app *a, const struct ipc_receivers *m)
{
	struct cursor c;
	uint32_t i;

	free(a->slots);
	a->slots = mem_new((m->n + 1) * sizeof(*a->slots));
	cursor_init(&c, m->slots);
	for (i = 0; i < m->n; i++)
		a->slots[i] = cursor_be32(&c);
	a->slot_count = m->n;
	a->has_slots = true;
}

static void
use_slots(struct app *a)
{
	if (!a->has_slots)
		return;
	intake_on_receivers(a->k.intake, a->slots, a->slot_count);
	receivers_act(a->k.receivers);
}

static int
on_ready(void *arg)
{
	struct app *a = arg;
	struct early *e;
	int rc = keeper_run(&a->k);

	if (rc)
		return rc;
	while ((e = a->early)) {
		a->early = e->next;
		use_link(&a->k, e->role, e->slot, bytes_of_str(e->name), e->fd);
		free(e);
	}
	use_slots(a);
	return 0;
}

static void
say_ready(struct keeper *k)
{
	struct kv *kv;

	if (kv_new(&kv))
		return;
	if (!kv_add_u64(
		kv, "ready", intake_is_open(k->intake) && targets_are_known(k)))
		role_status(k->role, kv);
	kv_free(kv);
}

static void
on_message(const struct ipc_msg *m, void *arg)
{
	struct app *a = arg;
	struct kv *kv;

	if (m->type == IPC_RECEIVERS) {
		note_slots(a, &m->u.receivers);
		if (a->k.running)
			use_slots(a);
	} else if (m->type == IPC_STATUS && a->k.running &&
	    !kv_decode(m->u.kv.kv, &kv)) {
		status_on_supervisor(a->k.status, kv);
		kv_free(kv);
		say_ready(&a->k);
	}
}

/* ---- the end ---- */

/* Nothing of ours runs in the pool, or it is time. */
static void
on_stop_tick(void *arg)
{
	struct app *a = arg;
	struct keeper *k = &a->k;
	bool late = loop_now_ms(k->loop) >= a->stop_at_ms;

	/* What finds no room now finds none before the deadline. */
	if (!late && (k->jobs || !(k->full || writer_is_idle(k->writer))))
		return;
	loop_timer_stop(a->stop_timer);
	if (late)
		log_warn("stopping with work left; it is done at the start");
	/* The store is closed behind the loop, where nothing else runs. */
	role_end(k->role, 0);
}

static void
on_stop(uint32_t deadline_ms, void *arg)
{
	struct app *a = arg;
	uint64_t margin =
	    deadline_ms > 2 * STOP_MARGIN_MS ? STOP_MARGIN_MS : deadline_ms / 2;

	if (!a->k.running) {
		role_end(a->k.role, 0);
		return;
	}
	if (a->k.stopping)
		return;
	a->k.stopping = true;
	a->stop_at_ms = loop_now_ms(a->k.loop) + deadline_ms - margin;
	dispatch_stop(a->k.dispatch);
	upkeep_delta(a->k.upkeep);
	upkeep_stop(a->k.upkeep);
	loop_timer_start(a->stop_timer, STOP_TICK_MS, STOP_TICK_MS);
}

static const struct role_events role_events = {
    .on_prepare = on_prepare,
    .on_switch = on_switch,
    .on_sandbox = on_sandbox,
    .on_ready = on_ready,
    .on_link = on_link,
    .on_fd = on_fd,
    .on_stop = on_stop,
    .on_message = on_message,
};

int
main(int argc, char **argv)
{
	/* Static: its parts are pointed to by threads until the very end. */
	struct app *a = mem_new(sizeof(*a));
	int rc;

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		printf("spoold-keeper %s\n", PACKAGE_VERSION);
		return 0;
	}
	log_setup("spoold-keeper", LOG_LEVEL_INFO, false);
	a->early_last = &a->early;
	a->k.control_fd = a->k.run_fd = a->k.blame_fd = -1;
	rc = loop_work_threads(THREADS);
	if (!rc)
		rc = loop_new(&a->k.loop);
	if (!rc)
		rc = loop_timer_new(a->k.loop, on_stop_tick, a, &a->stop_timer);
	if (!rc)
		rc = role_start(a->k.loop, IPC_ROLE_KEEPER, SANDBOX_KEEPER,
		    "keeper", &role_events, a, &a->k.role);
	if (rc == ERR_NOENT)
		fprintf(stderr, "spoold-keeper is started by spoold\n");
	if (rc)
		return 1;
	loop_run(a->k.loop);
	rc = role_exit_status(a->k.role);
	keeper_close(&a->k);
	/* Threads of the pool may still read: leave without taking it apart. */
	fflush(NULL);
	_exit(rc);
}
