/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - a small directory tree in memory, to be written out many times.
 */
#ifndef TESTS_CRASH_TREE_H
#define TESTS_CRASH_TREE_H

#include <stddef.h>
#include <stdint.h>

struct tree_file {
	char *path; /* below the directory; a folder ends with a slash */
	uint8_t *data;
	size_t size;
};

struct tree {
	struct tree_file *file;
	size_t n;
};

/* Each aborts if it cannot be done: there is no test without it. */
void tree_load(struct tree *t, const char *dir);
void tree_fini(struct tree *t);

/* Holes stay holes, so that a copy costs what it holds. */
void tree_write(const struct tree *t, const char *dir);
void tree_write_file(const char *path, const uint8_t *data, size_t size);
void tree_remove(const char *dir);

/* A place for directories that live for a moment: memory if there is any. */
const char *tree_scratch(void);

#endif
