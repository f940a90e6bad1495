/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentlink_outbox_state - what an open outbox remembers; for its files alone.
 *
 * agentlink_outbox.c appends, loads and releases; agentlink_outbox_file.c
 * makes, finds and removes files; agentlink_outbox_position.c is the table
 * of positions; agentlink_outbox_restore.c reads the files at the start.
 */
#ifndef AGENTLINK_AGENTLINK_OUTBOX_STATE_H
#define AGENTLINK_AGENTLINK_OUTBOX_STATE_H

#include "agentlink/agentlink_outbox.h"
#include "agentlink/agentlink_outrec.h"
#include "lib/base/buf.h"

struct agentlink_outbox_file {
	uint64_t number;
	int fd;
	uint32_t salt;
	uint64_t bytes;
	uint64_t needed; /* batches that are not released */
};

struct agentlink_outbox_position {
	uint8_t *mem; /* key, then value */
	size_t key_len, value_len;
};

struct agentlink_outbox {
	int dir_fd, lock_fd;
	uint64_t max_bytes, file_max;
	struct agentlink_engine *engine;
	struct agentlink_outbox_file *file; /* oldest first; last is written */
	size_t files;
	uint64_t bytes; /* of all files */
	struct agentlink_outbox_position *position;
	size_t positions, positions_cap;
	struct buf out; /* one record */
	struct buf in; /* a loaded batch */
	char path[AGENTLINK_BATCH_PATH_MAX + 1]; /* of the loaded batch */
	bool is_dirty;
	int err; /* sticky */
};

/* ---- agentlink_outbox_file.c ----------------------------------------------
 */

/* Take the lock, find the files and open them; removes outbox.new. */
int agentlink_outbox_file_open_all(
    struct agentlink_outbox *o, const char *dir, char *why, size_t why_size);
/* The next file, with a snapshot of the engine and the positions; durable. */
int agentlink_outbox_file_make(struct agentlink_outbox *o);
/* Remove files from the oldest on whose batches are not needed. */
void agentlink_outbox_file_tidy(struct agentlink_outbox *o);
struct agentlink_outbox_file *agentlink_outbox_file_find(
    struct agentlink_outbox *o, uint64_t number);
/* All of len bytes at an offset, or ERR_IO. */
int agentlink_outbox_file_write(
    int fd, const void *ptr, size_t len, uint64_t at);
int agentlink_outbox_file_read(int fd, void *ptr, size_t len, uint64_t at);

/* ---- agentlink_outbox_position.c -------------------------------------------
 */

int agentlink_outbox_position_set(
    struct agentlink_outbox *o, struct bytes key, struct bytes value);
void agentlink_outbox_position_free_all(struct agentlink_outbox *o);

#endif
