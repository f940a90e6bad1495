/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_trouble - why a file target cannot go on, made in a worker thread and
 * told to the host on the loop.
 */
#ifndef FORWARDER_TARGETS_FILE_TROUBLE_H
#define FORWARDER_TARGETS_FILE_TROUBLE_H

#include <stdint.h>

#include "forwarder/targets/target.h"

/* What is wrong, in words for the status. */
struct file_trouble {
	enum target_verdict verdict;
	const char *code;
	char text[256];
	uint64_t unreadable; /* first record of a batch, or 0 */
};

/* An operator must act.  Returns ERR_STATE. */
int file_trouble_hold(struct file_trouble *t, const char *code, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/*
 * A failed system call, with errno, or 0 if there was none; the disk may
 * recover, permissions will not.  Returns rc.
 */
int file_trouble_failed(
    struct file_trouble *t, const char *what, const char *name, int rc);

#endif
