/* SPDX-License-Identifier: Apache-2.0 */
/* file_writer_state - what file_writer.c and file_recover.c share. */
#ifndef FORWARDER_TARGETS_FILE_WRITER_STATE_H
#define FORWARDER_TARGETS_FILE_WRITER_STATE_H

#include "forwarder/targets/file_writer.h"

struct file_writer {
	int dir_fd, lock_fd, fd;
	char target[ENTRY_NAME_MAX + 1];
	struct file_settings settings;
	struct file_position pos; /* past what was written, not what waits */
	struct render *render;
	struct buf out; /* waits to be written */
};

/* With errno, about the file of the position.  Returns the error. */
int file_writer_failed(
    struct file_writer *w, struct file_trouble *t, const char *what);
int file_writer_sync_dir(struct file_writer *w, struct file_trouble *t);
/* Close it, if it is open. */
void file_writer_close_fd(int *fd);
/* Open this file in the place of the one that is open; or make it. */
int file_writer_open_file(struct file_writer *w, uint64_t number, bool make);
/* The position is this target's from now on. */
void file_writer_set_name(struct file_writer *w);

#endif
