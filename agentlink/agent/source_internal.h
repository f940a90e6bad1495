/* SPDX-License-Identifier: Apache-2.0 */
/* source_internal - what the files of a source share. */
#ifndef AGENTLINK_AGENT_SOURCE_INTERNAL_H
#define AGENTLINK_AGENT_SOURCE_INTERNAL_H

#include <sys/stat.h>

#include "agentlink/agent/position.h"
#include "agentlink/agent/source.h"
#include "lib/base/buf.h"

struct source {
	struct source_settings settings;
	int fd;
	bool is_pipe, is_finishing, is_over, is_known;
	char *path, *stream_name;
	uint64_t device, inode;
	uint64_t offset; /* of the first byte in `in` */
	uint64_t line; /* records before it */
	uint64_t taken; /* since it was opened */
	struct buf in;
	uint32_t head_len;
	uint8_t head[DIGEST_SIZE];
	struct digest_sha256 *sha;
	bool is_skipping;
	uint64_t skip_left;
	uint8_t flags; /* for the next batch */
	bool is_at_end; /* of a file, as it was when looked at last */
	struct stat last;
};

/* ---- source_place.c */

/* Does the file begin so?  1, 0, or an error: then nothing is known. */
int source_place_head_is(struct source *s, uint32_t len, const uint8_t *want);
/* Go on where the outbox says, if it is the same file. */
int source_place_find(struct source *s);
/* Remember the position although there is no batch for it. */
int source_place_keep(struct source *s);
/* The key of its position, and the position behind all that was taken. */
void source_place_key(const struct source *s, struct buf *key);
void source_place_value(struct source *s, struct buf *value);

#endif
