/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_dir - the directory of a file target: names, and what is in it.
 *
 * Everything is relative to one handle.  Names are NAME-%016d.log and
 * NAME-%016d.log.zst; anything else is a stranger, who is never touched.
 * These calls block: they are for worker threads.
 */
#ifndef FORWARDER_TARGETS_FILE_DIR_H
#define FORWARDER_TARGETS_FILE_DIR_H

#include <stdbool.h>
#include <stdint.h>

#define FILE_DIR_NAME_SIZE 72
#define FILE_DIR_NUMBER_MAX UINT64_C(9999999999999999)

struct file_dir_entry {
	uint64_t number;
	bool packed; /* .zst */
};

/* Returns text. */
char *file_dir_name(const char *target, uint64_t number, bool packed,
    char text[static FILE_DIR_NAME_SIZE]);

/* False for a stranger. */
bool file_dir_parse(
    const char *target, const char *name, struct file_dir_entry *out);

/*
 * Show every file of the target's.  An error that `see` returns ends it.  A
 * stranger is ERR_EXISTS, with its name in stranger[256]; files of the target
 * `also` (may be NULL) are none, but are not shown.
 */
int file_dir_each(int dir_fd, const char *target, const char *also,
    int (*see)(const struct file_dir_entry *e, void *arg), void *arg,
    char stranger[static 256]);

/* Does it have the file?  ERR_NOENT. */
int file_dir_has(int dir_fd, const char *target, uint64_t number, bool packed);

/* Give a file of the target `from` to the target `to`; ERR_EXISTS. */
int file_dir_rename(int dir_fd, const char *from, const char *to,
    const struct file_dir_entry *e);

/* Remove a file; one that is not there is no error. */
int file_dir_remove(
    int dir_fd, const char *target, uint64_t number, bool packed);

#endif
