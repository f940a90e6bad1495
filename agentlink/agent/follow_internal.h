/* SPDX-License-Identifier: Apache-2.0 */
/* follow_internal - what the files of follow share. */
#ifndef AGENTLINK_AGENT_FOLLOW_INTERNAL_H
#define AGENTLINK_AGENT_FOLLOW_INTERNAL_H

#include <sys/stat.h>

#include "agentlink/agent/follow.h"

#define FOLLOW_QUIET_MS 10000u /* then a renamed file that rests is left */

struct follow_file {
	struct source *source; /* NULL: it cannot be opened, or it rests */
	uint64_t device, inode;
	bool is_seen; /* by the last scan */
	bool from_end; /* it was there at the first start */
	bool is_told; /* that it cannot be opened */
	uint64_t grown_ms; /* something was read the last time */
	/* Closed for want of descriptors, and as it was then. */
	char *rest_path;
	struct stat rest;
};

struct follow {
	struct follow_settings settings;
	char *stream_name;
	struct follow_file *file;
	size_t files, cap;
	uint32_t *bucket, *chain; /* by inode, of one scan; numbers + 1 */
	size_t buckets;
	size_t turn;
	int *pattern_errno; /* that was told */
	uint64_t records; /* of files that were left */
	bool is_scanned; /* at least once */
	bool is_blind; /* the last scan could not look everywhere */
	bool is_short; /* of descriptors; that was told */
};

void follow_note(
    struct follow *f, bool is_error, const char *path, const char *text);
void follow_drop(struct follow *f, size_t i);

#endif
