/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oplog - the log of everything that a process did to its spool directory.
 *
 * record.so writes it from inside the process, one operation a write() to a
 * file opened for appending, so that several processes may write one log and
 * a scenario can put marks between the operations.  A mark says what had been
 * promised by then ("acknowledged up to ...").  disk.c plays it back.
 *
 * The log never leaves one test run, so its layout is that of the structs.
 */
#ifndef TESTS_CRASH_OPLOG_H
#define TESTS_CRASH_OPLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPLOG_MAGIC 0x474f4c4fu
#define OPLOG_ENV "SPOOLD_RECORD_LOG" /* path of the log */
#define OPLOG_ENV_DIR "SPOOLD_RECORD_DIR" /* of the spool */

enum oplog_type {
	OPLOG_CREATE = 1, /* a file: inode, path */
	OPLOG_MKDIR, /* path */
	OPLOG_WRITE, /* inode, off, bytes (len, or all zero) */
	OPLOG_TRUNCATE, /* inode, off is the new size */
	OPLOG_SYNC, /* inode; covers all that was logged before `began` */
	OPLOG_SYNC_FAILED, /* inode; what was pending may be lost for good */
	OPLOG_SYNC_DIR, /* path */
	OPLOG_RENAME, /* from NUL to */
	OPLOG_UNLINK, /* path */
	OPLOG_MARK, /* a line of text */
};

enum oplog_flag {
	OPLOG_ZERO = 1, /* the bytes are zeros and left out */
	OPLOG_DURABLE = 2, /* written with O_DSYNC: durable at return */
	OPLOG_FAILED = 4, /* the writer was told that it failed */
};

struct oplog_head {
	uint32_t magic;
	uint16_t type;
	uint16_t flags;
	uint64_t inode;
	uint64_t off;
	uint64_t len; /* of the data, also when it is left out */
	uint64_t began; /* bytes of the log when a sync began */
};

/* One operation, with its data borrowed from the log in memory. */
struct oplog_op {
	struct oplog_head head;
	uint64_t at; /* offset in the log */
	const uint8_t *data; /* NULL if left out */
};

/* Bytes that follow a head in the log. */
size_t oplog_stored_len(const struct oplog_head *h);

/* Whether all bytes are zero. */
bool oplog_is_zero(const void *ptr, size_t len);

/* Append one operation by one system call; 0 or -1 with errno. */
int oplog_append(int fd, const struct oplog_head *h, const void *data);

/* Append a mark to the log that the environment names, if it does. */
void oplog_mark(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Map a whole log; NULL if it cannot be read or is damaged. */
struct oplog_op *oplog_load(const char *path, size_t *n);

#endif
