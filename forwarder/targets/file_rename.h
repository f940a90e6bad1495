/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_rename - the files of a target that has a new name.
 *
 * `spoolctl target rename` moves the cursor; the files still bear the old
 * name.  These calls block: they are for worker threads.
 */
#ifndef FORWARDER_TARGETS_FILE_RENAME_H
#define FORWARDER_TARGETS_FILE_RENAME_H

#include <stdint.h>

/*
 * If the target's file `number` is missing, and a file of that number is there
 * under one other name, give all files of that name the target's; the file
 * `number` last, so that a crash in between is finished the next time.  Files
 * of several other names, or others, are left alone: they are strangers.
 * 0, or an error of the file system.
 */
int file_rename_adopt(int dir_fd, const char *target, uint64_t number);

#endif
