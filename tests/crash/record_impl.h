/* SPDX-License-Identifier: Apache-2.0 */
/* record_impl - shared by the files of record.so alone. */
#ifndef TESTS_CRASH_RECORD_IMPL_H
#define TESTS_CRASH_RECORD_IMPL_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/crash/oplog.h"

#define RECORD_FDS 4096

enum record_kind { RECORD_NOT_OURS, RECORD_A_FILE, RECORD_A_DIR };

struct record_file {
	enum record_kind kind;
	uint64_t inode;
	int flags;
	char *path; /* of a directory, below the root; "" is the root */
};

struct record {
	pthread_mutex_t lock;
	char root[PATH_MAX];
	size_t root_len;
	int log;
	bool told; /* that a fault was met */
	struct record_file fd[RECORD_FDS];
};

extern struct record rec;

/* The path below the root, or NULL if it is none of ours. */
const char *record_below_root(
    int dirfd, const char *path, char full[static PATH_MAX]);

/* What an open descriptor is; NULL if none of ours. */
struct record_file *record_open_of(int fd);

/* A descriptor is closed, or is another file's now; returns it. */
int record_forget(int fd);

/* Append to the log; the lock is held. */
void record_log_op(struct oplog_head h, const void *data);
void record_log_path(enum oplog_type type, uint64_t inode, const char *path);

/* The fault of a change of names: 0, an errno, or to be killed after it. */
int record_name_fault(void);
void record_die_if(int how);

#endif
