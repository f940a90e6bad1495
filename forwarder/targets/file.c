/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file - records into a directory's files (RULES.md 7, "File").
 *
 * The usual course: `state` brings the position that the keeper holds; start
 * makes the directory what it was at that position (a job in a thread); each
 * group of batches that came meanwhile is one job, and its records are
 * settled together with the new position once it is on the disk.  Files that
 * are closed, and that the keeper's durable position has passed, are packed
 * in a job of their own.
 *
 * What can go wrong: a job fails (the batches are not settled; the next start
 * cuts the file at the last settled position); the keeper goes while a job
 * runs (its result is dropped: the era has changed; the next start waits for
 * it, and cuts).
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "forwarder/targets/file_compress.h"
#include "forwarder/targets/file_job.h"
#include "forwarder/targets/file_writer.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"

struct packing {
	struct target *t;
	uint64_t below;
	atomic_bool stop;
	int rc;
};

struct target {
	struct target_host *host;
	int dir_fd;
	char name[ENTRY_NAME_MAX + 1];
	struct file_settings settings;
	struct file_writer *writer; /* of the job that runs */
	struct loop_timer *timer; /* rotation by time */
	struct file_job *job; /* runs, or NULL */
	struct packing *packing; /* runs, or NULL */
	struct file_position pos; /* the last that was settled */
	uint64_t passed; /* files below this number may be packed */
	uint64_t era; /* moves on with every reset */
	bool fresh; /* no position was ever settled */
	int bad_state; /* the keeper's position cannot be read */
	bool up, awaiting, blocked, want_start, want_rotate, want_packing;
	bool closing;
	struct file_job_queue queue; /* waits for a job */
};

/* ---- configuration ------------------------------------------------------ */

static void
take_settings(const struct kv *kv, struct file_settings *s)
{
	const char *framing = "lines", *compress = "off";

	*s = (struct file_settings){
	    .rotate_size = UINT64_C(256) << 20, .rotate_every_ms = 86400000};
	kv_get_str(kv, "framing", &framing);
	kv_get_str(kv, "rotate.compress", &compress);
	kv_get_u64(kv, "rotate.size", &s->rotate_size);
	kv_get_u64(kv, "rotate.every", &s->rotate_every_ms);
	s->framing_length = !strcmp(framing, "length");
	s->compress = !strcmp(compress, "zstd");
}

static int
prepare(const struct kv *kv, char *why, size_t why_size)
{
	const char *framing = "lines";

	kv_get_str(kv, "framing", &framing);
	if (!strcmp(framing, "lines") || !strcmp(framing, "length"))
		return 0;
	snprintf(why, why_size, "framing %s is not known", framing);
	return ERR_INVAL;
}

static void on_timer(void *arg);

static void
destroy(struct target *t)
{
	file_writer_free(t->writer);
	if (t->dir_fd >= 0)
		close(t->dir_fd);
	free(t);
}

static int
open_target(struct target_host *host, const struct kv *kv, int dir_fd,
    struct target **out)
{
	struct target *t;
	int rc;

	if (dir_fd < 0)
		return ERR_NOENT;
	if (!file_position_is_name(target_host_name(host)))
		return ERR_INVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return ERR_NOMEM;
	t->host = host;
	t->dir_fd = -1;
	t->fresh = true;
	file_job_queue_init(&t->queue);
	snprintf(t->name, sizeof(t->name), "%s", target_host_name(host));
	take_settings(kv, &t->settings);
	rc = file_writer_new(dir_fd, t->name, &t->writer);
	if (!rc)
		rc = loop_timer_new(
		    target_host_loop(host), on_timer, t, &t->timer);
	if (rc) {
		destroy(t);
		return rc;
	}
	t->dir_fd = dir_fd;
	*out = t;
	return 0;
}

static int
configure(struct target *t, const struct kv *kv)
{
	take_settings(kv, &t->settings);
	return 0;
}

/* ---- jobs --------------------------------------------------------------- */

static void on_job_done(int rc, void *arg);
static void go_on(struct target *t);

static void
fail(struct target *t, enum target_verdict verdict, const char *code,
    const char *text)
{
	target_host_fail(t->host, verdict, code, text, 0);
}

