/* SPDX-License-Identifier: Apache-2.0 */
/* disk_impl - shared by the files of disk alone. */
#ifndef TESTS_CRASH_DISK_IMPL_H
#define TESTS_CRASH_DISK_IMPL_H

#include "tests/crash/disk.h"

#define DISK_BLOCK 512u
#define DISK_PAGE 4096u
#define DISK_IS_DIR SIZE_MAX

/* A growing array of operation numbers. */
struct disk_list {
	size_t *item;
	size_t n, cap;
};

/* What is durable of one file, and what may be. */
struct disk_file {
	uint64_t inode;
	uint8_t *data;
	size_t size, cap;
	size_t *block_op; /* last durable operation on each block, plus 1 */
	struct disk_list pending;
	struct disk_list orphans; /* pending when a sync failed */
};

struct disk_name {
	char *path;
	size_t file; /* index, or DISK_IS_DIR */
};

struct disk_names {
	struct disk_name *name;
	size_t n, cap;
};

/* A change of names that is not durable yet. */
struct disk_rename {
	size_t op;
	size_t file; /* of a creation */
	bool needs[2]; /* a sync of this directory: from (or only), to */
};

struct disk {
	const struct oplog_op *ops;
	size_t n, at;
	struct disk_file *file;
	size_t files, files_cap;
	struct disk_names names; /* durable */
	struct disk_rename *renames;
	size_t rename_count, rename_cap;
	uint8_t *seen; /* scratch of disk_write */
};

void *disk_grow(void *array, size_t n, size_t *cap, size_t each);
void disk_list_add(struct disk_list *l, size_t item);

/* Do to a file's bytes what the operation did, where nothing newer is. */
void disk_file_apply(
    struct disk_file *f, const struct oplog_op *op, size_t number);

/* Change names as the operation did; `file` is for a creation. */
void disk_names_apply(
    struct disk_names *names, const struct oplog_op *op, size_t file);
void disk_names_copy(struct disk_names *to, const struct disk_names *from);
void disk_names_fini(struct disk_names *names);

/* The file that the inode means now; aborts if there is none. */
size_t disk_file_of(const struct disk *d, uint64_t inode);

#endif
