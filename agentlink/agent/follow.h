/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow - the files of one input: found by patterns, read as they grow.
 *
 * A file is known by device and inode, so a renamed one goes on, and a new
 * one under an old name is another.  A file that no pattern finds any more
 * (renamed away, deleted) is read to its end and then left.  What was read
 * while the agent was away is looked for in the same directory, by inode.
 * A file that cannot be read is told once and tried again at each scan.
 */
#ifndef AGENTLINK_AGENT_FOLLOW_H
#define AGENTLINK_AGENT_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "agentlink/agent/source.h"

struct follow;

struct follow_settings {
	struct source_settings source; /* for each file */
	const char *const *patterns;
	size_t pattern_count;
	bool starts_at_end; /* files that are there at the first start */
	/* A file was found, left or cannot be read: one line for the log. */
	void (*on_note)(
	    bool is_error, const char *path, const char *text, void *arg);
	/* Files of this directory are followed; may be NULL. */
	void (*on_directory)(const char *path, void *arg);
	void *arg;
};

int follow_new(const struct follow_settings *settings, struct follow **out);
void follow_free(struct follow *f);

/* Look at the patterns again; `now_ms` is monotonic. */
void follow_scan(struct follow *f, uint64_t now_ms);

/*
 * Read a piece of each file that has grown.  1: there is more; 0: all is
 * read; ERR_FULL: come again after acknowledgements; other errors are of the
 * outbox.
 */
int follow_read(struct follow *f, uint64_t now_ms);

struct follow_counts {
	uint64_t
	    files; /* that the patterns find, or that are read to the end */
	uint64_t unreadable; /* of these, now */
	uint64_t behind_bytes; /* not read yet */
	uint64_t records; /* taken since the start */
};
void follow_counts(const struct follow *f, struct follow_counts *counts);

#endif