static void
start_job(
    struct target *t, enum file_job_kind kind, struct file_job_item *items)
{
	struct file_job *j = file_job_new(kind, t->writer, items);

	if (!j) {
		fail(t, TARGET_RETRY, "NO_MEMORY", "no memory for a job");
		return;
	}
	j->t = t;
	j->era = t->era;
	j->fresh = t->fresh;
	j->at = t->pos;
	file_writer_set(t->writer, &t->settings);
	t->job = j;
	if (loop_work_start(target_host_loop(t->host), file_job_run,
		on_job_done, j, NULL)) {
		t->job = NULL;
		file_job_free(j);
		fail(t, TARGET_RETRY, "NO_MEMORY", "no thread for a job");
	}
}

/* ---- packing ------------------------------------------------------------ */

static void
run_packing(void *arg)
{
	struct packing *p = arg;

	p->rc =
	    file_compress_next(p->t->dir_fd, p->t->name, p->below, &p->stop);
}

static void
on_packed(int rc, void *arg)
{
	struct packing *p = arg;
	struct target *t = p->t;

	t->packing = NULL;
	rc = rc ? rc : p->rc;
	free(p);
	if (t->closing) {
		if (!t->job)
			destroy(t);
		return;
	}
	if (rc < 0 && rc != ERR_CLOSED)
		log_warn("%s: a closed file cannot be compressed: %s; it "
			 "stays as it is until the next one is closed",
		    t->name, err_text(rc));
	if (rc == 1)
		t->want_packing = true; /* perhaps there is another */
	go_on(t);
}

static void
start_packing(struct target *t)
{
	struct packing *p;

	t->want_packing = false;
	if (!t->settings.compress)
		return;
	p = calloc(1, sizeof(*p));
	if (!p)
		return;
	p->t = t;
	p->below = t->passed;
	atomic_init(&p->stop, false);
	t->packing = p;
	if (loop_work_start(
		target_host_loop(t->host), run_packing, on_packed, p, NULL)) {
		t->packing = NULL;
		free(p);
	}
}

/* ---- what comes next ---------------------------------------------------- */

static void
arm_rotation(struct target *t)
{
	int64_t age_ms;
	uint64_t every = t->settings.rotate_every_ms, age;

	loop_timer_stop(t->timer);
	if (!t->up || !t->pos.offset)
		return;
	age_ms = (clock_now().wall_ns - t->pos.begun_ns) / 1000000;
	age = age_ms < 0 ? 0 : (uint64_t)age_ms;
	loop_timer_start(t->timer, age < every ? every - age : 0, 0);
}

static void
on_timer(void *arg)
{
	struct target *t = arg;

	t->want_rotate = true;
	go_on(t);
}

/* Start what is due, unless something runs that it must wait for. */
static void
go_on(struct target *t)
{
	if (t->job)
		return;
	if (t->want_start && t->packing) {
		atomic_store(&t->packing->stop, true);
	} else if (t->want_start) {
		t->want_start = false;
		start_job(t, FILE_JOB_RECOVER, NULL);
	} else if (t->up && t->want_rotate) {
		t->want_rotate = false;
		start_job(t, FILE_JOB_ROTATE, NULL);
	} else if (t->up && t->queue.first) {
		start_job(t, FILE_JOB_PUT, file_job_queue_take(&t->queue));
	}
	if (t->up && t->want_packing && !t->packing)
		start_packing(t);
}

static void
say_position(struct target *t)
{
	uint8_t opaque[ENTRY_OPAQUE_SIZE];

	file_position_encode(&t->pos, opaque);
	target_host_settle(t->host, ENTRY_TERM_DELIVERED, 0, 0, opaque);
}

/* All of a group's records, and the position with the last. */
static void
settle_group(struct target *t, const struct file_job *j)
{
	const struct entry_settled *run =
	    (const void *)buf_ptr((struct buf *)(uintptr_t)&j->runs);
	size_t n = j->runs.len / sizeof(*run);

	for (size_t i = 0; i < n; i++)
		target_host_settle(
		    t->host, run[i].term, run[i].from, run[i].to, NULL);
	say_position(t);
}

static void
came_up(struct target *t)
{
	t->up = true;
	t->want_packing = true;
	arm_rotation(t);
	target_host_up(t->host);
}

