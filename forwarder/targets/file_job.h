/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_job - the batches that wait for a file target's worker, and what it
 * does with a group of them.
 *
 * The queue is the loop's; a job belongs to the thread while it runs, and to
 * the loop before and after.  One job has the writer at a time.
 */
#ifndef FORWARDER_TARGETS_FILE_JOB_H
#define FORWARDER_TARGETS_FILE_JOB_H

#include "forwarder/targets/file_writer.h"

struct file_job_item; /* opaque: a batch, copied */

struct file_job_queue {
	struct file_job_item *first, **last;
	size_t bytes;
	unsigned n;
};

void file_job_queue_init(struct file_job_queue *q);
void file_job_queue_clear(struct file_job_queue *q);
bool file_job_queue_is_full(const struct file_job_queue *q);
/* Errors of render_batch_new. */
int file_job_queue_add(struct file_job_queue *q, struct target_host *host,
    const struct target_batch *batch);
/* As many batches as the verdicts of one message can speak of; not empty. */
struct file_job_item *file_job_queue_take(struct file_job_queue *q);

enum file_job_kind { FILE_JOB_RECOVER, FILE_JOB_PUT, FILE_JOB_ROTATE };

struct file_job {
	struct target *t; /* the target's own, as is `era` */
	uint64_t era;
	enum file_job_kind kind;
	struct file_writer *writer;
	bool fresh; /* RECOVER: nothing was ever written */
	struct file_position at; /* RECOVER */
	struct file_job_item *items; /* PUT */
	struct buf runs; /* struct entry_settled, of all items */
	int rc;
	struct file_trouble trouble;
};

/* The items are the job's, also when there is no memory: NULL. */
struct file_job *file_job_new(enum file_job_kind kind,
    struct file_writer *writer, struct file_job_item *items);
void file_job_free(struct file_job *j);

/* In a thread; `arg` is the job. */
void file_job_run(void *arg);

#endif
