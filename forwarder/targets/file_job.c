/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/targets/file_job.h"

#include <stdlib.h>

#include "forwarder/targets/file_recover.h"
#include "lib/base/err.h"

#define QUEUE_BYTES ((size_t)8 << 20) /* packed; waits for a job */
#define QUEUE_BATCHES 64
#define GROUP_RUNS 32768u /* the verdicts of a group are one message */
#define RUNS_BYTES ((size_t)4 << 20)

struct file_job_item {
	struct file_job_item *next;
	struct render_batch *batch;
};

static void
free_items(struct file_job_item *i)
{
	while (i) {
		struct file_job_item *next = i->next;

		render_batch_free(i->batch);
		free(i);
		i = next;
	}
}

/* ---- the queue ---------------------------------------------------------- */

void
file_job_queue_init(struct file_job_queue *q)
{
	*q = (struct file_job_queue){.last = &q->first};
}

void
file_job_queue_clear(struct file_job_queue *q)
{
	free_items(q->first);
	file_job_queue_init(q);
}

bool
file_job_queue_is_full(const struct file_job_queue *q)
{
	return q->n >= QUEUE_BATCHES || q->bytes >= QUEUE_BYTES;
}

int
file_job_queue_add(struct file_job_queue *q, struct target_host *host,
    const struct target_batch *batch)
{
	struct file_job_item *i = calloc(1, sizeof(*i));
	int rc = i ? render_batch_new(host, batch, true, &i->batch) : ERR_NOMEM;

	if (rc) {
		free(i);
		return rc;
	}
	*q->last = i;
	q->last = &i->next;
	q->n++;
	q->bytes += render_batch_cost(i->batch);
	return 0;
}

struct file_job_item *
file_job_queue_take(struct file_job_queue *q)
{
	struct file_job_item *group = q->first, *i = group;
	uint32_t runs = 0;

	for (;;) {
		runs += render_batch_runs(i->batch);
		q->bytes -= render_batch_cost(i->batch);
		q->n--;
		if (!i->next ||
		    runs + render_batch_runs(i->next->batch) > GROUP_RUNS)
			break;
		i = i->next;
	}
	q->first = i->next;
	if (!q->first)
		q->last = &q->first;
	i->next = NULL;
	return group;
}

/* ---- jobs --------------------------------------------------------------- */

struct file_job *
file_job_new(enum file_job_kind kind, struct file_writer *writer,
    struct file_job_item *items)
{
	struct file_job *j = calloc(1, sizeof(*j));

	if (!j) {
		free_items(items);
		return NULL;
	}
	*j = (struct file_job){.kind = kind,
	    .writer = writer,
	    .items = items,
	    .trouble = {TARGET_RETRY, "STOPPED", "the job did not run", 0}};
	buf_init(&j->runs, RUNS_BYTES);
	return j;
}

void
file_job_free(struct file_job *j)
{
	if (!j)
		return;
	free_items(j->items);
	buf_fini(&j->runs);
	free(j);
}

static int
put_all(struct file_job *j)
{
	int rc = 0;

	for (struct file_job_item *i = j->items; i && !rc; i = i->next)
		rc =
		    file_writer_put(j->writer, i->batch, &j->runs, &j->trouble);
	return rc ? rc : file_writer_sync(j->writer, &j->trouble);
}

void
file_job_run(void *arg)
{
	struct file_job *j = arg;

	switch (j->kind) {
	case FILE_JOB_RECOVER:
		j->rc = file_recover(
		    j->writer, j->fresh ? NULL : &j->at, &j->trouble);
		break;
	case FILE_JOB_PUT:
		j->rc = put_all(j);
		break;
	case FILE_JOB_ROTATE:
		j->rc = file_writer_rotate(j->writer, &j->trouble);
		break;
	}
}