/*
 * Nothing is written before the keeper holds a position that tells these files
 * from others: the first one, or the first under a new name.
 */
static void
recovered(struct target *t, const struct file_job *j)
{
	if (!j->fresh && !strcmp(j->at.name, t->name)) {
		came_up(t);
		return;
	}
	t->awaiting = true;
	say_position(t);
}

static void
job_worked(struct target *t, const struct file_job *j)
{
	bool was_empty = !t->pos.offset;
	uint64_t number = t->pos.number;

	t->pos = *file_writer_position(t->writer);
	if (j->kind == FILE_JOB_RECOVER) {
		recovered(t, j);
		return;
	}
	if (j->kind == FILE_JOB_PUT)
		settle_group(t, j);
	else
		say_position(t);
	if (was_empty || t->pos.number != number)
		arm_rotation(t);
	if (t->blocked) {
		t->blocked = false;
		target_host_more(t->host);
	}
}

static void
on_job_done(int rc, void *arg)
{
	struct file_job *j = arg;
	struct target *t = j->t;

	t->job = NULL;
	if (t->closing) {
		if (!t->packing)
			destroy(t);
	} else if (j->era != t->era) {
		go_on(t); /* a start may wait */
	} else if (!rc && j->rc && j->trouble.unreadable) {
		target_host_unreadable(
		    t->host, j->trouble.unreadable, j->trouble.text);
	} else if (rc || j->rc) {
		fail(t, j->trouble.verdict, j->trouble.code, j->trouble.text);
	} else {
		job_worked(t, j);
		go_on(t);
	}
	file_job_free(j);
}

/* ---- the contract ------------------------------------------------------- */

static int
state(struct target *t, const struct ipc_target_state *s)
{
	int rc = file_position_decode(s->opaque, &t->pos);

	t->fresh = rc == ERR_NOENT;
	t->bad_state = t->fresh ? 0 : rc;
	t->passed = t->fresh || rc ? 0 : t->pos.number;
	return 0;
}

static void
start(struct target *t)
{
	if (t->bad_state) {
		fail(t, TARGET_HOLD, "POSITION",
		    "the spool's position in the directory is not one that "
		    "this version can read");
		return;
	}
	t->want_start = true;
	go_on(t);
}

static void
reset(struct target *t)
{
	t->era++;
	t->up = t->awaiting = t->blocked = false;
	t->want_start = t->want_rotate = false;
	loop_timer_stop(t->timer);
	file_job_queue_clear(&t->queue);
}

static int
send_batch(struct target *t, const struct target_batch *batch)
{
	int rc;

	if (file_job_queue_is_full(&t->queue)) {
		t->blocked = true;
		return ERR_AGAIN;
	}
	if (!target_host_pace(t->host, batch->payload.len))
		return ERR_AGAIN;
	rc = file_job_queue_add(&t->queue, t->host, batch);
	if (rc == ERR_NOMEM) {
		fail(t, TARGET_RETRY, "NO_MEMORY", err_text(rc));
		return ERR_AGAIN;
	}
	if (rc) {
		target_host_unreadable(t->host, batch->first_rec, err_text(rc));
		return ERR_AGAIN;
	}
	go_on(t);
	return 0;
}

static void
durable(struct target *t, const uint8_t opaque[static ENTRY_OPAQUE_SIZE])
{
	struct file_position p;

	if (file_position_decode(opaque, &p))
		return;
	if (p.number > t->passed) {
		t->passed = p.number;
		t->want_packing = true;
	}
	if (t->awaiting) {
		t->awaiting = t->fresh = false;
		came_up(t);
	}
	go_on(t);
}

static void
close_target(struct target *t)
{
	t->closing = true;
	reset(t);
	loop_timer_free(t->timer);
	t->timer = NULL;
	if (t->packing)
		atomic_store(&t->packing->stop, true);
	if (!t->job && !t->packing)
		destroy(t);
}

const struct target_class file_class = {
    .protocol = "file",
    .sandbox = SANDBOX_FORWARDER_FILE,
    .prepare = prepare,
    .open = open_target,
    .close = close_target,
    .configure = configure,
    .state = state,
    .start = start,
    .reset = reset,
    .send = send_batch,
    .durable = durable,
};
