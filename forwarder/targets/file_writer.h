/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_writer - records into the files of one directory, durably.
 *
 * What file_writer_put took is on the disk when it returns 0, and
 * file_writer_position tells where it ends; until somebody keeps that
 * position it does not count, and file_recover takes everything past a
 * position away again.  After an error, file_recover comes next.
 * All of it blocks: one worker thread at a time.  The names and the bytes are
 * specified in doc/format-file-target.md.
 */
#ifndef FORWARDER_TARGETS_FILE_WRITER_H
#define FORWARDER_TARGETS_FILE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder/targets/file_position.h"
#include "forwarder/targets/file_trouble.h"
#include "forwarder/targets/render.h"
#include "forwarder/targets/target.h"
#include "lib/base/buf.h"

struct file_settings {
	bool framing_length; /* else lines */
	bool compress;
	uint64_t rotate_size; /* bytes */
	uint64_t rotate_every_ms;
};

struct file_writer; /* opaque */

/* dir_fd stays the caller's, and open. */
int file_writer_new(int dir_fd, const char *target, struct file_writer **out);
void file_writer_free(struct file_writer *w);

/* From the next call on. */
void file_writer_set(struct file_writer *w, const struct file_settings *s);

/*
 * Write a batch.  The runs of its records (delivered, filtered) are appended
 * to `runs` as struct entry_settled.
 */
int file_writer_put(struct file_writer *w, const struct render_batch *batch,
    struct buf *runs, struct file_trouble *trouble);

/* Make everything put so far durable. */
int file_writer_sync(struct file_writer *w, struct file_trouble *trouble);

/* Close the file, unless it is empty, and begin the next. */
int file_writer_rotate(struct file_writer *w, struct file_trouble *trouble);

const struct file_position *file_writer_position(const struct file_writer *w);

#endif
